import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import { APPLICATION, APPLICATION_SET, PROJECT, inspect } from './index.ts';

const source = { repoURL: 'https://git.corp.io/a.git', path: 'k8s', targetRevision: 'main' };

describe('fields of an Application', () => {
  const news = (spec: JsonObject) => inspect(spec, APPLICATION, 'spec');

  it('are all known where Argo CD itself writes them', () => {
    const spec: JsonObject = {
      project: 'default',
      info: [{ name: 'owner', value: 'team' }],
      revisionHistoryLimit: 3,
      source: {
        ...source,
        directory: { recurse: true, jsonnet: {}, include: '*.yaml' },
        helm: {
          parameters: [{ name: 'a', value: 'b', forceString: true }],
          valuesObject: { any: { thing: 1 } },
        },
      },
      sources: [{ ...source, ref: 'values', name: 'x' }],
      destination: { name: 'in-cluster', namespace: 'shop' },
      syncPolicy: {
        automated: { prune: true, selfHeal: true, allowEmpty: false, enabled: true },
        syncOptions: ['CreateNamespace=true'],
        retry: { limit: 5, refresh: true, backoff: { duration: '5s', factor: 2, maxDuration: '3m' } },
        managedNamespaceMetadata: { labels: { a: 'b' } },
      },
      ignoreDifferences: [{ group: 'apps', kind: 'Deployment', jsonPointers: ['/spec/replicas'] }],
    };
    expect(news(spec)).toEqual({ refused: [], unknown: [] });
  });

  it.each<[JsonObject, string]>([
    [{ sourceHydrator: { drySource: source } }, 'spec.sourceHydrator: the source hydrator is not supported'],
    [{ source: { ...source, tagPrefix: 'web-' } }, 'spec.source.tagPrefix: '],
    [
      { sources: [source, { ...source, directory: { jsonnet: { tlas: [{ name: 'a', value: 'b' }] } } }] },
      'spec.sources[1].directory.jsonnet.tlas: Jsonnet is not rendered',
    ],
  ])('that change what is applied and are not done are refused: %j', (spec, message) => {
    expect(news(spec).refused.join()).toContain(message);
  });

  it('are told apart from those that say nothing', () => {
    expect(news({ sourceHydrator: null, source: { ...source, tagPrefix: '' } }).refused).toEqual([]);
  });

  it('that nobody knows are named by their path, wherever they stand', () => {
    const spec = {
      destinations: {},
      syncPolicy: { automated: { prun: true } },
      ignoreDifferences: [{ kind: 'Pod', jsonPointer: '/a' }],
      source: { ...source, helm: { valueFile: 'a.yaml' } },
      constructor: 1,
    };
    expect(news(spec).unknown).toEqual([
      'spec.destinations',
      'spec.syncPolicy.automated.prun',
      'spec.ignoreDifferences[0].jsonPointer',
      'spec.source.helm.valueFile',
      'spec.constructor',
    ]);
  });
});

describe('fields of an AppProject', () => {
  it('that limit what may be delivered, and cannot be checked, are refused', () => {
    const { refused } = inspect(
      { signatureKeys: [{ keyID: 'AB12' }], sourceIntegrity: { git: {} } },
      PROJECT,
      'spec',
    );
    expect(refused.map((text) => text.split(':')[0])).toEqual(['spec.signatureKeys', 'spec.sourceIntegrity']);
  });

  it('that nobody here serves are known all the same', () => {
    const roles = [{ name: 'ci', policies: ['p, proj:a:ci, applications, sync, a/*, allow'] }];
    expect(inspect({ roles, description: 'x', signatureKeys: [] }, PROJECT, 'spec')).toEqual({
      refused: [],
      unknown: [],
    });
  });
});

describe('fields of an ApplicationSet', () => {
  it('are known in generators within generators', () => {
    const git = { repoURL: 'x', files: [{ path: '*.json', exclude: true }], pathParamPrefix: 'a' };
    const inner = { merge: { mergeKeys: ['a'], generators: [{ git, selector: { matchLabels: {} } }] } };
    const spec = { goTemplate: true, generators: [{ matrix: { generators: [inner, { clusters: {} }] } }] };
    expect(inspect(spec, APPLICATION_SET, 'spec').unknown).toEqual([]);
    const typo = { generators: [{ matrix: { generators: [{ git: { ...git, directory: [] } }] } }] };
    expect(inspect(typo, APPLICATION_SET, 'spec').unknown).toEqual([
      'spec.generators[0].matrix.generators[0].git.directory',
    ]);
  });
});
