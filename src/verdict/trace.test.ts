import { describe, expect, it } from 'vitest';
import { DIGEST, materialOf, REPOSITORY } from '../../test/material.ts';
import { judge } from './judge.ts';
import type { Material } from './judge.ts';
import { traceImage } from './trace.ts';

const rows = (bend: (material: Material) => Material, repository = REPOSITORY) =>
  traceImage(judge(bend(materialOf()), 1).boundaries, repository).rows.map(
    ({ boundary, value, verdict, count }) => [boundary, value, verdict, count],
  );

const rollout = (bend: (material: Material) => Material, repository = REPOSITORY) =>
  rows(bend, repository).filter(([boundary]) => boundary === 'rollout');

describe('the trace of an image', () => {
  it('does not call a pod different for another name of the same bytes, beside one that is', () => {
    const outcomes = ['match', 'match', 'mismatch'] as const;
    const digests = [DIGEST.release, DIGEST.other, DIGEST.old];
    const found = rollout((material) => ({
      ...material,
      rollouts: material.rollouts.map((subject) => ({
        ...subject,
        checks: subject.checks.map((check, index) => ({
          ...check,
          digest: digests[index],
          outcome: outcomes[index] ?? 'match',
        })),
      })),
    }));
    expect(found).toEqual([
      ['rollout', `${REPOSITORY}@${DIGEST.release}`, 'agrees', '1 pod'],
      ['rollout', `${REPOSITORY}@${DIGEST.other}`, 'agrees', '1 pod'],
      ['rollout', `${REPOSITORY}@${DIGEST.old}`, 'differs', '1 pod'],
    ]);
  });

  it('is that of its own containers, and of no repository whose name only begins alike', () => {
    const beside = (material: Material): Material => ({
      ...material,
      images: [
        ...material.images,
        ...material.images.map((image) => ({
          ...image,
          reference: `${REPOSITORY}-worker:1@${DIGEST.other}`,
          repository: `${REPOSITORY}-worker`,
          uses: [],
        })),
      ],
      rollouts: material.rollouts.map((subject) => ({
        ...subject,
        checks: [
          ...subject.checks,
          ...subject.checks.map((check) => ({
            ...check,
            container: 'worker',
            digest: DIGEST.other,
            expected: DIGEST.other,
          })),
        ],
      })),
    });
    expect(rollout(beside)).toEqual([['rollout', `${REPOSITORY}@${DIGEST.release}`, 'agrees', '3 pods']]);
    expect(rows(beside).some(([, value]) => value?.includes('-worker') === true)).toBe(false);
  });
});
