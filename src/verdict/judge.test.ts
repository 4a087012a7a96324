import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BOUNDARIES, objectKey } from '../boundaries/index.ts';
import { COMMIT, DIGEST, materialOf, REPOSITORY } from '../../test/material.ts';
import type { World } from '../../test/material.ts';
import { judge } from './judge.ts';
import type { Material, Proof } from './judge.ts';

const proofOf = (
  change: Partial<World> = {},
  bend: (material: Material) => Material = (material) => material,
): Proof => judge(bend(materialOf(change)), 1);
const state = (proof: Proof, boundary: string) =>
  proof.boundaries.find((report) => report.boundary === boundary)?.state;

describe('a verdict', () => {
  it('is landed when every boundary is proven', () => {
    const proof = proofOf();
    expect(proof.verdict).toMatchObject({ state: 'landed', summary: 'landed' });
    expect(proof.boundaries.map((report) => report.boundary)).toEqual([...BOUNDARIES]);
    expect(proof.boundaries.every((report) => report.state === 'proven')).toBe(true);
    expect(proof.findings).toEqual([]);
  });

  it.each<[string, Partial<World>, string]>([
    [
      'one of three pods runs another digest',
      { running: [DIGEST.release, DIGEST.other, DIGEST.release] },
      'stopped at rollout',
    ],
    ['the version that is told is another one', { version: '2.3.1' }, 'stopped at traffic'],
    ['the Service has no endpoints', { endpoints: [] }, 'stopped at traffic'],
    ['a foreign pod stands behind the Service', { endpoints: ['shop-0', 'stranger'] }, 'stopped at traffic'],
    ['the live image was changed by hand', { liveImage: `${REPOSITORY}:hacked` }, 'stopped at live'],
    [
      'the controller has not observed the generation',
      {
        observedGeneration: 1,
        progressing: { reason: 'NewReplicaSetAvailable', since: '2026-03-01T11:59:30Z' },
      },
      'moving at health',
    ],
    [
      'a pod is not ready yet',
      {
        ready: [true, true, false],
        progressing: { reason: 'ReplicaSetUpdated', since: '2026-03-01T11:59:30Z' },
        replicas: { desired: 3, updated: 3, available: 2, total: 3 },
      },
      'moving at health',
    ],
    [
      'a pod is not ready and its deadline has passed',
      {
        ready: [true, true, false],
        progressing: { reason: 'ReplicaSetUpdated', since: '2026-03-01T11:00:00Z' },
        podCreatedAt: '2026-03-01T11:00:00Z',
        replicas: { desired: 3, updated: 3, available: 2, total: 3 },
      },
      'stopped at health',
    ],
    [
      'SMS fails more than under the release before',
      { sms: { failed: 90, total: 200 } },
      'stopped at traffic',
    ],
    [
      'there are too few samples to compare failures',
      { sms: { failed: 0, total: 10 } },
      'unproven at traffic',
    ],
    ['the pods are simulated', { simulated: true }, 'unproven at rollout'],
  ])('changes when %s', (_name, change, summary) => {
    expect(proofOf(change).verdict.summary).toBe(summary);
  });

  it('calls what lies behind a moving boundary moving, not broken', () => {
    const proof = proofOf({
      ready: [false, false, false],
      endpoints: [],
      progressing: { reason: 'ReplicaSetUpdated', since: '2026-03-01T11:59:30Z' },
      podCreatedAt: '2026-03-01T11:59:30Z',
      replicas: { desired: 3, updated: 3, available: 0, total: 3 },
    });
    expect(proof.verdict.summary).toBe('moving at health');
    expect(state(proof, 'traffic')).toBe('moving');
  });

  it('stays unproven, neither green nor red, when the cluster goes away', () => {
    const gone = { state: 'unreadable' as const, why: 'connection refused', code: 'kube-unreachable' };
    const proof = proofOf({}, (material) => ({
      ...material,
      sync: { ...material.sync, state: 'unknown', reason: 'application-unreadable' },
      snapshot: {
        ...material.snapshot,
        objects: new Map(material.rendered.map(({ object }) => [object.metadata.name, gone])),
        nodes: gone,
      },
      rollouts: material.rollouts.map((subject) => ({ ...subject, live: gone, pods: gone, checks: [] })),
      services: material.services.map((service) => ({ ...service, live: gone, endpoints: gone })),
      observed: material.observed.map((observed) => ({ ...observed, buildInfo: gone, errors: gone })),
    }));
    expect(proof.verdict.summary).toBe('unproven at sync');
    expect(proof.boundaries.some((report) => report.state === 'broken')).toBe(false);
  });

  it('proves a pinned digest by the pods when the registry cannot be asked, and nothing else', () => {
    const away = { state: 'unreadable' as const, why: 'connection refused', code: 'registry-unavailable' };
    const unread = (material: Material): Material => ({
      ...material,
      images: material.images.map((image) => ({ ...image, answer: away, build: away })),
    });
    expect(state(proofOf({}, unread), 'artifact')).toBe('proven');
    const tag = proofOf({ reference: `${REPOSITORY}:latest` }, (material) => ({
      ...unread(material),
      rollouts: material.rollouts.map((subject) => ({
        ...subject,
        checks: subject.checks.map((check) => ({ ...check, outcome: 'inconclusive' as const })),
      })),
    }));
    expect(tag.verdict.summary).toBe('unproven at artifact');
  });

  it('never calls nothing rendered a landing', () => {
    const proof = proofOf({}, (material) => ({
      ...material,
      rendered: [],
      images: [],
      rollouts: [],
      services: [],
      observed: [],
      render: { ...material.render, state: 'unknown', reason: 'git-unreadable' },
    }));
    expect(proof.verdict.state).toBe('unproven');
    expect(proof.boundaries.filter((report) => report.state === 'not-applicable')).toEqual([]);
  });

  it('is landed only when no boundary is moving, broken or unknown, whatever the facts', () => {
    const digest = fc.constantFrom(...Object.values(DIGEST));
    const world = fc.record(
      {
        reference: fc.constantFrom(
          `${REPOSITORY}:latest`,
          `${REPOSITORY}:2.5.0`,
          `${REPOSITORY}:2.5.0@${DIGEST.release}`,
        ),
        running: fc.array(digest, { minLength: 0, maxLength: 3 }),
        ready: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
        version: fc.constantFrom('2.5.0', '2.3.1'),
        observedGeneration: fc.constantFrom(1, 2),
        endpoints: fc.subarray(['shop-0', 'shop-1', 'shop-2', 'stranger']),
        simulated: fc.boolean(),
        liveImage: fc.constantFrom(undefined, `${REPOSITORY}:other`),
        sms: fc.record({ failed: fc.nat(100), total: fc.integer({ min: 100, max: 300 }) }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(world, (change) => {
        const facts = { ...change, version: change.version ?? '2.5.0' };
        const proof = proofOf(facts);
        const bad = proof.boundaries.filter((report) =>
          ['moving', 'broken', 'unknown'].includes(report.state),
        );
        expect(proof.verdict.state === 'landed').toBe(bad.length === 0);
        if (proof.verdict.state !== 'landed') return;
        expect(facts.running ?? [DIGEST.release]).toEqual(
          (facts.running ?? [DIGEST.release]).map(() => DIGEST.release),
        );
        expect(facts.version).toBe('2.5.0');
        expect(facts.simulated ?? false).toBe(false);
        expect(facts.liveImage).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});

describe('a tag that was pushed again', () => {
  const stale: Partial<World> = {
    reference: `${REPOSITORY}:latest`,
    running: [DIGEST.old, DIGEST.old, DIGEST.old],
    version: '2.3.1',
    sms: { failed: 700, total: 2000 },
    pushedAt: '2026-03-01T11:50:00.000Z',
    podCreatedAt: '2026-03-01T09:00:00Z',
  };

  it('stops the delivery at intent, with rollout and traffic as its consequences', () => {
    const proof = proofOf(stale);
    expect(proof.verdict).toMatchObject({
      summary: 'stopped at intent',
      consequences: ['rollout', 'traffic'],
    });
    expect(proof.boundaries.map((report) => report.state)).toEqual([
      'proven',
      'broken',
      'proven',
      'proven',
      'proven',
      'proven',
      'broken',
      'broken',
    ]);
    expect(proof.findings[0]).toMatchObject({ id: 'mutable-reference-moved', kind: 'cause' });
  });

  it('was never pulled when no pod was created since the push, whatever the pull policy', () => {
    for (const pullPolicy of ['Always', 'IfNotPresent'] as const) {
      const [finding] = proofOf({ ...stale, pullPolicy }).findings;
      expect(finding?.explanation.join(' ')).toContain(
        'no pod was created since and nothing pulled, whatever the pull policy',
      );
      expect(finding?.explanation.join(' ')).toContain(`stored: ${pullPolicy}`);
    }
  });

  it('came from the node cache when pods were created since the push', () => {
    const [finding] = proofOf({ ...stale, podCreatedAt: '2026-03-01T11:58:00Z' }).findings;
    expect(finding?.explanation.join(' ')).toContain('takes the copy that it has under that name');
  });

  it('is explained both ways, with the check that decides, when the push time is not known', () => {
    const [finding] = proofOf({ ...stale, pushedAt: undefined }).findings;
    expect(finding?.explanation.join(' ')).toContain('Two mechanisms lead to this picture');
    expect(finding?.verify.join('\n')).toContain('creationTimestamp');
  });

  it('is mended by a restart only where the stored policy is Always', () => {
    expect(proofOf({ ...stale, pullPolicy: 'Always' }).findings[0]?.immediateFix.text).toContain(
      'would pull now',
    );
    expect(proofOf(stale).findings[0]?.immediateFix.text).toContain('would not mend it');
  });

  it('is mended for good by pinning exactly what the registry answers', () => {
    const fix = proofOf(stale).findings[0]?.immediateFix.commands.join('\n');
    expect(fix).toContain(`${REPOSITORY}=${REPOSITORY}:2.5.0@${DIGEST.release}`);
  });

  it('misleads by Synced, Healthy, nothing updated, all ready, and a total that hides the bad channel', () => {
    const signals = proofOf(stale)
      .findings[0]?.misleading.map((item) => `${item.signal}: ${item.truth}`)
      .join('\n');
    for (const part of [
      'Synced',
      'Healthy',
      '0 updated, 2 unchanged',
      '3/3 ready',
      'hides sms, which fails 35%',
    ])
      expect(signals).toContain(part);
  });

  it('says what users meet, and what the running version does not know', () => {
    const text = proofOf(stale).findings[0]?.explanation.join(' ');
    expect(text).toContain('Users meet 2.3.1, where sms fails 35% (700 of 2000).');
    expect(text).toContain('flag_check_total{flag="v2",result="not_found"} 7 times');
  });

  it('is only a risk while every pod runs what the registry answers', () => {
    const proof = proofOf({ reference: `${REPOSITORY}:latest` });
    expect(proof.verdict.state).toBe('landed');
    expect(proof.findings).toMatchObject([{ id: 'mutable-reference', kind: 'risk' }]);
  });

  it('is not blamed when a pinned digest does not run', () => {
    expect(proofOf({ running: [DIGEST.old, DIGEST.old, DIGEST.old], version: '2.3.1' }).verdict.summary).toBe(
      'stopped at rollout',
    );
  });

  it('is not blamed when somebody changed the live image', () => {
    expect(proofOf({ ...stale, liveImage: `${REPOSITORY}:other` }).verdict.summary).toBe('stopped at live');
  });

  it('is not blamed when somebody changed it to what another workload asks for', () => {
    const liveImage = `${REPOSITORY}:2.3.1`;
    const proof = proofOf({ ...stale, liveImage }, (material) => ({
      ...material,
      images: material.images.flatMap((image) => [image, { ...image, reference: liveImage }]),
    }));
    expect(proof.verdict.summary).toBe('stopped at live');
  });
});

describe('what was asked for', () => {
  it('is held against Git: an image that Git does not ask for stops at intent', () => {
    const proof = proofOf({}, (material) => ({
      ...material,
      asked: {
        image: {
          reference: `${REPOSITORY}:2.6.0`,
          repository: REPOSITORY,
          digest: { state: 'read', value: DIGEST.other },
        },
      },
    }));
    expect(proof.verdict.summary).toBe('stopped at intent');
  });

  it('lands when Git asks for exactly that image', () => {
    const proof = proofOf({}, (material) => ({
      ...material,
      asked: {
        image: {
          reference: `${REPOSITORY}:2.5.0`,
          repository: REPOSITORY,
          digest: { state: 'read', value: DIGEST.release },
        },
      },
    }));
    expect(proof.verdict.summary).toBe('landed');
  });

  it('stops at artifact when the image was built from another commit', () => {
    expect(proofOf({}, (material) => ({ ...material, wantedCommit: 'd'.repeat(40) })).verdict.summary).toBe(
      'stopped at artifact',
    );
    expect(
      proofOf({}, (material) => ({ ...material, wantedCommit: COMMIT.slice(0, 8) })).verdict.summary,
    ).toBe('landed');
  });

  it('stops at intent when the tracked revision does not contain the commit', () => {
    const proof = proofOf({}, (material) => ({
      ...material,
      asked: { revision: { commit: 'e'.repeat(40), contained: false } },
    }));
    expect(proof.verdict.summary).toBe('stopped at intent');
  });
});

describe('an application without workloads', () => {
  it('has no health, rollout or endpoints of its own to prove', () => {
    const proof = proofOf({}, (material) => ({
      ...material,
      rendered: material.rendered.filter(({ object }) => object.kind === 'Service'),
      images: [],
      rollouts: [],
      observed: [],
    }));
    expect(proof.verdict.summary).toBe('landed');
    for (const boundary of ['artifact', 'health', 'rollout', 'traffic'])
      expect(state(proof, boundary)).toBe('not-applicable');
  });
});

describe('simulated pods', () => {
  const away = { state: 'unreadable' as const, why: 'no such registry', code: 'registry-unavailable' };
  const unknownImage =
    (acceptSimulated: boolean) =>
    (material: Material): Material => ({
      ...material,
      acceptSimulated,
      images: material.images.map((image) => ({ ...image, answer: away, build: away })),
      rollouts: material.rollouts.map((subject) => ({
        ...subject,
        checks: subject.checks.map((check) => ({ ...check, outcome: 'inconclusive' as const })),
      })),
      observed: material.observed.map((observed) => ({ ...observed, buildInfo: away, errors: away })),
    });

  it('prove nothing by themselves', () => {
    expect(proofOf({ simulated: true }, unknownImage(false)).verdict.summary).toBe('unproven at artifact');
  });

  it('land where somebody takes them as running, and only if all else agrees', () => {
    expect(proofOf({ simulated: true }, unknownImage(true)).verdict.summary).toBe('landed');
    expect(proofOf({ simulated: true, endpoints: [] }, unknownImage(true)).verdict.summary).toBe(
      'stopped at traffic',
    );
    expect(proofOf({ simulated: false }, unknownImage(true)).verdict.summary).toBe('unproven at artifact');
  });
});

describe('the first check', () => {
  it('is at the workload that is in trouble, in its own namespace, not at the first one', () => {
    const proof = proofOf({}, (material) => {
      const [first] = material.rollouts;
      if (first === undefined) return material;
      const object = {
        ...first.object,
        metadata: { ...first.object.metadata, name: 'worker', namespace: 'jobs' },
      };
      const away = { state: 'absent' as const, why: 'it does not exist' };
      return {
        ...material,
        rendered: [...material.rendered, { object, why: () => [] }],
        rollouts: [...material.rollouts, { ...first, object, live: away, pods: away, checks: [] }],
        snapshot: {
          ...material.snapshot,
          objects: new Map([
            ...material.snapshot.objects,
            [objectKey(object), material.snapshot.objects.get(objectKey(first.object)) ?? away],
          ]),
        },
      };
    });
    expect(proof.verdict.summary).toBe('stopped at rollout');
    expect(proof.triage?.check.commands.join('\n')).toContain(
      'kubectl rollout history deployment/worker -n jobs',
    );
  });
});
