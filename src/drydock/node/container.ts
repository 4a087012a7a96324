import path from 'node:path';
import { LandfallError, messageOf } from '../../kernel/index.ts';
import type { PodOutput, PodSession } from '../api/contract.ts';
import type { Container, ContainerStatus, Pod } from '../controllers/index.ts';
import { logBuffer } from '../runtime/index.ts';
import type { LogBuffer, PodAddress, Target } from '../runtime/index.ts';
import { openSession, spawnContainer } from './container-process.ts';
import type { SessionRequest, SpawnedContainer } from './container-process.ts';
import { startRun } from './container-run.ts';
import type { ContainerRun } from './container-run.ts';
import { containerRecord } from './container-state.ts';
import type { NodeContext } from './context.ts';
import { hookFailure } from './hook-failure.ts';
import type { StoredImage } from './image-store.ts';
import type { ContainerRole, ContainerView } from './pod-status.ts';
import { execToEnd } from './probe.ts';
import type { ExecInContainer } from './probe.ts';
import { processEnvironment } from './process-environment.ts';
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
  /** Ends it at once; the reason is what its status says of that. */
  kill(reason?: string): void;
  /** Runs one more program in it. Throws `container-not-running` where there is nothing to run it in. */
  open(request: SessionRequest): Promise<PodSession>;
  /** Its own process from now on: what it says, and its input where it has one. Throws `container-not-running`. */
  attach(onOutput: PodOutput): PodSession;
  /** Faults on purpose have changed. */
  refresh(): void;
  /** The ids by which its memory is measured: of process groups; none without a process. */
  groups(): readonly number[];
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
  readonly onEvict: (pressure: 'memory' | 'disk') => void;
}

const RETRY_MS = 10_000;
/** As the kubelet's volume manager: half a second, doubled up to two minutes. */
const MOUNT_RETRY_MS = 500;
const MOUNT_RETRY_LONGEST_MS = 122_000;
const DEFAULT_MESSAGE_PATH = '/dev/termination-log';

