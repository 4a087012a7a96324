import { messageOf } from '../../../kernel/index.ts';
import type { Logger } from '../../../kernel/index.ts';
import type { InProcessApi } from '../../api/contract.ts';
import { copyJson } from '../../kinds/json-access.ts';
import type { Cache } from '../cache.ts';
import { keyOf } from '../cache.ts';
import type { Pod } from '../objects.ts';
import { workQueue } from '../queue.ts';
import { timestamp } from '../time.ts';
import { isConflict, isNotFound } from '../writes.ts';
import {
  FOLDER_PROVISIONERS,
  PROVISIONED_BY,
  VOLUME_PROTECTION,
  VOLUMES,
  type Claim,
  type PersistentVolume,
  type StorageClass,
} from './storage-objects.ts';

export const STORAGE_MANAGER = { fieldManager: 'kube-controller-manager' };

export interface StorageOptions {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly claims: Cache<Claim>;
  readonly volumes: Cache<PersistentVolume>;
  readonly storageClasses: Cache<StorageClass>;
  readonly pods: Cache<Pod>;
}

export async function setVolumePhase(
  { api, volumes }: StorageOptions,
  volume: PersistentVolume,
  phase: string,
): Promise<void> {
  if (volume.status?.phase === phase) return;
  const next = copyJson(volume);
  next.status = { ...next.status, phase, lastPhaseTransitionTime: timestamp(api.clock.now()) };
  volumes.observe(await api.update(VOLUMES, next, { ...STORAGE_MANAGER, subresource: 'status' }));
}

/** Says of every volume whether it is free, bound or left behind, and reclaims what was made for a claim. */
export function startVolumeController(options: StorageOptions): { close(): Promise<void> } {
  const { api, logger, claims, volumes } = options;
  const queue = workQueue({
    clock: api.clock,
    reconcile,
    onError: (key, error) => {
      if (!isConflict(error)) logger.debug('volume not reconciled', { key, error: messageOf(error) });
    },
  });
  volumes.onChange((volume, _old, gone) => {
    if (!gone) queue.add(keyOf(volume));
  });
  claims.onChange((claim) => {
    const name = claim.spec.volumeName ?? '';
    if (name !== '') queue.add(name);
  });

  async function reconcile(name: string): Promise<undefined> {
    const volume = volumes.get(name);
    if (volume === undefined) return;
    const { claimRef } = volume.spec;
    const owner =
      claimRef === undefined ? undefined : claims.get(`${claimRef.namespace ?? ''}/${claimRef.name ?? ''}`);
    const claimed = owner !== undefined && owner.metadata.uid === claimRef?.uid;
    if (volume.metadata.deletionTimestamp !== undefined) {
      if (!claimed) await unprotect(volume);
    } else if (claimRef === undefined || (claimRef.uid ?? '') === '') {
      await setVolumePhase(options, volume, 'Available');
    } else if (!claimed) {
      await setVolumePhase(options, volume, 'Released');
      await reclaim(volume);
    } else if (owner.spec.volumeName === name) {
      await setVolumePhase(options, volume, 'Bound');
    }
  }

  async function reclaim(volume: PersistentVolume): Promise<void> {
    const provisioner = volume.metadata.annotations?.[PROVISIONED_BY] ?? '';
    if (volume.spec.persistentVolumeReclaimPolicy !== 'Delete' || !FOLDER_PROVISIONERS.has(provisioner))
      return;
    try {
      await api.delete(VOLUMES, undefined, volume.metadata.name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async function unprotect(volume: PersistentVolume): Promise<void> {
    const { finalizers = [] } = volume.metadata;
    if (!finalizers.includes(VOLUME_PROTECTION)) return;
    const next = copyJson(volume);
    Object.assign(next.metadata, { finalizers: finalizers.filter((name) => name !== VOLUME_PROTECTION) });
    try {
      await api.update(VOLUMES, next, STORAGE_MANAGER);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  return { close: () => queue.close() };
}
