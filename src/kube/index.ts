/** The Kubernetes API: a light client over HTTP, kubeconfigs as kubectl reads them, and a reflector that survives faults. */
export { objectName, refName, refOf, splitApiVersion } from './object.ts';
export type { KindRef, KubeObject, ObjectMeta, ObjectRef, OwnerReference } from './object.ts';
export type {
  AccessAnswer,
  ApiResource,
  ApplyOptions,
  ApplyOutcome,
  ApplyResult,
  DeleteOptions,
  FieldValidation,
  KubeClient,
  KubeList,
  ListOptions,
  PatchType,
  ProxyResponse,
  ProxyTarget,
  ResourceAccess,
  ServerVersion,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './client.ts';
export { connectKubeconfigSecret } from './kubeconfig-secret.ts';
export type { ClusterAccess } from './connect.ts';
export { IN_CLUSTER, clusterServer, connectClusterSecret } from './cluster-secret.ts';
export { clusterIdentity, uidOf } from './identity.ts';
export type { ClusterIdentity } from './identity.ts';
export { loadKubeClient } from './load.ts';
export type { LoadOptions } from './load.ts';
export { secretValue } from './secret.ts';
export { statusBehind } from './failure.ts';
export { startReflector } from './reflector.ts';
export type { Reflector, ReflectorOptions, ReflectorState } from './reflector.ts';
