import { mkdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { messageOf } from '../../kernel/index.ts';
import type { Logger, Timer } from '../../kernel/index.ts';
import type { InProcessApi } from '../api/contract.ts';
import { eventRecorder, LEASES, NODES, timestamp } from '../controllers/index.ts';
import { microTimestamp } from '../controllers/index.ts';
import type { Caches, Node, Pod } from '../controllers/index.ts';
import type { AddressPool, WorkFolder } from '../runtime/index.ts';
import type { NodeContext } from './context.ts';
import { nodeImages } from './images.ts';
import type { ImageSource } from './images.ts';
import { startPodWorker } from './pod-worker.ts';
import type { PodWorker } from './pod-worker.ts';

export interface NodeOptions {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly caches: Caches;
  readonly name: string;
  readonly hostIP: string;
  readonly addresses: AddressPool;
  readonly work: WorkFolder;
  readonly preload: string;
  readonly hostsFile: string;
  /** Keeps the node's images in this folder; without it they go with the work folder. */
  readonly imagesFolder?: string;
  readonly sourceOf: (registry: string) => ImageSource;
  readonly strictImages: boolean;
  readonly isExecutable: (digests: readonly string[]) => boolean;
}

export interface NodeAgent {
  readonly name: string;
  worker(uid: string): PodWorker | undefined;
  close(): Promise<void>;
}

const MANAGER = { fieldManager: 'kubelet' };
const LEASE_EVERY_MS = 10_000;
/** As the kubelet's nodeStatusMaxImages. */
const SHOWN_IMAGES = 50;
const PODS_PER_NODE = 10_000;

/** One node: registers itself, renews its lease, and runs the pods that the scheduler gives it. */
export async function startNode(options: NodeOptions): Promise<NodeAgent> {
  const { api, logger, caches, name } = options;
  const { clock } = api;
  const folder = path.join(options.work.path, name);
  const images = options.imagesFolder ?? folder;
  for (const needed of [folder, images]) mkdirSync(needed, { recursive: true });
  const workers = new Map<string, PodWorker>();
  let closed = false;
  let lease: Timer | undefined;

  const context: NodeContext = {
    ...options,
    nodeName: name,
    folder: path.join(folder, 'pods'),
    recorder: eventRecorder(api, clock, { component: 'kubelet', host: name }),
    images: nodeImages({
      clock,
      folder: images,
      keep: options.imagesFolder !== undefined,
      architecture: architecture(),
      sourceOf: options.sourceOf,
      strict: options.strictImages,
      isExecutable: options.isExecutable,
      // Another name for content that is here already changes what running containers report.
      onChange: () => {
        for (const worker of workers.values()) worker.refresh();
        void showImages();
      },
    }),
  };

  await register(options);
  await renew();

  async function renew(): Promise<void> {
    if (closed) return;
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
    lease = clock.after(LEASE_EVERY_MS, () => void renew());
  }

  /** The node says which images it has, as far as others do not write to it at the same time: then with the next one. */
  async function showImages(): Promise<void> {
    const node = api.get(NODES, undefined, name);
    if (node === undefined || closed) return;
    const images = [...context.images.store.list()]
      .sort((a, b) => b.sizeBytes - a.sizeBytes)
      .slice(0, SHOWN_IMAGES)
      .map(({ names, sizeBytes }) => ({ names: [...names], sizeBytes }));
    const next = {
      ...structuredClone(node),
      status: { ...(structuredClone(node['status']) as object), images },
    };
    await api.update(NODES, next, { ...MANAGER, subresource: 'status' }).catch((error: unknown) => {
      logger.debug('images of node not shown', { node: name, error: messageOf(error) });
    });
  }

  caches.pods.onChange((pod, _old, gone) => {
    if (closed || pod.spec.nodeName !== name) return;
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
  });

  return {
    name,
    worker: (uid) => workers.get(uid),
    async close() {
      closed = true;
      lease?.cancel();
      await Promise.all([...workers.values()].map((worker) => worker.close()));
    },
  };
}

function isFinished(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return (phase === 'Succeeded' || phase === 'Failed') && pod.metadata.deletionTimestamp === undefined;
}

function architecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}

async function register({ api, name, hostIP }: NodeOptions): Promise<void> {
  const existing = api.get(NODES, undefined, name);
  const metadata = {
    name,
    labels: {
      'beta.kubernetes.io/arch': architecture(),
      'beta.kubernetes.io/os': 'linux',
      'kubernetes.io/arch': architecture(),
      'kubernetes.io/hostname': name,
      'kubernetes.io/os': 'linux',
    },
  };
  const node =
    existing ?? (await api.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata, spec: {} }, MANAGER));
  await api.update(
    NODES,
    { ...structuredClone(node), status: nodeStatus(name, hostIP, api.clock.now()) },
    { ...MANAGER, subresource: 'status' },
  );
}

function nodeStatus(name: string, hostIP: string, now: number): NonNullable<Node['status']> {
  const time = timestamp(now);
  const capacity = {
    cpu: String(os.availableParallelism()),
    'ephemeral-storage': '104857600Ki',
    memory: `${Math.floor(os.totalmem() / 1024)}Ki`,
    pods: String(PODS_PER_NODE),
  };
  const condition = (type: string, status: 'True' | 'False', reason: string, message: string) => ({
    type,
    status,
    lastHeartbeatTime: time,
    lastTransitionTime: time,
    reason,
    message,
  });
  return {
    addresses: [
      { type: 'InternalIP', address: hostIP },
      { type: 'Hostname', address: name },
    ],
    allocatable: capacity,
    capacity,
    conditions: [
      condition(
        'MemoryPressure',
        'False',
        'KubeletHasSufficientMemory',
        'kubelet has sufficient memory available',
      ),
      condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
      condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
      condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
    ],
    nodeInfo: {
      architecture: architecture(),
      bootID: '',
      containerRuntimeVersion: 'drydock://1.0',
      kernelVersion: os.release(),
      kubeProxyVersion: 'v1.32.0',
      kubeletVersion: 'v1.32.0',
      machineID: '',
      operatingSystem: 'linux',
      osImage: `Drydock on ${os.type()}`,
      systemUUID: '',
    },
  };
}
