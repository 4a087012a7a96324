import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { NOW, containerOf, podOf } from '../cluster.fixture.ts';
import { read } from '../reading.ts';
import { besideParts } from './beside.ts';
import type { TrafficFacts } from './facts.ts';

const route = (name: string, to: string, born: string, spec: JsonObject = {}): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name, namespace: 'n', creationTimestamp: born },
  spec: {
    parentRefs: [{ name: 'gate' }],
    hostnames: ['shop.corp.io'],
    rules: [{ backendRefs: [{ name: to, port: 80 }] }],
    ...spec,
  },
});

const service = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'n' },
  spec: { selector: { app: name } },
});

const runs = (digit: string, repository = 'corp.io/app') =>
  containerOf({ imageID: `${repository}@sha256:${digit.repeat(64)}` });

const PODS = [
  podOf('web-1', { ready: true, labels: { app: 'web' }, containers: [runs('a')] }),
  podOf('old-1', { ready: true, labels: { app: 'old' }, containers: [runs('b')] }),
  podOf('docs-1', { ready: true, labels: { app: 'docs' }, containers: [runs('c', 'corp.io/docs')] }),
];

function said(others: TrafficFacts['beside'] | readonly KubeObject[]): string {
  const own = route('web', 'web', '2026-02-02T00:00:00Z');
  const beside =
    others === undefined || 'routes' in others
      ? others
      : {
          routes: read(others),
          service: ({ name }: { readonly name: string }) => read(service(name)),
          pods: () => read(PODS),
        };
  const facts: TrafficFacts = {
    services: [],
    routes: [{ object: own, live: read(own), services: new Map() }],
    expectedPods: new Set(['n/web-1']),
    oldPods: new Set(),
    observed: [],
    release: { version: undefined, commit: undefined, digest: undefined, pushedAt: undefined },
    baseline: undefined,
    runsPods: true,
    podsKnown: true,
    now: Date.parse(NOW),
    beside,
  };
  return besideParts(facts)
    .map(({ state, reason }) => `${state} ${reason}`)
    .join();
}

const BEFORE = '2026-01-01T00:00:00Z';
const AFTER = '2026-03-01T00:00:00Z';
const rules = (rule: JsonObject) => ({ rules: [{ backendRefs: [{ name: 'old', port: 80 }], ...rule }] });

describe('an HTTPRoute beside those of the application', () => {
  it.each<[string, KubeObject, string]>([
    ['that is older, to another image', route('x', 'old', BEFORE), 'broken taken-away'],
    ['that is older, to another program', route('x', 'docs', BEFORE), 'unknown taken-away'],
    ['that is younger and loses', route('x', 'old', AFTER), ''],
    ['to the same pods', route('x', 'web', BEFORE), ''],
    ['of another host', route('x', 'old', BEFORE, { hostnames: ['docs.corp.io'] }), ''],
    ['at another gateway', route('x', 'old', BEFORE, { parentRefs: [{ name: 'inner' }] }), ''],
    ['of another path', route('x', 'old', BEFORE, rules({ matches: [{ path: { value: '/docs' } }] })), ''],
    [
      'for whoever asks for it',
      route('x', 'old', BEFORE, rules({ matches: [{ headers: [{ name: 'x-try', value: '1' }] }] })),
      '',
    ],
    [
      'of the same path, said in full',
      route('x', 'old', BEFORE, rules({ matches: [{ path: { type: 'PathPrefix', value: '/' } }] })),
      'broken taken-away',
    ],
  ])('%s', (_, other, wanted) => {
    expect(said([other])).toBe(wanted);
  });

  it('proves nothing where it may not be listed', () => {
    const routes = { state: 'unreadable', why: 'forbidden', code: 'kube-denied' } as const;
    expect(said({ routes, service: () => undefined, pods: () => undefined })).toBe(
      'unknown routes-unreadable',
    );
  });

  it('breaks nothing while a tool that owns it shifts traffic', () => {
    const other = route('x', 'old', BEFORE);
    const owner = {
      apiVersion: 'flagger.app/v1beta1',
      kind: 'Canary',
      name: 'web',
      uid: '1',
      controller: true,
    };
    const owned = { ...other, metadata: { ...other.metadata, ownerReferences: [owner] } };
    expect(said([owned])).toBe('unknown taken-away');
  });
});
