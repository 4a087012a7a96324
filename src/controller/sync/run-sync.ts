import { mapBounded } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { ApplyOutcome, KubeObject } from '../../kube/index.ts';
import { hookDeletePolicies, respectIgnored } from '../../boundaries/sync/index.ts';
import type { HookDeletePolicy } from '../../boundaries/sync/index.ts';
import { refOf } from '../../kube/index.ts';
import { applied, refusal, result } from '../outcome.ts';
import type { SyncOutcome, SyncWork } from '../outcome.ts';
import { hookHealth, mayBeStale, objectHealth } from './health.ts';
import { deleteHook, releaseHook } from './hooks.ts';
import { createLiveTasks } from './live-tasks.ts';
import { confirmationOf, deletionOf, nextStep } from './next-step.ts';
import type { TaskState } from './next-step.ts';
import { syncOptions } from './options.ts';
import type { SyncOptions } from './options.ts';
import { missingNamespace } from './namespace.ts';
import { preflight } from './preflight.ts';
import { createResults } from './results.ts';
import type { Results } from './results.ts';
import { consentOf, plannedWrites, runTasks, sayTakenBack } from './run-tasks.ts';
import type { Running } from './run-tasks.ts';
import type { PlannedWrite } from './sync-set.ts';
import { CLIENT_SIDE_MANAGERS } from './take-over.ts';
import { syncTasks } from './tasks.ts';
import type { SyncTask } from './tasks.ts';

const AT_ONCE = 6;
const PRUNE_WAIT = 60_000;
/** A controller that does not say what it has seen is given as long as Argo CD gives it between waves. */
const SETTLE = 2000;

/**
 * One turn of an operation: the whole set passes a server-side dry run before the first write, then it goes on from
 * where the results of earlier turns say it is, phase by phase and wave by wave, until it ends or has to wait.
 * Waiting is an outcome, `Running`; nothing is held meanwhile. Throws only when the API server went away or the
 * controller closes: nothing is known then, and the operation goes on later.
 */
export async function runSync(work: SyncWork): Promise<SyncOutcome> {
  const options = syncOptions(work.request.options);
  const shared = options.failOnShared ? work.comparison.shared[0] : undefined;
  if (shared !== undefined) return ended('Failed', `Shared resource found: ${shared}`);
  const { pairs } = work.comparison;
  if (pairs.every((pair) => pair.desired === undefined) && !work.spec.policy.allowEmpty) {
    return ended(
      'Error',
      'the source renders to no object; nothing is applied and nothing is pruned (spec.syncPolicy.automated.allowEmpty allows it)',
    );
  }
  const tasks = await tasksOf(work, options);
  let tried: ReadonlyMap<string, ApplyOutcome> = new Map();
  let planned: readonly PlannedWrite[] = [];
  const takeOver = options.migrate
    ? [...CLIENT_SIDE_MANAGERS, ...(work.migrateFrom === undefined ? [] : [work.migrateFrom])]
    : [];
  const begun = work.before.length > 0;
  if (!begun) {
    const wanted = tasks.filter((task) => !isLeftOut(task, options));
    const dry = await preflight(work, wanted, options);
    if (dry.failures.length > 0) {
      return { ...ended('Failed', 'one or more objects failed to apply (dry run)'), results: dry.failures };
    }
    if (work.request.dryRun) return dryRunOutcome(work, options, wanted, dry.outcomes);
    tried = dry.outcomes;
    planned = plannedWrites({ work, options, tried, takeOver }, wanted, dry.recreated);
  }
  const set = await work.openSet(planned, begun);
  const { client, signal } = work;
  const results = createResults(work.before);
  const live = createLiveTasks(client, signal);
  return goOn({ work, options, results, live, set, tried, takeOver }, tasks);
}

function ended(phase: 'Failed' | 'Error', message: string): SyncOutcome {
  return { phase, message, results: [] };
}

