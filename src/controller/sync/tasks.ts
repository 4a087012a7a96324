import { LandfallError } from '../../kernel/index.ts';
import { objectKey } from '../../boundaries/index.ts';
import { HOOK_FINALIZER, isHook, syncPhases, syncWave, withTracking } from '../../boundaries/sync/index.ts';
import type { SyncPhase, Tracking } from '../../boundaries/sync/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { splitApiVersion } from '../../kube/index.ts';
import { kindRank } from '../../apply/index.ts';
import { definedKind } from '../order.ts';
import type { SyncRequest } from '../operation.ts';
import { objectOptions, optionValue } from './options.ts';
import type { SyncOptions } from './options.ts';

/** One thing to do in a sync: put an object as Git asks for it, or take one away. */
export interface SyncTask {
  /** Object and phase; a hook may have a task in several phases. */
  readonly key: string;
  readonly phase: SyncPhase;
  readonly wave: number;
  readonly hook: boolean;
  /** Undefined: what is live is to be pruned. */
  readonly desired: KubeObject | undefined;
  /** As it was read when the turn began. */
  readonly live: KubeObject | undefined;
  /** Git and the cluster agree. */
  readonly inSync: boolean;
  /** The destination's namespace, which `CreateNamespace` asks for and no manifest brings: others may make it as well. */
  readonly place?: true;
}

/** Says on a hook which operation it was made for, so that one that goes on after a crash does not run it twice. */
export const OPERATION_ANNOTATION = 'landfall.dev/sync-operation';

const PHASES: readonly SyncPhase[] = ['PreSync', 'Sync', 'PostSync', 'SyncFail'];

/** The one of the two that is there: what Git asks for before what is live. */
export function taskObject(task: Pick<SyncTask, 'desired' | 'live'>): KubeObject {
  const object = task.desired ?? task.live;
  if (object === undefined) {
    throw new LandfallError('A sync task has neither a desired nor a live object.', {
      kind: 'bug',
      code: 'task-without-object',
    });
  }
  return object;
}

function taskOf(parts: Omit<SyncTask, 'key' | 'wave' | 'hook'> & { readonly wave?: number }): SyncTask {
  const object = taskObject(parts);
  return {
    ...parts,
    key: `${objectKey(object)}:${parts.phase}`,
    wave: parts.wave ?? syncWave(object),
    hook: isHook(object),
  };
}

/** True when an operation is about the object: about everything, or names it. */
export function isChosen(object: KubeObject, only: SyncRequest['only']): boolean {
  if (only.length === 0) return true;
  const { group } = splitApiVersion(object.apiVersion);
  return only.some(
    (item) =>
      item.kind === object.kind &&
      item.group === group &&
      item.name === object.metadata.name &&
      (item.namespace === '' || item.namespace === object.metadata.namespace),
  );
}

export interface TaskSource {
  readonly pairs: readonly {
    readonly desired: KubeObject | undefined;
    readonly live: KubeObject | undefined;
    readonly status: string;
    readonly requiresPruning: boolean;
  }[];
  /** Hooks as Git has them. */
  readonly hooks: readonly KubeObject[];
  /** A namespace that the operation makes or keeps, and how it is stored. */
  readonly namespace: { readonly desired: KubeObject; readonly live: KubeObject | undefined } | undefined;
}

export interface TaskContext {
  readonly request: Pick<SyncRequest, 'only' | 'skipHooks'>;
  readonly options: Pick<SyncOptions, 'pruneLast'>;
  readonly instance: string;
  readonly tracking?: Tracking;
  /** The destination's namespace. */
  readonly destination: string;
  readonly commit: string;
  /** RFC 3339; with the attempt it names the operation. */
  readonly startedAt: string;
  readonly operationId: string;
}

/** What a sync consists of, in the order in which it is done. Source: gitops-engine `pkg/sync`. */
export function syncTasks(source: TaskSource, context: TaskContext): readonly SyncTask[] {
  const chosen = source.pairs.filter(({ desired, live }) => {
    const object = desired ?? live;
    return object !== undefined && isChosen(object, context.request.only);
  });
  const applied = chosen.flatMap(({ desired, live, status }) =>
    desired === undefined ? [] : taskOf({ phase: 'Sync', desired, live, inSync: status === 'Synced' }),
  );
  const hooks = context.request.skipHooks
    ? []
    : source.hooks.flatMap((hook) =>
        syncPhases(hook).map((phase) =>
          taskOf({ phase, desired: hookObject(hook, phase, context), live: undefined, inSync: false }),
        ),
      );
  const namespace =
    source.namespace === undefined
      ? []
      : [taskOf({ phase: 'PreSync', ...source.namespace, inSync: false, place: true })];
  const pruned = chosen.flatMap(({ live, requiresPruning }) => (requiresPruning && live ? [live] : []));
  const creating = [...namespace, ...applied, ...hooks];
  return inOrder([...creating, ...pruneTasks(pruned, creating, context.options.pruneLast)]);
}

