import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { objectKey } from '../boundaries/index.ts';
import type { BoundaryReport, DigestCheck, Reading, RolloutSubject } from '../boundaries/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { COMMIT, DIGEST, materialOf, REPOSITORY } from '../../test/material.ts';
import { judge } from './judge.ts';
import type { Material } from './judge.ts';

type Bend = (material: Material) => Material;

const away = { state: 'unreadable' as const, why: 'forbidden', code: 'kube-denied' };
const gone = { state: 'absent' as const, why: 'it does not exist' };
const verdictOf = (material: Material) => judge(material, 1).verdict.state;

const onImages =
  (change: (image: Material['images'][number]) => Partial<Material['images'][number]>): Bend =>
  (material) => ({ ...material, images: material.images.map((image) => ({ ...image, ...change(image) })) });

const onRollouts =
  (change: (subject: RolloutSubject) => Partial<RolloutSubject>): Bend =>
  (material) => ({
    ...material,
    rollouts: material.rollouts.map((subject) => ({ ...subject, ...change(subject) })),
  });

const onChecks = (index: number, change: Partial<DigestCheck>): Bend =>
  onRollouts(({ checks }) => ({
    checks: checks.map((check, at) => (at === index % checks.length ? { ...check, ...change } : check)),
  }));

const onReport =
  (name: 'render' | 'sync', state: BoundaryReport['state']): Bend =>
  (material) => ({ ...material, [name]: { ...material[name], state, reason: 'bent', detail: 'bent' } });

/** Another stored object of that kind, wherever the material holds it. */
const onStored =
  (kind: string, change: (live: KubeObject) => Reading<KubeObject>): Bend =>
  (material) => {
    const bent = (object: KubeObject, live: Reading<KubeObject>) =>
      object.kind === kind && live.state === 'read' ? change(live.value) : live;
    const objects = new Map(material.snapshot.objects);
    for (const { object } of material.rendered) {
      const key = objectKey(object);
      const live = objects.get(key);
      if (live !== undefined) objects.set(key, bent(object, live));
    }
    return {
      ...material,
      snapshot: { ...material.snapshot, objects },
      rollouts: material.rollouts.map((one) => ({ ...one, live: bent(one.object, one.live) })),
      services: material.services.map((one) => ({ ...one, live: bent(one.object, one.live) })),
    };
  };

const onPods = (change: (pods: RolloutSubject['pods']) => RolloutSubject['pods']): Bend =>
  onRollouts(({ pods }) => ({ pods: change(pods) }));

const withSpec = (live: KubeObject, spec: JsonObject): Reading<KubeObject> => ({
  state: 'read',
  value: { ...live, spec: { ...(live['spec'] as JsonObject), ...spec } },
});

const onObserved =
  (change: Partial<Material['observed'][number]>): Bend =>
  (material) => ({ ...material, observed: material.observed.map((one) => ({ ...one, ...change })) });

const onEndpoints =
  (endpoints: Material['services'][number]['endpoints']): Bend =>
  (material) => ({ ...material, services: material.services.map((one) => ({ ...one, endpoints })) });