async function tasksOf(work: SyncWork, options: SyncOptions): Promise<readonly SyncTask[]> {
  const { comparison, spec } = work;
  const pairs = options.respectIgnored
    ? comparison.pairs.map(({ desired, live, ...pair }) => ({
        ...pair,
        live,
        desired:
          desired === undefined || live === undefined
            ? desired
            : respectIgnored(desired, live, comparison.compared),
      }))
    : comparison.pairs;
  return syncTasks(
    { pairs, hooks: comparison.hooks, namespace: await missingNamespace(work, options) },
    {
      request: work.request,
      options,
      instance: work.instance,
      ...(work.tracking === undefined ? {} : { tracking: work.tracking }),
      destination: spec.destination.namespace,
      commit: work.commit,
      startedAt: work.startedAt,
      operationId: work.operationId,
    },
  );
}

/** `ApplyOutOfSyncOnly=true`: what is as Git asks for is not touched. */
function isLeftOut(task: SyncTask, options: SyncOptions): boolean {
  return options.outOfSyncOnly && !task.hook && task.inSync && task.live !== undefined;
}

function dryRunOutcome(
  work: SyncWork,
  options: SyncOptions,
  tasks: readonly SyncTask[],
  outcomes: ReadonlyMap<string, ApplyOutcome>,
): SyncOutcome {
  const results = tasks.map((task): JsonObject => {
    const more = { syncPhase: task.phase, hook: task.hook, hookPhase: 'Succeeded' as const };
    if (task.desired !== undefined) {
      const message = `${applied(task.desired, outcomes.get(task.key) ?? 'changed')} (dry run)`;
      return result(task.desired, 'Synced', message, more);
    }
    const consent = consentOf({ work, options }, task);
    const object = task.live as KubeObject;
    return consent.may === 'not'
      ? result(object, 'PruneSkipped', consent.why, more)
      : result(object, 'Pruned', 'pruned (dry run)', more);
  });
  return { phase: 'Succeeded', message: 'successfully synced (dry run)', results };
}

async function goOn(running: Running, all: readonly SyncTask[]): Promise<SyncOutcome> {
  const { work, options, results, set } = running;
  // What was done counts, whatever it is worth now.
  const tasks = all.filter((task) => results.phase(task) !== undefined || !isLeftOut(task, options));
  const outcome = (phase: SyncOutcome['phase'], message: string): SyncOutcome => ({
    phase,
    message,
    results: results.list(),
  });
  // A process that took it back, and died before it could say so.
  const earlier = set.takenBack();
  if (earlier !== undefined) sayTakenBack(running, tasks, earlier);
  for (;;) {
    const states = await look(running, tasks);
    const step = nextStep(states);
    // Before anything else is said or done: hooks for failures find the cluster as it was.
    if ((step.do === 'fail' || step.do === 'run-on-failure') && set.takenBack() === undefined) {
      const back = await set.restore(results.passing);
      if (back !== undefined) sayTakenBack(running, tasks, back);
    }
    switch (step.do) {
      case 'wait':
        return outcome('Running', step.message);
      case 'fail': {
        await endHooks(running, tasks, 'HookFailed', outcome('Running', step.message));
        const back = set.takenBack();
        if (back === undefined) return outcome('Failed', step.message);
        return {
          ...outcome('Failed', `${step.message}, and ${back.note}`),
          final: !back.passing && hasFailed(results, tasks),
        };
      }
      case 'succeed': {
        await set.commit();
        const message = 'successfully synced (no more tasks)';
        await endHooks(running, tasks, 'HookSucceeded', outcome('Running', message));
        return outcome('Succeeded', message);
      }
      case 'run':
      case 'run-on-failure': {
        const ran = await runTasks(running, step.tasks);
        if (ran === 'pending') return outcome('Running', pendingMessage(running, step.tasks));
        if (ran === 'done' && step.do === 'run' && step.last) {
          await set.commit();
          const message = 'successfully synced (all tasks run)';
          await endHooks(running, tasks, 'HookSucceeded', outcome('Running', message));
          return outcome('Succeeded', message);
        }
        await work.record(outcome('Running', 'one or more tasks are running'));
      }
    }
  }
}

/** An object failed, not only a hook before them: trying again would put back what was refused. */
function hasFailed(results: Results, tasks: readonly SyncTask[]): boolean {
  return tasks.some((task) => !task.hook && ['Failed', 'Error'].includes(results.phase(task) ?? ''));
}

