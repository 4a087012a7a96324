import type { RenderedFacts } from '../boundaries/index.ts';
import type { KubeObject } from '../kube/index.ts';

/** What a plan is made of. */
export interface PlanRequest {
  /** What is wanted, each in its namespace. */
  readonly set: readonly RenderedFacts[];
  /** What an earlier delivery of the same application applied and this one no longer has; as it is stored. */
  readonly extra: readonly KubeObject[];
  /** False: what is extra is shown and left. */
  readonly prune: boolean;
  /** Namespaces, definitions and volume claims are pruned too. */
  readonly pruneKept: boolean;
  /** An object whose change the server forbids for good is deleted and made anew. */
  readonly recreate: boolean;
  /** What hashes of Secrets are made with: the same one makes the same plan comparable. */
  readonly salt: string;
  /** Who the API server takes us for, where that was asked already. */
  readonly identity?: Promise<string | undefined>;
  /** Services that select nothing and the like are told, and do not keep the set from being applied. */
  readonly looseRelations: boolean;
}
