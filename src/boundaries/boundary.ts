/** The eight boundaries, in the order in which a delivery crosses them. */
export const BOUNDARIES = [
  'artifact',
  'intent',
  'render',
  'sync',
  'live',
  'health',
  'rollout',
  'traffic',
] as const;

export type BoundaryName = (typeof BOUNDARIES)[number];

/**
 * What is known about one boundary. `unknown` never counts as proof; `not-applicable` says that the shape of the
 * objects leaves nothing to prove there.
 */
export type BoundaryState = 'proven' | 'moving' | 'broken' | 'unknown' | 'not-applicable';

/** Where a claim can be looked up again. */
export type ClaimSource =
  | { readonly type: 'file'; readonly file: string; readonly line?: number; readonly commit?: string }
  | {
      readonly type: 'object';
      readonly apiVersion: string;
      readonly kind: string;
      readonly namespace?: string;
      readonly name: string;
      readonly resourceVersion?: string;
    }
  | { readonly type: 'registry'; readonly reference: string; readonly status?: number }
  | { readonly type: 'http'; readonly url: string; readonly status?: number }
  | { readonly type: 'artifact'; readonly artifact: string; readonly line: number }
  /** A build that the ledger keeps: `landfall builds show ID`. */
  | { readonly type: 'build'; readonly build: string };

/** One observed fact. */
export interface Claim {
  readonly boundary: BoundaryName;
  /** What it is about: `Deployment/comms/notification-service`, `registry.corp.io/notification-service:latest`. */
  readonly subject: string;
  /** Which property: `image`, `digest`, `version`, `replicas`, `sync.status`. */
  readonly attribute: string;
  readonly value: string;
  readonly source: ClaimSource;
  /** When it was observed, ISO 8601 in UTC. */
  readonly at: string;
}

/** The answer at one boundary: a state, one sentence, and the claims that prove it. */
export interface BoundaryReport {
  readonly boundary: BoundaryName;
  readonly state: BoundaryState;
  /** Stable, kebab-case: why the state is what it is. */
  readonly reason: string;
  /** The value a reader looks for first, shortened for people: a digest, `3/3 ready`, `2.3.1`. */
  readonly headline: string;
  /** One line beside the headline. */
  readonly detail: string;
  /** Where the headline can be checked, shown beside it: `k8s/overlays/prod/kustomization.yaml:8`. */
  readonly where?: string;
  readonly claims: readonly Claim[];
  /** What to do, where the source that gave no answer says so. */
  readonly hint?: string;
  /** For `moving`: when it turns into broken, ISO 8601. */
  readonly deadline?: string;
}
