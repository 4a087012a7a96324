import type { Clock, JsonValue, Logger } from '../kernel/index.ts';
import { objectName, refOf, splitApiVersion } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { kindRank } from '../apply/index.ts';
import { HOOK_FINALIZER, isHook, syncWave, trackedBy } from '../boundaries/sync/index.ts';
import type { Tracking } from '../boundaries/sync/index.ts';
import { inventoryOf } from './comparison.ts';
import type { Cluster } from './clusters/index.ts';
import { objectOptions, optionValue, releaseHook } from './sync/index.ts';

/** Argo CD's finalizers that ask for the application's objects to go with it. */
export const FINALIZERS: ReadonlySet<string> = new Set([
  'resources-finalizer.argocd.argoproj.io',
  'resources-finalizer.argocd.argoproj.io/foreground',
  'resources-finalizer.argocd.argoproj.io/background',
]);

export interface Finalizing {
  /** Where the Application itself is. */
  readonly home: KubeClient;
  /** Where its objects are; undefined: no such cluster is configured any more, and nothing there can be reached. */
  readonly cluster: Pick<Cluster, 'client' | 'live'> | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly instance: string;
  readonly tracking: Tracking;
  /** The Application's sync options. */
  readonly options: readonly string[];
}

const LONG = 60_000;
const APPROVED = 'argocd.argoproj.io/deletion-approved';

/** Whether the end of an Application has come; what it waits for, where somebody has to do something about it. */
export type Ending = { readonly done: true } | { readonly done: false; readonly held?: string };

/**
 * Deletes what the application tracks, the last wave first, and then lets the Application go. One step a turn; not done
 * while something is still there, or waits for somebody's consent.
 */
export async function finishDeletion(
  work: Finalizing,
  application: KubeObject,
  signal: AbortSignal,
): Promise<Ending> {
  const { cluster, logger, instance } = work;
  const objects = cluster === undefined ? [] : await deletable(work, cluster, application, signal);
  if (cluster === undefined || objects.length === 0) {
    await release(work.home, application, signal);
    logger.info('Deleted the objects of an application', { application: instance });
    return { done: true };
  }
  const unapproved = objects.filter(
    (object) => deleteOption(work, object) === 'confirm' && !isApproved(application),
  );
  if (unapproved[0] !== undefined) {
    logger.info('The deletion of an application waits for consent', {
      application: instance,
      object: objectName(unapproved[0]),
      objects: unapproved.length,
    });
    const more = unapproved.length > 1 ? ` and ${unapproved.length - 1} more` : '';
    return {
      done: false,
      held: `waiting for consent to delete ${objectName(unapproved[0])}${more}: annotate the Application with ${APPROVED}, the time as its value`,
    };
  }
  const going = objects.filter((object) => object.metadata.deletionTimestamp !== undefined);
  if (going.length > 0) {
    const held = await sayWhatHolds(work, cluster, going, signal);
    return held === undefined ? { done: false } : { done: false, held };
  }
  const last = Math.max(...objects.map(syncWave));
  const wave = objects.filter((object) => syncWave(object) === last);
  for (const object of wave.toSorted((a, b) => kindRank(b) - kindRank(a))) {
    if (isHook(object)) await releaseHook(cluster.client, refOf(object), signal);
    await cluster.client.delete(
      refOf(object),
      {
        propagationPolicy: isBackground(application) ? 'Background' : 'Foreground',
        ...(object.metadata.uid === undefined ? {} : { preconditions: { uid: object.metadata.uid } }),
      },
      signal,
    );
  }
  const left = await deletable(work, cluster, application, signal);
  if (left.length > 0) return { done: false };
  await release(work.home, application, signal);
  logger.info('Deleted the objects of an application', { application: instance });
  return { done: true };
}

function isBackground(application: KubeObject): boolean {
  return (
    application.metadata.finalizers?.includes('resources-finalizer.argocd.argoproj.io/background') ?? false
  );
}

/** `Delete=` of the object, else of the application. */
function deleteOption(work: Pick<Finalizing, 'options'>, object: KubeObject): string | undefined {
  return optionValue(objectOptions(object), 'Delete') ?? optionValue(work.options, 'Delete');
}

/** What goes with the application: what it tracks, hooks too; never definitions, the Application itself, or what asks to be kept. */
async function deletable(
  work: Finalizing,
  cluster: Pick<Cluster, 'live'>,
  application: KubeObject,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const found = await cluster.live.read(inventoryOf(application), 'fresh', signal);
  return found.filter(
    (object): object is KubeObject =>
      object !== undefined &&
      trackedBy(object, work.tracking) === work.instance &&
      object.kind !== 'CustomResourceDefinition' &&
      object.metadata.uid !== application.metadata.uid &&
      deleteOption(work, object) !== 'false' &&
      object.metadata.annotations?.['helm.sh/resource-policy'] !== 'keep',
  );
}

function isApproved(application: KubeObject): boolean {
  const at = Date.parse(application.metadata.annotations?.[APPROVED] ?? '');
  return !Number.isNaN(at) && at >= Date.parse(application.metadata.deletionTimestamp ?? '');
}

/** A hook of ours is let go; what somebody else holds is named once it has taken long. */
async function sayWhatHolds(
  { clock, logger, instance }: Finalizing,
  cluster: Pick<Cluster, 'client'>,
  objects: readonly KubeObject[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const stuck: string[] = [];
  for (const object of objects) {
    const finalizers = object.metadata.finalizers ?? [];
    if (finalizers.includes(HOOK_FINALIZER)) await releaseHook(cluster.client, refOf(object), signal);
    const since = Date.parse(object.metadata.deletionTimestamp ?? '');
    if (clock.now() - since < LONG) continue;
    const { group } = splitApiVersion(object.apiVersion);
    const name = group === '' ? objectName(object) : `${objectName(object)} (${group})`;
    const held = finalizers.length === 0 ? 'by nothing that it names' : `by ${finalizers.join(', ')}`;
    stuck.push(`${name} was deleted, and is still there after ${LONG / 1000} s: held ${held}`);
    logger.warn('An object of a deleted application is still there', {
      application: instance,
      object: name,
      held,
    });
  }
  return stuck.length === 0 ? undefined : stuck.slice(0, 10).join('; ');
}

async function release(home: KubeClient, application: KubeObject, signal: AbortSignal): Promise<void> {
  const finalizers = application.metadata.finalizers ?? [];
  const value: JsonValue[] = finalizers.filter((name) => !FINALIZERS.has(name));
  await home.patch(
    refOf(application),
    'json',
    [
      { op: 'test', path: '/metadata/finalizers', value: finalizers },
      { op: 'replace', path: '/metadata/finalizers', value },
    ],
    {},
    signal,
  );
}