/** What contradicts one boundary, or withholds what would prove it; by itself each keeps a delivery from landing. */
const BENDS: Readonly<Record<string, Bend>> = {
  'artifact: the image is not there': onImages(() => ({ answer: gone, build: gone })),
  'artifact: nobody says what it is of': onImages(({ answer }) => ({
    build: { state: 'read', value: undefined },
    answer:
      answer.state === 'read'
        ? {
            ...answer,
            value: {
              ...answer.value,
              platforms: answer.value.platforms.map((one) => ({ ...one, labels: {} })),
            },
          }
        : answer,
  })),
  'artifact: the record is of another commit': onImages(() => ({
    build: { state: 'read', value: { repository: 'git', commit: 'd'.repeat(40) } },
  })),
  'artifact: the nodes are of another platform': (material) => ({
    ...material,
    snapshot: {
      ...material.snapshot,
      nodes: {
        state: 'read',
        value: [
          {
            apiVersion: 'v1',
            kind: 'Node',
            metadata: { name: 'node-1' },
            status: { nodeInfo: { operatingSystem: 'linux', architecture: 'arm64' } },
          },
        ],
      },
    },
  }),
  'intent: Git cannot be read': (material) => ({ ...material, tracked: away }),
  'intent: no such revision': (material) => ({ ...material, tracked: gone }),
  'intent: no such path': (material) => ({
    ...material,
    tracked:
      material.tracked.state === 'read'
        ? { state: 'read', value: { ...material.tracked.value, pathExists: false } }
        : material.tracked,
  }),
  'intent: another image was asked for': (material) => ({
    ...material,
    asked: {
      image: {
        reference: `${REPOSITORY}:9`,
        repository: REPOSITORY,
        digest: { state: 'read', value: DIGEST.other },
      },
    },
  }),
  'intent: the commit was taken back': (material) => ({
    ...material,
    asked: { revision: { commit: COMMIT, contained: true, revertedBy: 'e'.repeat(40) } },
  }),
  'render: broken': onReport('render', 'broken'),
  'render: unknown': onReport('render', 'unknown'),
  'sync: broken': onReport('sync', 'broken'),
  'sync: unknown': onReport('sync', 'unknown'),
  'sync: moving': onReport('sync', 'moving'),
  'live: the Deployment may not be read': onStored('Deployment', () => away),
  'live: the Deployment is not there': onStored('Deployment', () => gone),
  'live: the Service is not there': onStored('Service', () => gone),
  'live: the Service may not be read': onStored('Service', () => away),
  'live: the Deployment is being deleted': onStored('Deployment', (live) => ({
    state: 'read',
    value: { ...live, metadata: { ...live.metadata, deletionTimestamp: '2026-03-01T11:59:00Z' } },
  })),
  'live: other replicas': onStored('Deployment', (live) => withSpec(live, { replicas: 7 })),
  'live: another selector': onStored('Service', (live) => withSpec(live, { selector: { app: 'other' } })),
  'health: the generation was not seen': onStored('Deployment', (live) => ({
    state: 'read',
    value: { ...live, metadata: { ...live.metadata, generation: 99 } },
  })),
  'health: a pod is not ready': onPods((pods) =>
    pods.state === 'read'
      ? {
          ...pods,
          value: {
            ...pods.value,
            current: pods.value.current.map((pod, index) => (index === 0 ? { ...pod, ready: false } : pod)),
          },
        }
      : pods,
  ),
  'health: the pods may not be listed': onPods(() => away),
  'rollout: a pod is missing': onPods((pods) =>
    pods.state === 'read'
      ? { ...pods, value: { ...pods.value, current: pods.value.current.slice(1) } }
      : pods,
  ),
  'rollout: an old pod is still there': onPods((pods) =>
    pods.state === 'read' ? { ...pods, value: { ...pods.value, old: pods.value.current.slice(0, 1) } } : pods,
  ),
  'rollout: a pod runs something else': onChecks(1, { outcome: 'mismatch', digest: DIGEST.old, why: 'old' }),
  'rollout: what a pod runs cannot be told': onChecks(2, { outcome: 'inconclusive', why: 'unknown' }),
  'rollout: a pod was not looked at': onRollouts(({ checks }) => ({ checks: checks.slice(1) })),
  'rollout: configuration that nobody read': onRollouts(() => ({
    configuration: [
      {
        pod: 'shop-0',
        container: 'shop',
        object: 'ConfigMap/shop/a',
        outcome: 'stale',
        why: 'older',
        startedAt: 0,
        bornAt: 0,
      },
    ],
  })),
  'traffic: no endpoints': onEndpoints({ state: 'read', value: [] }),
  'traffic: endpoints may not be listed': onEndpoints(away),
  'traffic: a stranger': onEndpoints({
    state: 'read',
    value: [{ pod: 'stranger', address: '127.0.0.8', ready: true, terminating: false }],
  }),
  'traffic: no port': onEndpoints({
    state: 'read',
    value: [{ pod: 'shop-0', address: '127.0.0.9', ready: true, terminating: false, ports: [] }],
  }),
  'traffic: another version': onObserved({
    buildInfo: {
      state: 'read',
      value: [{ pod: 'shop-0', version: '2.3.1', commit: COMMIT, labels: {} }],
    },
  }),
  'traffic: versions may not be asked for': onObserved({ buildInfo: away }),
  'traffic: one pod is silent': onObserved({ buildInfoMissing: 'shop-2 did not answer' }),
  'traffic: more errors': onObserved({
    errors: { state: 'read', value: [{ group: 'channel=sms', failed: 150, total: 200 }] },
  }),
  'traffic: errors may not be read': onObserved({ errors: away }),
  'traffic: a probe fails': (material) => ({
    ...material,
    observed: material.observed.map((one) => ({
      ...one,
      observation: { ...one.observation, probe: '/healthz' },
      probe: { state: 'read', value: { status: 503 } },
    })),
  }),
};