function pendingMessage(running: Running, tasks: readonly SyncTask[]): string {
  const asked = tasks.filter((task) => task.desired === undefined && consentOf(running, task).may === 'ask');
  const hooks = tasks.filter((task) => task.hook && running.live.known(task) !== undefined);
  return hooks.length > 0 ? deletionOf(hooks) : confirmationOf(asked);
}

/** Reads what is running as it is now, and writes down what has come of it. */
async function look(running: Running, tasks: readonly SyncTask[]): Promise<readonly TaskState[]> {
  const { results } = running;
  const [first, last] = [tasks[0], tasks.at(-1)];
  const several = first?.phase !== last?.phase || first?.wave !== last?.wave;
  const deleting = new Set<string>();
  await mapBounded(tasks, AT_ONCE, async (task) => {
    const phase = results.phase(task);
    if (phase === 'Running' && (several || task.hook)) await lookAtRunning(running, task);
    if (task.desired === undefined && results.status(task) === 'Pruned' && (await isLeft(running, task))) {
      deleting.add(task.key);
    }
  });
  return tasks.map((task) => ({
    task,
    status: results.status(task),
    phase: results.phase(task),
    message: results.message(task),
    deleting: deleting.has(task.key),
  }));
}

async function lookAtRunning({ work, results, live }: Running, task: SyncTask): Promise<void> {
  const stored = await live.read(task);
  const { group, kind, name } = namesOf(task);
  if (stored === undefined) {
    results.set(
      task,
      'SyncFailed',
      'Error',
      `Resource ${group}/${kind}/${name} is missing, it might have been deleted`,
    );
    return;
  }
  const health = task.hook ? hookHealth(stored) : objectHealth(stored);
  const early = work.clock.now() - work.since(`applied ${task.key}`) < SETTLE;
  if (!task.hook && health.phase !== 'Running' && early && mayBeStale(stored)) return;
  if (health.phase !== 'Running') results.set(task, 'Synced', health.phase, health.message);
  else if (task.hook) results.set(task, 'Synced', 'Running', health.message);
}

function namesOf(task: SyncTask) {
  const {
    apiVersion = '',
    kind = '',
    name = '',
  } = {
    ...(task.desired ?? task.live),
    ...(task.desired ?? task.live)?.metadata,
  } as { apiVersion?: string; kind?: string; name?: string };
  const slash = apiVersion.indexOf('/');
  return { group: slash < 0 ? '' : apiVersion.slice(0, slash), kind, name };
}

/** True while what was pruned is still there; after a while that is a failure, with what holds it. */
async function isLeft({ work, results, live }: Running, task: SyncTask): Promise<boolean> {
  const left = await live.read(task);
  if (left === undefined || left.metadata.uid !== task.live?.metadata.uid) return false;
  if (work.clock.now() - work.since(`pruned ${task.key}`) < PRUNE_WAIT) return true;
  const finalizers = left.metadata.finalizers ?? [];
  const held = finalizers.length === 0 ? '' : `: held by ${finalizers.join(', ')}`;
  results.set(task, 'SyncFailed', 'Failed', `deleted, and still there after ${PRUNE_WAIT / 1000} s${held}`);
  return false;
}

/** Lets go of hooks that have ended, and deletes those whose policy says so; what they came to is written down first. */
async function endHooks(
  { work, options, results, live }: Running,
  tasks: readonly SyncTask[],
  policy: HookDeletePolicy,
  sofar: SyncOutcome,
): Promise<void> {
  const hooks = tasks.filter((task) => task.hook && results.phase(task) !== undefined);
  if (hooks.length === 0) return;
  await work.record(sofar);
  await mapBounded(hooks, AT_ONCE, async (task) => {
    const stored = await live.read(task);
    if (stored === undefined || task.desired === undefined) return;
    try {
      if (hookDeletePolicies(task.desired).includes(policy))
        await deleteHook(work, stored, options.propagation);
      else await releaseHook(work.client, refOf(stored), work.signal);
    } catch (thrown) {
      results.set(
        task,
        results.status(task) ?? 'Synced',
        'Error',
        `failed to delete resource: ${refusal(thrown)}`,
      );
    }
  });
}
