import { findCondition } from '../controllers/index.ts';
import type { Condition, ContainerState, ContainerStatus, Pod, PodStatus } from '../controllers/index.ts';

export type ContainerRole = 'init' | 'sidecar' | 'app';

/** What the node knows of one container. */
export interface ContainerView {
  readonly name: string;
  readonly role: ContainerRole;
  readonly state: ContainerState;
  readonly lastState: ContainerState;
  readonly restartCount: number;
  readonly ready: boolean;
  readonly started: boolean;
  readonly image: string;
  readonly imageID: string;
  readonly containerID: string | undefined;
}

export interface PodView {
  readonly pod: Pod;
  readonly containers: readonly ContainerView[];
  readonly podIP: string | undefined;
  readonly hostIP: string;
  readonly startTime: string;
  /** The node will never start anything in this pod again. */
  readonly terminal: boolean;
  readonly reason?: string;
  readonly message?: string;
  /** Names of containers that no process stands behind. */
  readonly simulated: readonly string[];
}

export const SIMULATED = 'drydock.landfall.dev/simulated';

/** The status that the kubelet writes: phase, conditions in their order, container statuses (kubelet_pods.go, 1.32). */
export function podStatus(view: PodView, now: string): PodStatus {
  const { pod, containers, podIP, hostIP } = view;
  const apps = containers.filter(({ role }) => role === 'app');
  const inits = containers.filter(({ role }) => role !== 'app');
  const phase = phaseOf(view);
  const before = pod.status ?? {};
  const { conditions: _c, containerStatuses: _a, initContainerStatuses: _i, ...kept } = before;
  return {
    ...kept,
    phase,
    conditions: conditionsOf(view, phase, now),
    ...(view.reason === undefined ? {} : { reason: view.reason }),
    ...(view.message === undefined ? {} : { message: view.message }),
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(podIP === undefined ? {} : { podIP, podIPs: [{ ip: podIP }] }),
    startTime: before.startTime ?? view.startTime,
    ...(inits.length === 0 ? {} : { initContainerStatuses: inits.map(statusOf) }),
    containerStatuses: apps.map(statusOf),
  };
}

function statusOf(view: ContainerView): ContainerStatus {
  return {
    name: view.name,
    state: view.state,
    lastState: view.lastState,
    ready: view.ready,
    restartCount: view.restartCount,
    image: view.image,
    imageID: view.imageID,
    ...(view.containerID === undefined ? {} : { containerID: view.containerID }),
    started: view.started,
  };
}

export function phaseOf(view: PodView): string {
  const { pod, containers, terminal } = view;
  const policy = pod.spec.restartPolicy ?? 'Always';
  if (view.reason !== undefined && terminal) return 'Failed';
  for (const init of containers.filter(({ role }) => role === 'init')) {
    const code = init.state.terminated?.exitCode;
    if (code === 0) continue;
    if (code !== undefined && (policy === 'Never' || terminal)) return 'Failed';
    if (!terminal) return 'Pending';
  }
  const sidecarWaits = containers.some(
    ({ role, started, lastState }) => role === 'sidecar' && !started && lastState.terminated === undefined,
  );
  if (sidecarWaits && !terminal) return 'Pending';

  const apps = containers.filter(({ role }) => role === 'app');
  const waiting = apps.filter(
    ({ state, lastState }) => state.waiting !== undefined && lastState.terminated === undefined,
  );
  const running = apps.filter(({ state }) => state.running !== undefined);
  const ended = apps.flatMap(({ state, lastState }) => state.terminated ?? lastState.terminated ?? []);
  const succeeded = ended.every(({ exitCode }) => exitCode === 0);
  if (terminal) return ended.length === apps.length && succeeded ? 'Succeeded' : 'Failed';
  if (waiting.length > 0) return 'Pending';
  if (running.length > 0) return 'Running';
  if (policy === 'Always' || apps.some(({ state }) => state.waiting !== undefined)) return 'Running';
  if (succeeded) return 'Succeeded';
  return policy === 'Never' ? 'Failed' : 'Running';
}

function conditionsOf(view: PodView, phase: string, now: string): Condition[] {
  const { pod, containers } = view;
  const finished = phase === 'Succeeded' || phase === 'Failed';
  const done = phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed';
  const uninitialized = containers.filter(
    ({ role, state, started }) =>
      (role === 'init' && state.terminated?.exitCode !== 0) || (role === 'sidecar' && !started),
  );
  const unready = containers.filter(({ role, ready }) => role !== 'init' && !ready);
  const names = (list: readonly ContainerView[]) => list.map(({ name }) => name).join(' ');
  const containersReady: Verdict = finished
    ? { status: 'False', reason: done }
    : unready.length > 0
      ? {
          status: 'False',
          reason: 'ContainersNotReady',
          message: `containers with unready status: [${names(unready)}]`,
        }
      : { status: 'True' };
  const wanted: [string, Verdict][] = [
    ['PodReadyToStartContainers', { status: view.podIP !== undefined && !finished ? 'True' : 'False' }],
    [
      'Initialized',
      phase === 'Succeeded'
        ? { status: 'True', reason: 'PodCompleted' }
        : uninitialized.length > 0
          ? {
              status: 'False',
              reason: 'ContainersNotInitialized',
              message: `containers with incomplete status: [${names(uninitialized)}]`,
            }
          : { status: 'True' },
    ],
    ['Ready', gated(pod, containersReady)],
    ['ContainersReady', containersReady],
    ['PodScheduled', { status: 'True' }],
  ];
  if (view.reason === 'Evicted') {
    const message = view.message ?? '';
    wanted.unshift(['DisruptionTarget', { status: 'True', reason: 'TerminationByKubelet', message }]);
  }
  if (view.simulated.length > 0) {
    const message = `no process runs for: [${view.simulated.join(' ')}]; their registries are not configured`;
    wanted.unshift([SIMULATED, { status: 'True', reason: 'RegistryNotConfigured', message }]);
  }
  const own = wanted.map(([type, verdict]) => {
    const before = findCondition(pod.status?.conditions, type);
    const same = before?.status === verdict.status;
    return {
      type,
      status: verdict.status,
      lastProbeTime: null,
      lastTransitionTime: same ? (before.lastTransitionTime ?? now) : now,
      ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
      ...(verdict.message === undefined ? {} : { message: verdict.message }),
    };
  });
  const foreign = (pod.status?.conditions ?? []).filter(
    ({ type }) => !wanted.some(([name]) => name === type),
  );
  return [...foreign, ...own];
}

interface Verdict {
  readonly status: Condition['status'];
  readonly reason?: string;
  readonly message?: string;
}

/** Readiness gates: conditions that others set and that the pod waits for. */
function gated(pod: Pod, containersReady: Verdict): Verdict {
  if (containersReady.status !== 'True') return containersReady;
  for (const { conditionType } of pod.spec.readinessGates ?? []) {
    const condition = findCondition(pod.status?.conditions, conditionType);
    if (condition?.status === 'True') continue;
    return {
      status: 'False',
      reason: 'ReadinessGatesNotReady',
      message:
        condition === undefined
          ? `corresponding condition of pod readiness gate "${conditionType}" does not exist.`
          : `the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`,
    };
  }
  return containersReady;
}
