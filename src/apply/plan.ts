import type { JsonValue } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import type { RenderedFacts } from '../boundaries/index.ts';
import type { SetStep } from './set.ts';

export type PlanAction = 'create' | 'change' | 'recreate' | 'unchanged' | 'prune' | 'skip';

/** One field that will change. Values of Secrets are salted hashes, good only to be compared within one plan. */
export interface PlannedField {
  /** `spec.template.spec.containers[0].image` */
  readonly field: string;
  /** Left out where there is nothing. */
  readonly before?: JsonValue;
  readonly after?: JsonValue;
  /** The file and line that asks for it: `overlays/staging/kustomization.yaml:8`. Left out where no file does. */
  readonly where?: string;
}

/**
 * How the API server was asked about an object. `dry-run`: as it will be applied. `elsewhere`: under another name or
 * in another namespace, because it cannot be there yet. `definition`: against the schema of its definition, which the
 * set brings; the server can only be asked once that is there. `none`: nothing would be written.
 */
export type PlanCheck = 'dry-run' | 'elsewhere' | 'definition' | 'none';

/** What will be done with one object. Plain data. */
export interface PlannedObject {
  readonly action: PlanAction;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly where?: string;
  readonly fields: readonly PlannedField[];
  readonly checked: PlanCheck;
  /** Why it is skipped or made anew, or what is worth knowing besides. */
  readonly notes: readonly string[];
  /** What stands there now: the plan holds for exactly this. Left out where there is nothing. */
  readonly uid?: string;
  readonly resourceVersion?: string;
  /** Salted hash of it without its status, which moves by itself. */
  readonly fingerprint?: string;
}

export type ProblemCheck = 'set' | 'schema' | 'relation' | 'permission' | 'dry-run' | 'cluster';

/** Something that keeps a set from being applied. */
export interface PlanProblem {
  readonly check: ProblemCheck;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  /** The reason, in the API server's words where it is its. */
  readonly message: string;
  readonly where?: string;
}

/** One object on its way through the plan. */
export interface PlanItem {
  readonly planned: PlannedObject;
  /** What is applied; undefined for a prune or a skip. */
  readonly desired: KubeObject | undefined;
  readonly before: KubeObject | undefined;
  /** What the API server says it will be. */
  readonly predicted: KubeObject | undefined;
}

export interface Plan {
  readonly items: readonly PlanItem[];
  readonly problems: readonly PlanProblem[];
  /** What does not keep it from being applied, and should be known. */
  readonly warnings: readonly string[];
  /** Who applies, as the API server knows them; undefined where it does not say. */
  readonly identity: string | undefined;
  /** For `allowed create, patch, delete on 4 kinds`. */
  readonly allowed: { readonly verbs: readonly string[]; readonly kinds: number };
  /** Asked: as it will be applied, and otherwise. */
  readonly dryRun: { readonly asked: number; readonly refused: number; readonly later: number };
}

/** The writes that carry a plan out, in the order in which they depend on each other; prunes last, in reverse. */
export interface PlannedSteps {
  readonly applies: readonly (SetStep & { readonly desired: KubeObject })[];
  readonly prunes: readonly (SetStep & { readonly before: KubeObject })[];
}

/** The line that brings an object in: the one that names it. */
export function whereObject(facts: RenderedFacts): string | undefined {
  const [source] = facts.why(['metadata', 'name']);
  return source && `${source.file}:${source.line}`;
}

/** True for a plan that would write nothing. */
export function isEmptyPlan(plan: Plan): boolean {
  return plan.items.every(({ planned }) => planned.action === 'unchanged' || planned.action === 'skip');
}