const NAMES = Object.keys(BENDS);
const bent = (names: readonly string[]): Material =>
  names.reduce((material, name) => BENDS[name]?.(material) ?? material, materialOf());

const CONFIGURATION: KubeObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'more', namespace: 'shop' },
  data: { a: '1' },
};

const again = <T>(list: readonly T[], change: (one: T) => T): readonly T[] => [...list, ...list.map(change)];

/** More evidence, and good, of something else. */
const ADDITIONS: Readonly<Record<string, Bend>> = {
  'another image that is fine': (material) => ({
    ...material,
    images: [
      ...materialOf().images.map((image) => ({ ...image, reference: 'more', uses: [] })),
      ...material.images,
    ],
  }),
  'another Service that is fine': (material) => ({
    ...material,
    services: [...materialOf().services, ...material.services],
  }),
  'another workload that is fine': (material) => ({
    ...material,
    rollouts: [...materialOf().rollouts, ...material.rollouts],
  }),
  'another observation that agrees': (material) => ({
    ...material,
    observed: [...materialOf().observed, ...material.observed],
  }),
  'another object that is stored': (material) => ({
    ...material,
    rendered: [...material.rendered, { object: CONFIGURATION, why: () => [] }],
    snapshot: {
      ...material.snapshot,
      objects: new Map([
        ...material.snapshot.objects,
        [objectKey(CONFIGURATION), { state: 'read' as const, value: CONFIGURATION }],
      ]),
    },
  }),
  'the same endpoints twice': (material) => ({
    ...material,
    services: material.services.map((service) => ({
      ...service,
      endpoints:
        service.endpoints.state === 'read'
          ? {
              ...service.endpoints,
              value: again(service.endpoints.value, (one) => ({ ...one, address: '::1' })),
            }
          : service.endpoints,
    })),
  }),
  'a controller that is content': (material) => ({
    ...material,
    engine: { engine: 'Argo CD', sync: 'Synced', health: 'Healthy', revision: COMMIT, operation: undefined },
  }),
};

describe('a delivery that would have landed', () => {
  it('does, with nothing bent', () => {
    expect(verdictOf(bent([]))).toBe('landed');
  });

  it.each(NAMES)('does not with one boundary contradicted or withheld: %s', (name) => {
    const { verdict } = judge(bent([name]), 1);
    expect(verdict.state).not.toBe('landed');
    expect(verdict.boundary).toBeDefined();
  });

  it('does not with any of them, in any order, whatever else is known and good', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(NAMES, { minLength: 1, maxLength: 5 }),
        fc.subarray(Object.values(ADDITIONS)),
        (names, additions) => {
          const material = additions.reduce((made, add) => add(made), bent(names));
          expect(verdictOf(material)).not.toBe('landed');
        },
      ),
      { numRuns: 200 },
    );
  });

  it.each(Object.entries(ADDITIONS))('does with more that is good: %s', (_, add) => {
    expect(verdictOf(add(bent([])))).toBe('landed');
  });

  it('names the boundary that is first in order among those that are broken', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 5 }), (names) => {
        const { verdict, boundaries } = judge(bent(names), 1);
        const first = (state: BoundaryReport['state']) => boundaries.find((report) => report.state === state);
        const named = first('broken') ?? first('moving') ?? first('unknown');
        expect(boundaries).toHaveLength(8);
        if (verdict.state !== 'unproven') expect(verdict.boundary).toBe(named?.boundary);
        expect(verdict.state === 'broken').toBe(first('broken') !== undefined);
        for (const report of boundaries) expect(report.detail + report.headline).not.toBe('');
      }),
      { numRuns: 200 },
    );
  });
});
