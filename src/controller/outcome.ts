import { asLandfallError } from '../kernel/index.ts';
import type { Clock, JsonObject } from '../kernel/index.ts';
import { splitApiVersion, statusBehind } from '../kube/index.ts';
import type { ApplyOutcome, KubeClient, KubeObject } from '../kube/index.ts';
import type { ApplicationSpec } from '../boundaries/sync/index.ts';
import { resourceIdentity } from './comparison.ts';
import type { Comparison } from './comparison.ts';
import type { SyncRequest } from './operation.ts';

/** How an operation ended: `phase` and `message` of Argo CD, and a result for each object it touched. */
export interface SyncOutcome {
  readonly phase: 'Succeeded' | 'Failed' | 'Error';
  readonly message: string;
  readonly results: readonly JsonObject[];
}

export interface SyncWork {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly spec: ApplicationSpec;
  readonly request: SyncRequest;
  readonly comparison: Comparison;
  readonly signal: AbortSignal;
}

export type ResultStatus = 'Synced' | 'SyncFailed' | 'Pruned' | 'PruneSkipped';

const PHASES: Readonly<Record<ResultStatus, string>> = {
  Synced: 'Running',
  SyncFailed: 'Failed',
  Pruned: 'Succeeded',
  PruneSkipped: 'Succeeded',
};

/** One object in `status.operationState.syncResult.resources`. */
export function result(
  object: KubeObject,
  status: ResultStatus,
  message: string,
  syncPhase = 'Sync',
): JsonObject {
  return { ...resourceIdentity(object), status, message, hookPhase: PHASES[status], syncPhase };
}

/** `deployment.apps/web unchanged`, as kubectl words it. */
export function applied(object: KubeObject, outcome: ApplyOutcome): string {
  const { group } = splitApiVersion(object.apiVersion);
  const kind = group === '' ? object.kind.toLowerCase() : `${object.kind.toLowerCase()}.${group}`;
  return `${kind}/${object.metadata.name} ${outcome === 'changed' ? 'configured' : outcome}`;
}

/**
 * What the server refused is about the object, an internal error of its webhooks too; that it did not answer, or is
 * too busy to, is about nobody's manifest.
 */
export function refusal(thrown: unknown): string {
  const error = asLandfallError(thrown);
  const answer = statusBehind(error);
  if (error.kind === 'cancelled' || error.kind === 'bug') throw error;
  // Credentials that are not accepted any more refuse everything alike.
  if (error.code === 'kube-unauthorized') throw error;
  if (error.kind === 'unavailable' && answer?.code !== 500) throw error;
  return answer?.message ?? error.message;
}
