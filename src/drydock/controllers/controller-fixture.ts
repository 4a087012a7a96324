import { manualClock, silentLogger } from '../../kernel/index.ts';
import type { ManualClock } from '../../kernel/index.ts';
import { createApi } from '../api/index.ts';
import type { InProcessApi, KubeObject, ResourceName } from '../api/contract.ts';
import { startCaches, startControllers } from './index.ts';
import type { MetricsSource } from './index.ts';
import { DEPLOYMENTS, NODES, PODS, REPLICA_SETS } from './objects.ts';
import type { Deployment, Pod, ReplicaSet } from './objects.ts';
import { timestamp } from './time.ts';

export const TESTER = { fieldManager: 'test' };

/** A real API server with the controllers, nodes that are only objects, and a clock that stands still. For tests. */
export interface ControllerFixture {
  readonly api: InProcessApi;
  readonly clock: ManualClock;
  /** Lets everything run that does not wait for the clock. */
  settle(): Promise<void>;
  create(resource: ResourceName, object: KubeObject): Promise<KubeObject>;
  merge(resource: ResourceName, name: string, patch: object): Promise<KubeObject>;
  pods(): readonly Pod[];
  deployment(): Deployment;
  replicaSets(): readonly ReplicaSet[];
  /** Does what a kubelet does for this pod: running, and ready or not. */
  report(pod: Pod, ready: boolean): Promise<void>;
  /** The containers of this pod ended. */
  finish(pod: Pod | undefined, phase: 'Succeeded' | 'Failed'): Promise<void>;
  get(resource: ResourceName, name: string): KubeObject | undefined;
  /** Reports every scheduled pod ready, and lets those go that were deleted. */
  runAll(): Promise<void>;
  messages(reason: string): readonly string[];
  close(): Promise<void>;
}

export async function controllerFixture(nodes = 3, metrics?: MetricsSource): Promise<ControllerFixture> {
  const clock = manualClock();
  const api = await createApi({ clock });
  for (let index = 1; index <= nodes; index++) {
    await addNode(api, `node-${index}`);
  }
  const caches = startCaches(api);
  const controllers = startControllers({
    api,
    logger: silentLogger,
    caches,
    ...(metrics === undefined ? {} : { metrics }),
  });

  async function settle(): Promise<void> {
    for (let quiet = 0, last = ''; quiet < 12;) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
      const { resourceVersion } = api.list(PODS);
      quiet = resourceVersion === last ? quiet + 1 : 0;
      last = resourceVersion;
    }
  }

  const pods = () => api.list(PODS).items as readonly Pod[];

  async function report(pod: Pod, ready: boolean): Promise<void> {
    const { namespace = '', name } = pod.metadata;
    const current = structuredClone(api.get(PODS, namespace, name)) as Pod;
    const at = timestamp(clock.now());
    const status = ready ? ('True' as const) : ('False' as const);
    current.status = {
      ...current.status,
      phase: 'Running',
      podIP: '127.0.0.1',
      conditions: [
        { type: 'Ready', status, lastTransitionTime: at },
        { type: 'PodScheduled', status: 'True', lastTransitionTime: at },
      ],
    };
    await api.update(PODS, current, { ...TESTER, subresource: 'status' });
  }

  async function finish(pod: Pod | undefined, phase: 'Succeeded' | 'Failed'): Promise<void> {
    if (pod === undefined) throw new Error('there is no such pod');
    const current = structuredClone(api.get(PODS, 'default', pod.metadata.name)) as Pod;
    current.status = { ...current.status, phase, conditions: [] };
    await api.update(PODS, current, { ...TESTER, subresource: 'status' });
  }

  async function runAll(): Promise<void> {
    for (let round = 0; round < 50; round++) {
      await settle();
      const work = pods().filter(
        (pod) =>
          pod.metadata.deletionTimestamp !== undefined ||
          ((pod.spec.nodeName ?? '') !== '' && pod.status?.phase === 'Pending'),
      );
      if (work.length === 0) return;
      for (const pod of work) {
        const { namespace, name, deletionTimestamp } = pod.metadata;
        if (deletionTimestamp === undefined) await report(pod, true);
        else await api.delete(PODS, namespace, name, { gracePeriodSeconds: 0 });
      }
    }
    throw new Error('the cluster did not come to rest in 50 rounds');
  }

  return {
    api,
    clock,
    settle,
    create: (resource, object) => api.create(resource, object, TESTER),
    merge: (resource, name, patch) => api.patch(resource, 'default', name, 'merge', patch as never, TESTER),
    pods,
    deployment: () => api.get(DEPLOYMENTS, 'default', 'web') as Deployment,
    replicaSets: () => api.list(REPLICA_SETS).items as readonly ReplicaSet[],
    report,
    finish,
    get: (resource, name) => api.get(resource, 'default', name),
    runAll,
    messages: (reason) =>
      api
        .list({ group: '', version: 'v1', resource: 'events' })
        .items.filter((event) => event['reason'] === reason)
        .map((event) => String(event['message'])),
    async close() {
      await controllers.close();
      caches.close();
      await api.close();
    },
  };
}

async function addNode(api: InProcessApi, name: string): Promise<void> {
  const metadata = { name, labels: { 'kubernetes.io/hostname': name } };
  const node = await api.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata, spec: {} }, TESTER);
  const status = {
    allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
    conditions: [{ type: 'Ready', status: 'True' }],
  };
  await api.update(NODES, { ...structuredClone(node), status }, { ...TESTER, subresource: 'status' });
}

/** A Deployment `web` of one container. */
export function webDeployment(spec: object = {}, image = 'nginx:1'): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image }] },
      },
      ...spec,
    },
  };
}

export function imagePatch(image: string): object {
  return { spec: { template: { spec: { containers: [{ name: 'web', image }] } } } };
}
