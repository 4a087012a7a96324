import { podFactsOf } from './pods.ts';
import type { ImageFacts, RolloutSubject } from '../src/boundaries/index.ts';
import { objectKey, read } from '../src/boundaries/index.ts';
import type { JsonObject } from '../src/kernel/index.ts';
import type { KubeObject } from '../src/kube/index.ts';
import type { Material } from '../src/verdict/index.ts';

export const AT = '2026-03-01T12:00:00.000Z';
export const REPOSITORY = 'registry.example/shop';
export const COMMIT = 'c'.repeat(40);
export const DIGEST = {
  old: `sha256:${'1'.repeat(64)}`,
  release: `sha256:${'2'.repeat(64)}`,
  other: `sha256:${'3'.repeat(64)}`,
} as const;

/** The facts that a test may bend; the rest follows from them as it would in a cluster. */
export interface World {
  /** As Git and the cluster name it. */
  readonly reference: string;
  readonly pullPolicy: 'Always' | 'IfNotPresent';
  readonly pushedAt: string | undefined;
  readonly podCreatedAt: string;
  /** Digest of each pod. */
  readonly running: readonly string[];
  readonly ready: readonly boolean[];
  readonly version: string;
  readonly generation: number;
  readonly observedGeneration: number;
  readonly replicas: {
    readonly desired: number;
    readonly updated: number;
    readonly available: number;
    readonly total: number;
  };
  readonly endpoints: readonly string[];
  readonly sms: { readonly failed: number; readonly total: number };
  readonly liveImage: string | undefined;
  readonly progressing: { readonly reason: string; readonly since: string };
  readonly simulated: boolean;
}

export const LANDED: World = {
  reference: `${REPOSITORY}:2.5.0@${DIGEST.release}`,
  pullPolicy: 'IfNotPresent',
  pushedAt: '2026-03-01T11:50:00.000Z',
  podCreatedAt: '2026-03-01T11:55:00Z',
  running: [DIGEST.release, DIGEST.release, DIGEST.release],
  ready: [true, true, true],
  version: '2.5.0',
  generation: 2,
  observedGeneration: 2,
  replicas: { desired: 3, updated: 3, available: 3, total: 3 },
  endpoints: ['shop-0', 'shop-1', 'shop-2'],
  sms: { failed: 1, total: 200 },
  liveImage: undefined,
  progressing: { reason: 'NewReplicaSetAvailable', since: '2026-03-01T11:55:10Z' },
  simulated: false,
};

function template(world: World, image: string): JsonObject {
  return {
    metadata: { labels: { app: 'shop' } },
    spec: { containers: [{ name: 'shop', image, imagePullPolicy: world.pullPolicy }] },
  };
}

function split(reference: string): { readonly tag: string | undefined; readonly pinned: string | undefined } {
  const [name = '', pinned] = reference.split('@');
  const colon = name.lastIndexOf(':');
  return { tag: colon > name.lastIndexOf('/') ? name.slice(colon + 1) : undefined, pinned };
}

