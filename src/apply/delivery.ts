import type { KubeObject } from '../kube/index.ts';
import type { Actor, DeliveryState, Ledger, LedgerSubject } from '../ledger/index.ts';
import type { Plan, PlanItem } from './plan.ts';
import type { Restored, SetContext } from './set.ts';

/**
 * Whether what was applied is usable. `unproven`: nothing contradicts it, and of something it is not known; that is
 * told, and takes nothing back.
 */
export interface HealthAnswer {
  readonly outcome: 'healthy' | 'unhealthy' | 'unproven';
  /** What is not known to be healthy, each with its reason. */
  readonly reasons: readonly { readonly object: string; readonly message: string }[];
}

/** Watches the objects as they were stored, until they are healthy, cannot become so, or time is up. */
export type HealthWatch = (objects: readonly KubeObject[], signal: AbortSignal) => Promise<HealthAnswer>;

export interface DeliveryContext extends Omit<SetContext, 'ledger'> {
  readonly ledger: Pick<Ledger, 'journals' | 'deliveries' | 'holds'> & Partial<Pick<Ledger, 'clusters'>>;
  /** Undefined: what was stored counts, healthy or not. */
  readonly health: HealthWatch | undefined;
  /** Told of each step as it is taken. */
  readonly onProgress?: (step: DeliveryStep) => void;
}

export type DeliveryStep =
  | { readonly step: 'apply'; readonly done: number; readonly of: number }
  | { readonly step: 'health'; readonly objects: number }
  | { readonly step: 'restore'; readonly reason: string };

export interface DeliveryRequest {
  readonly subject: LedgerSubject;
  readonly environment: string | undefined;
  readonly revision: string;
  readonly trigger: 'apply' | 'sync' | 'rollback' | 'promotion';
  readonly actor: Actor;
  readonly plan: Plan;
  /** `keep` leaves what was written where it is, as kubectl does. */
  readonly onFailure: 'restore' | 'keep';
}

/** What became of one object. */
export interface ObjectResult {
  readonly action: PlanItem['planned']['action'];
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly state: 'done' | 'failed' | 'not-reached' | 'unhealthy';
  readonly message: string;
  readonly where?: string;
}

export interface DeliveryOutcome {
  /** Id in the ledger. */
  readonly delivery: string;
  readonly state: Extract<DeliveryState, 'applied' | 'refused' | 'restored' | 'kept' | 'stuck'>;
  readonly message: string;
  readonly results: readonly ObjectResult[];
  /** What was taken back, where something was. */
  readonly restored: Restored | undefined;
  /** True when this revision is not applied again by itself. */
  readonly held: boolean;
  /** Applied, and of something it is not known whether it is healthy or gone. */
  readonly unproven: boolean;
}
