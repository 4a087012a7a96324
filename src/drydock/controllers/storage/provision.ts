import type { InProcessApi, KubeObject } from '../../api/contract.ts';
import { isAlreadyExists } from '../writes.ts';
import {
  BOUND_BY_CONTROLLER,
  PROVISIONED_BY,
  VOLUMES,
  type Claim,
  type StorageClass,
} from './storage-objects.ts';

/** Makes the volume of a claim as a provisioner of a single machine does: a folder of the node, named by the claim. */
export async function provisionFolder(
  api: InProcessApi,
  claim: Claim,
  storageClass: StorageClass,
): Promise<KubeObject> {
  const name = `pvc-${claim.metadata.uid ?? ''}`;
  const { namespace = '', name: claimName, uid } = claim.metadata;
  const volume: KubeObject = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name,
      annotations: { [PROVISIONED_BY]: storageClass.provisioner, [BOUND_BY_CONTROLLER]: 'yes' },
    },
    spec: {
      accessModes: [...(claim.spec.accessModes ?? [])],
      capacity: { storage: claim.spec.resources?.requests?.storage ?? '0' },
      claimRef: {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        namespace,
        name: claimName,
        ...(uid === undefined ? {} : { uid }),
      },
      hostPath: { path: `/var/lib/${name}_${namespace}_${claimName}`, type: 'DirectoryOrCreate' },
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      ...(claim.spec.volumeMode === undefined ? {} : { volumeMode: claim.spec.volumeMode }),
    },
  };
  try {
    return await api.create(VOLUMES, volume, { fieldManager: 'local-path-provisioner' });
  } catch (error) {
    const known = isAlreadyExists(error) ? api.get(VOLUMES, undefined, name) : undefined;
    if (known === undefined) throw error;
    return known;
  }
}
