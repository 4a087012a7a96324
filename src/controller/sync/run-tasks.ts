import { asLandfallError, mapBounded } from '../../kernel/index.ts';
import type { ApplyOutcome } from '../../kube/index.ts';
import { applyGroups } from '../../apply/index.ts';
import { NOT_SERVED, unservedDefinitions } from '../established.ts';
import { applied, isPassing, refusal } from '../outcome.ts';
import type { SyncWork } from '../outcome.ts';
import { isPrecious, pruneConsent } from './consent.ts';
import { deleteHook, isOwn, mustGoFirst } from './hooks.ts';
import type { LiveTasks } from './live-tasks.ts';
import type { SyncOptions } from './options.ts';
import { mannerOf } from './preflight.ts';
import type { Results } from './results.ts';
import { TAKEN_BACK } from './next-step.ts';
import type { PlannedWrite, SyncSet, TakenBack } from './sync-set.ts';
import { ownedClientSide } from './take-over.ts';
import { taskObject } from './tasks.ts';
import type { SyncTask } from './tasks.ts';

const AT_ONCE = 6;

/** Pending: something has to go, or to be approved, before these tasks can be done. */
export type Ran = 'done' | 'failed' | 'pending';

export interface Running {
  readonly work: SyncWork;
  readonly options: SyncOptions;
  readonly results: Results;
  readonly live: LiveTasks;
  /** Everything that the operation writes. */
  readonly set: SyncSet;
  /** What the dry run of this very turn said; what it found unchanged is not written again. */
  readonly tried: ReadonlyMap<string, ApplyOutcome>;
  /** Managers whose fields are taken over. */
  readonly takeOver: readonly string[];
}

/** Does the tasks of one wave: hooks that are in the way go, then everything is put in its order, then what left Git goes. */
export async function runTasks(running: Running, tasks: readonly SyncTask[]): Promise<Ran> {
  const { results } = running;
  const creating = tasks.filter((task) => task.desired !== undefined);
  const pruning = tasks.filter((task) => task.desired === undefined);
  if (await clearHooks(running, creating)) return 'pending';
  if (pruning.some((task) => consentOf(running, task).may === 'ask')) return 'pending';
  const failed = (task: SyncTask) => results.status(task) === 'SyncFailed';
  if (!(await putAll(running, creating))) return 'failed';
  // After what replaces it is there: what was deleted cannot be put back.
  await mapBounded(pruning, AT_ONCE, (task) => pruneOne(running, task));
  return pruning.some(failed) ? 'failed' : 'done';
}

/** Puts every object of a wave. False: something was refused. */
async function putAll(running: Running, tasks: readonly SyncTask[]): Promise<boolean> {
  const { results } = running;
  for (const members of applyGroups(tasks.map((task) => ({ kind: taskObject(task).kind, task })))) {
    const group = members.map((member) => member.task);
    await lookForKinds(running.work, group);
    const troubles: unknown[] = [];
    await mapBounded(group, AT_ONCE, async (task) => {
      try {
        await putOne(running, task);
      } catch (thrown) {
        // The others of the group have begun: they end before anything else happens.
        troubles.push(thrown);
      }
    });
    if (troubles.length > 0) throw troubles[0];
    if (group.some((task) => results.status(task) === 'SyncFailed')) return false;
    if (!(await established(running, group))) return false;
  }
  return true;
}

/** A kind that was not there a moment ago may have come since: it is asked for anew before its object is refused. */
async function lookForKinds({ client, signal }: SyncWork, group: readonly SyncTask[]): Promise<void> {
  for (const { desired } of group) {
    if (desired === undefined) continue;
    try {
      await client.resource(desired, signal);
    } catch (thrown) {
      if (asLandfallError(thrown).code !== 'kind-unknown') throw thrown;
      client.forgetKinds();
      return;
    }
  }
}

/**
 * Everything that the operation will write, in all of its waves, with what is there now; nothing where nothing will
 * be written. Of hooks, and of what is replaced as a whole, it is only recorded that they were done.
 */
export function plannedWrites(
  { work, options, tried, takeOver }: Pick<Running, 'work' | 'options' | 'tried' | 'takeOver'>,
  tasks: readonly SyncTask[],
  recreated: ReadonlySet<string>,
): readonly PlannedWrite[] {
  const idle = (task: SyncTask) =>
    task.hook || (task.desired !== undefined && isUnchanged({ tried, takeOver }, task));
  if (tasks.every(idle)) return [];
  return tasks.map((task): PlannedWrite => {
    const { desired, live: before } = task;
    const { how, force, validation } = mannerOf(task, options, work.request.force);
    const action = (): PlannedWrite['action'] => {
      if (desired === undefined) return 'prune';
      if (task.hook) return 'hook';
      if (before === undefined) return 'create';
      const isRemade = recreated.has(task.key) || (how === 'replace' && force && !isPrecious(desired));
      if (isRemade) return 'recreate';
      return how === 'replace' ? 'hook' : 'change';
    };
    return { action: action(), desired, before, validation };
  });
}

function isUnchanged({ tried, takeOver }: Pick<Running, 'tried' | 'takeOver'>, task: SyncTask): boolean {
  const inherits = task.live !== undefined && ownedClientSide(task.live, takeOver);
  return !task.hook && !inherits && tried.get(task.key) === 'unchanged';
}