export function containerUnit(options: ContainerOptions): ContainerUnit {
  const { context, spec, role, address, onChange } = options;
  const { clock } = context.api;
  const record = containerRecord(clock, role, options.previous);
  const listeners = new Set<PodOutput>();
  let image: StoredImage | undefined;
  let reference = '';
  let run: ContainerRun | undefined;
  let mountRetry = MOUNT_RETRY_MS;
  let log: LogBuffer | undefined;
  let previousLog: LogBuffer | undefined;

  const messageFile = path.join(options.folder, `${spec.name}.termination-log`);
  const field = role === 'app' ? 'containers' : 'initContainers';
  const event = (type: 'Normal' | 'Warning', reason: string, message: string) =>
    context.recorder.event(options.pod(), type, reason, message, {
      fieldPath: `spec.${field}{${spec.name}}`,
    });

  function wait(reason: string, message: string | undefined, retryAfterMs: number): void {
    record.wait(reason, message, retryAfterMs);
    onChange();
  }

  async function start(signal: AbortSignal): Promise<void> {
    const pod = options.pod();
    const ensured = await context.images.ensure(pod, spec, pullCredentials(context, pod), event, signal);
    if ('waiting' in ensured) {
      wait(ensured.waiting.reason, ensured.waiting.message, ensured.retryAfterMs);
      return;
    }
    ({ image, reference } = ensured);
    if (!image.simulated && !context.isExecutable(image.digests)) {
      const message = `image "${spec.image}" (${image.digests[0] ?? ''}) was not built by Landfall: only images that it built on this machine are executed`;
      notCreated('CreateContainerError', message);
      return;
    }
    const mounts = await mountsOf(pod, image);
    if (mounts === undefined) return;
    let env: Record<string, string>;
    try {
      env = processEnvironment(context, pod, spec, image, address, options.folder);
    } catch (error) {
      notCreated('CreateContainerConfigError', messageOf(error));
      return;
    }
    if (signal.aborted) return;
    if (image.root === undefined) {
      begin();
      watch(env, undefined);
    } else {
      await startReal(image, image.root, env, mounts, signal);
    }
  }

  function notCreated(reason: string, message: string): void {
    event('Warning', 'Failed', `Error: ${message}`);
    wait(reason, message, RETRY_MS);
  }

  /** Undefined where a volume is not there yet, which the pod waits for. */
  async function mountsOf(pod: Pod, from: StoredImage): Promise<readonly Mount[] | undefined> {
    try {
      if (from.simulated) return [];
      const mounts = await containerMounts(context, pod, spec, options.folder);
      mountRetry = MOUNT_RETRY_MS;
      return [...mounts, [spec.terminationMessagePath ?? DEFAULT_MESSAGE_PATH, messageFile]];
    } catch (error) {
      context.recorder.event(pod, 'Warning', 'FailedMount', messageOf(error));
      wait(role === 'app' ? 'ContainerCreating' : 'PodInitializing', undefined, mountRetry);
      mountRetry = Math.min(MOUNT_RETRY_LONGEST_MS, mountRetry * 2);
      return undefined;
    }
  }

  /** A start after an earlier run counts as a restart, whatever comes of it. */
  function begin(): void {
    record.begin();
    previousLog = log;
    log = logBuffer(() => clock.now());
  }

  async function startReal(
    from: StoredImage,
    imageRoot: string,
    env: Record<string, string>,
    mounts: readonly Mount[],
    signal: AbortSignal,
  ): Promise<void> {
    if (from.config.entrypoint.length + from.config.cmd.length + (spec.command ?? spec.args ?? []).length === 0) {
      notCreated('CreateContainerError', 'failed to generate container spec: failed to generate spec: no command specified');
      return;
    }
    begin();
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
        run: record.runs,
        onCreated: () => event('Normal', 'Created', `Created container: ${spec.name}`),
        onOutput(chunk, stream) {
          buffer?.write(chunk);
          for (const listener of listeners) listener(chunk, stream);
        },
      });
    } catch (error) {
      event('Warning', 'Failed', `Error: ${messageOf(error)}`);
      record.notStarted(messageOf(error), startsAgain());
      onChange();
      return;
    }
    if (signal.aborted) {
      spawned.process.killGroup();
      return;
    }
    watch(env, spawned);
  }

  function startsAgain(): boolean {
    if (role === 'sidecar') return true;
    const policy = options.pod().spec.restartPolicy ?? 'Always';
    return policy !== 'Never';
  }

  function watch(env: Readonly<Record<string, string>>, spawned: SpawnedContainer | undefined): void {
    const how = spawned === undefined ? ' (simulated)' : '';
    if (spawned === undefined) {
      event('Normal', 'Created', `Created container: ${spec.name}${how}`);
      log?.write(Buffer.from(`drydock: ${spec.image} is simulated, no process runs\n`));
    }
    event('Normal', 'Started', `Started container ${spec.name}${how}`);
    run = startRun({
      ...options,
      env,
      spawned,
      stopSignal: image?.config.stopSignal,
      exec,
      event,
      onEnd: finish,
      onHookFailed(message) {
        record.waitAfterEnd('PostStartHookError', hookFailure(spec, options.pod(), message));
        onChange();
      },
    });
    record.running(run.startedAt);
    onChange();
  }

  function finish(exitCode: number, reason: string | undefined): void {
    const ended = run;
    run = undefined;
    log?.end();
    const message = ended?.spawned === undefined ? '' : terminationMessage(messageFile, spec, exitCode, log);
    record.ended(
      { exitCode, ...(reason === undefined ? {} : { reason }), message },
      ended?.startedAt ?? '',
    );
    onChange();
  }

  function runningProcess(): { readonly run: ContainerRun; readonly spawned: SpawnedContainer } {
    const why =
      run === undefined ? 'does not run' : run.spawned === undefined ? 'is simulated: it has no process' : undefined;
    if (run?.spawned !== undefined && why === undefined) return { run, spawned: run.spawned };
    throw new LandfallError(`container ${spec.name} ${why ?? 'does not run'}`, {
      kind: 'conflict',
      code: 'container-not-running',
      object: spec.name,
    });
  }

  async function open(request: SessionRequest): Promise<PodSession> {
    const { run: current, spawned } = runningProcess();
    const workingDir = spec.workingDir ?? image?.config.workingDir ?? '/';
    const folder = options.folder;
    return await openSession(context, { root: spawned.root, env: current.env, workingDir, folder }, request);
  }

  const exec: ExecInContainer = (command, signal) =>
    execToEnd((onOutput) => open({ command, input: false, terminal: false, onOutput }), clock, signal);

  return {
    spec,
    role,
    open,
    attach(onOutput) {
      const { spawned } = runningProcess();
      const { process } = spawned;
      listeners.add(onOutput);
      const detach = () => listeners.delete(onOutput);
      const exited = process.exited.finally(detach);
      return {
        input: process.input,
        endInput() {
          if (spec.stdinOnce === true) process.input?.end();
        },
        resize: (columns, rows) => process.terminal?.resize(columns, rows),
        // Its log and everybody else go on.
        hold() {},
        exited,
        end: detach,
      };
    },
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
      const { state, lastState, restartCount, containerID } = record;
      return {
        name: spec.name,
        role,
        state,
        lastState,
        restartCount,
        ready: role === 'init' ? state.terminated?.exitCode === 0 : run?.isReady === true,
        started: run?.isStarted === true,
        ...shown,
        containerID,
      };
    },
    isRunning: () => run !== undefined,
    exitCode: () => (run === undefined ? record.exitCode : undefined),
    startAfter: () => record.startAfter(),
    showBackOff() {
      const pod = options.pod();
      if (!record.showBackOff(pod, spec.name)) return;
      const where = `${pod.metadata.name}_${pod.metadata.namespace ?? ''}(${pod.metadata.uid ?? ''})`;
      event('Warning', 'BackOff', `Back-off restarting failed container ${spec.name} in pod ${where}`);
      onChange();
    },
    start,
    stop(graceMs, reason) {
      if (run === undefined) return Promise.resolve();
      if (reason !== undefined) event('Normal', 'Killing', reason);
      return run.stop(graceMs);
    },
    kill: (reason) => run?.kill(undefined, reason),
    refresh: () => run?.refresh(),
    groups() {
      const process = run?.spawned?.process;
      if (process === undefined) return [];
      const inner = process.terminal?.pid();
      return inner === undefined ? [process.pid] : [process.pid, inner];
    },
  };
}