/**
 * Prune tasks in the opposite order of their waves: what came last goes first. `PruneLast` puts one behind
 * everything that the sync applies.
 */
function pruneTasks(
  objects: readonly KubeObject[],
  creating: readonly SyncTask[],
  pruneLast: boolean,
): readonly SyncTask[] {
  const waves = [...new Set(objects.map(syncWave))].toSorted((a, b) => a - b);
  const opposite = new Map(waves.map((wave, index) => [wave, waves[waves.length - 1 - index] ?? wave]));
  const last = Math.max(
    0,
    ...creating.filter((task) => task.phase === 'Sync').map((task) => task.wave),
    ...waves,
  );
  return objects.map((live) => {
    const own = syncWave(live);
    const late = pruneLast || optionValue(objectOptions(live), 'PruneLast') === 'true';
    const wave = late ? last + 1 : (opposite.get(own) ?? own);
    return taskOf({ phase: 'Sync', desired: undefined, live, inSync: false, wave });
  });
}

/** A hook as it is created: named, marked as the application's and as this operation's, and held until it was seen. */
function hookObject(hook: KubeObject, phase: SyncPhase, context: TaskContext): KubeObject {
  const { metadata } = hook;
  const named = (metadata.name as string | undefined) !== undefined && metadata.name !== '';
  const seconds = Math.floor(Date.parse(context.startedAt) / 1000);
  const suffix = `${context.commit.slice(0, 7)}-${phase}-${seconds}`.toLowerCase();
  const name = named ? metadata.name : `${metadata.generateName ?? ''}${suffix}`;
  const finalizers = metadata.finalizers ?? [];
  const { generateName: _generated, ...rest } = metadata;
  const placed: KubeObject = {
    ...hook,
    metadata: {
      ...rest,
      name,
      annotations: { ...metadata.annotations, [OPERATION_ANNOTATION]: context.operationId },
      finalizers: finalizers.includes(HOOK_FINALIZER) ? finalizers : [...finalizers, HOOK_FINALIZER],
    },
  };
  return withTracking(placed, context.instance, context.destination, context.tracking);
}

function compareTasks(a: SyncTask, b: SyncTask): number {
  const [one, other] = [taskObject(a), taskObject(b)];
  return (
    PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase) ||
    a.wave - b.wave ||
    kindRank(one) - kindRank(other) ||
    (one.metadata.name < other.metadata.name ? -1 : 1)
  );
}

/** By phase, wave and kind; a namespace or a definition comes no later than what needs it. */
function inOrder(tasks: readonly SyncTask[]): readonly SyncTask[] {
  const sorted = tasks.toSorted(compareTasks);
  const firstUse = new Map<string, SyncTask>();
  for (const task of sorted) {
    if (task.desired === undefined) continue;
    for (const need of needsOf(task.desired)) if (!firstUse.has(need)) firstUse.set(need, task);
  }
  const moved = sorted.map((task) => {
    const brings = task.desired === undefined ? undefined : bringsOf(task.desired);
    const user = brings === undefined ? undefined : firstUse.get(brings);
    if (user === undefined || compareTasks(task, user) < 0) return task;
    return {
      ...task,
      phase: user.phase,
      wave: user.wave,
      key: task.key.replace(/:[A-Za-z]+$/, `:${user.phase}`),
    };
  });
  return moved.toSorted(compareTasks);
}

function needsOf(object: KubeObject): readonly string[] {
  const { namespace } = object.metadata;
  const kind = `kind ${splitApiVersion(object.apiVersion).group}/${object.kind}`;
  return namespace === undefined ? [kind] : [kind, `namespace ${namespace}`];
}

function bringsOf(object: KubeObject): string | undefined {
  if (object.kind === 'Namespace' && object.apiVersion === 'v1') return `namespace ${object.metadata.name}`;
  const kind = definedKind(object);
  return kind === undefined ? undefined : `kind ${kind}`;
}
