import type {
  BoundaryName,
  BoundaryReport,
  Claim,
  ImageFacts,
  LiveSubject,
  Observed,
  RolloutSubject,
} from '../../boundaries/index.ts';
import type { Verdict } from '../verdict.ts';

/** What the delivery engine says of itself; read, never believed. */
export interface EngineStatus {
  /** Who wrote it: `Argo CD`, `Flux`, `Landfall`. */
  readonly engine: string;
  readonly sync: string | undefined;
  readonly health: string | undefined;
  readonly revision: string | undefined;
  /** The last sync operation, in its own words and counted. */
  readonly operation:
    | {
        readonly phase: string;
        readonly message: string;
        readonly finishedAt: string | undefined;
        readonly changed: number;
        readonly unchanged: number;
      }
    | undefined;
}

/** Which application is judged, and where it comes from and goes to. */
export interface Subject {
  readonly name: string;
  readonly namespace: string;
  /** Default `Application`. */
  readonly kind?: string;
  /** What holds what is delivered. Default `git`. */
  readonly from?: 'git' | 'artifact' | 'chart' | 'release' | 'unread';
  readonly environment: string | undefined;
  readonly repository: string;
  readonly path: string;
  readonly revision: string;
  readonly destination: string;
}

/** Everything that a rule may look at. Plain data: rules do no I/O. */
export interface Case {
  readonly subject: Subject;
  /** ISO 8601. */
  readonly at: string;
  readonly verdict: Verdict;
  readonly reports: readonly BoundaryReport[];
  readonly images: readonly ImageFacts[];
  readonly lives: readonly LiveSubject[];
  readonly rollouts: readonly RolloutSubject[];
  readonly observed: readonly Observed[];
  readonly engine: EngineStatus | undefined;
}

/** A signal that says that all is well, and why it does not mean that. */
export interface Misleading {
  readonly signal: string;
  readonly truth: string;
}

export interface Fix {
  readonly text: string;
  readonly commands: readonly string[];
}

/** A recognised cause, or a habit that will become one. */
export interface Finding {
  /** Stable, kebab-case. */
  readonly id: string;
  /** The failure of the published table (docs/findings.md) that it is: `PIP-04`. */
  readonly failure?: string;
  readonly boundary: BoundaryName;
  /** A `risk` breaks nothing today and is never a reason for a red verdict. */
  readonly kind: 'cause' | 'risk';
  readonly title: string;
  /** 0 to 1: how far the claims leave room for another explanation. */
  readonly confidence: number;
  /** How it came about, sentence by sentence. */
  readonly explanation: readonly string[];
  readonly claims: readonly Claim[];
  readonly misleading: readonly Misleading[];
  readonly immediateFix: Fix;
  readonly durableFix: Fix;
  /** Commands whose output shows that the fix worked. */
  readonly verify: readonly string[];
  /** What Landfall can do itself to mend it; left out where a person has to. */
  readonly landfallCan?: 'commit' | 'sync' | 'rollback';
}

/** A small pure rule: undefined when the case is not its own. */
export type Rule = (facts: Case) => Finding | undefined;
