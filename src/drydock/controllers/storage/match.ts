import { parseQuantity } from '../../schema/quantity.ts';
import { matchesSelector } from '../selectors.ts';
import type { Claim, PersistentVolume } from './storage-objects.ts';

const sizeOf = (amount: string | undefined) => parseQuantity(amount ?? '0')?.nanos ?? 0n;

/** Whether a volume names this claim as its own; one that names no uid waits for whatever claim has the name. */
export function isReservedFor(volume: PersistentVolume, claim: Claim): boolean {
  const { claimRef } = volume.spec;
  return (
    claimRef !== undefined &&
    claimRef.namespace === claim.metadata.namespace &&
    claimRef.name === claim.metadata.name &&
    ((claimRef.uid ?? '') === '' || claimRef.uid === claim.metadata.uid)
  );
}

function suits(volume: PersistentVolume, claim: Claim): boolean {
  if (volume.metadata.deletionTimestamp !== undefined) return false;
  if ((volume.spec.volumeMode ?? 'Filesystem') !== (claim.spec.volumeMode ?? 'Filesystem')) return false;
  if (sizeOf(volume.spec.capacity?.storage) < sizeOf(claim.spec.resources?.requests?.storage)) return false;
  return (claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode) === true);
}

/**
 * The volume that a claim gets: one that is reserved for it, or the smallest that is free and suits. Source:
 * findMatchingVolume in pkg/controller/volume/persistentvolume.
 */
export function matchingVolume(
  volumes: Iterable<PersistentVolume>,
  claim: Claim,
): PersistentVolume | undefined {
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    if (!suits(volume, claim)) continue;
    if (isReservedFor(volume, claim)) return volume;
    if (volume.spec.claimRef !== undefined || volume.status?.phase !== 'Available') continue;
    if ((volume.spec.storageClassName ?? '') !== (claim.spec.storageClassName ?? '')) continue;
    const { selector } = claim.spec;
    if (selector !== undefined && !matchesSelector(selector, volume.metadata.labels)) continue;
    if (best === undefined || sizeOf(volume.spec.capacity?.storage) < sizeOf(best.spec.capacity?.storage)) {
      best = volume;
    }
  }
  return best;
}
