/** Drydock: an embedded Kubernetes for tests, laptops and the demo. It stands alone and knows nothing of the product. */
export { startCluster } from './cluster/index.ts';
export type { Cluster, ClusterOptions } from './cluster/index.ts';
export type { MetricsSource } from './controllers/index.ts';
export { ApiStatusError, BUNDLED_FAMILIES } from './api/index.ts';
export type { BundledFamily } from './api/index.ts';
export type {
  DeleteOptions,
  InProcessApi,
  KubeObject,
  ListOptions,
  PatchType,
  ResourceName,
  WatchEvent,
  WriteOptions,
} from './api/contract.ts';
export type {
  ApiFault,
  Fault,
  Faults,
  NodeFault,
  PodFault,
  PullFault,
  RegistryFault,
  RunningFault,
} from './faults/index.ts';
export { startRegistry } from './registry/index.ts';
export type { Registry, RegistryOptions } from './registry/index.ts';
export { makeServerCertificate } from './api/index.ts';
export type { ServerCertificate } from './api/index.ts';
