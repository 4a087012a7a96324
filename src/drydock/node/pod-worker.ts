import { rmSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../../kernel/index.ts';
import type { Timer } from '../../kernel/index.ts';
import { isConflict, isNotFound, PODS, timestamp } from '../controllers/index.ts';
import type { Pod } from '../controllers/index.ts';
import { listenerOf } from '../runtime/index.ts';
import type { PodAddress, Target } from '../runtime/index.ts';
import { portsFolder } from './process-environment.ts';
import { containerUnit } from './container.ts';
import type { ContainerUnit } from './container.ts';
import type { NodeContext } from './context.ts';
import { phaseOf } from './pod-status.ts';
import type { PodView } from './pod-status.ts';
import { statusWriter } from './pod-status-writer.ts';
import { hasContent, refreshVolumes } from './volumes.ts';

export interface PodWorker {
  readonly uid: string;
  readonly address: PodAddress;
  readonly containers: readonly ContainerUnit[];
  /** Where what listens on a port of the pod really is. */
  locate(port: number): Target;
  pod(): Pod;
  /** A newer version of the pod. */
  update(pod: Pod): void;
  /** The status may have changed for a reason outside of the pod. */
  refresh(): void;
  /** The node was lost and is back: what waited for that goes on. */
  resume(): void;
  /** Faults on purpose have changed. */
  faultsChanged(): void;
  /** The pod is gone from the API: what still runs is ended at once. */
  removed(): Promise<void>;
  /** The cluster ends: kills, and writes nothing. */
  close(): Promise<void>;
}

const FORCED_GRACE_MS = 2000;
const REFRESH_VOLUMES_MS = 60_000;

/** Brings one pod up on its node, keeps it running by its restart policy, and takes it down. */
export function startPodWorker(context: NodeContext, first: Pod, onGone: () => void): PodWorker {
  const { api } = context;
  const { clock } = api;
  const uid = first.metadata.uid ?? '';
  const address = context.addresses.takePod();
  const folder = path.join(context.folder, uid);
  const startTime = timestamp(clock.now());
  const life = new AbortController();

  let current = first;
  let closed = false;
  let terminating = false;
  let terminal = false;
  let failure: { reason: string; message: string } | undefined;
  let syncing: Promise<void> | undefined;
  let again = false;
  let timer: Timer | undefined;
  let deadline: Timer | undefined;
  let volumes: Timer | undefined;

  const locate = (port: number) => listenerOf(portsFolder(folder), address.ip, port);
  const previous = [
    ...(first.status?.containerStatuses ?? []),
    ...(first.status?.initContainerStatuses ?? []),
  ];
  const unit = (role: ContainerUnit['role']) => (spec: ContainerUnit['spec']) =>
    containerUnit({
      context,
      pod: () => current,
      spec,
      role,
      address,
      locate,
      folder,
      previous: previous.find(({ name }) => name === spec.name),
      onChange: changed,
      onEvict: evict,
    });
  const inits = (first.spec.initContainers ?? []).map((spec) =>
    unit(spec.restartPolicy === 'Always' ? 'sidecar' : 'init')(spec),
  );
  const apps = first.spec.containers.map(unit('app'));
  const containers = [...inits, ...apps];

  const status = statusWriter(context, uid, view);

  function changed(): void {
    status.refresh();
    kick();
  }

  // Bringing up.

  function isUp(): boolean {
    return !closed && !terminating && !terminal && !context.isLost();
  }

  function kick(): void {
    if (!isUp()) return;
    if (syncing !== undefined) {
      again = true;
      return;
    }
    syncing = loop().finally(() => {
      syncing = undefined;
    });
  }

  async function loop(): Promise<void> {
    do {
      again = false;
      timer?.cancel();
      try {
        await sync();
      } catch (error) {
        if (life.signal.aborted) return;
        context.logger.warn('pod not brought up', { pod: current.metadata.name, error: messageOf(error) });
        timer = clock.after(10_000, kick);
      }
    } while (again && isUp());
  }

  async function sync(): Promise<void> {
    if (isOver()) {
      terminal = true;
      // What was just being started when the pod failed goes too.
      if (failure !== undefined) await stopAll(0);
      await Promise.all(inits.map((sidecar) => sidecar.stop(graceMs(), undefined)));
      status.refresh();
      return;
    }
    const waits: number[] = [];
    for (const init of inits) {
      const code = init.exitCode();
      if (init.role === 'init' && code === 0) continue;
      waits.push(await bringUp(init));
      const { started } = init.view();
      if (init.role === 'init' || !started) {
        wake(waits);
        return;
      }
    }
    for (const app of apps) waits.push(await bringUp(app));
    wake(waits);
  }

  function wake(waits: readonly number[]): void {
    const next = Math.min(...waits);
    if (Number.isFinite(next) && !terminating && !closed) {
      timer?.cancel();
      timer = clock.after(next, kick);
    }
  }

  /** Starts a container that should run and does not; answers after how long to look again. */
  async function bringUp(container: ContainerUnit): Promise<number> {
    if (container.isRunning() || !shouldRun(container) || life.signal.aborted || terminating) {
      return Number.POSITIVE_INFINITY;
    }
    const left = container.startAfter();
    if (left > 0) {
      container.showBackOff();
      return left;
    }
    await container.start(life.signal);
    return container.isRunning() ? Number.POSITIVE_INFINITY : Math.max(1, container.startAfter());
  }

  function shouldRun(container: ContainerUnit): boolean {
    const code = container.exitCode();
    if (code === undefined || container.role === 'sidecar') return true;
    const policy = current.spec.restartPolicy ?? 'Always';
    if (container.role === 'init') return code !== 0 && policy !== 'Never';
    return policy === 'Always' || (policy === 'OnFailure' && code !== 0);
  }

  /** All containers have ended for good. */
  function isOver(): boolean {
    if (failure !== undefined) return true;
    const failedInit = inits.some(
      (init) => init.role === 'init' && (init.exitCode() ?? 0) !== 0 && !shouldRun(init) && !init.isRunning(),
    );
    const ended = apps.every((app) => app.exitCode() !== undefined && !shouldRun(app));
    return failedInit || ended;
  }

  // Taking down.

  function graceMs(): number {
    const seconds =
      current.metadata.deletionGracePeriodSeconds ?? current.spec.terminationGracePeriodSeconds ?? 30;
    return seconds * 1000;
  }

  async function terminate(): Promise<void> {
    terminating = true;
    timer?.cancel();
    life.abort();
    await syncing;
    await stopAll(graceMs());
    terminal = true;
    status.refresh();
    await status.idle();
    if (closed) return;
    await finalize();
  }

  async function stopAll(grace: number): Promise<void> {
    const until = clock.now() + grace;
    await Promise.all(apps.map((app) => app.stop(grace, `Stopping container ${app.spec.name}`)));
    // Sidecars go in the reverse order of their start, once nothing needs them.
    for (const init of [...inits].reverse()) {
      await init.stop(Math.max(0, until - clock.now()), `Stopping container ${init.spec.name}`);
    }
  }

  async function finalize(): Promise<void> {
    if (context.isLost()) return;
    const { namespace, name } = current.metadata;
    try {
      await api.delete(PODS, namespace, name, { gracePeriodSeconds: 0, preconditions: { uid } });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) {
        context.logger.warn('pod not removed', { pod: name, error: messageOf(error) });
      }
    }
  }

  /** What is mounted from ConfigMaps and Secrets follows them, a minute late at most. */
  function watchVolumes(): void {
    if (!(first.spec.volumes ?? []).some(hasContent)) return;
    volumes = clock.after(REFRESH_VOLUMES_MS, () => {
      if (closed || terminating || terminal) return;
      // A source that is gone leaves the files as they are.
      void refreshVolumes(context, current, folder)
        .catch(() => {})
        .then(watchVolumes);
    });
  }

  /** Ends the pod for good, for a reason that its status gives. */
  async function fail(reason: string, message: string, grace: number): Promise<void> {
    if (terminating || terminal || closed || failure !== undefined) return;
    failure = { reason, message };
    await stopAll(grace);
    kick();
  }

  function watchDeadline(): void {
    deadline?.cancel();
    const seconds = current.spec.activeDeadlineSeconds;
    if (seconds === undefined) return;
    const began = Date.parse(current.status?.startTime ?? startTime);
    deadline = clock.after(Math.max(0, began + seconds * 1000 - clock.now()), () => {
      const message = 'Pod was active on the node longer than the specified deadline';
      context.recorder.event(current, 'Normal', 'DeadlineExceeded', message);
      void fail('DeadlineExceeded', message, graceMs());
    });
  }

  function evict(pressure: 'memory' | 'disk'): void {
    const resource = pressure === 'disk' ? 'ephemeral-storage' : pressure;
    const message = `The node was low on resource: ${resource}. `;
    if (failure === undefined) context.recorder.event(current, 'Warning', 'Evicted', message);
    // A hard threshold leaves no grace.
    void fail('Evicted', message, 0);
  }

  // Telling.

  function view(): PodView {
    const simulated = containers.filter((container) => container.simulated).map(({ spec }) => spec.name);
    return {
      pod: current,
      containers: containers.map((container) => container.view()),
      podIP: address.ip,
      hostIP: context.hostIP,
      startTime,
      terminal,
      simulated,
      ...failure,
    };
  }

  async function end(grace: number): Promise<void> {
    timer?.cancel();
    deadline?.cancel();
    volumes?.cancel();
    life.abort();
    if (grace === 0) for (const container of containers) container.kill();
    else await Promise.all(containers.map((container) => container.stop(grace, undefined)));
    await syncing;
    // A start that was under way when the abort came may still have got through.
    for (const container of containers) container.kill();
    await Promise.all(containers.map((container) => container.stop(0, undefined)));
    await status.idle();
    closed = true;
    status.close();
    context.addresses.releasePod(address);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    onGone();
  }

  let ending: Promise<void> | undefined;
  function update(pod: Pod): void {
    const deadlineMoved = pod.spec.activeDeadlineSeconds !== current.spec.activeDeadlineSeconds;
    current = pod;
    if (deadlineMoved) watchDeadline();
    if (pod.metadata.deletionTimestamp !== undefined && !terminating) {
      void terminate();
    } else if (pod.metadata.deletionTimestamp !== undefined) {
      // A second deletion may have shortened the grace.
      const left = Date.parse(pod.metadata.deletionTimestamp) - clock.now();
      if (left < graceMs()) void stopAll(Math.max(0, left));
    } else {
      status.refresh();
    }
  }

  if (phaseOf({ ...view(), pod: first }) === first.status?.phase && isFinal(first)) terminal = true;
  status.refresh();
  watchDeadline();
  watchVolumes();
  if (first.metadata.deletionTimestamp === undefined) kick();
  else void terminate();

  return {
    uid,
    address,
    containers,
    locate,
    pod: () => current,
    update,
    refresh: status.refresh,
    resume() {
      changed();
      if (terminating && terminal) void finalize();
    },
    faultsChanged() {
      for (const container of containers) container.refresh();
    },
    removed: () => (ending ??= end(terminal ? 0 : Math.min(FORCED_GRACE_MS, graceMs()))),
    close() {
      closed = true;
      status.close();
      return (ending ??= end(0));
    },
  };
}

function isFinal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}
