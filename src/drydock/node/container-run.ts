import type { Timer } from '../../kernel/index.ts';
import { timestamp } from '../controllers/index.ts';
import type { Container, Pod, Probe } from '../controllers/index.ts';
import type { ActiveFault } from '../faults/index.ts';
import type { PodAddress, RunningProcess, Target } from '../runtime/index.ts';
import { startContainerProbes } from './container-probes.ts';
import type { SpawnedContainer } from './container-process.ts';
import type { NodeContext } from './context.ts';
import { runFaults } from './pod-faults.ts';
import type { ContainerRole } from './pod-status.ts';
import { runHandler } from './probe.ts';
import type { ExecInContainer, HandlerTarget } from './probe.ts';

export interface RunOptions {
  readonly context: NodeContext;
  readonly pod: () => Pod;
  readonly spec: Container;
  readonly role: ContainerRole;
  readonly address: PodAddress;
  readonly locate: (port: number) => Target;
  readonly env: Readonly<Record<string, string>>;
  /** Undefined: no process, it is simulated. */
  readonly spawned: SpawnedContainer | undefined;
  readonly stopSignal: string | undefined;
  readonly exec: ExecInContainer;
  readonly event: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
  readonly onChange: () => void;
  readonly onEnd: (exitCode: number, reason: string | undefined) => void;
  /** The postStart hook failed, with this message; the run has ended for it. */
  readonly onHookFailed: (message: string) => void;
  /** Its pod is to be put out of the node. */
  readonly onEvict: (pressure: 'memory' | 'disk') => void;
}

/** One run of a container, from its start to its end. */
export interface ContainerRun {
  readonly startedAt: string;
  readonly env: Readonly<Record<string, string>>;
  readonly spawned: SpawnedContainer | undefined;
  readonly isStarted: boolean;
  readonly isReady: boolean;
  /** Hook, SIGTERM, and after the grace SIGKILL; resolves when it is gone. A later call may only shorten the grace. */
  stop(graceMs: number): Promise<void>;
  /** Ends it at once. */
  kill(exitCode?: number, reason?: string): void;
  /** Faults on purpose have changed. */
  refresh(): void;
}

const SIMULATED_READY_MS = 200;
const SIMULATED_RUN_MS = 1000;
const LEAST_GRACE_MS = 2000;
const HOOK_MS = 3_600_000;
const KILLED = 137;

