import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { IgnoreRule } from './application.ts';
import { comparePair, ignoring } from './compare.ts';
import { findIgnored } from './ignore.ts';
import { createJq } from './jq.ts';
import { respectIgnored } from './respect.ts';

const jq = createJq(systemClock);
afterAll(() => jq.close());

const rule = (more: Partial<IgnoreRule>): IgnoreRule => ({
  group: '*',
  kind: '*',
  name: '',
  namespace: '',
  jsonPointers: [],
  managers: [],
  jqPathExpressions: [],
  ...more,
});

function deployment(containers: JsonObject[], more: JsonObject = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { template: { spec: { containers } }, ...more },
  };
}

const MAIN = { name: 'main', image: 'web:1' };
const desired = deployment([MAIN, { name: 'agent', image: 'agent:1' }], { replicas: 2 });
const PROXY = { name: 'proxy', image: 'proxy:1' };
const live = deployment([PROXY, MAIN, { name: 'agent', image: 'agent:9' }], { replicas: 5 });

async function compared(ignore: readonly IgnoreRule[], wanted = desired, stored = live) {
  const found = {
    desired: await findIgnored(ignore, [wanted], jq),
    live: await findIgnored(ignore, [stored], jq),
  };
  const options = { manager: 'landfall', ignore, found };
  const pair = comparePair({ key: '', desired: wanted, live: stored }, options);
  return { options, paths: pair.differences.map((difference) => difference.path.join('.')) };
}

describe('ignoreDifferences', () => {
  const AGENT = '.spec.template.spec.containers[] | select(.name == "agent") | .image';

  it.each<[string, Partial<IgnoreRule>, string[]]>([
    ['nothing', {}, ['spec.template.spec.containers.1.image', 'spec.replicas']],
    ['a JSON pointer', { jsonPointers: ['/spec/replicas'] }, ['spec.template.spec.containers.1.image']],
    ['a jq path', { jqPathExpressions: [AGENT] }, ['spec.replicas']],
    ['several jq paths', { jqPathExpressions: ['.spec.replicas, (.spec.template | .. | .image?)'] }, []],
    [
      'a whole item',
      { jqPathExpressions: ['.spec.template.spec.containers[] | select(.name == "agent")'] },
      ['spec.replicas'],
    ],
    [
      'what is not there',
      { jqPathExpressions: ['.spec.list[].name', '.data["x"]'] },
      ['spec.template.spec.containers.1.image', 'spec.replicas'],
    ],
    [
      'another kind',
      { kind: 'StatefulSet', jsonPointers: ['/spec'] },
      ['spec.template.spec.containers.1.image', 'spec.replicas'],
    ],
    [
      'a glob of kinds',
      { group: 'app*', kind: '*Set', jsonPointers: ['/spec'] },
      ['spec.template.spec.containers.1.image', 'spec.replicas'],
    ],
    ['a glob that fits', { group: 'app*', kind: 'Deploy*', jsonPointers: ['/spec'] }, []],
    [
      'another name',
      { name: 'other', jsonPointers: ['/spec'] },
      ['spec.template.spec.containers.1.image', 'spec.replicas'],
    ],
  ])('by %s', async (_, more, expected) => {
    expect((await compared([rule(more)])).paths).toEqual(expected);
  });

  it('by the manager that wrote a field', async () => {
    const stored: KubeObject = {
      ...live,
      metadata: {
        ...live.metadata,
        managedFields: [
          { manager: 'hpa', operation: 'Update', fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
        ],
      },
    };
    const rules = [rule({ managers: ['hpa'] })];
    const { paths, options } = await compared(rules, desired, stored);
    expect(paths).toEqual(['spec.template.spec.containers.1.image']);
    expect(respectIgnored(desired, stored, options)).toMatchObject({ spec: { replicas: 5 } });
  });

  it('is kept as it is when the rest is applied, item by item', async () => {
    const { options } = await compared([
      rule({ jqPathExpressions: [AGENT], jsonPointers: ['/spec/replicas', '/spec/paused', '/status'] }),
    ]);
    expect(respectIgnored(desired, { ...live, status: { replicas: 5 } }, options)).toEqual(
      deployment([MAIN, { name: 'agent', image: 'agent:9' }], { replicas: 5 }),
    );
  });

  it('answers for one difference, and does not know what nobody has evaluated', async () => {
    const rules = [rule({ jqPathExpressions: [AGENT] })];
    const image = {
      path: ['spec', 'template', 'spec', 'containers', 1, 'image'],
      desired: 'agent:1',
      live: 'agent:9',
    };
    const replicas = { path: ['spec', 'replicas'], desired: 2, live: 5 };
    expect(ignoring(rules)(image, live)).toBe('unknown');
    const known = ignoring(rules, await findIgnored(rules, [desired], jq));
    expect([known(image, live), known(replicas, live)]).toEqual([true, false]);
  });
});

describe('jq', () => {
  const paths = (expression: string) => jq.paths(expression, { spec: { a: 1 } }, undefined);

  it('names what is wrong with an expression', async () => {
    await expect(paths('.spec[')).rejects.toMatchObject({
      kind: 'invalid-input',
      code: 'jq-invalid',
      message: expect.stringContaining('cannot be read') as string,
    });
  });

  it('ends an expression that does not end, and goes on with the next', async () => {
    await expect(paths('last(repeat(.))')).rejects.toMatchObject({
      code: 'jq-invalid',
      message: expect.stringContaining('did not end') as string,
    });
    expect(await paths('.spec.a')).toEqual([['spec', 'a']]);
  });

  it('sees nothing of this process', async () => {
    process.env['LANDFALL_JQ_PROBE'] = 'seen';
    expect(await paths('.spec[$ENV.LANDFALL_JQ_PROBE // empty]')).toEqual([]);
    delete process.env['LANDFALL_JQ_PROBE'];
  });
});