/** What had been written is as it was before, or says why not. */
export function sayTakenBack({ results }: Running, tasks: readonly SyncTask[], { staying }: TakenBack): void {
  for (const task of tasks) {
    const status = results.status(task);
    if (task.hook || (status !== 'Synced' && status !== 'Pruned')) continue;
    // What failed by itself says so already.
    if (results.phase(task) === 'Failed' || results.phase(task) === 'Error') continue;
    if (results.message(task).endsWith(' unchanged')) continue;
    const { kind, metadata } = taskObject(task);
    const left = staying.find((text) => text.startsWith(`${kind}/${metadata.name}: `));
    results.set(task, 'SyncFailed', 'Failed', left ?? TAKEN_BACK);
  }
}

/** Deletes hooks that earlier syncs left. True while one of them is still there. */
async function clearHooks(running: Running, tasks: readonly SyncTask[]): Promise<boolean> {
  const { work, options, live } = running;
  let waiting = false;
  await mapBounded(
    tasks.filter((task) => task.hook),
    AT_ONCE,
    async (task) => {
      const stored = await live.read(task);
      if (stored === undefined || task.desired === undefined) return;
      if (isOwn(stored, work.operationId) || !mustGoFirst(task.desired, stored)) return;
      await deleteHook(work, stored, options.propagation);
      waiting ||= (await live.read(task)) !== undefined;
    },
  );
  return waiting;
}

async function putOne(running: Running, task: SyncTask): Promise<void> {
  const { work, options, results, live, takeOver } = running;
  const object = task.desired;
  if (object === undefined) return;
  if (task.hook && (await ownHook(running, task))) {
    results.set(task, 'Synced', 'Running', `${object.metadata.name} created`);
    return;
  }
  if (isUnchanged(running, task)) {
    work.since(`applied ${task.key}`, 0);
    results.set(task, 'Synced', 'Running', applied(object, 'unchanged'));
    return;
  }
  if (task.place === true && (await isThere(running, task))) return;
  const stored = task.hook ? live.known(task) : task.live;
  const { how, force, validation } = mannerOf(task, options, work.request.force);
  try {
    const { outcome } = await running.set.apply(
      object,
      // A later wave finds what earlier ones and their controllers made of it.
      { how, force: force && !task.hook, validation, before: stored ?? null, takeOver, hook: task.hook },
      work.signal,
    );
    work.since(`applied ${task.key}`, outcome === 'unchanged' ? 0 : undefined);
    results.set(task, 'Synced', 'Running', applied(object, outcome));
  } catch (thrown) {
    if (task.place === true && isPassing(thrown) && (await isThere(running, task))) return;
    results.set(task, 'SyncFailed', 'Failed', refusal(thrown), isPassing(thrown));
  }
}

/**
 * The destination's namespace was missing when the operation began, and another application that goes there has made
 * it since: it is there, which is all that was wanted. Its labels are put on it as they are asked for.
 */
async function isThere({ work, live, results }: Running, task: SyncTask): Promise<boolean> {
  if (task.live !== undefined || task.desired === undefined) return false;
  const stored = await live.read(task);
  if (stored === undefined || stored.metadata.deletionTimestamp !== undefined) return false;
  const { labels, annotations } = task.desired.metadata;
  const wanted = Object.keys({ ...labels, ...annotations }).length > 0;
  const outcome = wanted
    ? (
        await work.writer.apply(
          task.desired,
          { how: 'apply', force: false, validation: 'Strict', before: stored, takeOver: [] },
          work.signal,
        )
      ).outcome
    : 'unchanged';
  work.since(`applied ${task.key}`, 0);
  results.set(task, 'Synced', 'Running', applied(task.desired, outcome));
  return true;
}

/** A turn that was cut off after it had made the hook: it runs already. */
async function ownHook(running: Running, task: SyncTask): Promise<boolean> {
  const stored = await running.live.read(task);
  return stored !== undefined && isOwn(stored, running.work.operationId);
}

export function consentOf(running: Pick<Running, 'work' | 'options'>, task: SyncTask) {
  const { request, approved } = running.work;
  return task.live === undefined
    ? ({ may: 'prune' } as const)
    : pruneConsent(task.live, { prune: request.prune, byDefault: running.options.prune, approved });
}

async function pruneOne(running: Running, task: SyncTask): Promise<void> {
  const { work, options, results } = running;
  const stored = task.live;
  const consent = consentOf(running, task);
  if (stored === undefined || consent.may === 'ask') return;
  if (consent.may === 'not') {
    results.set(task, 'PruneSkipped', 'Succeeded', consent.why);
    return;
  }
  try {
    if (stored.metadata.deletionTimestamp === undefined) {
      await running.set.prune(stored, { propagationPolicy: options.propagation }, work.signal);
    }
    work.since(`pruned ${task.key}`);
    results.set(task, 'Pruned', 'Succeeded', 'pruned');
  } catch (thrown) {
    results.set(task, 'SyncFailed', 'Failed', refusal(thrown), isPassing(thrown));
  }
}

/** False: the API server does not serve one of the definitions that were just applied. */
async function established({ work, results }: Running, group: readonly SyncTask[]): Promise<boolean> {
  const { client, clock, signal } = work;
  const objects = group.flatMap((task) => task.desired ?? []);
  const unserved = await unservedDefinitions(client, clock, objects, signal);
  for (const task of group) {
    if (task.desired !== undefined && unserved.includes(task.desired))
      results.set(task, 'SyncFailed', 'Failed', NOT_SERVED);
  }
  return unserved.length === 0;
}
