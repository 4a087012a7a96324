import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { createJq } from '../../boundaries/sync/index.ts';
import { withoutIgnored } from './ignored.ts';

const jq = createJq(systemClock);
afterAll(() => jq.close());
const by = { jq, signal: new AbortController().signal };

const parameters = (tag: string, size: string): JsonObject => ({
  helm: {
    parameters: [
      { name: 'size', value: size },
      { name: 'tag', value: tag },
    ],
  },
});
const stored: JsonObject = {
  metadata: { annotations: { 'a/b': 'theirs' } },
  spec: {
    sources: [
      { repoURL: 'https://git.corp.io/charts', ...parameters('2.0', '9') },
      { repoURL: 'https://git.corp.io/values', targetRevision: 'hotfix' },
    ],
  },
};
const wanted: JsonObject = {
  metadata: { annotations: { 'a/b': 'ours' } },
  spec: {
    sources: [
      { repoURL: 'https://git.corp.io/charts', ...parameters('1.0', '1') },
      { repoURL: 'https://git.corp.io/values', targetRevision: 'main', ref: 'values' },
    ],
    syncPolicy: { automated: { prune: true }, retry: { limit: 2 } },
  },
};

const ignoring = (rule: JsonObject, name = 'shop') => withoutIgnored([rule], name, stored, wanted, by);

describe('what an ApplicationSet leaves to others', () => {
  it.each<[string, JsonObject, unknown]>([
    [
      'an item of a list, by its name',
      { jqPathExpressions: ['.spec.sources[].helm.parameters[]? | select(.name == "tag").value'] },
      { spec: { sources: [parameters('2.0', '1'), { targetRevision: 'main' }] } },
    ],
    [
      'a field of one source, by its repository',
      { jqPathExpressions: ['.spec.sources[] | select(.repoURL | endswith("values")).targetRevision'] },
      { spec: { sources: [parameters('1.0', '1'), { targetRevision: 'hotfix', ref: 'values' }] } },
    ],
    [
      'a pointer into a list and into a map',
      { jsonPointers: ['/spec/sources/1/targetRevision', '/metadata/annotations/a~1b'] },
      {
        metadata: { annotations: { 'a/b': 'theirs' } },
        spec: { sources: [{}, { targetRevision: 'hotfix' }] },
      },
    ],
    [
      'an expression that does not fit',
      { jqPathExpressions: ['.spec.sources | select(.name == "tag")'] },
      { spec: { sources: [parameters('1.0', '1'), { targetRevision: 'main' }] } },
    ],
  ])('has the value that is stored: %s', async (_, rule, expected) => {
    expect(await ignoring(rule)).toMatchObject(expected as object);
  });

  it('is not there where only the set asks for it', async () => {
    const kept = await ignoring({ jqPathExpressions: ['.spec.syncPolicy.automated', '.spec.sources[].ref'] });
    expect(kept['spec']).toMatchObject({ syncPolicy: { retry: { limit: 2 } } });
    expect(kept).not.toHaveProperty('spec.syncPolicy.automated');
    expect(kept).not.toHaveProperty('spec.sources.1.ref');
    expect(await ignoring({ jqPathExpressions: ['.spec.sources[]'] })).toMatchObject({
      spec: { sources: (stored['spec'] as JsonObject)['sources'] },
    });
  });

  it('is about the Application that the rule names, or all', async () => {
    const rule = { name: 'shop', jqPathExpressions: ['.metadata.annotations["a/b"]'] };
    expect(await ignoring(rule)).toMatchObject({ metadata: { annotations: { 'a/b': 'theirs' } } });
    expect(await ignoring(rule, 'other')).toBe(wanted);
  });

  it('is refused where it is no expression, or names no field', async () => {
    await expect(ignoring({ jqPathExpressions: ['.spec.['] })).rejects.toThrow('.spec.[');
    await expect(ignoring({ jqPathExpressions: ['.spec.sources[0:1]'] })).rejects.toThrow('slice');
  });
});
