import { objectName } from '../../kube/index.ts';
import type { BoundaryReport, Claim } from '../boundary.ts';
import { worst } from '../combine.ts';
import { objectSource } from '../source.ts';
import type { HealthSubject, ObjectHealth } from './facts.ts';
import { objectHealth } from './object.ts';

/** Whoever holds an update back decides what replaces what, not whether it works: that is told at rollout. */
const HELD_BACK: ReadonlySet<string> = new Set(['on-delete', 'partitioned', 'paused']);

function ofThisBoundary(health: ObjectHealth): ObjectHealth {
  return health.state === 'unknown' && HELD_BACK.has(health.reason)
    ? { ...health, state: 'not-applicable' }
    : health;
}

/**
 * Boundary 6: are the stored objects usable? Only pods of the template that is stored count; an old pod that works
 * proves nothing about the release. A pod that is late is moving until the workload's own progress deadline
 * (Kubernetes: `progressDeadlineSeconds`, 600 s when unset), then broken.
 */
export function decideHealth(subjects: readonly HealthSubject[], at: string): BoundaryReport {
  const now = Date.parse(at);
  const judged = subjects.map((subject) => ({ subject, health: ofThisBoundary(objectHealth(subject, now)) }));
  const claims: Claim[] = judged.flatMap(({ subject, health }) =>
    health.reason === 'passive'
      ? []
      : [
          {
            boundary: 'health' as const,
            subject: objectName(subject.object),
            attribute: health.wanted === undefined ? 'health' : 'ready',
            value: health.wanted === undefined ? health.text : `${health.ready ?? 0}/${health.wanted}`,
            source: objectSource(subject.live.state === 'read' ? subject.live.value : subject.object),
            at,
          },
        ],
  );
  const combined = worst(judged.map(({ health }) => health.state));
  const leading = judged.find(({ health }) => health.state === combined)?.health;
  const ready = judged.reduce((sum, { health }) => sum + (health.ready ?? 0), 0);
  const wanted = judged.reduce((sum, { health }) => sum + (health.wanted ?? 0), 0);
  const counted = judged.some(({ health }) => health.wanted !== undefined);
  return {
    boundary: 'health',
    state: combined,
    reason: leading?.reason ?? 'nothing-rendered',
    headline: counted
      ? `${ready}/${wanted} ready`
      : combined === 'not-applicable'
        ? 'nothing to wait for'
        : (leading?.reason ?? 'no objects'),
    detail: combined === 'proven' ? '' : (leading?.text ?? 'no object was rendered'),
    claims,
    ...(leading?.deadline === undefined ? {} : { deadline: leading.deadline }),
  };
}