/** Watches over what was just started: probes, hooks, its end. Answers at once. */
export function startRun(options: RunOptions): ContainerRun {
  const { context, spec, role, spawned, onChange, event } = options;
  const { clock } = context.api;
  const process: RunningProcess | undefined = spawned?.process;
  const faults = runFaults(context.faults, options.pod, spec.name);
  const held = new Set<string>();
  const deaf = new Set<string>();
  const timers: Timer[] = [];
  let started = false;
  let ready = false;
  let over = false;
  let stopProbes = () => {};
  let stopping: Promise<void> | undefined;
  /** How it will be said to have ended, where that is not the process's own to say. */
  let fate: { readonly exitCode: number; readonly reason: string | undefined } | undefined;
  let settle = () => {};
  const ended = new Promise<void>((resolve) => {
    settle = resolve;
  });

  function end(exitCode: number, reason?: string): void {
    if (over) return;
    over = true;
    stopProbes();
    for (const timer of timers) timer.cancel();
    options.onEnd(exitCode, reason);
    settle();
  }

  function kill(exitCode = KILLED, reason?: string): void {
    fate ??= { exitCode, reason };
    if (process === undefined) end(exitCode, reason);
    else process.killGroup();
  }

  function later(ms: number, callback: () => void): Timer {
    const timer = clock.after(ms, callback);
    timers.push(timer);
    return timer;
  }

  // Coming up.

  function comeUp(): void {
    if (over) return;
    if (process === undefined) simulate();
    else startProbes();
  }

  /** No process: ready after a moment, and done after another where the pod is to end. */
  function simulate(): void {
    const delay = (spec.readinessProbe?.initialDelaySeconds ?? 0) * 1000;
    later(SIMULATED_READY_MS + delay, () => {
      started = true;
      ready = true;
      onChange();
    });
    const restarts = (options.pod().spec.restartPolicy ?? 'Always') === 'Always';
    if (role === 'init' || (role === 'app' && !restarts)) later(SIMULATED_RUN_MS, () => end(0));
  }

  function startProbes(): void {
    started = spec.startupProbe === undefined;
    ready = started && spec.readinessProbe === undefined;
    stopProbes = startContainerProbes({
      spec,
      clock,
      run: (probe, signal) => runHandler(probe, target(), (probe.timeoutSeconds ?? 1) * 1000, signal),
      onUnhealthy: (message) => event('Warning', 'Unhealthy', message),
      onState(next) {
        ({ started, ready } = next);
        onChange();
      },
      onDead: restartBecauseOf,
    });
    onChange();
  }

  function target(): HandlerTarget {
    const { address, locate, exec } = options;
    return { host: address.ip, locate, container: spec, exec, clock };
  }

  function graceMs(): number {
    return (options.pod().spec.terminationGracePeriodSeconds ?? 30) * 1000;
  }

  function restartBecauseOf(kind: string, probe: Probe): void {
    const seconds = probe.terminationGracePeriodSeconds;
    stopProbes();
    event('Normal', 'Killing', `Container ${spec.name} failed ${kind} probe, will be restarted`);
    void stop(seconds === undefined ? graceMs() : seconds * 1000);
  }

  async function postStart(): Promise<void> {
    const hook = spec.lifecycle?.postStart;
    if (hook === undefined || process === undefined) return;
    const outcome = await runHandler(hook, target(), HOOK_MS);
    if (outcome.success || over) return;
    event('Warning', 'FailedPostStartHook', 'PostStartHook failed');
    event('Normal', 'Killing', 'FailedPostStartHook');
    await stop(graceMs());
    options.onHookFailed(outcome.message);
  }

  // Going down.

  function stop(grace: number): Promise<void> {
    if (over) return ended;
    const deadline = clock.now() + grace;
    later(grace, () => kill());
    stopping ??= terminate(deadline).finally(() => {
      stopping = undefined;
    });
    return ended;
  }

  async function terminate(deadline: number): Promise<void> {
    const hook = spec.lifecycle?.preStop;
    if (hook !== undefined && process !== undefined) {
      const left = Math.max(0, deadline - clock.now());
      const outcome = await runHandler(hook, target(), left);
      if (!outcome.success) event('Warning', 'FailedPreStopHook', 'PreStopHook failed');
      // A hook that used up the grace leaves a little for the signal.
      if (deadline - clock.now() < LEAST_GRACE_MS) later(LEAST_GRACE_MS, () => kill());
    }
    if (deaf.size === 0) {
      if (process === undefined) end(0);
      else process.signal(signalNamed(options.stopSignal));
    }
    await ended;
  }

  // Going wrong on purpose.

  function meet(active: ActiveFault<'pods'>): void {
    const { id, healed, fault } = active;
    const { effect } = fault;
    const untilHealed = (set: Set<string>) => {
      set.add(id);
      healed.addEventListener('abort', () => {
        set.delete(id);
        if (!over) onChange();
      });
    };
    switch (effect.type) {
      case 'crash':
      case 'oom': {
        const oom = effect.type === 'oom';
        const exitCode = oom ? KILLED : (effect.exitCode ?? 1);
        const die = () => kill(exitCode, oom ? 'OOMKilled' : undefined);
        if ((effect.afterMs ?? 0) === 0) {
          die();
          return;
        }
        const timer = later(effect.afterMs ?? 0, die);
        healed.addEventListener('abort', () => timer.cancel());
        return;
      }
      case 'never-ready':
        untilHealed(held);
        onChange();
        return;
      case 'ignore-sigterm':
        untilHealed(deaf);
        return;
      case 'evict':
        options.onEvict(effect.pressure);
        return;
      case 'slow-start':
        // It is over for a container that has begun.
        return;
      default:
        effect satisfies never;
    }
  }

  const isSlowStart = (type: string) => type === 'slow-start';
  if (process !== undefined) void process.exited.then((exit) => end(fate?.exitCode ?? exit.exitCode, fate?.reason));
  const slow = faults
    .next(({ effect }) => isSlowStart(effect.type))
    .reduce((sum, { fault: { effect } }) => sum + (effect.type === 'slow-start' ? effect.ms : 0), 0);

  const run: ContainerRun = {
    startedAt: timestamp(clock.now()),
    env: options.env,
    spawned,
    get isStarted() {
      return started && !over;
    },
    get isReady() {
      return ready && !over && held.size === 0;
    },
    stop,
    kill: (exitCode, reason) => kill(exitCode, reason),
    refresh() {
      if (over) return;
      for (const active of faults.next(({ effect }) => !isSlowStart(effect.type))) meet(active);
    },
  };
  // Nothing may happen to it before its caller holds it.
  queueMicrotask(() => {
    run.refresh();
    if (slow > 0) later(slow, comeUp);
    else comeUp();
    void postStart();
  });
  return run;
}

function signalNamed(configured: string | undefined): NodeJS.Signals {
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
