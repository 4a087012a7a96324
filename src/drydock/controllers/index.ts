import type { Logger } from '../../kernel/index.ts';
import type { InProcessApi, KubeObject } from '../api/contract.ts';
import { startCache } from './cache.ts';
import type { Cache } from './cache.ts';
import { startDeploymentController } from './deployment/deployment-controller.ts';
import { startEndpointsController } from './endpoints/endpoints-controller.ts';
import { DEPLOYMENTS, ENDPOINT_SLICES, NODES, PODS, REPLICA_SETS, SERVICES } from './objects.ts';
import type { Deployment, Node, Pod, ReplicaSet, Service } from './objects.ts';
import { startReplicaSetController } from './replicaset/replicaset-controller.ts';
import { startScheduler } from './scheduler/scheduler.ts';

export { keyOf, splitKey, startCache } from './cache.ts';
export type { Cache } from './cache.ts';
export { findCondition } from './conditions.ts';
export { targetPort } from './endpoints/slices.ts';
export { eventRecorder } from './events.ts';
export type { EventRecorder } from './events.ts';
export {
  CONFIG_MAPS,
  LEASES,
  NAMESPACES,
  NODES,
  PODS,
  SECRETS,
  SERVICE_ACCOUNTS,
  SERVICES,
} from './objects.ts';
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
} from './objects.ts';
export { quantity } from './scheduler/resources.ts';
export { matchesLabels } from './selectors.ts';
export { microTimestamp, timeOf, timestamp } from './time.ts';
export { isConflict, isNotFound, sameJson } from './writes.ts';

/** The caches that controllers, scheduler and nodes share: one watch per resource. */
export interface Caches {
  readonly deployments: Cache<Deployment>;
  readonly replicaSets: Cache<ReplicaSet>;
  readonly pods: Cache<Pod>;
  readonly services: Cache<Service>;
  readonly nodes: Cache<Node>;
  readonly slices: Cache<KubeObject>;
}

export function startCaches(api: InProcessApi): Caches & { close(): void } {
  const caches = {
    deployments: startCache<Deployment>(api, DEPLOYMENTS),
    replicaSets: startCache<ReplicaSet>(api, REPLICA_SETS),
    pods: startCache<Pod>(api, PODS),
    services: startCache<Service>(api, SERVICES),
    nodes: startCache<Node>(api, NODES),
    slices: startCache<KubeObject>(api, ENDPOINT_SLICES),
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
}): { close(): Promise<void> } {
  const { api, logger, caches } = options;
  const running = [
    startDeploymentController({ api, logger, ...caches }),
    startReplicaSetController({ api, logger, ...caches }),
    startEndpointsController({ api, logger, ...caches }),
    startScheduler({ api, logger, ...caches }),
  ];
  return {
    async close() {
      await Promise.all(running.map((controller) => controller.close()));
    },
  };
}
