import type { KubeObject, ResourceName } from '../../api/contract.ts';
import type { Cache } from '../cache.ts';
import type { LabelSelector, Pod } from '../objects.ts';
import { isPodFinished } from '../pods.ts';

export const CLAIMS: ResourceName = { group: '', version: 'v1', resource: 'persistentvolumeclaims' };
export const VOLUMES: ResourceName = { group: '', version: 'v1', resource: 'persistentvolumes' };
export const STORAGE_CLASSES: ResourceName = {
  group: 'storage.k8s.io',
  version: 'v1',
  resource: 'storageclasses',
};

export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';
export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by';
export const CLAIM_PROTECTION = 'kubernetes.io/pvc-protection';
export const VOLUME_PROTECTION = 'kubernetes.io/pv-protection';

/** Provisioners of single machines, which give a folder of the node; so does Drydock in their place. */
export const FOLDER_PROVISIONERS: ReadonlySet<string> = new Set([
  'rancher.io/local-path',
  'k8s.io/minikube-hostpath',
  'docker.io/hostpath',
]);

export interface ClaimReference {
  apiVersion?: string;
  kind?: string;
  namespace?: string;
  name?: string;
  uid?: string;
  resourceVersion?: string;
}

export interface Claim extends KubeObject {
  spec: {
    accessModes?: string[];
    resources?: { requests?: Record<string, string> };
    storageClassName?: string;
    volumeMode?: string;
    volumeName?: string;
    selector?: LabelSelector;
  };
  status?: { phase?: string; accessModes?: string[]; capacity?: Record<string, string> };
}

export interface PersistentVolume extends KubeObject {
  spec: {
    accessModes?: string[];
    capacity?: Record<string, string>;
    storageClassName?: string;
    volumeMode?: string;
    claimRef?: ClaimReference;
    persistentVolumeReclaimPolicy?: string;
    [source: string]: unknown;
  };
  status?: { phase?: string; lastPhaseTransitionTime?: string };
}

export interface StorageClass extends KubeObject {
  provisioner: string;
  reclaimPolicy?: string;
  volumeBindingMode?: string;
}

/** The claims that a pod names, by their names. */
export function claimsOf(pod: Pod): string[] {
  return (pod.spec.volumes ?? []).flatMap((volume) => {
    const claim = volume['persistentVolumeClaim'] as { claimName?: string } | undefined;
    return claim?.claimName === undefined ? [] : [claim.claimName];
  });
}

/** Pods that have not ended and name this claim. */
export function usersOf(claim: KubeObject, pods: Cache<Pod>): Pod[] {
  return pods
    .inNamespace(claim.metadata.namespace ?? '')
    .filter((pod) => !isPodFinished(pod) && claimsOf(pod).includes(claim.metadata.name));
}

export function isFullyBound(claim: Claim): boolean {
  return (claim.spec.volumeName ?? '') !== '' && claim.metadata.annotations?.[BIND_COMPLETED] !== undefined;
}
