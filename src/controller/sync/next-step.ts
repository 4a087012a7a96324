import type { KubeObject } from '../../kube/index.ts';
import { splitApiVersion } from '../../kube/index.ts';
import type { ResultStatus, TaskPhase } from '../outcome.ts';
import { taskObject } from './tasks.ts';
import type { SyncTask } from './tasks.ts';

/** What is known of a task when the next step is decided. */
export interface TaskState {
  readonly task: SyncTask;
  readonly status: ResultStatus | undefined;
  /** Undefined: it was not done yet. */
  readonly phase: TaskPhase | undefined;
  readonly message: string;
  /** It was pruned, and is still there. */
  readonly deleting: boolean;
}

export type Step =
  /** Do these; `last` when nothing is left to wait for after them. */
  | { readonly do: 'run'; readonly tasks: readonly SyncTask[]; readonly last: boolean }
  | { readonly do: 'wait'; readonly message: string }
  | { readonly do: 'succeed' }
  /** Everything has ended, the hooks for failures too. */
  | { readonly do: 'fail'; readonly message: string }
  /** It has failed; these hooks are for that. */
  | { readonly do: 'run-on-failure'; readonly tasks: readonly SyncTask[] };

/** What an object says that was written and is as it was before, because of another one. */
export const TAKEN_BACK = 'taken back, because another object was refused or failed';

const UNSUCCESSFUL = new Set<TaskPhase | undefined>(['Failed', 'Error']);

/**
 * What a sync does next. Waves wait for the health of what was applied before, everything waits for hooks; a sync
 * that is one wave without hooks has ended when it was applied. Source: gitops-engine `sync_context.go`.
 */
export function nextStep(states: readonly TaskState[]): Step {
  const tasks = states.map((state) => state.task);
  const [first, last] = [tasks[0], tasks.at(-1)];
  const several = first?.phase !== last?.phase || first?.wave !== last?.wave;
  const ordinary = states.filter((state) => state.task.phase !== 'SyncFail');
  const onFailure = states.filter((state) => state.task.phase === 'SyncFail');
  const failed = ordinary.filter((state) => UNSUCCESSFUL.has(state.phase));
  const running = states.filter(
    (state) => state.phase === 'Running' && (state.task.hook || (several && failed.length === 0)),
  );
  if (failed.length > 0) return afterFailure(failed, onFailure, running);
  if (running.length > 0) return { do: 'wait', message: waitingFor(running.map((state) => state.task)) };
  const deleting = ordinary.filter((state) => state.deleting).map((state) => state.task);
  if (deleting.length > 0) return { do: 'wait', message: deletionOf(deleting) };
  const pending = ordinary.filter((state) => state.phase === undefined).map((state) => state.task);
  const [next] = pending;
  if (next === undefined) return { do: 'succeed' };
  const now = pending.filter((task) => task.phase === next.phase && task.wave === next.wave);
  const lasting = now.length < pending.length || now.some((task) => task.hook || task.desired === undefined);
  return { do: 'run', tasks: now, last: !lasting };
}

function afterFailure(
  failed: readonly TaskState[],
  onFailure: readonly TaskState[],
  running: readonly TaskState[],
): Step {
  const todo = onFailure.filter((state) => state.phase === undefined);
  if (todo.length > 0) return { do: 'run-on-failure', tasks: todo.map((state) => state.task) };
  if (running.length > 0) return { do: 'wait', message: waitingFor(running.map((state) => state.task)) };
  const refused = failed.filter((state) => state.status === 'SyncFailed' && state.message !== TAKEN_BACK);
  const what =
    refused.length === 0
      ? 'one or more synchronization tasks completed unsuccessfully'
      : 'one or more objects failed to apply';
  const message = withReasons(what, refused.length === 0 ? failed : refused);
  const lost = onFailure.filter((state) => UNSUCCESSFUL.has(state.phase));
  return {
    do: 'fail',
    message:
      lost.length === 0 ? message : `${message}\n${withReasons('one or more SyncFail hooks failed', lost)}`,
  };
}

function withReasons(what: string, states: readonly TaskState[]): string {
  const messages = [...new Set(states.map((state) => state.message))].filter(
    (text) => text !== '' && text !== TAKEN_BACK,
  );
  return messages.length === 0 ? what : `${what}, reason: ${messages.join(',')}`;
}

function nameOf(object: KubeObject): string {
  return `${splitApiVersion(object.apiVersion).group}/${object.kind}/${object.metadata.name}`;
}

function listed(reason: string, tasks: readonly SyncTask[]): string {
  const [first] = tasks.some((task) => task.hook) ? tasks.filter((task) => task.hook) : tasks;
  if (first === undefined) return '';
  const kind = tasks.every((task) => task.hook) ? 'hooks' : 'resources';
  const more = tasks.length > 1 ? ` and ${tasks.length - 1} more ${kind}` : '';
  return `waiting for ${reason} ${nameOf(taskObject(first))}${more}`;
}

function waitingFor(tasks: readonly SyncTask[]): string {
  return listed(tasks.some((task) => task.hook) ? 'completion of hook' : 'healthy state of', tasks);
}

export function deletionOf(tasks: readonly SyncTask[]): string {
  return listed(tasks.some((task) => task.hook) ? 'deletion of hook' : 'deletion of', tasks);
}

export function confirmationOf(tasks: readonly SyncTask[]): string {
  return listed('pruning confirmation of', tasks);
}
