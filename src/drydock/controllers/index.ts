import type { Logger } from '../../kernel/index.ts';
import type { InProcessApi, KubeObject } from '../api/contract.ts';
import { AUTOSCALERS, startAutoscaler } from './autoscaling/autoscaler.ts';
import type { Autoscaler, MetricsSource } from './autoscaling/autoscaler.ts';
import { controllerOf, startCache } from './cache.ts';
import type { Cache } from './cache.ts';
import { startDeploymentController } from './deployment/deployment-controller.ts';
import { startEndpointsController } from './endpoints/endpoints-controller.ts';
import { DEPLOYMENTS, ENDPOINT_SLICES, NODES, PODS, REPLICA_SETS, SERVICES } from './objects.ts';
import type { Deployment, Node, Pod, ReplicaSet, Service } from './objects.ts';
import { startReplicaSetController, startReplicationController } from './replicaset/replicaset-controller.ts';
import { startScheduler } from './scheduler/scheduler.ts';
import { DAEMON_SETS, startDaemonSetController } from './daemonset/daemonset-controller.ts';
import type { DaemonSet } from './daemonset/daemonset-controller.ts';
import { BUDGETS, startDisruptionController } from './disruption/disruption-controller.ts';
import type { DisruptionBudget } from './disruption/disruption-controller.ts';
import { startEventExpiry } from './housekeeping/event-expiry.ts';
import { CONTROLLER_REVISIONS } from './history/controller-revisions.ts';
import type { ControllerRevision } from './history/controller-revisions.ts';
import { startCronJobController } from './job/cron-job-controller.ts';
import { startJobController } from './job/job-controller.ts';
import { CRON_JOBS, JOBS } from './job/job-objects.ts';
import type { CronJob, Job } from './job/job-objects.ts';
import { startNodeLifecycle } from './node-lifecycle/node-lifecycle-controller.ts';
import { startTaintEviction } from './node-lifecycle/taint-eviction.ts';
import { CLAIMS, startStorageControllers, STORAGE_CLASSES, VOLUMES } from './storage/index.ts';
import type { Claim, PersistentVolume, StorageClass } from './storage/index.ts';
import { startStatefulSetController, STATEFUL_SETS } from './statefulset/statefulset-controller.ts';
import type { StatefulSet } from './statefulset/statefulset-controller.ts';

export type { MetricsSource } from './autoscaling/autoscaler.ts';
export { keyOf } from './cache.ts';
export type { Cache } from './cache.ts';
export { findCondition } from './conditions.ts';
export { eventRecorder } from './events.ts';
export type { EventRecorder } from './events.ts';
export { CONFIG_MAPS, LEASES, NODES, PODS, SECRETS, SERVICE_ACCOUNTS, SERVICES } from './objects.ts';
export type {
  Condition,
  Container,
  ContainerState,
  ContainerStatus,
  EnvSource,
  Handler,
  IntOrString,
  Node,
  Pod,
  PodSpec,
  PodStatus,
  Probe,
  Service,
  Volume,
  VolumeItem,
} from './objects.ts';
export { quantity } from './scheduler/resources.ts';
export { microTimestamp, timestamp } from './time.ts';
export { isConflict, isNotFound, sameJson } from './writes.ts';

/** The caches that controllers, scheduler and nodes share: one watch per resource. */
export interface Caches {
  readonly deployments: Cache<Deployment>;
  readonly replicaSets: Cache<ReplicaSet>;
  readonly pods: Cache<Pod>;
  readonly services: Cache<Service>;
  readonly nodes: Cache<Node>;
  readonly slices: Cache<KubeObject>;
  readonly jobs: Cache<Job>;
  readonly cronJobs: Cache<CronJob>;
  readonly statefulSets: Cache<StatefulSet>;
  readonly daemonSets: Cache<DaemonSet>;
  readonly revisions: Cache<ControllerRevision>;
  readonly budgets: Cache<DisruptionBudget>;
  readonly autoscalers: Cache<Autoscaler>;
  readonly claims: Cache<Claim>;
  readonly volumes: Cache<PersistentVolume>;
  readonly storageClasses: Cache<StorageClass>;
}

