import { messageOf } from '../../../kernel/index.ts';
import { copyJson } from '../../kinds/json-access.ts';
import { keyOf } from '../cache.ts';
import type { EventRecorder } from '../events.ts';
import { workQueue } from '../queue.ts';
import type { Again } from '../queue.ts';
import { isConflict, isNotFound } from '../writes.ts';
import { isReservedFor, matchingVolume } from './match.ts';
import { provisionFolder } from './provision.ts';
import {
  BIND_COMPLETED,
  BOUND_BY_CONTROLLER,
  CLAIM_PROTECTION,
  CLAIMS,
  FOLDER_PROVISIONERS,
  usersOf,
  VOLUMES,
  type Claim,
  type PersistentVolume,
  type StorageClass,
} from './storage-objects.ts';
import { setVolumePhase, STORAGE_MANAGER, type StorageOptions } from './volume-controller.ts';

/** The original looks at every claim again in this interval. */
const LOOK_AGAIN_MS = 15_000;

/**
 * Binds claims to volumes, has missing volumes made, and keeps claims that pods use. Source:
 * pkg/controller/volume/persistentvolume and pvcprotection, 1.32.
 */
export function startClaimController(options: StorageOptions & { readonly events: EventRecorder }): {
  close(): Promise<void>;
} {
  const { api, logger, claims, volumes, storageClasses, pods, events } = options;
  const queue = workQueue({
    clock: api.clock,
    reconcile,
    // One at a time: two claims must not be given the same volume.
    concurrency: 1,
    onError: (key, error) => {
      if (!isConflict(error)) logger.debug('claim not reconciled', { key, error: messageOf(error) });
    },
  });

  claims.onChange((claim, _old, gone) => {
    if (!gone) queue.add(keyOf(claim));
  });
  volumes.onChange((volume) => {
    const { claimRef } = volume.spec;
    if (claimRef !== undefined) queue.add(`${claimRef.namespace ?? ''}/${claimRef.name ?? ''}`);
    else addUnbound();
  });
  storageClasses.onChange(() => addUnbound());
  pods.onChange((pod) => {
    for (const volume of pod.spec.volumes ?? []) {
      const claim = volume['persistentVolumeClaim'] as { claimName?: string } | undefined;
      if (claim?.claimName !== undefined) queue.add(`${pod.metadata.namespace ?? ''}/${claim.claimName}`);
    }
  });

  function addUnbound(): void {
    for (const claim of claims.all()) if (claim.status?.phase !== 'Bound') queue.add(keyOf(claim));
  }

  async function reconcile(key: string): Promise<Again | undefined> {
    const claim = claims.get(key);
    if (claim === undefined) return undefined;
    if (claim.metadata.deletionTimestamp !== undefined) {
      await release(claim);
      return undefined;
    }
    if (claim.metadata.annotations?.[BIND_COMPLETED] !== undefined) {
      await keep(claim);
      return undefined;
    }
    return syncUnbound(claim);
  }

  /** A claim goes when no pod uses it any longer. */
  async function release(claim: Claim): Promise<void> {
    const { finalizers = [] } = claim.metadata;
    if (!finalizers.includes(CLAIM_PROTECTION) || usersOf(claim, pods).length > 0) return;
    const rest = finalizers.filter((finalizer) => finalizer !== CLAIM_PROTECTION);
    const next = copyJson(claim);
    Object.assign(next.metadata, { finalizers: rest });
    try {
      await api.update(CLAIMS, next, STORAGE_MANAGER);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** A claim that is bound stays so, unless its volume was lost. */
  async function keep(claim: Claim): Promise<void> {
    const volume = volumes.get(claim.spec.volumeName ?? '');
    if (volume !== undefined && isReservedFor(volume, claim)) {
      await writeStatus(claim, volume);
      return;
    }
    if (claim.status?.phase === 'Lost') return;
    const next = copyJson(claim);
    next.status = { ...next.status, phase: 'Lost' };
    claims.observe(await api.update(CLAIMS, next, { ...STORAGE_MANAGER, subresource: 'status' }));
    const [reason, message] =
      volume === undefined
        ? ['ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!']
        : ['ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly'];
    events.event(claim, 'Warning', reason, message);
  }

  async function syncUnbound(claim: Claim): Promise<Again | undefined> {
    const asked = claim.spec.volumeName ?? '';
    if (asked !== '') {
      const volume = volumes.get(asked);
      if (volume === undefined) return { againAfterMs: LOOK_AGAIN_MS };
      if (volume.spec.claimRef === undefined || isReservedFor(volume, claim)) {
        await bind(claim, volume);
        return undefined;
      }
      events.event(
        claim,
        'Warning',
        'FailedBinding',
        `volume "${asked}" already bound to a different claim.`,
      );
      return { againAfterMs: LOOK_AGAIN_MS };
    }
    const className = claim.spec.storageClassName ?? '';
    const storageClass = storageClasses.get(className);
    const waits =
      storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && usersOf(claim, pods).length === 0;
    const volume = matchingVolume(volumes.all(), claim);
    if (volume !== undefined && (!waits || isReservedFor(volume, claim))) {
      await bind(claim, volume);
      return undefined;
    }
    if (waits) {
      const message = 'waiting for first consumer to be created before binding';
      events.event(claim, 'Normal', 'WaitForFirstConsumer', message);
      return { againAfterMs: LOOK_AGAIN_MS };
    }
    if (className === '') {
      const message = 'no persistent volumes available for this claim and no storage class is set';
      events.event(claim, 'Normal', 'FailedBinding', message);
      return { againAfterMs: LOOK_AGAIN_MS };
    }
    if (storageClass === undefined) {
      const message = `storageclass.storage.k8s.io "${className}" not found`;
      events.event(claim, 'Warning', 'ProvisioningFailed', message);
      return { againAfterMs: LOOK_AGAIN_MS };
    }
    return provision(claim, storageClass);
  }

  async function provision(claim: Claim, storageClass: StorageClass): Promise<Again | undefined> {
    const { provisioner } = storageClass;
    if (provisioner === 'kubernetes.io/no-provisioner') return { againAfterMs: LOOK_AGAIN_MS };
    const marked = await markProvisioner(claim, provisioner);
    const waiting = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
    events.event(marked, 'Normal', 'ExternalProvisioning', waiting);
    if (!FOLDER_PROVISIONERS.has(provisioner)) return { againAfterMs: LOOK_AGAIN_MS };
    volumes.observe(await provisionFolder(api, marked, storageClass));
    return undefined;
  }

  async function markProvisioner(claim: Claim, provisioner: string): Promise<Claim> {
    const names = [
      'volume.beta.kubernetes.io/storage-provisioner',
      'volume.kubernetes.io/storage-provisioner',
    ];
    if (names.every((name) => claim.metadata.annotations?.[name] === provisioner)) return claim;
    const next = copyJson(claim);
    const added = Object.fromEntries(names.map((name) => [name, provisioner]));
    Object.assign(next.metadata, { annotations: { ...next.metadata.annotations, ...added } });
    const written = await api.update(CLAIMS, next, STORAGE_MANAGER);
    claims.observe(written);
    return written as Claim;
  }

  async function bind(claim: Claim, volume: PersistentVolume): Promise<void> {
    let reserved = volume;
    if ((volume.spec.claimRef?.uid ?? '') === '') {
      const next = copyJson(volume);
      const { namespace, name, uid, resourceVersion } = claim.metadata;
      if (volume.spec.claimRef === undefined) mark(next, BOUND_BY_CONTROLLER);
      next.spec.claimRef = {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        name,
        ...(namespace === undefined ? {} : { namespace }),
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      };
      reserved = (await api.update(VOLUMES, next, STORAGE_MANAGER)) as PersistentVolume;
      volumes.observe(reserved);
    }
    await setVolumePhase(options, reserved, 'Bound');
    const next = copyJson(claim);
    if ((claim.spec.volumeName ?? '') === '') mark(next, BOUND_BY_CONTROLLER);
    next.spec.volumeName = volume.metadata.name;
    mark(next, BIND_COMPLETED);
    const bound = (await api.update(CLAIMS, next, STORAGE_MANAGER)) as Claim;
    claims.observe(bound);
    await writeStatus(bound, reserved);
  }

  async function writeStatus(claim: Claim, volume: PersistentVolume): Promise<void> {
    if (claim.status?.phase === 'Bound') return;
    const next = copyJson(claim);
    next.status = {
      ...next.status,
      phase: 'Bound',
      accessModes: [...(volume.spec.accessModes ?? [])],
      capacity: { ...volume.spec.capacity },
    };
    claims.observe(await api.update(CLAIMS, next, { ...STORAGE_MANAGER, subresource: 'status' }));
  }

  return { close: () => queue.close() };
}

function mark(object: Claim | PersistentVolume, annotation: string): void {
  Object.assign(object.metadata, { annotations: { ...object.metadata.annotations, [annotation]: 'yes' } });
}
