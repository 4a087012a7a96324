import type { ErrorBaseline, ErrorShare } from '../boundaries/index.ts';
import type { Clock, JsonObject } from '../kernel/index.ts';
import type { ClusterIdentity } from '../kube/index.ts';
import type { Builds } from './builds-contract.ts';

/**
 * Where an application runs: an address of the API server, the namespace and name of the Application. What is kept is
 * kept by who the cluster is (`Ledger.clusters`), so that another address of it finds the same.
 */
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
 * How a delivery stands. `applied`: everything was written and is healthy, not yet proven. `landed`: proven once at all
 * eight boundaries; what happens to it later does not take that back. `stopped`: a proof of somebody else's delivery
 * found a broken boundary; `unproven`: it found none, and not all proven either. `refused`: nothing was written. `restored`: it failed half way and what was there before is
 * there again. `kept`: it failed and was left as it is, because that was asked for. `stuck`: it failed and could not be
 * restored whole; the journal says what is left. `superseded`: a newer one began before this one was decided.
 */
export type DeliveryState =
  | 'running'
  | 'applied'
  | 'landed'
  | 'stopped'
  | 'unproven'
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
  readonly trigger: 'apply' | 'sync' | 'rollback' | 'promotion' | 'update' | 'observed';
  readonly actor: Actor;
  readonly startedAt: string;
  readonly finishedAt: string | undefined;
  readonly state: DeliveryState;
  /** One sentence: why it stands so. */
  readonly message: string;
  /** Per object: what was done and what the API server said. */
  readonly results: readonly JsonObject[];
  /** Digest of the image that it carries, as the proof found it; undefined without a proof. */
  readonly digest: string | undefined;
  /** The proof that was found for it (verdict, boundaries, claims), where one was made. */
  readonly proof: JsonObject | undefined;
}

/** What somebody saw of a delivery, made by whomever. */
export interface Observation extends LedgerSubject {
  readonly environment: string | undefined;
  readonly revision: string;
  readonly actor: Actor;
  readonly state: Extract<DeliveryState, 'unproven' | 'landed' | 'stopped'>;
  readonly message: string;
  readonly proof: JsonObject;
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
  /**
   * `open`: being applied. `restoring`: being taken back. `proving`: all of it is written, and what was there before is
   * kept until it turned out healthy; it keeps nobody from beginning the next one. The others are ends; `forgotten`:
   * somebody gave it up, and it stays half done.
   */
  readonly state: 'open' | 'restoring' | 'proving' | 'committed' | 'restored' | 'stuck' | 'forgotten';
  readonly startedAt: string;
  readonly steps: readonly JournalStep[];
}

