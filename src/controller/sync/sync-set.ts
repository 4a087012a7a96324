import type { ApplyResult, DeleteOptions, FieldValidation, KubeObject } from '../../kube/index.ts';
import type { PutOptions, SyncWriter } from './writer.ts';

/** One write that an operation announces before its first one. */
export interface PlannedWrite {
  /** `hook`: it is recorded that it was done, and it is not undone. */
  readonly action: 'create' | 'change' | 'recreate' | 'prune' | 'hook';
  /** Undefined for a prune. */
  readonly desired: KubeObject | undefined;
  /** What is there when the operation begins; undefined where there is nothing. */
  readonly before: KubeObject | undefined;
  readonly validation: FieldValidation;
}

/** What became of a set that was taken back. */
export interface TakenBack {
  /** Ends the sentence that says why: `everything was put back as it was, but for …`. */
  readonly note: string;
  /** `Kind/name: why` of each object that stays as it is. */
  readonly staying: readonly string[];
  /** Every reason was a matter of the moment. */
  readonly passing: boolean;
}

/** The writes of one operation, in all of its waves and turns: either all of them stand, or none. */
export interface SyncSet {
  /** What was taken back already, by this turn, an earlier one or an earlier process. */
  takenBack(): TakenBack | undefined;
  /** Objects that were not announced are written as they are, and stay. */
  apply(
    object: KubeObject,
    options: PutOptions & { readonly hook: boolean },
    signal: AbortSignal,
  ): Promise<ApplyResult>;
  /** Asks for the deletion; that the object is gone is another question. */
  prune(object: KubeObject, options: DeleteOptions, signal: AbortSignal): Promise<void>;
  /** What was written stands. */
  commit(): Promise<void>;
  /**
   * Takes everything back. Undefined where nothing is ever taken back. `passing` says that every reason is a matter of
   * the moment: a conflict, a server or webhook in trouble.
   */
  restore(passing: boolean): Promise<TakenBack | undefined>;
}

/**
 * Opens the set of an operation, or goes on with it where an earlier turn has begun it; how it is kept is not the
 * sync's business. `begun` says that there were earlier turns, so that nothing is announced any more.
 */
export type OpenSet = (planned: readonly PlannedWrite[], begun: boolean) => Promise<SyncSet>;

/** Writes straight to the cluster, and takes nothing back. */
export function plainSet(writer: SyncWriter): SyncSet {
  return {
    takenBack: () => undefined,
    apply: (object, options, signal) => writer.apply(object, options, signal),
    prune: (object, options, signal) => writer.delete(object, options, signal),
    commit: () => Promise.resolve(),
    restore: () => Promise.resolve(undefined),
  };
}
