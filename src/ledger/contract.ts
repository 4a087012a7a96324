import type { JsonObject } from '../kernel/index.ts';

/** Where an application runs: an address of the API server, the namespace and name of the Application. */
export interface LedgerSubject {
  readonly cluster: string;
  readonly namespace: string;
  readonly application: string;
}

/** Who did something, as far as it is attested: `cluster` by a SelfSubjectReview, `server` by a token of ours. */
export interface Actor {
  readonly name: string;
  readonly attestedBy: 'cluster' | 'server' | 'nobody';
}

/**
 * How a delivery stands. `applied`: everything was written and is healthy, not yet proven. `refused`: nothing was
 * written. `restored`: it failed half way and what was there before is there again. `stuck`: it failed and could not
 * be restored whole; the journal says what is left.
 */
export type DeliveryState =
  | 'running'
  | 'applied'
  | 'landed'
  | 'refused'
  | 'restored'
  | 'kept'
  | 'stuck'
  | 'superseded';

/** One attempt to carry a revision to an environment. Plain data; times are ISO 8601 in UTC. */
export interface Delivery extends LedgerSubject {
  /** Sorts by time of creation. */
  readonly id: string;
  readonly environment: string | undefined;
  /** Commit of the deployment repository; a digest of the set where files were applied that no commit holds. */
  readonly revision: string;
  readonly trigger: 'apply' | 'sync' | 'rollback' | 'promotion' | 'observed';
  readonly actor: Actor;
  readonly startedAt: string;
  readonly finishedAt: string | undefined;
  readonly state: DeliveryState;
  /** One sentence: why it stands so. */
  readonly message: string;
  /** Per object: what was done and what the API server said. */
  readonly results: readonly JsonObject[];
  /** The proof that was found for it (verdict, boundaries, claims), where one was made. */
  readonly proof: JsonObject | undefined;
}

/** One write that a journal covers. `seq` is the order in which it is applied. */
export interface JournalStep {
  readonly seq: number;
  readonly action: 'create' | 'change' | 'recreate' | 'prune' | 'hook';
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly name: string;
  /** The object as it stood before, whole; undefined where there was none. Sealed at rest, never shown. */
  readonly before: JsonObject | undefined;
  /** What is applied. Sealed at rest, never shown. */
  readonly after: JsonObject | undefined;
  /** `begun` before the request goes out, `done` when its answer is in, `undone` once it was taken back. */
  readonly state: 'planned' | 'begun' | 'done' | 'failed' | 'undone' | 'left';
  /** uid and resourceVersion that the API server answered with. */
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  /** Why it failed, or why it was left as it is. */
  readonly message: string;
}

/** Written before the first write of a sync, and finished or undone at the next start when the process died. */
export interface Journal extends LedgerSubject {
  readonly id: string;
  readonly delivery: string;
  readonly revision: string;
  readonly fieldManager: string;
  /** `open`: being applied. `restoring`: being taken back. The others are ends. */
  readonly state: 'open' | 'restoring' | 'committed' | 'restored' | 'stuck';
  readonly startedAt: string;
  readonly steps: readonly JournalStep[];
}

/** A plan that somebody reviews and applies later, exactly as it is. */
export interface SavedPlan extends LedgerSubject {
  readonly id: string;
  readonly revision: string;
  readonly createdAt: string;
  readonly actor: Actor;
  readonly plan: JsonObject;
}

/** Something that was decided by a person or a policy: drift accepted, a hold lifted, a gate overridden. */
export interface Decision extends LedgerSubject {
  readonly id: string;
  readonly kind: string;
  readonly actor: Actor;
  readonly at: string;
  readonly reason: string;
  readonly detail: JsonObject;
}

/** A revision, an updater or a promotion that must not go on by itself until somebody lifts it or a newer commit comes. */
export interface Hold extends LedgerSubject {
  readonly id: string;
  readonly kind: 'revision' | 'updates' | 'promotion';
  /** The held commit for `revision`; empty for the others. */
  readonly revision: string;
  readonly reason: string;
  readonly actor: Actor;
  readonly since: string;
}

/**
 * The durable history. What a promise has resolved for survives `kill -9`. Every list is bounded, newest first.
 * Contents of Secrets are sealed (journals) or left out (everything else).
 */
export interface Ledger {
  readonly deliveries: {
    start(
      delivery: Omit<Delivery, 'id' | 'finishedAt' | 'state' | 'message' | 'results' | 'proof'>,
    ): Promise<string>;
    /** Sets what is given; the rest stays. */
    update(
      id: string,
      change: Partial<Pick<Delivery, 'finishedAt' | 'state' | 'message' | 'results' | 'proof'>>,
    ): Promise<void>;
    /** By id, or by an unambiguous beginning of one. */
    get(id: string): Promise<Delivery | undefined>;
    list(subject: Partial<LedgerSubject>, limit: number): Promise<readonly Delivery[]>;
  };
  readonly journals: {
    /** Throws `conflict` while another journal of the same subject is open; stores all steps before it resolves. */
    begin(journal: Omit<Journal, 'id' | 'state'>): Promise<string>;
    step(
      id: string,
      seq: number,
      change: Partial<Pick<JournalStep, 'state' | 'uid' | 'resourceVersion' | 'message'>>,
    ): Promise<void>;
    state(id: string, state: Journal['state']): Promise<void>;
    get(id: string): Promise<Journal | undefined>;
    /** Those that a dead process left: `open` or `restoring`. */
    unfinished(subject?: Partial<LedgerSubject>): Promise<readonly Journal[]>;
  };
  readonly plans: {
    save(plan: Omit<SavedPlan, 'id' | 'createdAt'>): Promise<string>;
    get(id: string): Promise<SavedPlan | undefined>;
  };
  readonly decisions: {
    record(decision: Omit<Decision, 'id' | 'at'>): Promise<string>;
    list(subject: Partial<LedgerSubject>, limit: number): Promise<readonly Decision[]>;
  };
  readonly holds: {
    /** The same hold twice is one. */
    put(hold: Omit<Hold, 'id' | 'since'>): Promise<string>;
    list(subject?: Partial<LedgerSubject>): Promise<readonly Hold[]>;
    /** True when there was one. */
    lift(id: string): Promise<boolean>;
  };
  close(): Promise<void>;
}
