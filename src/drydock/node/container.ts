import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { messageOf } from '../../kernel/index.ts';
import type { Timer } from '../../kernel/index.ts';
import { timestamp } from '../controllers/index.ts';
import type { Container, ContainerState, ContainerStatus, Pod, Probe } from '../controllers/index.ts';
import { logBuffer } from '../runtime/index.ts';
import type { LogBuffer, PodAddress, RunningProcess, Target } from '../runtime/index.ts';
import { backOff, goDuration } from './back-off.ts';
import type { NodeContext } from './context.ts';
import type { StoredImage } from './image-store.ts';
import { processEnvironment } from './process-environment.ts';
import type { ContainerRole, ContainerView } from './pod-status.ts';
import { execInContainer, spawnContainer } from './container-process.ts';
import type { SpawnedContainer } from './container-process.ts';
import { startContainerProbes } from './container-probes.ts';
import { runHandler } from './probe.ts';
import type { ExecInContainer, HandlerTarget } from './probe.ts';
import { pullCredentials } from './pull-secrets.ts';
import { terminationMessage } from './termination-message.ts';
import { containerMounts } from './volumes.ts';
import type { Mount } from './volumes.ts';

export interface ContainerUnit {
  readonly spec: Container;
  readonly role: ContainerRole;
  view(): ContainerView;
  readonly simulated: boolean;
  isRunning(): boolean;
  /** The exit code of its last run, when it does not run now. */
  exitCode(): number | undefined;
  /** Milliseconds until it may be started (again); 0 for now. */
  startAfter(): number;
  /** Shows that it waits for its back-off. */
  showBackOff(): void;
  /** Brings it up: image, environment, process. What fails is shown in its state and tried again later. */
  start(signal: AbortSignal): Promise<void>;
  /** Hook, SIGTERM, and after the grace SIGKILL; resolves when it is gone. */
  stop(graceMs: number, reason: string | undefined): Promise<void>;
  kill(): void;
  exec: ExecInContainer;
  readonly log: LogBuffer | undefined;
  readonly previousLog: LogBuffer | undefined;
}

export interface ContainerOptions {
  readonly context: NodeContext;
  readonly pod: () => Pod;
  readonly spec: Container;
  readonly role: ContainerRole;
  readonly address: PodAddress;
  /** Where what listens on a port of the pod really is. */
  readonly locate: (port: number) => Target;
  readonly folder: string;
  /** What an earlier life of this node said of it. */
  readonly previous: ContainerStatus | undefined;
  /** Something about it changed: its state, its readiness. */
  readonly onChange: () => void;
}

const SIMULATED_READY_MS = 200;
const SIMULATED_RUN_MS = 1000;
const RETRY_MS = 10_000;
const LEAST_GRACE_MS = 2000;
const KILLED = 137;
const DEFAULT_MESSAGE_PATH = '/dev/termination-log';

/** One run of a container. */
interface Run {
  readonly startedAt: string;
  readonly process: RunningProcess | undefined;
  stopProbes: () => void;
  readonly env: Readonly<Record<string, string>>;
  readonly root: string;
  readonly timers: Timer[];
  end: (exitCode: number, reason?: string) => void;
  readonly ended: Promise<void>;
}

