import type { BoundaryReport, ImageFacts, LiveSubject, RolloutSubject } from '../boundaries/index.ts';
import {
  INCLUDED_SINCE,
  changedByOthers,
  fieldDifferences,
  shortDigest,
  shortReference,
  templateContainers,
} from '../boundaries/index.ts';
import { inOrder } from './verdict.ts';

/** An image whose reference names no digest, and pods that run something else than its registry answers now. */
export interface MovedReference {
  readonly image: ImageFacts;
  /** What the registry answers for the reference now. */
  readonly answered: string;
  /** Digests that run instead, most pods first. */
  readonly running: readonly string[];
  readonly subject: RolloutSubject;
}

/**
 * Finds references that could not carry a release: Git and the cluster name the same reference, the reference names
 * no digest, and pods run another digest than the registry answers. Drift of the live image is somebody else's doing
 * and no case of this.
 */
export function movedReferences(
  images: readonly ImageFacts[],
  subjects: readonly RolloutSubject[],
): readonly MovedReference[] {
  const found: MovedReference[] = [];
  for (const subject of subjects) {
    if (subject.live.state !== 'read') continue;
    const live = templateContainers(subject.live.value);
    const asked = templateContainers(subject.object);
    for (const image of images) {
      if (image.pinned !== undefined || image.answer.state !== 'read') continue;
      const containers = live
        .filter((container) => container.image === image.reference)
        // Another workload may ask for what somebody put into this one.
        .filter(({ name }) => asked.some((other) => other.name === name && other.image === image.reference))
        .map((container) => container.name);
      const wrong = subject.checks.filter(
        (check) => check.outcome === 'mismatch' && containers.includes(check.container),
      );
      if (wrong.length === 0) continue;
      const counts = new Map<string, number>();
      for (const check of wrong)
        counts.set(check.digest ?? check.imageID, (counts.get(check.digest ?? check.imageID) ?? 0) + 1);
      const running = [...counts].toSorted((a, b) => b[1] - a[1]).map(([digest]) => digest);
      found.push({ image, answered: image.answer.value.digest, running, subject });
    }
  }
  return found;
}

/** Objects differ from Git, and each of them only because somebody else wrote it after the sync. */
function driftedSince(reports: readonly BoundaryReport[], lives: readonly LiveSubject[]): boolean {
  const live = reports.find((report) => report.boundary === 'live');
  if (live?.state !== 'broken' || live.reason !== 'drift') return false;
  const differing = lives.filter(
    ({ object, live: stored }) =>
      stored.state !== 'read' || fieldDifferences(object, stored.value).length > 0,
  );
  return differing.length > 0 && differing.every(changedByOthers);
}

/** Objects are not as Git asks. */
function differs(reports: readonly BoundaryReport[]): boolean {
  const live = reports.find(({ boundary }) => boundary === 'live');
  return live?.state === 'broken' && (live.reason === 'drift' || live.reason === 'missing');
}

/** Everything is stored as asked, and what is not healthy says so itself. */
function appliedAndUnwell(reports: readonly BoundaryReport[]): boolean {
  const state = (boundary: string) => reports.find((report) => report.boundary === boundary)?.state;
  return state('live') === 'proven' && (state('health') === 'broken' || state('rollout') === 'broken');
}

const EXCLUDED = 'condition.ExcludedResourceWarning';

/** The controller says that it leaves a kind out, and an object of that kind is not there. */
function excluded(reports: readonly BoundaryReport[], lives: readonly LiveSubject[]): string | undefined {
  const live = reports.find(({ boundary }) => boundary === 'live');
  const sync = reports.find(({ boundary }) => boundary === 'sync');
  if (live?.reason !== 'missing') return undefined;
  const missing = lives.filter((subject) => subject.live.state === 'absent').map(({ object }) => object);
  return sync?.claims.find(
    ({ attribute, value }) =>
      attribute === EXCLUDED &&
      missing.some(({ kind, metadata }) => value.includes(kind) && value.includes(metadata.name)),
  )?.value;
}