/** A journal without its steps, and who holds it. */
export interface JournalHead extends Omit<Journal, 'steps'> {
  /** For people: `process 4711 on ci-7`. */
  readonly holder: string;
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
 * How a change of Git stands that Landfall makes in steps. `waiting`: its gates are not open yet. `committing`: Git is
 * being written. `following`: the commit is there, its proof is not. The others are ends.
 */
export type ChangeState =
  | 'waiting'
  | 'committing'
  | 'following'
  | 'landed'
  | 'stopped'
  | 'unproven'
  | 'refused'
  | 'cancelled'
  | 'superseded';

/** A promotion or a rollback: kept before anything is done, so that whoever comes next goes on with it. */
export interface Change extends LedgerSubject {
  readonly id: string;
  readonly kind: 'promotion' | 'rollback';
  readonly state: ChangeState;
  readonly actor: Actor;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** One sentence: why it stands so. */
  readonly message: string;
  /** What is carried from where, and what was made of it so far. */
  readonly detail: JsonObject;
}

/** Since when a release has been seen as landed without a break. */
export interface Standing {
  /** Digests of everything that it runs. */
  readonly release: string;
  readonly since: string;
  readonly seen: string;
}

/** How a running image failed, measured while it was the one that users met. */
export interface MeasuredShares {
  /** Digest that every pod ran. */
  readonly digest: string;
  /** For people: a version, else the digest. */
  readonly release: string;
  readonly at: string;
  readonly shares: readonly ErrorShare[];
}

/** One attempt to tell somebody of a delivery. */
export interface Notice extends LedgerSubject {
  readonly id: string;
  readonly delivery: string | undefined;
  readonly environment: string | undefined;
  /** Kind and place of the channel, without anything secret: `webhook hooks.corp.io`. */
  readonly channel: string;
  readonly state: 'told' | 'failed';
  readonly attempts: number;
  readonly at: string;
  /** What was told, or why it could not be. */
  readonly message: string;
}

/**
 * The durable history. What a promise has resolved for survives `kill -9`. Every list is bounded, newest first.
 * Contents of Secrets are sealed (journals) or left out (everything else).
 */
export interface Ledger {
  readonly clusters: {
    /** Says how the cluster at this address is asked who it is. Nothing is asked before the first need. */
    know(server: string, identify: () => Promise<ClusterIdentity>): void;
    /**
     * Why it is not certain which cluster answers at this address, which is then taken for the one that was met there
     * last; undefined where it said itself who it is, and where nobody has introduced it.
     */
    doubt(server: string): Promise<string | undefined>;
  };
  readonly deliveries: {
    start(
      delivery: Omit<Delivery, 'id' | 'finishedAt' | 'state' | 'message' | 'results' | 'digest' | 'proof'>,
    ): Promise<string>;
    /**
     * Keeps what was seen: with the newest delivery where that carried the same revision, else as an `observed` one of
     * its own, one per revision and digest. What has landed or failed by its own journal keeps its state.
     */
    observe(observation: Observation): Promise<string>;
    /** Sets what is given; the rest stays. */
    update(
      id: string,
      change: Partial<Pick<Delivery, 'finishedAt' | 'state' | 'message' | 'results' | 'proof'>>,
    ): Promise<void>;
    /** By id, or by a beginning of one; throws `invalid-input` where several begin so. */
    get(id: string): Promise<Delivery | undefined>;
    list(subject: Partial<LedgerSubject>, limit: number): Promise<readonly Delivery[]>;
  };
  readonly journals: {
    /**
     * Stores all steps, then answers with the id. Throws `conflict` while another journal of the same subject is open:
     * `journal-held` when its process lives, `journal-unfinished` when it has to be taken over first.
     */
    begin(journal: Omit<Journal, 'id' | 'state'>): Promise<string>;
    /** Throws `conflict` (`journal-lost`) when the journal is not, or no longer, this process's. */
    step(
      id: string,
      seq: number,
      change: Partial<Pick<JournalStep, 'state' | 'uid' | 'resourceVersion' | 'message'>>,
    ): Promise<void>;
    /** Throws as `step`. With `committed` and `restored` the sealed objects are dropped; `stuck` keeps them. */
    state(id: string, state: Journal['state']): Promise<void>;
    get(id: string): Promise<Journal | undefined>;
    /** Those that a dead process left: `open` or `restoring`. */
    unfinished(subject?: Partial<LedgerSubject>): Promise<readonly JournalHead[]>;
    /** Those that a dead process left in another cluster that had this address before: never to be taken over here. */
    elsewhere(
      subject: Partial<LedgerSubject> & Pick<LedgerSubject, 'cluster'>,
    ): Promise<readonly JournalHead[]>;
    /** Those whose process does not watch them any more: `proving`. Newest last. */
    proving(subject?: Partial<LedgerSubject>): Promise<readonly JournalHead[]>;
    /** Makes an unfinished or proving journal this process's own. Throws `conflict` when its process lives or somebody was first. */
    takeOver(id: string): Promise<Journal>;
    /** Leaves an unfinished journal to whoever takes it over next; nothing where it is not this process's. */
    release(id: string): Promise<void>;
    /**
     * Gives an unfinished journal up: its sealed objects are dropped, its delivery is stuck for good, and who did it is
     * a decision of its subject. All of it or nothing. Throws `conflict` when its process lives or it has ended.
     */
    forget(id: string, by: Pick<Decision, 'actor' | 'reason'>): Promise<void>;
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
  readonly errorShares: {
    /** Keeps the last measurement of each of the last twenty images. */
    record(subject: LedgerSubject, measured: MeasuredShares): Promise<void>;
    /** The newest measurement of another image than `digest`: the release before, as users met it. */
    baseline(subject: LedgerSubject, digest: string | undefined): Promise<ErrorBaseline | undefined>;
  };
  readonly changes: {
    /** The new change, or the one that is still open for that subject: there is never more than one. */
    begin(
      change: Omit<Change, 'id' | 'state' | 'createdAt' | 'updatedAt'>,
    ): Promise<{ readonly change: Change; readonly created: boolean }>;
    /** Sets what is given, where it still stands as `from` says; false where somebody else has moved it on. */
    move(
      id: string,
      from: ChangeState,
      change: Partial<Pick<Change, 'state' | 'message' | 'detail'>>,
    ): Promise<boolean>;
    /** By id, or by a beginning of one; undefined where none or several begin so. */
    get(id: string): Promise<Change | undefined>;
    list(subject: Partial<LedgerSubject>, limit: number): Promise<readonly Change[]>;
    /** Those that are not at an end, oldest first. */
    open(subject?: Partial<LedgerSubject>): Promise<readonly Change[]>;
  };
  readonly standings: {
    /** What one look has seen. `release` undefined: not landed, and what stood before has come to its end. */
    see(subject: LedgerSubject, release: string | undefined): Promise<void>;
    get(subject: LedgerSubject): Promise<Standing | undefined>;
  };
  readonly notices: {
    record(notice: Omit<Notice, 'id' | 'at'>): Promise<string>;
    list(subject: Partial<LedgerSubject>, limit: number): Promise<readonly Notice[]>;
  };
  readonly builds: Builds;
  /** Opens what is there while something else is waited for. What is wrong with it the first question says. */
  prepare(): void;
  /** Safe to call twice, and without anything having been opened. */
  close(): Promise<void>;
}

/** Name of the database in the state folder. */
export const LEDGER_FILE = 'ledger.db';

export interface LedgerOptions {
  /** `postgres://…`; without it a file in `folder`. */
  readonly url?: string | undefined;
  /** Where `ledger.db` and `ledger.key` lie. */
  readonly folder: string;
  readonly clock: Clock;
  /** 32 bytes in hex or base64, for sealing; without it `ledger.key` in `folder`. */
  readonly key?: string | undefined;
}
