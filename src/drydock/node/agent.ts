import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../../kernel/index.ts';
import type { Logger, Timer } from '../../kernel/index.ts';
import type { InProcessApi } from '../api/contract.ts';
import { eventRecorder, LEASES } from '../controllers/index.ts';
import { microTimestamp } from '../controllers/index.ts';
import type { Caches, EventRecorder, Pod } from '../controllers/index.ts';
import type { FaultBoard, NodeFault } from '../faults/index.ts';
import type { AddressPool, Target, WorkFolder } from '../runtime/index.ts';
import type { NodeContext } from './context.ts';
import { nodeImages } from './images.ts';
import type { ImageSource } from './images.ts';
import { watchMemory } from './memory-limits.ts';
import { architecture, nodeStatusReport } from './node-status.ts';
import { startPodWorker } from './pod-worker.ts';
import type { PodWorker } from './pod-worker.ts';

export interface NodeOptions {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly caches: Caches;
  readonly faults: FaultBoard;
  readonly name: string;
  readonly hostIP: string;
  readonly addresses: AddressPool;
  readonly work: WorkFolder;
  readonly preload: string;
  readonly hostsFile: string;
  /** Where the API server really listens. */
  readonly apiServer: Target;
  /** Keeps the node's images in this folder; without it they go with the work folder. */
  readonly imagesFolder?: string;
  readonly sourceOf: (registry: string) => ImageSource;
  readonly strictImages: boolean;
  readonly isExecutable: (digests: readonly string[]) => boolean;
  /** For the projected volumes of pods. */
  readonly tokens: NodeContext['tokens'];
}

export interface NodeAgent {
  readonly name: string;
  worker(uid: string): PodWorker | undefined;
  close(): Promise<void>;
}

const MANAGER = { fieldManager: 'kubelet' };
const LEASE_EVERY_MS = 10_000;
/** The kubelet's nodeStatusReportFrequency: how often it writes a status in which nothing changed. */
const REPORT_EVERY_MS = 300_000;

/** One node: registers itself, renews its lease, and runs the pods that the scheduler gives it. */
export async function startNode(options: NodeOptions): Promise<NodeAgent> {
  const { api, logger, caches, name, faults } = options;
  const { clock } = api;
  const folder = path.join(options.work.path, name);
  const images = options.imagesFolder ?? folder;
  for (const needed of [folder, images]) mkdirSync(needed, { recursive: true });
  const workers = new Map<string, PodWorker>();
  const timers = new Map<string, Timer>();
  let closed = false;
  let lost = false;

  const recorder = eventRecorder(api, clock, { component: 'kubelet', host: name });
  const context: NodeContext = {
    ...options,
    nodeName: name,
    folder: path.join(folder, 'pods'),
    recorder: unlessLost(recorder, () => lost),
    isLost: () => lost,
    images: nodeImages({
      clock,
      nodeName: name,
      faults,
      folder: images,
      keep: options.imagesFolder !== undefined,
      architecture: architecture(),
      sourceOf: options.sourceOf,
      strict: options.strictImages,
      isExecutable: options.isExecutable,
      // Another name for content that is here already changes what running containers report.
      onChange: () => {
        for (const worker of workers.values()) worker.refresh();
        if (!closed && !lost) void status.report();
      },
    }),
  };
  const onThis = (): readonly NodeFault[] =>
    faults.active('node').flatMap(({ fault }) => (fault.node === name ? [fault] : []));
  const status = nodeStatusReport({
    ...options,
    recorder: () => recorder,
    images: () => context.images.store.list(),
    faults: onThis,
  });
  const memory = watchMemory(clock, () => [...workers.values()].flatMap(({ containers }) => containers));

  await status.register();
  await renew();
  every('lease', LEASE_EVERY_MS, renew);
  every('status', REPORT_EVERY_MS, status.report);

  /** The next turn is set before this one begins: a clock that is moved far waits for nobody. */
  function every(what: string, ms: number, work: () => Promise<void>): void {
    timers.set(
      what,
      clock.after(ms, () => {
        every(what, ms, work);
        if (!lost) void work();
      }),
    );
  }

  async function renew(): Promise<void> {
    try {
      const renewTime = microTimestamp(clock.now());
      const current = api.get(LEASES, 'kube-node-lease', name);
      const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime };
      if (current === undefined) {
        const metadata = { name, namespace: 'kube-node-lease' };
        await api.create(
          LEASES,
          { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec },
          MANAGER,
        );
      } else {
        await api.update(LEASES, { ...structuredClone(current), spec }, MANAGER);
      }
    } catch (error) {
      logger.debug('lease not renewed', { node: name, error: messageOf(error) });
    }
  }

  function take(pod: Pod, gone: boolean): void {
    const uid = pod.metadata.uid ?? '';
    const worker = workers.get(uid);
    if (gone) {
      void worker?.removed();
      return;
    }
    if (worker !== undefined) worker.update(pod);
    else if (!isFinished(pod))
      workers.set(
        uid,
        startPodWorker(context, pod, () => workers.delete(uid)),
      );
  }

  caches.pods.onChange((pod, _old, gone) => {
    if (!closed && !lost && pod.spec.nodeName === name) take(pod, gone);
  });

  faults.onChange(({ on }) => {
    if (closed) return;
    if (on === 'pods') for (const worker of workers.values()) worker.faultsChanged();
    if (on !== 'node') return;
    const isLost = onThis().some(({ effect }) => effect.type === 'lost');
    const returns = lost && !isLost;
    lost = isLost;
    if (returns) void comeBack();
    else if (!lost) void status.report();
  });

  /** What was done to its pods while it was lost is learned at once, as from a list. */
  async function comeBack(): Promise<void> {
    await renew();
    await status.report();
    if (closed || lost) return;
    for (const worker of workers.values()) {
      const { namespace = '', name: pod, uid } = worker.pod().metadata;
      if (caches.pods.get(`${namespace}/${pod}`)?.metadata.uid !== uid) void worker.removed();
    }
    for (const pod of caches.pods.all()) if (pod.spec.nodeName === name) take(pod, false);
    for (const worker of workers.values()) worker.resume();
  }

  return {
    name,
    worker: (uid) => workers.get(uid),
    async close() {
      closed = true;
      for (const timer of timers.values()) timer.cancel();
      memory.close();
      await Promise.all([...workers.values()].map((worker) => worker.close()));
    },
  };
}

function isFinished(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return (phase === 'Succeeded' || phase === 'Failed') && pod.metadata.deletionTimestamp === undefined;
}

/** Nobody hears what a lost node has to tell. */
function unlessLost(recorder: EventRecorder, isLost: () => boolean): EventRecorder {
  return {
    flushed: () => recorder.flushed(),
    event(...event) {
      if (!isLost()) recorder.event(...event);
    },
  };
}
