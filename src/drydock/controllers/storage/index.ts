import { eventRecorder } from '../events.ts';
import { startClaimController } from './claim-controller.ts';
import { startVolumeController, type StorageOptions } from './volume-controller.ts';

export { CLAIMS, claimsOf, isFullyBound, STORAGE_CLASSES, VOLUMES } from './storage-objects.ts';
export type { Claim, PersistentVolume, StorageClass } from './storage-objects.ts';

/** Claims, volumes, and what binds them. */
export function startStorageControllers(options: StorageOptions): { close(): Promise<void> } {
  const events = eventRecorder(options.api, options.api.clock, { component: 'persistentvolume-controller' });
  const running = [startClaimController({ ...options, events }), startVolumeController(options)];
  return {
    async close() {
      await Promise.all(running.map((controller) => controller.close()));
    },
  };
}
