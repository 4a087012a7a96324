import type { JsonObject } from '../../kernel/index.ts';
import { ageMs, count, shown } from './objects.ts';

export type Cells = Readonly<Record<string, string>>;

/** `2/3` as two numbers. */
export function ratio(text: string | undefined): readonly [number, number] | undefined {
  const found = /^(\d+)\/(\d+)$/.exec((text ?? '').trim());
  return found === null ? undefined : [Number(found[1]), Number(found[2])];
}

const WAITING =
  /^(?:CrashLoopBackOff|ImagePullBackOff|ErrImagePull|ErrImageNeverPull|InvalidImageName|CreateContainerConfigError|CreateContainerError|RunContainerError|ContainerCreating|PodInitializing|SignatureValidationFailed|RegistryUnavailable|ImageInspectError|PostStartHookError|PreStartHookError|PreCreateHookError)$/;
/** A container that ended, by the word that kubectl shows for it. */
const ENDED =
  /^(?:Completed|Error|OOMKilled|StartError|ContainerCannotRun|ContainerStatusUnknown|DeadlineExceeded|ExitCode:\d+|Signal:\d+)$/;
/** The pod itself was given up by kubelet, the eviction or its node. */
const GIVEN_UP =
  /^(?:Evicted|NodeLost|NodeAffinity|NodeShutdown|Shutdown|Terminated|Preempting|UnexpectedAdmissionError|OutOf\w+|DeadlineExceeded)$/;
const NOT_BEGUN =
  /^(?:Init:|PodInitializing$|ContainerCreating$|ImagePull|ErrImage|CreateContainer|InvalidImage|SchedulingGated$)/;

function stateOf(reason: string): JsonObject {
  if (WAITING.test(reason)) return { waiting: { reason } };
  if (ENDED.test(reason)) {
    const code = /^ExitCode:(\d+)$/.exec(reason)?.[1];
    return {
      terminated: {
        reason: code === undefined ? reason : 'Error',
        ...(reason === 'OOMKilled'
          ? { exitCode: 137 }
          : code === undefined
            ? {}
            : { exitCode: Number(code) }),
      },
    };
  }
  return reason === 'Running' || reason === 'NotReady' ? { running: {} } : {};
}

/** `Init:1/3` counts the init containers that are done; one runs, once the pod is older than its start takes. */
function initState(reason: string, age: number | undefined): JsonObject {
  if (!/^\d+\/\d+$/.test(reason)) return stateOf(reason);
  return age === undefined || age < 120_000 ? { waiting: { reason: 'PodInitializing' } } : { running: {} };
}

function phaseOf(status: string): string {
  if (/^(?:Running|Pending|Succeeded|Failed|Unknown)$/.test(status)) return status;
  if (status === 'Completed') return 'Succeeded';
  if (GIVEN_UP.test(status)) return 'Failed';
  return NOT_BEGUN.test(status) ? 'Pending' : 'Running';
}

/** What the STATUS of a pod's row says, in the shape of its status. */
export function podStatus(cells: Cells): JsonObject {
  const status = cells['STATUS'] ?? '';
  if (status === '') return {};
  const [ready = 0, wanted = 0] = ratio(cells['READY']) ?? [];
  const restarts = count(/^\d+/.exec(cells['RESTARTS'] ?? '')?.[0]) ?? 0;
  const init = status.startsWith('Init:');
  const reason = status.replace(/^Init:/, '');
  const phase = phaseOf(status);
  const state = init ? initState(reason, ageMs(cells['AGE'])) : stateOf(reason);
  // `27 (4m ago)`: the last of them ended so long before the look.
  const ended = /\((?<ago>[^)]+) ago\)/.exec(cells['RESTARTS'] ?? '')?.groups?.['ago'];
  const lately = (ageMs(ended) ?? Number.POSITIVE_INFINITY) < 3_600_000;
  const list = Array.from({ length: wanted }, (_, index): JsonObject => ({
    ready: index < ready,
    restartCount: init ? 0 : restarts,
    ...(lately && !init ? { lastState: { terminated: {} } } : {}),
    // The row says it of one container; of which one it does not say, so it is told of those that are not ready.
    state: index < ready ? { running: {} } : init ? { waiting: { reason: 'PodInitializing' } } : state,
  }));
  return {
    phase,
    ...(GIVEN_UP.test(status) ? { reason: status } : {}),
    ...(init ? { initContainerStatuses: [{ state, restartCount: restarts }] } : {}),
    ...(wanted > 0 ? { containerStatuses: list } : {}),
    ...(shown(cells['IP']) === undefined ? {} : { podIP: cells['IP'] ?? '' }),
    ...(wanted > 0
      ? {
          conditions: [{ type: 'Ready', status: ready === wanted && phase === 'Running' ? 'True' : 'False' }],
        }
      : {}),
  };
}