export function startCaches(api: InProcessApi): Caches & { close(): void } {
  const caches = {
    deployments: startCache<Deployment>(api, DEPLOYMENTS),
    replicaSets: startCache<ReplicaSet>(api, REPLICA_SETS),
    pods: startCache<Pod>(api, PODS),
    services: startCache<Service>(api, SERVICES),
    nodes: startCache<Node>(api, NODES),
    slices: startCache<KubeObject>(api, ENDPOINT_SLICES),
    jobs: startCache<Job>(api, JOBS),
    cronJobs: startCache<CronJob>(api, CRON_JOBS),
    statefulSets: startCache<StatefulSet>(api, STATEFUL_SETS),
    daemonSets: startCache<DaemonSet>(api, DAEMON_SETS),
    revisions: startCache<ControllerRevision>(api, CONTROLLER_REVISIONS),
    budgets: startCache<DisruptionBudget>(api, BUDGETS),
    autoscalers: startCache<Autoscaler>(api, AUTOSCALERS),
    claims: startCache<Claim>(api, CLAIMS),
    volumes: startCache<PersistentVolume>(api, VOLUMES),
    storageClasses: startCache<StorageClass>(api, STORAGE_CLASSES),
  };
  return {
    ...caches,
    close() {
      for (const cache of Object.values(caches)) cache.close();
    },
  };
}

/** Starts the controllers and the scheduler; they stop, each after the pass it is in, on close. */
export function startControllers(options: {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly caches: Caches;
  /** What autoscalers see; without it they say that there are no metrics. */
  readonly metrics?: MetricsSource;
}): { close(): Promise<void> } {
  const { api, logger, caches, metrics = () => undefined } = options;
  const running = [
    startDeploymentController({ api, logger, ...caches }),
    startReplicaSetController({ api, logger, ...caches }),
    startReplicationController({ api, logger, ...caches }),
    startEndpointsController({ api, logger, ...caches }),
    startScheduler({ api, logger, ...caches }),
    startAutoscaler({ api, logger, ...caches, metrics }),
    startNodeLifecycle({ api, logger, ...caches }),
    startTaintEviction({ api, logger, ...caches }),
    startEventExpiry({ api, logger }),
    startJobController({ api, logger, ...caches }),
    startCronJobController({ api, logger, ...caches }),
    startStatefulSetController({ api, logger, ...caches }),
    startDaemonSetController({ api, logger, ...caches }),
    startStorageControllers({ api, logger, ...caches }),
    startDisruptionController({ api, logger, ...caches, scaleOf: (pod) => scaleOf(caches, pod) }),
  ];
  return {
    async close() {
      await Promise.all(running.map((controller) => controller.close()));
    },
  };
}

/** The replicas that whatever stands behind a pod asks for: its Deployment, ReplicaSet or StatefulSet. */
function scaleOf(caches: Caches, pod: Pod): { uid: string; replicas: number } | undefined {
  const namespace = pod.metadata.namespace ?? '';
  const owner = controllerOf(pod);
  if (owner?.kind === 'StatefulSet') {
    const set = caches.statefulSets.get(`${namespace}/${owner.name}`);
    return set === undefined ? undefined : { uid: owner.uid, replicas: set.spec.replicas ?? 1 };
  }
  if (owner?.kind !== 'ReplicaSet') return undefined;
  const replicaSet = caches.replicaSets.get(`${namespace}/${owner.name}`);
  if (replicaSet === undefined) return undefined;
  const parent = controllerOf(replicaSet);
  const deployment =
    parent?.kind === 'Deployment' ? caches.deployments.get(`${namespace}/${parent.name}`) : undefined;
  return deployment === undefined
    ? { uid: owner.uid, replicas: replicaSet.spec.replicas ?? 1 }
    : { uid: deployment.metadata.uid ?? '', replicas: deployment.spec.replicas ?? 1 };
}