/** Nothing is on its way while an update is held back: whoever serves will go on serving. */
function heldBack(reports: readonly BoundaryReport[]): readonly BoundaryReport[] {
  const rollout = reports.find(({ boundary }) => boundary === 'rollout');
  if (rollout?.state !== 'unknown' || !['paused', 'on-delete'].includes(rollout.reason)) return reports;
  return reports.map((report) =>
    report.boundary === 'traffic' && report.reason === 'old-endpoints'
      ? { ...report, state: 'unknown', detail: `${report.detail} (behind rollout)` }
      : report,
  );
}

/**
 * Tells causes from consequences, in six steps. A moved reference is intent's fault, not rollout's: Git did not
 * change, so nothing after it could see a release. An application that is OutOfSync only because somebody changed
 * what had been applied is live's to decide, not the controller's to mend. A release that failed because what it
 * applied is not ready is health's to mend. An object that the controller leaves out is
 * sync's, not live's, and so is what a source brings with it that no interval has come for. Pods that pulled a pinned digest prove that it exists when the
 * registry cannot be asked. And whatever does not agree behind a boundary that still moves is moving too.
 */
export function tellCauses(
  reports: readonly BoundaryReport[],
  images: readonly ImageFacts[],
  subjects: readonly RolloutSubject[],
  lives: readonly LiveSubject[] = [],
): readonly BoundaryReport[] {
  const moved = movedReferences(images, subjects)[0];
  const drifted = driftedSince(reports, lives);
  const leftOut = excluded(reports, lives);
  const blamed = reports.map((report): BoundaryReport => {
    if (report.boundary === 'intent' && report.state === 'proven' && moved !== undefined) {
      return {
        ...report,
        state: 'broken',
        reason: 'names-no-release',
        headline: shortReference(moved.image.reference),
        detail: `Git did not change; it cannot tell ${shortDigest(moved.answered)} from ${moved.running.map(shortDigest).join(', ')}`,
      };
    }
    if (report.boundary === 'sync' && report.reason === 'not-synced' && drifted) {
      return {
        ...report,
        state: 'proven',
        reason: 'drifted-since',
        detail: `${report.headline}, but only what was changed in the cluster after it had been applied`,
      };
    }
    if (report.boundary === 'sync' && report.state === 'proven' && leftOut !== undefined) {
      return { ...report, state: 'broken', reason: 'resource-excluded', detail: leftOut };
    }
    if (report.boundary === 'sync' && report.reason === INCLUDED_SINCE && !drifted && differs(reports)) {
      return { ...report, state: 'moving' };
    }
    if (report.boundary === 'sync' && report.reason === 'release-not-ready' && appliedAndUnwell(reports)) {
      return {
        ...report,
        state: 'proven',
        reason: 'applied',
        detail: `applied, and then: ${report.detail}`,
      };
    }
    if (
      report.boundary === 'artifact' &&
      report.reason === 'registry-unreadable' &&
      pulledAsPinned(images, subjects)
    ) {
      return {
        ...report,
        state: 'proven',
        reason: 'pulled-by-nodes',
        detail: 'the registry cannot be asked; the nodes pulled exactly the digest that Git pins',
      };
    }
    return report;
  });
  const ordered = heldBack(inOrder(blamed));
  const firstMoving = ordered.findIndex((report) => report.state === 'moving');
  if (firstMoving < 0) return ordered;
  return ordered.map((report, index) =>
    index > firstMoving && report.state === 'broken'
      ? {
          ...report,
          state: 'moving',
          detail: `${report.detail} (behind ${ordered[firstMoving]?.boundary ?? ''})`,
        }
      : report,
  );
}

function pulledAsPinned(images: readonly ImageFacts[], subjects: readonly RolloutSubject[]): boolean {
  const unread = images.filter((image) => image.answer.state === 'unreadable');
  return (
    unread.length > 0 &&
    unread.every((image) => {
      if (image.pinned === undefined) return false;
      const checks = subjects.flatMap((subject) =>
        subject.checks.filter((check) => check.expected === image.pinned),
      );
      return checks.length > 0 && checks.every((check) => check.outcome === 'match');
    })
  );
}
