import type { Clock } from '../kernel/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import type { JournalStep, Ledger, LedgerSubject } from '../ledger/index.ts';
import type { LeftField } from './restoration.ts';

/** Where a set is written, and where its journal is kept. */
export interface SetContext {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly ledger: Pick<Ledger, 'journals'>;
  /** Objects that are written at the same time. Default 16. */
  readonly atOnce?: number;
  /** How long an API server that does not answer is waited for, in ms. Default 30,000. */
  readonly patienceMs?: number;
}

/** One write that a set announces before its first one. */
export interface SetStep {
  readonly action: JournalStep['action'];
  /** What is applied; undefined for a prune. */
  readonly desired: KubeObject | undefined;
  /** What is there now, as it was read; undefined where there is nothing. */
  readonly before: KubeObject | undefined;
  /** `Ignore` where the set asks not to be validated. Default `Strict`. */
  readonly validation?: 'Strict' | 'Ignore';
  /** Of a prune or a recreate. Default `Background`. */
  readonly propagation?: 'Foreground' | 'Background' | 'Orphan';
}

/** What a step is told when its turn has come, and what a journal does not keep. */
export interface StepDetails extends Pick<SetStep, 'validation' | 'propagation'> {
  /**
   * What stands there just before. Where the journal has nothing, somebody made it since the set was begun (a
   * namespace's default ServiceAccount): it is taken as it is, and stays when the set is taken back.
   */
  readonly found?: KubeObject | undefined;
  /** False: a prune has been done once the API server has taken it. Default true: once the object is gone. */
  readonly wait?: boolean;
}

export interface SetRequest {
  readonly subject: LedgerSubject;
  /** Its id in the ledger. */
  readonly delivery: string;
  readonly revision: string;
  /** In the order in which they will be done. */
  readonly steps: readonly SetStep[];
}

/** How one write went. A refusal is an outcome; what nobody can answer for is `unknown`, and is looked up later. */
export type StepOutcome =
  | {
      readonly state: 'done';
      readonly outcome: 'created' | 'changed' | 'unchanged' | 'pruned';
      /** As the API server stored it; undefined for a prune. */
      readonly object: KubeObject | undefined;
      readonly warnings: readonly string[];
    }
  | {
      readonly state: 'failed';
      /** The API server's words. */
      readonly reason: string;
      /** `conflict`: somebody else wrote it meanwhile; `unknown`: there was no answer. */
      readonly why: 'refused' | 'denied' | 'conflict' | 'unknown';
    };

/** What became of one step when the set was taken back. */
export interface UndoneStep {
  readonly seq: number;
  readonly action: JournalStep['action'];
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly name: string;
  /**
   * `undone`: as it was before; `untouched`: it had never been written; `left`: it stays as it is, and the message
   * says why; `pending`: could not be taken back yet.
   */
  readonly state: 'undone' | 'untouched' | 'left' | 'pending';
  readonly message: string;
  /** Fields that somebody else wrote meanwhile, and that are therefore as they made them. */
  readonly leftFields: readonly LeftField[];
}

export interface Restored {
  /** False: the journal stays open, and `recoverSet` goes on with it. */
  readonly complete: boolean;
  readonly steps: readonly UndoneStep[];
}

/**
 * The one way in which a set is written: everything that will be done is in the journal, with what is there now,
 * before `beginSet` resolves; each write insists on what was seen (uid, resourceVersion); and whatever happens, either
 * `commit` or `restore` ends it, or `recoverSet` does so after a crash.
 */
export interface SetWriter {
  /** Id of the journal. */
  readonly journal: string;
  /**
   * Notes that these are about to be applied, in one write of the ledger: cheaper than one for each. Left out, `apply`
   * does it.
   */
  begin(objects: readonly KubeObject[]): Promise<void>;
  /** As what `steps` announced it; undefined where they did not. */
  actionOf(object: KubeObject): SetStep['action'] | undefined;
  /** Resolves once the ledger holds how every step went so far; throws when it could not. */
  settled(): Promise<void>;
  /** Applies an object that `steps` announced. Throws only `bug` (it was not announced) and `cancelled`. */
  apply(object: KubeObject, signal: AbortSignal, details?: StepDetails): Promise<StepOutcome>;
  /** Deletes an object that `steps` announced, by the uid that was seen. Resolves once it is gone or known not to go. */
  prune(object: KubeObject, signal: AbortSignal, details?: StepDetails): Promise<StepOutcome>;
  /** What was written stands. */
  commit(): Promise<void>;
  /** Takes everything back. `signal` ends it early: the rest stays in the journal. */
  restore(signal: AbortSignal): Promise<Restored>;
}
