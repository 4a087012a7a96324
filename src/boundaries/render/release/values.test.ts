import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { composeValues, withoutSecrets } from './values.ts';

const encoded = (text: string) => Buffer.from(text).toString('base64');
const HOLDERS: Readonly<Record<string, JsonObject>> = {
  'ConfigMap/base': {
    data: { 'values.yaml': 'a: { x: 1, y: 2 }\nlist: [1, 2]\n', other: 'b: from other\n' },
  },
  'ConfigMap/broken': { data: { 'values.yaml': 'a: [hunter2' } },
  'ConfigMap/text': { data: { 'values.yaml': 'just text' } },
  'Secret/login': { data: { 'values.yaml': encoded('password: hunter2\n'), token: encoded('s3cr3t\n') } },
};

function compose(valuesFrom: JsonValue[], values: JsonObject = {}) {
  const release: KubeObject = {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: { name: 'shop', namespace: 'flux-system' },
    spec: { valuesFrom, values },
  };
  return composeValues(release, (kind, name) => {
    const found = HOLDERS[`${kind}/${name}`];
    return Promise.resolve(
      found === undefined ? undefined : { apiVersion: 'v1', kind, metadata: { name }, ...found },
    );
  });
}

const at = (targetPath: string) => ({ kind: 'Secret', name: 'login', valuesKey: 'token', targetPath });

describe('the values of a release', () => {
  it.each<[string, JsonValue[], JsonObject, JsonObject]>([
    [
      'lie over each other',
      [{ kind: 'ConfigMap', name: 'base' }],
      { a: { y: 3 }, list: [9] },
      { a: { x: 1, y: 3 }, list: [9] },
    ],
    [
      'come from another key',
      [{ kind: 'ConfigMap', name: 'base', valuesKey: 'other' }],
      {},
      { b: 'from other' },
    ],
    ['come from a Secret', [{ kind: 'Secret', name: 'login' }], {}, { password: 'hunter2' }],
    ['go where a path says', [at('a.b[1].c')], {}, { a: { b: [null, { c: 's3cr3t' }] } }],
    ['go below a name with a dot', [at(String.raw`a\.b.c`)], {}, { 'a.b': { c: 's3cr3t' } }],
    [
      'may be missing where they may',
      [{ kind: 'Secret', name: 'nobody', optional: true }],
      { a: 1 },
      { a: 1 },
    ],
  ])('%s', async (_, from, values, wanted) => {
    expect((await compose(from, values)).values).toEqual(wanted);
  });

  it.each<[string, JsonValue, RegExp]>([
    [
      'a Secret that is not there',
      { kind: 'Secret', name: 'nobody' },
      /could not find Secret 'flux-system\/nobody'/,
    ],
    ['a key that is not there', { kind: 'Secret', name: 'login', valuesKey: 'x' }, /missing key 'x'/],
    ['no YAML, without quoting it', { kind: 'ConfigMap', name: 'broken' }, /^(?!.*hunter2).*it is no YAML$/],
    ['no map', { kind: 'ConfigMap', name: 'text' }, /it is no map$/],
    ['a path that is none', at('a[x'), /'a\[x' is no path/],
    ['another kind', { kind: 'Pod', name: 'x' }, /unsupported kind 'Pod'/],
  ])('are refused for %s', async (_, from, message) => {
    await expect(compose([from])).rejects.toMatchObject({
      failure: { reason: 'ValuesError', message: expect.stringMatching(message) as string },
    });
  });

  it('are told apart from what may be read in a message', async () => {
    const { secrets } = await compose([
      { kind: 'Secret', name: 'login' },
      at('token'),
      { kind: 'ConfigMap', name: 'base' },
    ]);
    expect(withoutSecrets('bad values hunter2 and s3cr3t from other', secrets)).toBe(
      'bad values *** and *** from other',
    );
  });
});
