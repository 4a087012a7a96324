import { expect, test } from 'vitest';
import { LandfallError } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import type { ApplicationSpec } from '../../verdict/index.ts';
import { askServer } from './ask-server.ts';

const { signal } = new AbortController();
type Failure = ConstructorParameters<typeof LandfallError>[1]['kind'];

interface Asked {
  readonly failure?: readonly [kind: Failure, message: string];
  readonly object?: Partial<KubeObject>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly application?: JsonObject;
}

/** One object that would change, and a server that answers so. */
async function ask({ failure, object = {}, annotations = {}, application = {} }: Asked) {
  const dryRuns: unknown[] = [];
  const kube: Pick<KubeClient, 'server' | 'resource' | 'apply'> = {
    server: 'https://cluster',
    resource: () => Promise.resolve({ plural: 'things', namespaced: true }) as never,
    apply(given, { dryRun }) {
      dryRuns.push([given.metadata.namespace, dryRun]);
      if (failure !== undefined)
        return Promise.reject(new LandfallError(failure[1], { kind: failure[0], code: 'answer' }));
      return Promise.resolve({ object: given, outcome: 'changed', warnings: [] });
    },
  };
  const spec: Pick<ApplicationSpec, 'name' | 'object' | 'destination'> = {
    name: 'shop',
    destination: 'shop',
    object: {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: { name: 'shop', namespace: 'argocd' },
      spec: { destination: { server: 'https://kubernetes.default.svc' }, ...application },
    },
  };
  const wanted: KubeObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings', annotations },
    ...object,
  };
  const change = {
    change: 'changed' as const,
    apiVersion: 'v1',
    kind: wanted.kind,
    namespace: '',
    name: 'settings',
    fields: [],
    cause: undefined,
  };
  const answer = await askServer(kube as KubeClient, spec as ApplicationSpec, [change], [wanted], signal);
  return { ...answer, dryRuns };
}

const IMMUTABLE = ['invalid-input', 'data: field is immutable'] as const;

test('an object is asked about where it will be, and nothing is written', async () => {
  expect(await ask({})).toEqual({ refused: [], unasked: [], dryRuns: [['shop', true]] });
});

test('what the server or a policy refuses is told with its reason, of a Secret without', async () => {
  expect((await ask({ failure: IMMUTABLE })).refused).toEqual([
    'ConfigMap/settings: data: field is immutable',
  ]);
  const policy = ['denied', 'admission webhook "images" denied the request: unsigned'] as const;
  expect((await ask({ failure: policy })).refused).toHaveLength(1);
  expect((await ask({ failure: IMMUTABLE, object: { kind: 'Secret' } })).refused).toEqual([
    'Secret/settings',
  ]);
});

test.each([
  ['denied', 'configmaps "settings" is forbidden: User "ana" cannot patch resource "configmaps"'],
  ['invalid-input', 'admission webhook "counter" does not support dry run'],
  ['unavailable', 'the API server does not answer'],
] as const)('what cannot be asked refuses nothing, and is said: %s', async (kind, message) => {
  expect(await ask({ failure: [kind, message] })).toMatchObject({
    refused: [],
    unasked: [expect.stringContaining(`not asked about ConfigMap/settings: ${message}`) as string],
  });
});

test('what is made anew, or lies elsewhere, is not asked about', async () => {
  const failure = IMMUTABLE;
  const silent = { refused: [], unasked: [], dryRuns: [] };
  expect(await ask({ failure, annotations: { 'argocd.argoproj.io/hook': 'PreSync' } })).toEqual(silent);
  expect(
    await ask({ failure, annotations: { 'argocd.argoproj.io/sync-options': 'Prune=false,Replace=true' } }),
  ).toEqual(silent);
  expect(
    await ask({ failure, application: { syncPolicy: { syncOptions: ['Replace=true'] }, destination: {} } }),
  ).toMatchObject({ refused: [] });
  expect(await ask({ failure, application: { destination: { server: 'https://far' } } })).toEqual({
    ...silent,
    unasked: ['shop is delivered to another cluster, which was not asked.'],
  });
});
