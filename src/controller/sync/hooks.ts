import { asLandfallError } from '../../kernel/index.ts';
import { refOf } from '../../kube/index.ts';
import type { KubeClient, KubeObject, ObjectRef } from '../../kube/index.ts';
import { HOOK_FINALIZER, hookDeletePolicies } from '../../boundaries/sync/index.ts';
import { runsOnce } from './health.ts';
import { OPERATION_ANNOTATION } from './tasks.ts';

const TRIES = 5;

/** True when the hook in the cluster was made by this attempt at this operation, by a turn that did not get to say so. */
export function isOwn(live: KubeObject, operationId: string): boolean {
  return live.metadata.annotations?.[OPERATION_ANNOTATION] === operationId;
}

/**
 * Whether what an earlier sync left is in the way: it is, by its delete policy, and where it ran once and would now
 * answer for a run that never was.
 */
export function mustGoFirst(desired: KubeObject, live: KubeObject): boolean {
  return hookDeletePolicies(desired).includes('BeforeHookCreation') || runsOnce(live);
}

/** Lets a hook go that was seen to have ended. Tries again when the object moved meanwhile. */
export async function releaseHook(client: KubeClient, ref: ObjectRef, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const live = await client.get(ref, signal);
    const finalizers = live?.metadata.finalizers ?? [];
    if (live === undefined || !finalizers.includes(HOOK_FINALIZER)) return;
    try {
      await client.patch(
        ref,
        'json',
        [
          { op: 'test', path: '/metadata/finalizers', value: finalizers },
          {
            op: 'replace',
            path: '/metadata/finalizers',
            value: finalizers.filter((name) => name !== HOOK_FINALIZER),
          },
        ],
        {},
        signal,
      );
      return;
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (error.kind === 'not-found') return;
      const moved = error.kind === 'conflict' || error.kind === 'invalid-input';
      if (!moved || attempt >= TRIES) throw error;
    }
  }
}

/** Releases and deletes one hook. */
export async function deleteHook(
  work: {
    readonly client: KubeClient;
    readonly writer: { delete: (object: KubeObject, options: object, signal: AbortSignal) => Promise<void> };
    readonly signal: AbortSignal;
  },
  live: KubeObject,
  propagationPolicy: 'Foreground' | 'Background' | 'Orphan',
): Promise<void> {
  await releaseHook(work.client, refOf(live), work.signal);
  await work.writer.delete(live, { propagationPolicy }, work.signal);
}
