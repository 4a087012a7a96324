import { asLandfallError, getString, mapBounded } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeClient, ObjectRef } from '../../kube/index.ts';
import { refusal } from '../outcome.ts';
import { hookHealth } from './health.ts';
import { deleteHook, releaseHook } from './hooks.ts';
import type { SyncWriter } from './writer.ts';

const AT_ONCE = 6;

function refIn(item: JsonObject): ObjectRef {
  const text = (field: string) => getString(item, field) ?? '';
  const apiVersion = text('group') === '' ? text('version') : `${text('group')}/${text('version')}`;
  const namespace = text('namespace');
  return {
    apiVersion,
    kind: text('kind'),
    name: text('name'),
    ...(namespace === '' ? {} : { namespace }),
  };
}

/**
 * Ends the hooks of an operation that is stopped: one that runs is deleted, one that has ended is let go. Gives the
 * results as they are then. Works from the results alone, since what Git says may not be readable any more.
 */
export async function terminateHooks(
  work: { readonly client: KubeClient; readonly writer: SyncWriter; readonly signal: AbortSignal },
  results: readonly JsonObject[],
): Promise<{ readonly results: readonly JsonObject[]; readonly clean: boolean }> {
  let clean = true;
  const after = await mapBounded(results, AT_ONCE, async (item): Promise<JsonObject> => {
    if (getString(item, 'hookType') === undefined) return item;
    const ref = refIn(item);
    try {
      if (getString(item, 'hookPhase') !== 'Running') {
        await releaseHook(work.client, ref, work.signal);
        return item;
      }
      const live = await work.client.get(ref, work.signal);
      if (live === undefined) return { ...item, hookPhase: 'Succeeded', message: 'Terminated' };
      const health = hookHealth(live);
      if (health.phase === 'Running') {
        await deleteHook(work, live, 'Background');
        return { ...item, hookPhase: 'Failed', message: 'Terminated' };
      }
      await releaseHook(work.client, ref, work.signal);
      return { ...item, hookPhase: health.phase, message: health.message };
    } catch (thrown) {
      if (asLandfallError(thrown).code === 'kind-unknown') return item;
      clean = false;
      return { ...item, hookPhase: 'Error', message: `Failed to delete: ${refusal(thrown)}` };
    }
  });
  return { results: after, clean };
}