/** Everything that would have been read of such a world. */
export function materialOf(change: Partial<World> = {}): Material {
  const world = { ...LANDED, ...change };
  const { tag, pinned } = split(world.reference);
  const deployment: KubeObject = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'shop', namespace: 'shop' },
    spec: {
      replicas: world.replicas.desired,
      selector: { matchLabels: { app: 'shop' } },
      template: template(world, world.reference),
    },
  };
  const service: KubeObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'shop', namespace: 'shop' },
    spec: { selector: { app: 'shop' }, ports: [{ port: 8080 }] },
  };
  const stored: KubeObject = {
    ...deployment,
    metadata: { ...deployment.metadata, uid: 'd', generation: world.generation, resourceVersion: '10' },
    spec: {
      replicas: world.replicas.desired,
      selector: { matchLabels: { app: 'shop' } },
      template: template(world, world.liveImage ?? world.reference),
      progressDeadlineSeconds: 600,
    },
    status: {
      observedGeneration: world.observedGeneration,
      replicas: world.replicas.total,
      updatedReplicas: world.replicas.updated,
      availableReplicas: world.replicas.available,
      readyReplicas: world.replicas.available,
      conditions: [
        { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable' },
        {
          type: 'Progressing',
          status: 'True',
          reason: world.progressing.reason,
          lastUpdateTime: world.progressing.since,
        },
      ],
    },
  };
  const replicaSet: KubeObject = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: 'shop-abc',
      namespace: 'shop',
      uid: 'rs',
      labels: { app: 'shop', 'pod-template-hash': 'abc' },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop', uid: 'd', controller: true },
      ],
    },
    spec: { template: template(world, world.liveImage ?? world.reference) },
  };
  const pods = world.running.map((digest, index) =>
    podFactsOf({
      name: `shop-${index}`,
      namespace: 'shop',
      owner: { kind: 'ReplicaSet', name: 'shop-abc', uid: 'rs' },
      container: 'shop',
      digest: `${REPOSITORY}@${digest}`,
      ready: world.ready[index] ?? true,
      createdAt: world.podCreatedAt,
      simulated: world.simulated,
    }),
  );
  const image: ImageFacts = {
    reference: world.reference,
    registry: 'registry.example',
    repository: REPOSITORY,
    tag,
    pinned,
    origin: { file: 'overlays/prod/kustomization.yaml', line: 8 },
    uses: [{ object: 'Deployment/shop/shop', container: 'shop', role: 'main' }],
    answer: {
      state: 'read',
      value: {
        digest: DIGEST.release,
        platforms: [
          {
            os: 'linux',
            architecture: 'amd64',
            digest: DIGEST.release,
            configDigest: DIGEST.other,
            labels: {
              'org.opencontainers.image.revision': COMMIT,
              'org.opencontainers.image.version': '2.5.0',
            },
          },
        ],
      },
    },
    build: {
      state: 'read',
      value:
        world.pushedAt === undefined
          ? undefined
          : { repository: 'git', commit: COMMIT, version: '2.5.0', pushedAt: world.pushedAt },
    },
    ours: true,
    readAt: AT,
  };
  const rollout: RolloutSubject = {
    object: deployment,
    live: { state: 'read', value: stored },
    pods: { state: 'read', value: { current: pods, old: [], currentHash: 'abc', replicaSet } },
    checks: world.running.map((digest, index) => ({
      pod: `shop-${index}`,
      container: 'shop',
      role: 'main',
      imageID: `${REPOSITORY}@${digest}`,
      digest,
      expected: DIGEST.release,
      outcome: digest === DIGEST.release ? 'match' : 'mismatch',
      why: digest === DIGEST.release ? '' : `shop-${index} runs ${digest}`,
    })),
    autoscaled: false,
  };
  const liveService: KubeObject = {
    ...service,
    metadata: { ...service.metadata, uid: 's', resourceVersion: '5' },
  };
  return {
    subject: {
      name: 'shop',
      namespace: 'argocd',
      environment: 'prod',
      repository: 'file:///deploy',
      path: 'overlays/prod',
      revision: 'main',
      destination: 'shop',
    },
    engine: {
      engine: 'Argo CD',
      sync: 'Synced',
      health: 'Healthy',
      revision: COMMIT,
      operation: { phase: 'Succeeded', message: '', finishedAt: AT, changed: 0, unchanged: 2 },
    },
    tracked: {
      state: 'read',
      value: {
        repository: 'file:///deploy',
        revision: 'main',
        commit: COMMIT,
        path: 'overlays/prod',
        pathExists: true,
      },
    },
    asked: {},
    wantedCommit: undefined,
    render: {
      boundary: 'render',
      state: 'proven',
      reason: 'rendered',
      headline: '',
      detail: '2 objects',
      claims: [],
    },
    sync: {
      boundary: 'sync',
      state: 'proven',
      reason: 'synced',
      headline: '',
      detail: '0 changed',
      claims: [],
    },
    rendered: [
      { object: deployment, why: () => [] },
      { object: service, why: () => [] },
    ],
    images: [image],
    snapshot: {
      server: 'https://cluster.example',
      takenAt: AT,
      objects: new Map([
        [objectKey(deployment), { state: 'read', value: stored }],
        [objectKey(service), { state: 'read', value: liveService }],
      ]),
      namespaces: new Map(),
      nodes: {
        state: 'read',
        value: [
          {
            apiVersion: 'v1',
            kind: 'Node',
            metadata: { name: 'node-1' },
            status: { nodeInfo: { operatingSystem: 'linux', architecture: 'amd64' } },
          },
        ],
      },
    },
    rollouts: [rollout],
    services: [
      {
        object: service,
        live: { state: 'read', value: liveService },
        endpoints: {
          state: 'read',
          value: world.endpoints.map((pod) => ({
            pod,
            address: '127.0.0.9',
            ready: true,
            terminating: false,
          })),
        },
      },
    ],
    observed: [
      {
        observation: {
          service: 'shop',
          port: 8080,
          buildInfo: { path: '/metrics', metric: 'app_build_info' },
          errors: {
            path: '/metrics',
            metric: 'sent_total',
            by: ['channel'],
            failed: { status: 'failed' },
            minimumSamples: 50,
          },
        },
        url: 'http://shop.shop:8080/metrics',
        samples:
          world.version === '2.5.0'
            ? []
            : [{ name: 'flag_check_total', labels: { flag: 'v2', result: 'not_found' }, value: 7 }],
        buildInfo: {
          state: 'read',
          value: world.running.map((_digest, index) => ({
            pod: `shop-${index}`,
            version: world.version,
            commit: COMMIT,
            labels: {},
          })),
        },
        errors: {
          state: 'read',
          value: [
            { group: '', failed: world.sms.failed + 360, total: world.sms.total + 6000 },
            { group: 'channel=email', failed: 360, total: 6000 },
            { group: 'channel=sms', ...world.sms },
          ],
        },
      },
    ],
    baseline: read({
      release: '2.3.1',
      at: AT,
      shares: [
        { group: '', failed: 400, total: 2000 },
        { group: 'channel=email', failed: 360, total: 6000 },
        { group: 'channel=sms', failed: 350, total: 1000 },
      ],
    }),
    acceptSimulated: false,
    at: AT,
  };
}
