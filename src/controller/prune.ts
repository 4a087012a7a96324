import { mapBounded, sleep } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import { refOf } from '../kube/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { kindRank } from './order.ts';
import { refusal, result } from './outcome.ts';
import type { SyncWork } from './outcome.ts';
import { objectOptions } from './validate.ts';

const AT_ONCE = 6;
const PRUNE_WAIT = 60_000;
const PAUSE = 500;

/** Kinds that hold others' data: deleted only where the object itself says `Prune=true`. */
const PRECIOUS = new Set([
  'Namespace',
  'CustomResourceDefinition',
  'PersistentVolumeClaim',
  'PersistentVolume',
]);

function propagation(options: readonly string[]): 'Foreground' | 'Background' | 'Orphan' {
  if (options.includes('PrunePropagationPolicy=background')) return 'Background';
  return options.includes('PrunePropagationPolicy=orphan') ? 'Orphan' : 'Foreground';
}

/** Deletes what Git no longer asks for, last things first, and sees that it is gone. */
export async function prune(work: SyncWork, objects: readonly KubeObject[]): Promise<readonly JsonObject[]> {
  const { client, request, signal } = work;
  const ordered = objects.toSorted((a, b) => kindRank(b) - kindRank(a));
  return mapBounded(ordered, AT_ONCE, async (object) => {
    const options = objectOptions(object);
    if (!request.prune) return result(object, 'PruneSkipped', 'ignored (requires pruning)');
    if (options.includes('Prune=false')) return result(object, 'PruneSkipped', 'ignored (no prune)');
    if (PRECIOUS.has(object.kind) && !options.includes('Prune=true')) {
      return result(
        object,
        'PruneSkipped',
        `ignored (a ${object.kind} is pruned only with the annotation argocd.argoproj.io/sync-options: Prune=true)`,
      );
    }
    try {
      await client.delete(
        refOf(object),
        {
          propagationPolicy: propagation(request.options),
          ...(object.metadata.uid === undefined ? {} : { preconditions: { uid: object.metadata.uid } }),
        },
        signal,
      );
      const held = await gone(work, object);
      return held === undefined
        ? result(object, 'Pruned', 'pruned')
        : result(object, 'SyncFailed', `deleted, and still there after ${PRUNE_WAIT / 1000} s${held}`);
    } catch (thrown) {
      return result(object, 'SyncFailed', refusal(thrown));
    }
  });
}

/** Undefined once the object is gone; otherwise what holds it. */
export async function gone(
  work: Pick<SyncWork, 'client' | 'clock' | 'signal'>,
  object: KubeObject,
): Promise<string | undefined> {
  const end = work.clock.now() + PRUNE_WAIT;
  for (;;) {
    const live = await work.client.get(refOf(object), work.signal);
    if (live === undefined || live.metadata.uid !== object.metadata.uid) return undefined;
    if (work.clock.now() >= end) {
      const finalizers = live.metadata.finalizers ?? [];
      return finalizers.length === 0 ? '' : `: held by ${finalizers.join(', ')}`;
    }
    await sleep(work.clock, PAUSE, work.signal);
  }
}
