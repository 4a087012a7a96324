import type { JsonObject } from '../kernel/index.ts';
import type { Actor } from './contract.ts';

/**
 * How a build stands. `PENDING` waits for people, `QUEUED` for a place, `WORKING` runs. The others are ends:
 * `SUPERSEDED`: a newer commit of the same branch came while it waited; `EXPIRED`: nobody decided in time.
 */
export type BuildState =
  | 'PENDING'
  | 'QUEUED'
  | 'WORKING'
  | 'SUCCESS'
  | 'FAILURE'
  | 'CANCELLED'
  | 'TIMEOUT'
  | 'SUPERSEDED'
  | 'REJECTED'
  | 'EXPIRED';

/** What one build is: the same source, trigger, ref and commit is the same build, however often it is found. */
export interface BuildKey {
  /** Deployment repository whose landfall.yaml declares the trigger; for reports of others the system that built. */
  readonly declaredIn: string;
  readonly trigger: string;
  /** `refs/heads/main`, `refs/tags/v1.2.3`. */
  readonly ref: string;
  readonly commit: string;
}

/** Who wrote a commit, as the commit itself says. */
export interface CommitPeople {
  readonly author: { readonly name: string; readonly email: string };
  readonly committer: { readonly name: string; readonly email: string };
  readonly subject: string;
}

/** A definition of what is built and who decides on it, as it was declared at one commit. */
export interface BuildDefinition {
  /** Plain JSON of the trigger, its people included. */
  readonly definition: JsonObject;
  /** Digest of that: an approval is for exactly one. */
  readonly definitionDigest: string;
  /** Commit of the deployment repository. */
  readonly declaredAt: string;
}

export interface Build extends BuildKey, BuildDefinition {
  /** Sorts by time of creation. */
  readonly id: string;
  /** 1, and more where somebody asked for the same again. */
  readonly attempt: number;
  readonly origin: 'trigger' | 'run' | 'report';
  /** Source repository, without credentials. */
  readonly repository: string;
  readonly people: CommitPeople | undefined;
  /** Reference that is pushed: `registry.corp.io/shop:sha-1a2b…`; empty where a report names none. */
  readonly image: string;
  readonly state: BuildState;
  /** One sentence: why it stands so. */
  readonly message: string;
  /** Further things to know: a tag that was moved, files that are only pointers. */
  readonly notes: readonly string[];
  readonly createdAt: string;
  readonly startedAt: string | undefined;
  readonly finishedAt: string | undefined;
  /** Processes that began it; more than one where one of them died. */
  readonly runs: number;
  /** Digest that is being pushed, written before the push, so that what a dead process pushed is known again. */
  readonly pushing: string | undefined;
  /** Which commit became which image, from the registry's answer. */
  readonly record: JsonObject | undefined;
  /** Where the system that built it shows it. */
  readonly url: string | undefined;
  /** For people: `process 4711 on ci-7`; empty where nobody has it. */
  readonly holder: string;
  /** Somebody asked a running build to stop. */
  readonly cancel: string | undefined;
}

export interface NewBuild extends BuildKey, BuildDefinition {
  readonly origin: Build['origin'];
  readonly repository: string;
  readonly people: CommitPeople | undefined;
  readonly image: string;
  readonly state: BuildState;
  readonly message: string;
  readonly notes: readonly string[];
  readonly record?: JsonObject | undefined;
  readonly url?: string | undefined;
  /** Another attempt although there is one already, unless that one still waits or runs. */
  readonly again?: boolean;
}

/** What somebody decided about a build. Bound to the commit and definition that they saw. */
export interface BuildReview {
  readonly id: string;
  readonly build: string;
  readonly kind: 'approve' | 'reject' | 'cancel';
  readonly actor: Actor;
  readonly groups: readonly string[];
  /** The API server said that they may; else the declaration has to name them. */
  readonly permitted: boolean;
  /** API server that attested who they are. */
  readonly cluster: string;
  readonly comment: string;
  readonly url: string | undefined;
  readonly at: string;
  readonly commit: string;
  readonly definitionDigest: string;
}

/** One step of a run, with the head and the tail of what it wrote; secrets are left out of both. */
export interface BuildStep {
  readonly seq: number;
  readonly name: string;
  readonly state: 'running' | 'done' | 'failed' | 'timeout' | 'cancelled';
  readonly exitCode: number | undefined;
  readonly startedAt: string;
  readonly finishedAt: string | undefined;
  readonly head: string;
  readonly tail: string;
  /** Characters that were written in all. */
  readonly written: number;
}

export interface BuildFilter {
  readonly declaredIn?: string;
  readonly trigger?: string;
  readonly repository?: string;
  readonly ref?: string;
  readonly commit?: string;
  readonly states?: readonly BuildState[];
  /** Only those whose state has not been told. */
  readonly untold?: boolean;
}

/** A trigger's memory of what it has seen. */
export interface SeenRefs {
  readonly since: string;
  /** Ref to commit. */
  readonly refs: ReadonlyMap<string, string>;
}

export interface Builds {
  /** Idempotent: an existing build of the same key is given back as it is. */
  add(build: NewBuild): Promise<{ readonly build: Build; readonly added: boolean }>;
  /** By id, or by a beginning of one; throws `invalid-input` where several begin so. */
  get(id: string): Promise<Build | undefined>;
  /** Newest first. */
  list(filter: BuildFilter, limit: number): Promise<readonly Build[]>;
  /** Only while it is in one of `from`. False: somebody else was first. */
  move(
    id: string,
    from: readonly BuildState[],
    to: { readonly state: BuildState; readonly message: string; readonly note?: string },
  ): Promise<boolean>;
  /** What is declared for it now; only while it is PENDING. */
  redefine(
    id: string,
    to: BuildDefinition & { readonly image: string; readonly message: string },
  ): Promise<boolean>;
  /** Once for each actor, kind and definition: the same again changes nothing. Throws `conflict` when it has ended. */
  review(review: Omit<BuildReview, 'id' | 'at'>): Promise<BuildReview>;
  /** Oldest first. */
  reviews(id: string): Promise<readonly BuildReview[]>;
  /** Asks for an end: at once where nothing runs, else from who runs it. The state that it is in now. */
  cancel(id: string, message: string): Promise<BuildState>;
  /** The oldest QUEUED build, or a WORKING one whose process died, is now this process's. `only` names one. */
  claim(only?: string): Promise<Build | undefined>;
  /** Says that this process still runs it. Throws `conflict` (`build-lost`) when it is not this process's. */
  keep(id: string): Promise<{ readonly cancel: string | undefined }>;
  /** Throws as `keep`. */
  note(
    id: string,
    change: {
      readonly pushing?: string;
      readonly message?: string;
      readonly record?: JsonObject;
      readonly note?: string;
    },
  ): Promise<void>;
  /** Ends a run. Throws as `keep`. */
  end(id: string, state: BuildState, message: string): Promise<void>;
  /** Gives a run back, so that any process takes it up at once. */
  release(id: string): Promise<void>;
  /** Written by who runs it. Throws as `keep`. */
  step(id: string, step: BuildStep): Promise<void>;
  steps(id: string): Promise<readonly BuildStep[]>;
  /** Undefined: this trigger has never looked. */
  seen(declaredIn: string, trigger: string): Promise<SeenRefs | undefined>;
  /** Adds to what a trigger has seen, and that it has looked. */
  sawRefs(declaredIn: string, trigger: string, refs: ReadonlyMap<string, string>): Promise<void>;
  /** Its state was told. */
  told(id: string, state: BuildState): Promise<void>;
}
