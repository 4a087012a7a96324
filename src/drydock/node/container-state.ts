import { randomBytes } from 'node:crypto';
import type { Clock } from '../../kernel/index.ts';
import type { ContainerState, ContainerStatus, Pod } from '../controllers/index.ts';
import { timestamp } from '../controllers/index.ts';
import { backOff, goDuration } from './back-off.ts';
import type { ContainerRole } from './pod-status.ts';

type Terminated = NonNullable<ContainerState['terminated']>;

/** What the status says of a container over all of its runs, and when it may be started again. */
export interface ContainerRecord {
  readonly state: ContainerState;
  readonly lastState: ContainerState;
  readonly restartCount: number;
  readonly containerID: string | undefined;
  /** How many times it was started, the run under way included. */
  readonly runs: number;
  /** The exit code of its last run. */
  readonly exitCode: number | undefined;
  /** It waits for this reason, and is looked at again so much later. */
  wait(reason: string, message: string | undefined, retryAfterMs: number): void;
  /** It is started: what came of an earlier run goes to the last state, and counts towards the back-off. */
  begin(): void;
  running(startedAt: string): void;
  ended(outcome: Pick<Terminated, 'exitCode' | 'reason' | 'message'>, startedAt: string): void;
  /** It could not be started. `again`: it will be tried once more, and says until then that it waits for that. */
  notStarted(message: string, again: boolean): void;
  /** What has ended is shown as the last state, with this reason for what comes next. */
  waitAfterEnd(reason: string, message: string): void;
  /** Milliseconds until it may be started (again); 0 for now. */
  startAfter(): number;
  /** Says that it waits for its back-off; false where it says so already, or waits for something else. */
  showBackOff(pod: Pod, name: string): boolean;
}

/** `previous`: what an earlier life of this node said of it. */
export function containerRecord(
  clock: Clock,
  role: ContainerRole,
  previous: ContainerStatus | undefined,
): ContainerRecord {
  const restarts = backOff();
  let state: ContainerState = {
    waiting: { reason: role === 'app' ? 'ContainerCreating' : 'PodInitializing' },
  };
  // A node that comes back cannot know how its containers ended.
  const earlier = previous?.containerID === undefined ? undefined : previous;
  let lastState: ContainerState =
    earlier === undefined ? {} : { terminated: { exitCode: 255, reason: 'Unknown' } };
  let restartCount = earlier?.restartCount ?? 0;
  let containerID: string | undefined;
  let retryAt = 0;
  let finishedAt: number | undefined;
  let runs = earlier === undefined ? 0 : 1;

  const identified = () => (containerID === undefined ? {} : { containerID });
  function wait(reason: string, message: string | undefined, retryAfterMs: number): void {
    if (state.terminated !== undefined) lastState = state;
    state = { waiting: { reason, ...(message === undefined ? {} : { message }) } };
    retryAt = clock.now() + retryAfterMs;
  }

  return {
    get state() {
      return state;
    },
    get lastState() {
      return lastState;
    },
    get restartCount() {
      return restartCount;
    },
    get containerID() {
      return containerID;
    },
    get runs() {
      return runs;
    },
    get exitCode() {
      return (state.terminated ?? lastState.terminated)?.exitCode;
    },
    wait,
    begin() {
      if (runs > 0) {
        restartCount += 1;
        if (state.terminated !== undefined) lastState = state;
        restarts.next('restart', finishedAt ?? clock.now(), clock.now());
      }
      runs += 1;
      containerID = `drydock://${randomBytes(32).toString('hex')}`;
    },
    running(startedAt) {
      state = { running: { startedAt } };
    },
    ended({ exitCode, reason, message }, startedAt) {
      finishedAt = clock.now();
      state = {
        terminated: {
          exitCode,
          reason: reason ?? (exitCode === 0 ? 'Completed' : 'Error'),
          ...(message === undefined || message === '' ? {} : { message }),
          startedAt,
          finishedAt: timestamp(finishedAt),
          ...identified(),
        },
      };
    },
    notStarted(message, again) {
      finishedAt = clock.now();
      // The runtime knows no start: it says the beginning of its time.
      const terminated: Terminated = {
        exitCode: 128,
        reason: 'StartError',
        message,
        startedAt: timestamp(0),
        finishedAt: timestamp(finishedAt),
        ...identified(),
      };
      state = { terminated };
      if (again) wait('RunContainerError', message, 0);
    },
    waitAfterEnd(reason, message) {
      wait(reason, message, 0);
    },
    startAfter() {
      const now = clock.now();
      if (retryAt > now) return retryAt - now;
      return finishedAt === undefined ? 0 : restarts.left('restart', finishedAt, now);
    },
    showBackOff(pod, name) {
      const reason = state.waiting?.reason;
      const ended = state.terminated !== undefined || reason === 'RunContainerError' || reason === 'PostStartHookError';
      if (!ended) return false;
      const where = `${pod.metadata.name}_${pod.metadata.namespace ?? ''}(${pod.metadata.uid ?? ''})`;
      const delay = goDuration(restarts.delay('restart'));
      wait('CrashLoopBackOff', `back-off ${delay} restarting failed container=${name} pod=${where}`, 0);
      return true;
    },
  };
}
