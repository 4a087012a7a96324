import { asLandfallError } from '../kernel/index.ts';
import type { Clock, JsonObject } from '../kernel/index.ts';
import { splitApiVersion, statusBehind } from '../kube/index.ts';
import type { ApplyOutcome, KubeClient, KubeObject } from '../kube/index.ts';
import { templateContainers } from '../boundaries/index.ts';
import type { ApplicationSpec, Tracking } from '../boundaries/sync/index.ts';
import { resourceIdentity } from './comparison.ts';
import type { Comparison } from './comparison.ts';
import type { SyncRequest } from './operation.ts';
import type { OpenSet, SyncWriter } from './sync/index.ts';

/** Where an operation stands: `phase` and `message` of Argo CD, and a result for each object it touched. */
export interface SyncOutcome {
  /** Running: something is waited for, and the operation goes on when it may have come. */
  readonly phase: 'Running' | 'Succeeded' | 'Failed' | 'Error';
  readonly message: string;
  readonly results: readonly JsonObject[];
  /** It failed, was taken back, and is not tried again by itself: that would put back what was refused. */
  readonly final?: boolean;
}

export interface SyncWork {
  readonly client: KubeClient;
  /** The only way in which a sync changes the cluster, apart from what its set announces. */
  readonly writer: SyncWriter;
  /** Opens the writes of the operation, which stand or go together. */
  readonly openSet: OpenSet;
  readonly clock: Clock;
  readonly spec: ApplicationSpec;
  /** The name that the application's objects carry. */
  readonly instance: string;
  readonly tracking?: Tracking;
  readonly request: SyncRequest;
  /** A manager whose fields are taken over as well, by an annotation of the application. */
  readonly migrateFrom?: string;
  readonly comparison: Comparison;
  readonly commit: string;
  /** RFC 3339, of the operation. */
  readonly startedAt: string;
  /** Tells one attempt at one operation from every other. */
  readonly operationId: string;
  /** Results that earlier turns of the same attempt wrote; none before the first. */
  readonly before: readonly JsonObject[];
  /** Somebody approved deletions since the operation began. */
  readonly approved: boolean;
  /** Ms since the epoch when a thing with that name was first waited for. */
  readonly since: (name: string, at?: number) => number;
  /** Writes down what has been done so far, before the next thing is. */
  readonly record: (outcome: SyncOutcome) => Promise<void>;
  readonly signal: AbortSignal;
}

export type ResultStatus = 'Synced' | 'SyncFailed' | 'Pruned' | 'PruneSkipped';

/** Of Argo CD's `hookPhase`, which other objects have too. */
export type TaskPhase = 'Running' | 'Succeeded' | 'Failed' | 'Error' | 'Terminating';

const PHASES: Readonly<Record<ResultStatus, TaskPhase>> = {
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
  more: { readonly syncPhase?: string; readonly hookPhase?: TaskPhase; readonly hook?: boolean } = {},
): JsonObject {
  const { syncPhase = 'Sync', hookPhase = PHASES[status], hook = false } = more;
  const images = templateContainers(object).map((container) => container.image);
  return {
    ...resourceIdentity(object),
    status,
    message,
    ...(hook ? { hookType: syncPhase } : {}),
    hookPhase,
    syncPhase,
    ...(images.length === 0 ? {} : { images: [...new Set(images)] }),
  };
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

/** A matter of the moment: somebody else wrote at the same time, or the server or one of its webhooks is in trouble. */
export function isPassing(thrown: unknown): boolean {
  const error = asLandfallError(thrown);
  return error.kind === 'conflict' || error.kind === 'unavailable';
}
