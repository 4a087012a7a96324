import type { Clock, Logger } from '../kernel/index.ts';
import { refOf } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { readLive } from './comparison.ts';
import type { Cluster } from './clusters/index.ts';
import { kindRank } from './order.ts';
import { gone } from './prune.ts';
import { objectOptions } from './validate.ts';

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
}

/** Deletes what the application tracks, last things first, and then lets the Application go. False: something is still there. */
export async function finishDeletion(
  work: Finalizing,
  application: KubeObject,
  signal: AbortSignal,
): Promise<boolean> {
  const { home, cluster, clock, logger, instance } = work;
  const finalizers = application.metadata.finalizers ?? [];
  const background = finalizers.includes('resources-finalizer.argocd.argoproj.io/background');
  const objects =
    cluster === undefined ? [] : await readLive(cluster.live, [], application, instance, 'fresh', signal);
  const ordered = objects
    .filter((object) => !objectOptions(object).includes('Delete=false'))
    .toSorted((a, b) => kindRank(b) - kindRank(a));
  for (const object of ordered) {
    await cluster?.client.delete(
      refOf(object),
      {
        propagationPolicy: background ? 'Background' : 'Foreground',
        ...(object.metadata.uid === undefined ? {} : { preconditions: { uid: object.metadata.uid } }),
      },
      signal,
    );
  }
  for (const object of ordered) {
    const held =
      cluster === undefined ? undefined : await gone({ client: cluster.client, clock, signal }, object);
    if (held === undefined) continue;
    logger.warn('An object of a deleted application is still there', {
      application: instance,
      object: `${object.kind}/${object.metadata.name}`,
      held,
    });
    return false;
  }
  await home.patch(
    refOf(application),
    'json',
    [
      { op: 'test', path: '/metadata/finalizers', value: finalizers },
      {
        op: 'replace',
        path: '/metadata/finalizers',
        value: finalizers.filter((name) => !FINALIZERS.has(name)),
      },
    ],
    {},
    signal,
  );
  logger.info('Deleted the objects of an application', { application: instance, objects: ordered.length });
  return true;
}
