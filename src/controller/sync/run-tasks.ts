import { LandfallError, getArray, getObject, getString, mapBounded, sleep } from '../../kernel/index.ts';
import type { ApplyOutcome } from '../../kube/index.ts';
import { refOf } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { applyGroups } from '../../apply/index.ts';
import { applied, refusal } from '../outcome.ts';
import type { SyncWork } from '../outcome.ts';
import { pruneConsent } from './consent.ts';
import { deleteHook, isOwn, mustGoFirst } from './hooks.ts';
import type { LiveTasks } from './live-tasks.ts';
import type { SyncOptions } from './options.ts';
import { mannerOf } from './preflight.ts';
import type { Results } from './results.ts';
import { takeOver as giveOver, ownedClientSide } from './take-over.ts';
import { plainWaves } from './wave.ts';
import type { WaveStep } from './wave.ts';
import type { SyncWriter } from './writer.ts';
import { taskObject } from './tasks.ts';
import type { SyncTask } from './tasks.ts';

const AT_ONCE = 6;
const ESTABLISH_WAIT = 30_000;
const PAUSE = 200;

/** Pending: something has to go, or to be approved, before these tasks can be done. */
export type Ran = 'done' | 'failed' | 'pending';

export interface Running {
  readonly work: SyncWork;
  readonly options: SyncOptions;
  readonly results: Results;
  readonly live: LiveTasks;
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

/** Puts every object of a wave, or leaves everything as it was. False: something was refused. */
async function putAll(running: Running, tasks: readonly SyncTask[]): Promise<boolean> {
  const { work, results } = running;
  const steps = await announce(running, tasks);
  if (steps.length === 0 && tasks.every((task) => !task.hook && isUnchanged(running, task))) {
    for (const task of tasks) await putOne(running, work.writer, task, undefined);
    return true;
  }
  const open = steps.length === 0 ? plainWaves(work.writer) : work.openWave;
  const wave = await open(steps);
  const before = new Map(steps.map((step) => [step.desired, step.before]));
  const troubles: unknown[] = [];
  for (const members of applyGroups(tasks.map((task) => ({ kind: taskObject(task).kind, task })))) {
    const group = members.map((member) => member.task);
    await mapBounded(group, AT_ONCE, async (task) => {
      try {
        await putOne(running, wave.writer, task, task.desired && before.get(task.desired));
      } catch (thrown) {
        // The others of the group have begun: they end before anything is taken back.
        troubles.push(thrown);
      }
    });
    const refused = group.some((task) => results.status(task) === 'SyncFailed');
    if (!refused && troubles.length === 0) {
      try {
        await established(running, group);
        continue;
      } catch (thrown) {
        troubles.push(thrown);
      }
    }
    const staying = await wave.restore();
    if (troubles.length > 0) throw troubles[0];
    if (staying !== undefined) sayTakenBack(running, tasks, staying);
    return false;
  }
  await wave.commit();
  return true;
}

/** What the wave will write, with what is there now. Hooks are made and never unmade; what is replaced stays replaced. */
async function announce(running: Running, tasks: readonly SyncTask[]): Promise<readonly WaveStep[]> {
  const { work, options, takeOver, live } = running;
  const steps: WaveStep[] = [];
  for (const task of tasks) {
    const { desired } = task;
    const { how, force, validation } = mannerOf(task, options, work.request.force);
    if (desired === undefined || task.hook || how === 'replace' || (force && task.live !== undefined))
      continue;
    if (isUnchanged(running, task)) continue;
    let before = task.live;
    if (before !== undefined && ownedClientSide(before, takeOver)) {
      await giveOver(work.client, before, takeOver, work.signal);
      before = await live.read(task);
    }
    steps.push({ desired, before, validation });
  }
  return steps;
}

function isUnchanged({ tried, takeOver }: Running, task: SyncTask): boolean {
  const inherits = task.live !== undefined && ownedClientSide(task.live, takeOver);
  return !task.hook && !inherits && tried.get(task.key) === 'unchanged';
}

/** What had been written is as it was before, or says why not. */
function sayTakenBack({ results }: Running, tasks: readonly SyncTask[], staying: readonly string[]): void {
  for (const task of tasks) {
    if (task.desired === undefined || task.hook || results.status(task) !== 'Synced') continue;
    if (results.message(task).endsWith(' unchanged')) continue;
    const name = `${task.desired.kind}/${task.desired.metadata.name}: `;
    const left = staying.find((text) => text.startsWith(name));
    results.set(task, 'SyncFailed', 'Failed', left ?? 'taken back, because another object was refused');
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

async function putOne(
  running: Running,
  writer: SyncWriter,
  task: SyncTask,
  announced: KubeObject | undefined,
): Promise<void> {
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
  const stored = task.hook ? live.known(task) : (announced ?? task.live);
  const { how, force, validation } = mannerOf(task, options, work.request.force);
  try {
    const { outcome } = await writer.apply(
      object,
      // A later wave finds what earlier ones and their controllers made of it.
      { how, force: force && !task.hook, validation, before: stored ?? null, takeOver },
      work.signal,
    );
    work.since(`applied ${task.key}`, outcome === 'unchanged' ? 0 : undefined);
    results.set(task, 'Synced', 'Running', applied(object, outcome));
  } catch (thrown) {
    results.set(task, 'SyncFailed', 'Failed', refusal(thrown));
  }
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
      await work.writer.delete(stored, { propagationPolicy: options.propagation }, work.signal);
    }
    work.since(`pruned ${task.key}`);
    results.set(task, 'Pruned', 'Succeeded', 'pruned');
  } catch (thrown) {
    results.set(task, 'SyncFailed', 'Failed', refusal(thrown));
  }
}

/** Waits until the API server serves the definitions that were just applied, so that their objects can follow. */
async function established({ work }: Running, group: readonly SyncTask[]): Promise<void> {
  const definitions = group.flatMap(({ desired }) =>
    desired?.kind === 'CustomResourceDefinition' ? [desired] : [],
  );
  if (definitions.length === 0) return;
  work.client.forgetKinds();
  const end = work.clock.now() + ESTABLISH_WAIT;
  for (const definition of definitions) {
    while (!(await isEstablished(work, definition))) {
      if (work.clock.now() >= end) {
        throw new LandfallError(
          `CustomResourceDefinition/${definition.metadata.name} was applied and is not served after ${ESTABLISH_WAIT / 1000} s.`,
          { kind: 'unavailable', code: 'crd-not-established', object: definition.metadata.name },
        );
      }
      await sleep(work.clock, PAUSE, work.signal);
    }
  }
  work.client.forgetKinds();
}

async function isEstablished(work: SyncWork, definition: KubeObject): Promise<boolean> {
  const live = await work.client.get(refOf(definition), work.signal);
  return getArray(getObject(live, 'status'), 'conditions').some(
    (item) => getString(item, 'type') === 'Established' && getString(item, 'status') === 'True',
  );
}
