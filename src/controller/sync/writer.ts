import { LandfallError, asLandfallError, sleep } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import { objectName, refOf } from '../../kube/index.ts';
import type {
  ApplyResult,
  DeleteOptions,
  FieldValidation,
  KubeClient,
  KubeObject,
} from '../../kube/index.ts';
import { FIELD_MANAGER } from '../../apply/index.ts';
import { isPrecious } from './consent.ts';
import { takeOver } from './take-over.ts';

/** How an object is put where Git wants it. */
export interface PutOptions {
  /** `replace` writes the whole object, as `kubectl replace`; `apply` only what Git says of it. */
  readonly how: 'apply' | 'replace';
  /** What the server will not change is deleted and made again. Never a namespace, a definition or a claim. */
  readonly force: boolean;
  readonly validation: FieldValidation;
  /** What is stored now (null: nothing), when it is known. */
  readonly before?: KubeObject | null;
  /** Managers of client-side applies whose fields are taken over first. */
  readonly takeOver: readonly string[];
}

/**
 * Every change that a sync makes goes through here, so that a journal may stand between. Both throw what the API
 * server says.
 */
export interface SyncWriter {
  apply(object: KubeObject, options: PutOptions, signal: AbortSignal): Promise<ApplyResult>;
  /** Asks for the deletion; that the object is gone is another question. */
  delete(object: KubeObject, options: DeleteOptions, signal: AbortSignal): Promise<void>;
}

const GONE_WAIT = 30_000;
const PAUSE = 200;

/** Writes straight to the cluster. */
export function createSyncWriter(client: KubeClient, clock: Clock): SyncWriter {
  async function remove(object: KubeObject, options: DeleteOptions, signal: AbortSignal): Promise<void> {
    const { uid } = object.metadata;
    await client.delete(
      refOf(object),
      { ...options, ...(uid === undefined ? {} : { preconditions: { uid } }) },
      signal,
    );
  }

  async function recreate(object: KubeObject, live: KubeObject, signal: AbortSignal): Promise<ApplyResult> {
    await remove(live, { propagationPolicy: 'Foreground' }, signal);
    const end = clock.now() + GONE_WAIT;
    for (;;) {
      const left = await client.get(refOf(live), signal);
      if (left === undefined || left.metadata.uid !== live.metadata.uid) break;
      if (clock.now() >= end) {
        const finalizers = left.metadata.finalizers ?? [];
        throw new LandfallError(
          `${objectName(object)} is to be made again; it was deleted, and is still there after ${GONE_WAIT / 1000} s${
            finalizers.length === 0 ? '' : `, held by ${finalizers.join(', ')}`
          }.`,
          { kind: 'conflict', code: 'recreate-held', object: objectName(object) },
        );
      }
      await sleep(clock, PAUSE, signal);
    }
    return client.apply(object, { fieldManager: FIELD_MANAGER, force: true, before: null }, signal);
  }

  async function put(object: KubeObject, options: PutOptions, signal: AbortSignal): Promise<ApplyResult> {
    const { validation: fieldValidation, before } = options;
    if (options.how === 'replace' && before !== null && before !== undefined) {
      const { resourceVersion } = before.metadata;
      const metadata = {
        ...object.metadata,
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      };
      const stored = await client.update(
        { ...object, metadata },
        { fieldManager: FIELD_MANAGER, fieldValidation },
        signal,
      );
      const unchanged = stored.metadata.resourceVersion === resourceVersion;
      return { object: stored, outcome: unchanged ? 'unchanged' : 'changed', warnings: [] };
    }
    if (before !== null && before !== undefined && options.takeOver.length > 0) {
      await takeOver(client, before, options.takeOver, signal);
    }
    return client.apply(
      object,
      {
        fieldManager: FIELD_MANAGER,
        force: true,
        fieldValidation,
        ...(before === undefined ? {} : { before }),
      },
      signal,
    );
  }

  return {
    async apply(object, options, signal) {
      const live = options.before ?? undefined;
      const recreates = options.force && live !== undefined && !isPrecious(object);
      if (recreates && options.how === 'replace') return recreate(object, live, signal);
      try {
        return await put(object, options, signal);
      } catch (thrown) {
        const error = asLandfallError(thrown);
        if (!recreates || (error.kind !== 'invalid-input' && error.kind !== 'conflict')) throw error;
        return recreate(object, live, signal);
      }
    },
    delete: remove,
  };
}
