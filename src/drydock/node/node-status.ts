import os from 'node:os';
import { messageOf } from '../../kernel/index.ts';
import type { Logger } from '../../kernel/index.ts';
import type { InProcessApi } from '../api/contract.ts';
import { findCondition, NODES, timestamp } from '../controllers/index.ts';
import type { Condition, EventRecorder, Node } from '../controllers/index.ts';
import type { NodeFault } from '../faults/index.ts';
import type { StoredImage } from './image-store.ts';

const MANAGER = { fieldManager: 'kubelet' };
/** As the kubelet's nodeStatusMaxImages. */
const SHOWN_IMAGES = 50;
const PODS_PER_NODE = 10_000;

export interface NodeStatusOptions {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly name: string;
  readonly hostIP: string;
  readonly recorder: () => EventRecorder;
  readonly images: () => readonly { readonly names: readonly string[]; readonly sizeBytes: StoredImage['sizeBytes'] }[];
  /** Faults on purpose that this node's kubelet tells of. */
  readonly faults: () => readonly NodeFault[];
}

/** Writes what a node says of itself: addresses, capacity, conditions, images. */
export interface NodeStatusReport {
  /** Makes the node known. Throws when the API refuses. */
  register(): Promise<void>;
  /** Writes it anew; what cannot be written now is written with the next report. */
  report(): Promise<void>;
}

export function nodeStatusReport(options: NodeStatusOptions): NodeStatusReport {
  const { api, name } = options;

  async function write(node: Node): Promise<void> {
    const status = statusOf(options, node, api.clock.now());
    await api.update(NODES, { ...structuredClone(node), status }, { ...MANAGER, subresource: 'status' });
    const ready = (of: Node['status']) => findCondition(of?.conditions, 'Ready')?.status;
    const [before, after] = [ready(node.status), ready(status)];
    if (before === undefined || before === after) return;
    const turned = after === 'True' ? 'NodeReady' : 'NodeNotReady';
    options.recorder().event(node, 'Normal', turned, `Node ${name} status is now: ${turned}`);
  }

  return {
    async register() {
      const existing = api.get(NODES, undefined, name) as Node | undefined;
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
      await write(node);
    },
    async report() {
      const node = api.get(NODES, undefined, name) as Node | undefined;
      if (node === undefined) return;
      await write(node).catch((error: unknown) => {
        options.logger.debug('node status not written', { node: name, error: messageOf(error) });
      });
    },
  };
}

/** As images and the registry name it: `amd64`. */
export function architecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}

type Verdict = readonly [status: 'True' | 'False', reason: string, message: string];

function verdicts(faults: readonly NodeFault[]): Readonly<Record<string, Verdict>> {
  const effects = faults.map(({ effect }) => effect);
  const under = (pressure: string) =>
    effects.some((effect) => effect.type === 'pressure' && effect.pressure === pressure);
  const away = effects.find((effect) => effect.type === 'not-ready');
  return {
    MemoryPressure: under('memory')
      ? ['True', 'KubeletHasInsufficientMemory', 'kubelet has insufficient memory available']
      : ['False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
    DiskPressure: under('disk')
      ? ['True', 'KubeletHasDiskPressure', 'kubelet has disk pressure']
      : ['False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
    PIDPressure: under('pid')
      ? ['True', 'KubeletHasInsufficientPID', 'kubelet has insufficient PID available']
      : ['False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
    Ready:
      away === undefined
        ? ['True', 'KubeletReady', 'kubelet is posting ready status']
        : ['False', 'KubeletNotReady', away.message ?? 'container runtime is down'],
  };
}

function statusOf(options: NodeStatusOptions, node: Node, now: number): NonNullable<Node['status']> {
  const { name, hostIP } = options;
  const time = timestamp(now);
  const capacity = {
    cpu: String(os.availableParallelism()),
    'ephemeral-storage': '104857600Ki',
    memory: `${Math.floor(os.totalmem() / 1024)}Ki`,
    pods: String(PODS_PER_NODE),
  };
  const conditions = Object.entries(verdicts(options.faults())).map(([type, [status, reason, message]]) => {
    const before = findCondition(node.status?.conditions, type);
    const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? time) : time;
    return { type, status, lastHeartbeatTime: time, lastTransitionTime, reason, message } satisfies Condition & {
      lastHeartbeatTime: string;
    };
  });
  const images = [...options.images()]
    .sort((a, b) => b.sizeBytes - a.sizeBytes)
    .slice(0, SHOWN_IMAGES)
    .map(({ names, sizeBytes }) => ({ names: [...names], sizeBytes }));
  return {
    addresses: [
      { type: 'InternalIP', address: hostIP },
      { type: 'Hostname', address: name },
    ],
    allocatable: capacity,
    capacity,
    conditions,
    ...(images.length === 0 ? {} : { images }),
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
