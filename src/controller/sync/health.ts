import { getArray, getNumber, getObject, getString } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { splitApiVersion } from '../../kube/index.ts';
import { engineHealth } from '../../boundaries/sync/index.ts';

/** How far something is that a sync waits for. */
export interface TaskHealth {
  readonly phase: 'Running' | 'Succeeded' | 'Failed';
  /** Empty where there is nothing to add. */
  readonly message: string;
}

/** How a hook went. Suspended is not the end, and what cannot be judged is none that succeeded. As gitops-engine. */
export function hookHealth(live: KubeObject): TaskHealth {
  const health = engineHealth(live);
  if (health === undefined) return { phase: 'Succeeded', message: `${live.metadata.name} created` };
  const message = health.message ?? '';
  if (health.status === 'Healthy') return { phase: 'Succeeded', message };
  if (health.status === 'Progressing' || health.status === 'Suspended') return { phase: 'Running', message };
  return { phase: 'Failed', message: message === '' ? `${live.metadata.name} is ${health.status}` : message };
}

/**
 * Whether an object that was applied is as healthy as the next wave needs it. Bound to the stored generation: a
 * condition that its controller wrote for an earlier one decides nothing. Kinds that Argo CD has no rule for are
 * judged by their own conditions; what has none has nothing to wait for.
 */
export function objectHealth(live: KubeObject): TaskHealth {
  const health = engineHealth(live);
  if (health !== undefined) {
    const message = health.message ?? '';
    if (health.status === 'Healthy') return { phase: 'Succeeded', message };
    return { phase: health.status === 'Degraded' ? 'Failed' : 'Running', message };
  }
  if (isBehind(live)) {
    return {
      phase: 'Running',
      message: `generation ${live.metadata.generation ?? 0} has not been observed yet`,
    };
  }
  return conditionsHealth(live);
}

function isBehind(live: KubeObject): boolean {
  const observed = getNumber(live, 'status', 'observedGeneration');
  return observed !== undefined && observed < (live.metadata.generation ?? 0);
}

const READY = ['Ready', 'Available', 'Established'];

/** kstatus' convention: `Stalled` has failed, `Reconciling` goes on, and `Ready` says whether it is there. */
function conditionsHealth(live: KubeObject): TaskHealth {
  const generation = live.metadata.generation ?? 0;
  const conditions = getArray(live, 'status', 'conditions');
  const condition = (type: string) => {
    const found = conditions.find((item) => getString(item, 'type') === type);
    return found === undefined
      ? undefined
      : {
          status: getString(found, 'status') ?? '',
          message: getString(found, 'message') ?? '',
          stale: (getNumber(found, 'observedGeneration') ?? generation) < generation,
        };
  };
  const stalled = condition('Stalled');
  if (stalled?.status === 'True' && !stalled.stale) return { phase: 'Failed', message: stalled.message };
  if (condition('Reconciling')?.status === 'True') {
    return { phase: 'Running', message: condition('Reconciling')?.message ?? '' };
  }
  for (const type of READY) {
    const ready = condition(type);
    if (ready === undefined) continue;
    return {
      phase: ready.status === 'True' && !ready.stale ? 'Succeeded' : 'Running',
      message: ready.message,
    };
  }
  return { phase: 'Succeeded', message: '' };
}

/** A kind that a definition brought: its controller is somebody's program, and takes its time to say something. */
function isCustom(live: KubeObject): boolean {
  const { group } = splitApiVersion(live.apiVersion);
  return group.includes('.') && !group.endsWith('.k8s.io');
}

/**
 * True where health was read from conditions that do not say which generation they are about, or where a custom
 * resource says nothing at all: right after a write that may still be about what was there before.
 */
export function mayBeStale(live: KubeObject): boolean {
  if (engineHealth(live) !== undefined || live.kind === 'CustomResourceDefinition') return false;
  if (getObject(live, 'status') === undefined && isCustom(live)) return true;
  if (getNumber(live, 'status', 'observedGeneration') !== undefined) return false;
  return getArray(live, 'status', 'conditions').some((item) => {
    const judged = [...READY, 'Stalled'].includes(getString(item, 'type') ?? '');
    return judged && getNumber(item, 'observedGeneration') === undefined;
  });
}

/** Kinds that run once: one that is left from an earlier sync says nothing about this one. */
const RUN_ONCE = new Set([
  'batch/Job',
  '/Pod',
  'argoproj.io/Workflow',
  'tekton.dev/PipelineRun',
  'tekton.dev/TaskRun',
]);

export function runsOnce(object: KubeObject): boolean {
  return RUN_ONCE.has(`${splitApiVersion(object.apiVersion).group}/${object.kind}`);
}

/**
 * False where a running hook is known to make no progress: none of its pods runs. Then a newer commit need not wait
 * for it.
 */
export function isWorking(hook: KubeObject): boolean {
  if (hook.kind === 'Pod') return getString(hook, 'status', 'phase') === 'Running';
  if (hook.kind !== 'Job') return true;
  const ready = getNumber(hook, 'status', 'ready');
  // Servers before 1.24 do not count ready pods.
  return ready === undefined ? (getNumber(hook, 'status', 'active') ?? 0) > 0 : ready > 0;
}