export function containerUnit(options: ContainerOptions): ContainerUnit {
  const { context, spec, role, address, onChange } = options;
  const { clock } = context.api;
  const restarts = backOff();
  let state: ContainerState = {
    waiting: { reason: role === 'app' ? 'ContainerCreating' : 'PodInitializing' },
  };
  // A node that comes back cannot know how its containers ended.
  const earlier = options.previous?.containerID === undefined ? undefined : options.previous;
  let lastState: ContainerState =
    earlier === undefined ? {} : { terminated: { exitCode: 255, reason: 'Unknown' } };
  let restartCount = earlier?.restartCount ?? 0;
  let ready = false;
  let started = false;
  let image: StoredImage | undefined;
  let reference = '';
  let containerID: string | undefined;
  let run: Run | undefined;
  let log: LogBuffer | undefined;
  let previousLog: LogBuffer | undefined;
  let retryAt = 0;
  let finishedAt: number | undefined;
  let runs = earlier === undefined ? 0 : 1;
  let stopping: Promise<void> | undefined;

  const messageFile = path.join(options.folder, `${spec.name}.termination-log`);
  const field = role === 'app' ? 'containers' : 'initContainers';
  const event = (type: 'Normal' | 'Warning', reason: string, message: string) =>
    context.recorder.event(options.pod(), type, reason, message, {
      fieldPath: `spec.${field}{${spec.name}}`,
    });

  function wait(reason: string, message: string | undefined, retryAfterMs: number): void {
    state = { waiting: { reason, ...(message === undefined ? {} : { message }) } };
    retryAt = clock.now() + retryAfterMs;
    onChange();
  }

  function startAfter(): number {
    const now = clock.now();
    if (retryAt > now) return retryAt - now;
    return finishedAt === undefined ? 0 : restarts.left('restart', finishedAt, now);
  }

  function showBackOff(): void {
    if (state.waiting?.reason === 'CrashLoopBackOff' || state.terminated === undefined) return;
    const pod = options.pod();
    const where = `${pod.metadata.name}_${pod.metadata.namespace ?? ''}(${pod.metadata.uid ?? ''})`;
    event('Warning', 'BackOff', `Back-off restarting failed container ${spec.name} in pod ${where}`);
    lastState = state;
    const message = `back-off ${goDuration(restarts.delay('restart'))} restarting failed container=${spec.name} pod=${where}`;
    wait('CrashLoopBackOff', message, 0);
  }

  async function start(signal: AbortSignal): Promise<void> {
    const pod = options.pod();
    const ensured = await context.images.ensure(pod, spec, pullCredentials(context, pod), event, signal);
    if ('waiting' in ensured) {
      if (state.terminated !== undefined) lastState = state;
      wait(ensured.waiting.reason, ensured.waiting.message, ensured.retryAfterMs);
      return;
    }
    ({ image, reference } = ensured);
    if (!image.simulated && !context.isExecutable(image.digests)) {
      const message = `image "${spec.image}" (${image.digests[0] ?? ''}) was not built by Landfall: only images that it built on this machine are executed`;
      event('Warning', 'Failed', `Error: ${message}`);
      wait('CreateContainerError', message, RETRY_MS);
      return;
    }
    let mounts: readonly Mount[] = [];
    try {
      if (!image.simulated) {
        mounts = [
          ...(await containerMounts(context, pod, spec, options.folder)),
          [spec.terminationMessagePath ?? DEFAULT_MESSAGE_PATH, messageFile],
        ];
      }
    } catch (error) {
      context.recorder.event(pod, 'Warning', 'FailedMount', messageOf(error));
      wait(role === 'app' ? 'ContainerCreating' : 'PodInitializing', undefined, RETRY_MS);
      return;
    }
    let env: Record<string, string>;
    try {
      env = processEnvironment(context, pod, spec, image, address, options.folder);
    } catch (error) {
      event('Warning', 'Failed', `Error: ${messageOf(error)}`);
      wait('CreateContainerConfigError', messageOf(error), RETRY_MS);
      return;
    }
    if (signal.aborted) return;
    noteRestart();
    if (image.root === undefined) begin(env, undefined);
    else await startReal(image, image.root, env, mounts, signal);
  }

  /** A start after an earlier run counts as a restart, whatever comes of it. */
  function noteRestart(): void {
    if (runs > 0) {
      restartCount += 1;
      if (state.terminated !== undefined) lastState = state;
      restarts.next('restart', finishedAt ?? clock.now(), clock.now());
    }
    runs += 1;
    previousLog = log;
    log = logBuffer(() => clock.now());
    containerID = `drydock://${randomBytes(32).toString('hex')}`;
  }

  async function startReal(
    from: StoredImage,
    imageRoot: string,
    env: Record<string, string>,
    mounts: readonly Mount[],
    signal: AbortSignal,
  ): Promise<void> {
    const buffer = log;
    let spawned: SpawnedContainer;
    try {
      spawned = await spawnContainer({
        context,
        spec,
        image: from,
        imageRoot,
        mounts,
        env,
        folder: options.folder,
        run: runs,
        onCreated: () => event('Normal', 'Created', `Created container: ${spec.name}`),
        onOutput: (chunk) => buffer?.write(chunk),
      });
    } catch (error) {
      const now = clock.now();
      event('Warning', 'Failed', `Error: ${messageOf(error)}`);
      finishedAt = now;
      const at = timestamp(now);
      const terminated = {
        exitCode: 128,
        reason: 'StartError',
        message: messageOf(error),
        startedAt: null,
        finishedAt: at,
      };
      lastState = { terminated };
      state = { terminated };
      onChange();
      return;
    }
    if (signal.aborted) {
      spawned.process.killGroup();
      return;
    }
    begin(env, spawned);
  }

  function begin(env: Readonly<Record<string, string>>, spawned: SpawnedContainer | undefined): void {
    if (spawned === undefined) {
      event('Normal', 'Created', `Created container: ${spec.name} (simulated)`);
      log?.write(Buffer.from(`drydock: ${spec.image} is simulated, no process runs\n`));
    }
    event(
      'Normal',
      'Started',
      `Started container ${spec.name}${spawned === undefined ? ' (simulated)' : ''}`,
    );
    let settle = () => {};
    const ended = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const startedAt = timestamp(clock.now());
    let over = false;
    const current: Run = {
      startedAt,
      process: spawned?.process,
      root: spawned?.root ?? '',
      stopProbes() {},
      env,
      timers: [],
      ended,
      end(exitCode, reason) {
        if (over) return;
        over = true;
        finish(current, exitCode, reason);
        settle();
      },
    };
    run = current;
    state = { running: { startedAt } };
    started = spec.startupProbe === undefined;
    ready = started && spec.readinessProbe === undefined && spawned !== undefined;
    if (spawned === undefined) simulate(current);
    else {
      void spawned.process.exited.then(({ exitCode }) => current.end(exitCode));
      startProbes(current);
      void postStart(current);
    }
    onChange();
  }

  /** No process: ready after a moment, and done after another where the pod is to end. */
  function simulate(current: Run): void {
    ready = false;
    const delay = (spec.readinessProbe?.initialDelaySeconds ?? 0) * 1000;
    current.timers.push(
      clock.after(SIMULATED_READY_MS + delay, () => {
        started = true;
        ready = true;
        onChange();
      }),
    );
    const ends =
      role === 'init' || (role === 'app' && (options.pod().spec.restartPolicy ?? 'Always') !== 'Always');
    if (ends) current.timers.push(clock.after(SIMULATED_RUN_MS, () => current.end(0)));
  }

  function finish(current: Run, exitCode: number, reason: string | undefined): void {
    current.stopProbes();
    for (const timer of current.timers) timer.cancel();
    finishedAt = clock.now();
    log?.end();
    const message = current.process === undefined ? '' : terminationMessage(messageFile, spec, exitCode, log);
    state = {
      terminated: {
        exitCode,
        reason: reason ?? (exitCode === 0 ? 'Completed' : 'Error'),
        ...(message === '' ? {} : { message }),
        startedAt: current.startedAt,
        finishedAt: timestamp(finishedAt),
        ...(containerID === undefined ? {} : { containerID }),
      },
    };
    ready = false;
    started = false;
    run = undefined;
    onChange();
  }

  function startProbes(current: Run): void {
    current.stopProbes = startContainerProbes({
      spec,
      clock,
      run: (probe, signal) => runHandler(probe, handlerTarget(), (probe.timeoutSeconds ?? 1) * 1000, signal),
      onUnhealthy: (message) => event('Warning', 'Unhealthy', message),
      onState(next) {
        started = next.started;
        ready = next.ready;
        onChange();
      },
      onDead: restartBecauseOf,
    });
  }

  function handlerTarget(): HandlerTarget {
    return { host: address.ip, locate: options.locate, container: spec, exec, clock };
  }

  function restartBecauseOf(kind: string, probe: Probe): void {
    const grace =
      probe.terminationGracePeriodSeconds ?? options.pod().spec.terminationGracePeriodSeconds ?? 30;
    run?.stopProbes();
    void stop(grace * 1000, `Container ${spec.name} failed ${kind} probe, will be restarted`);
  }

  async function postStart(current: Run): Promise<void> {
    const hook = spec.lifecycle?.postStart;
    if (hook === undefined) return;
    const outcome = await runHandler(hook, handlerTarget(), 3_600_000);
    if (outcome.success || run !== current) return;
    event('Warning', 'FailedPostStartHook', `PostStartHook failed: ${outcome.message}`);
    await stop((options.pod().spec.terminationGracePeriodSeconds ?? 30) * 1000, 'FailedPostStartHook');
  }

  function stop(graceMs: number, reason: string | undefined): Promise<void> {
    const current = run;
    if (current === undefined) return Promise.resolve();
    if (reason !== undefined) event('Normal', 'Killing', reason);
    const deadline = clock.now() + graceMs;
    // A later call may only shorten the grace.
    const kill = clock.after(graceMs, () => kill9(current));
    current.timers.push(kill);
    stopping ??= terminate(current, deadline).finally(() => {
      stopping = undefined;
    });
    return current.ended;
  }

  async function terminate(current: Run, deadline: number): Promise<void> {
    const hook = spec.lifecycle?.preStop;
    if (hook !== undefined && current.process !== undefined) {
      const left = Math.max(0, deadline - clock.now());
      const outcome = await runHandler(hook, handlerTarget(), left);
      if (!outcome.success) event('Warning', 'FailedPreStopHook', `PreStopHook failed: ${outcome.message}`);
      // A hook that used up the grace leaves a little for the signal.
      if (deadline - clock.now() < LEAST_GRACE_MS) {
        current.timers.push(clock.after(LEAST_GRACE_MS, () => kill9(current)));
      }
    }
    if (current.process === undefined) current.end(0);
    else current.process.signal(stopSignal(image?.config.stopSignal));
    await current.ended;
  }

  function kill9(current: Run): void {
    if (current.process === undefined) current.end(KILLED);
    else current.process.killGroup();
  }

  const exec: ExecInContainer = async (argv, signal) => {
    const current = run;
    if (current === undefined) throw new Error(`container ${spec.name} does not run`);
    if (current.process === undefined)
      throw new Error(`container ${spec.name} is simulated: it has no process`);
    const workingDir = spec.workingDir ?? image?.config.workingDir ?? '/';
    return await execInContainer(context, { root: current.root, env: current.env, workingDir }, argv, signal);
  };

  return {
    spec,
    role,
    exec,
    get simulated() {
      return image?.simulated === true;
    },
    get log() {
      return log;
    },
    get previousLog() {
      return previousLog;
    },
    view() {
      const shown =
        image === undefined
          ? { image: spec.image, imageID: '' }
          : context.images.store.reported(image.configDigest, reference);
      return {
        name: spec.name,
        role,
        state,
        lastState,
        restartCount,
        ready: role === 'init' ? state.terminated?.exitCode === 0 : ready,
        started,
        ...shown,
        containerID,
      };
    },
    isRunning: () => run !== undefined,
    exitCode: () => (run === undefined ? (state.terminated ?? lastState.terminated)?.exitCode : undefined),
    startAfter,
    showBackOff,
    start,
    stop,
    kill() {
      if (run !== undefined) kill9(run);
    },
  };
}

function stopSignal(configured: string | undefined): NodeJS.Signals {
  const known: readonly NodeJS.Signals[] = [
    'SIGTERM',
    'SIGINT',
    'SIGQUIT',
    'SIGHUP',
    'SIGUSR1',
    'SIGUSR2',
    'SIGKILL',
  ];
  return known.find((name) => name === configured || name === `SIG${configured ?? ''}`) ?? 'SIGTERM';
}
