import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { mapsAt, maybeMap, numberAt, stringAt } from '../kinds/json-access.ts';
import { age, humanDuration } from './age.ts';
import { columns, type Printer } from './column.ts';

function isRestartableInit(pod: JsonObject, name: string): boolean {
  return mapsAt(maybeMap(pod, 'spec'), 'initContainers').some(
    (container) => container.name === name && container.restartPolicy === 'Always',
  );
}

interface PodLine {
  readonly ready: string;
  readonly reason: string;
  readonly restarts: string;
}

/** The word in the STATUS column, and the counts beside it. Source: printPod in pkg/printers/internalversion. */
export function podLine(pod: JsonObject, now: number): PodLine {
  const status = maybeMap(pod, 'status') ?? {};
  const spec = maybeMap(pod, 'spec') ?? {};
  let total = mapsAt(spec, 'containers').length;
  let ready = 0;
  let restarts = 0;
  let sidecarRestarts = 0;
  let lastRestart = 0;
  let lastSidecarRestart = 0;
  let reason = stringAt(status, 'reason') || stringAt(status, 'phase');
  if (
    mapsAt(status, 'conditions').some(
      ({ type, reason: why }) => type === 'PodScheduled' && why === 'SchedulingGated',
    )
  ) {
    reason = 'SchedulingGated';
  }
  let initializing = false;
  const finishedAt = (state: JsonObject | undefined) => {
    const at = Date.parse(stringAt(maybeMap(state, 'terminated'), 'finishedAt'));
    return Number.isNaN(at) ? 0 : at;
  };
  const initContainers = mapsAt(spec, 'initContainers');
  total += initContainers.filter((container) => container.restartPolicy === 'Always').length;
  for (const [index, container] of mapsAt(status, 'initContainerStatuses').entries()) {
    const sidecar = isRestartableInit(pod, stringAt(container, 'name'));
    const state = maybeMap(container, 'state');
    restarts += numberAt(container, 'restartCount');
    lastRestart = Math.max(lastRestart, finishedAt(maybeMap(container, 'lastState')));
    if (sidecar) {
      sidecarRestarts += numberAt(container, 'restartCount');
      lastSidecarRestart = Math.max(lastSidecarRestart, finishedAt(maybeMap(container, 'lastState')));
    }
    const terminated = maybeMap(state, 'terminated');
    if (terminated !== undefined && numberAt(terminated, 'exitCode') === 0) continue;
    if (sidecar && container.started === true) {
      if (container.ready === true) ready++;
      continue;
    }
    if (terminated !== undefined) {
      const why = stringAt(terminated, 'reason');
      const signal = numberAt(terminated, 'signal');
      reason =
        why !== ''
          ? `Init:${why}`
          : signal !== 0
            ? `Init:Signal:${signal}`
            : `Init:ExitCode:${numberAt(terminated, 'exitCode')}`;
    } else {
      const waiting = stringAt(maybeMap(state, 'waiting'), 'reason');
      reason =
        waiting !== '' && waiting !== 'PodInitializing'
          ? `Init:${waiting}`
          : `Init:${index}/${initContainers.length}`;
    }
    initializing = true;
    break;
  }
  const initialized = mapsAt(status, 'conditions').some(
    ({ type, status: value }) => type === 'Initialized' && value === 'True',
  );
  if (!initializing || initialized) {
    restarts = sidecarRestarts;
    lastRestart = lastSidecarRestart;
    let running = false;
    for (const container of mapsAt(status, 'containerStatuses').reverse()) {
      restarts += numberAt(container, 'restartCount');
      lastRestart = Math.max(lastRestart, finishedAt(maybeMap(container, 'lastState')));
      const state = maybeMap(container, 'state');
      const waiting = stringAt(maybeMap(state, 'waiting'), 'reason');
      const terminated = maybeMap(state, 'terminated');
      if (waiting !== '') reason = waiting;
      else if (terminated !== undefined) {
        const signal = numberAt(terminated, 'signal');
        reason =
          stringAt(terminated, 'reason') ||
          (signal !== 0 ? `Signal:${signal}` : `ExitCode:${numberAt(terminated, 'exitCode')}`);
      } else if (container.ready === true && maybeMap(state, 'running') !== undefined) {
        running = true;
        ready++;
      }
    }
    if (reason === 'Completed' && running) {
      const isReady = mapsAt(status, 'conditions').some(
        ({ type, status: value }) => type === 'Ready' && value === 'True',
      );
      reason = isReady ? 'Running' : 'NotReady';
    }
  }
  if (maybeMap(pod, 'metadata')?.deletionTimestamp !== undefined) {
    if (stringAt(status, 'reason') === 'NodeLost') reason = 'Unknown';
    else if (!['Failed', 'Succeeded'].includes(stringAt(status, 'phase'))) reason = 'Terminating';
  }
  const ago = restarts !== 0 && lastRestart !== 0 ? ` (${humanDuration(now - lastRestart)} ago)` : '';
  return { ready: `${ready}/${total}`, reason, restarts: `${restarts}${ago}` };
}

function readinessGates(pod: JsonObject): string {
  const gates = mapsAt(maybeMap(pod, 'spec'), 'readinessGates');
  if (gates.length === 0) return '<none>';
  const conditions = mapsAt(maybeMap(pod, 'status'), 'conditions');
  const passed = gates.filter((gate) =>
    conditions.some(({ type, status }) => type === gate.conditionType && status === 'True'),
  );
  return `${passed.length}/${gates.length}`;
}

export const podPrinter: Printer = {
  columns: columns('Name, Ready, Status, Restarts, Age, *IP, *Node, *Nominated Node, *Readiness Gates'),
  cells(pod, now): JsonValue[] {
    const line = podLine(pod, now);
    const meta = maybeMap(pod, 'metadata');
    const status = maybeMap(pod, 'status');
    return [
      stringAt(meta, 'name'),
      line.ready,
      line.reason,
      line.restarts,
      age(meta?.creationTimestamp, now),
      stringAt(status, 'podIP') || '<none>',
      stringAt(maybeMap(pod, 'spec'), 'nodeName') || '<none>',
      stringAt(status, 'nominatedNodeName') || '<none>',
      readinessGates(pod),
    ];
  },
};
