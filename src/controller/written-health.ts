import { getNumber, isJsonObject } from '../kernel/index.ts';
import { objectName, refOf, splitApiVersion } from '../kube/index.ts';
import type { KubeObject, ObjectRef } from '../kube/index.ts';
import { isWorkload } from '../boundaries/index.ts';
import { engineHealth } from '../boundaries/sync/index.ts';
import type { JournalStep } from '../ledger/index.ts';
import { objectHealth } from './sync/index.ts';

/** One object that a sync has written, and what stood there before. */
export interface Written {
  readonly ref: ObjectRef;
  readonly before: KubeObject | undefined;
  readonly after: KubeObject;
}

const POD_OWNERS = new Set(['Pod', 'PersistentVolumeClaim', 'HorizontalPodAutoscaler']);

/** Whether waiting tells anything about it: it runs something, or somebody's controller acts on it. */
function isTelling(object: KubeObject): boolean {
  const { group } = splitApiVersion(object.apiVersion);
  if (isWorkload(object) || POD_OWNERS.has(object.kind)) return true;
  return group.includes('.') && !group.endsWith('.k8s.io');
}

/** What of a journal is worth watching, once it is written. Pure. */
export function telling(
  steps: readonly Pick<JournalStep, 'action' | 'before' | 'after'>[],
): readonly Written[] {
  return steps.flatMap(({ action, before, after }) => {
    if (action === 'prune' || action === 'hook' || !isObject(after) || !isTelling(after)) return [];
    return [{ ref: refOf(after), before: isObject(before) ? before : undefined, after }];
  });
}

/** What a journal deleted. Pure. */
export function prunedBy(steps: readonly Pick<JournalStep, 'action' | 'before'>[]): readonly ObjectRef[] {
  return steps.flatMap(({ action, before }) =>
    action === 'prune' && isObject(before) ? [refOf(before)] : [],
  );
}

function isObject(value: unknown): value is KubeObject {
  return isJsonObject(value) && isJsonObject(value['metadata']);
}

/**
 * Whether there is something to go back to: nothing that was changed was broken already. A change that is meant to
 * mend is not answered with what it was to mend.
 */
export function wasUsable(written: readonly Written[]): boolean {
  return written.every(({ before }) => before === undefined || objectHealth(before).phase !== 'Failed');
}

/** How far what was written is. Sentences, each beginning with the object. */
export interface WrittenHealth {
  /** Not healthy yet. */
  readonly waiting: readonly string[];
  /** Those of them that count against the sync when its time is up. */
  readonly reasons: readonly string[];
}

/**
 * As Argo CD reads health, bound to the stored generation. Against the sync counts what it made worse: what says that
 * it has failed, and built-in workloads that get no further. Somebody's controller that takes its time (a load
 * balancer that nobody provides, a canary that waits for a person) is no reason to take back the rest. Pure.
 */
export function writtenHealth(
  written: readonly Written[],
  live: readonly (KubeObject | undefined)[],
): WrittenHealth {
  const waiting: string[] = [];
  const reasons: string[] = [];
  for (const [index, { before, after }] of written.entries()) {
    const stored = live[index];
    // Who deleted it meanwhile has decided about it.
    if (stored === undefined) continue;
    const { phase, message } = objectHealth(stored);
    if (phase === 'Succeeded') continue;
    const text = `${objectName(after)}: ${message === '' ? (phase === 'Failed' ? 'it has failed' : 'it is not ready yet') : message}`;
    waiting.push(text);
    const hadTrouble = before !== undefined && objectHealth(before).phase === 'Failed';
    if (!hadTrouble && (phase === 'Failed' || isBuiltInWorkload(stored))) reasons.push(text);
  }
  return { waiting, reasons };
}

/** The longest time that a manifest itself gives its rollout, in ms; 0 where none does. */
export function ownDeadlineMs(written: readonly Written[]): number {
  return Math.max(
    0,
    ...written.map(({ after }) => (getNumber(after, 'spec', 'progressDeadlineSeconds') ?? 0) * 1000),
  );
}

function isBuiltInWorkload(object: KubeObject): boolean {
  const { group } = splitApiVersion(object.apiVersion);
  if (engineHealth(object)?.status === 'Suspended') return false;
  return ['', 'apps', 'batch'].includes(group) && isWorkload(object);
}

/** Grows as long as pods of the new kind come up; a pod that comes and goes does not count twice. */
export function progressOf(live: readonly (KubeObject | undefined)[]): number {
  let sum = 0;
  for (const object of live) {
    if (object === undefined || !isWorkload(object)) continue;
    const count = (...names: readonly string[]) =>
      names.map((name) => getNumber(object, 'status', name)).find((value) => value !== undefined) ?? 0;
    sum += count('updatedReplicas', 'updatedNumberScheduled', 'succeeded');
    sum += count('availableReplicas', 'numberAvailable', 'readyReplicas', 'ready');
  }
  return sum;
}
