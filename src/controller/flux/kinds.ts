import { getArray, getObject, getString, jsonEqual } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import {
  FLUX_KUSTOMIZATION,
  GIT_REPOSITORY,
  HELM_CHART,
  HELM_RELEASE,
  HELM_REPOSITORY,
  OCI_REPOSITORY,
  durationMs,
} from '../../boundaries/sync/index.ts';
import { kubeTime, mergePatch } from '../status.ts';

export { GIT_REPOSITORY, HELM_CHART, HELM_RELEASE, HELM_REPOSITORY, OCI_REPOSITORY };
export const KUSTOMIZATION = FLUX_KUSTOMIZATION;
export const BUCKET = { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'Bucket' } as const;
export const FINALIZER = 'finalizers.fluxcd.io';
export const REQUESTED = 'reconcile.fluxcd.io/requestedAt';

const MANAGER = 'landfall-controller';

export type ConditionType =
  | 'Ready'
  | 'Reconciling'
  | 'Healthy'
  | 'Stalled'
  | 'ArtifactInStorage'
  | 'Released'
  | 'Remediated'
  | 'TestSuccess'
  | 'Drifted'
  | 'FetchFailed'
  | 'BuildFailed'
  | 'IncludeUnavailable'
  | 'StorageOperationFailed'
  | 'SourceVerified';

/** Undefined takes the condition away. */
export type Conditions = Partial<
  Record<
    ConditionType,
    | { readonly status: 'True' | 'False' | 'Unknown'; readonly reason: string; readonly message: string }
    | undefined
  >
>;

/** The conditions of an object with some of them changed; one that says the same keeps its time. */
export function withConditions(object: KubeObject, changes: Conditions, now: number): JsonValue[] {
  const before = getArray(object, 'status', 'conditions');
  const kept = before.filter((item) => !((getString(item, 'type') ?? '') in changes));
  const fresh = Object.entries(changes).flatMap(([type, change]): JsonValue[] => {
    if (change === undefined) return [];
    const had = before.find((item) => getString(item, 'type') === type);
    const same = getString(had, 'status') === change.status;
    const time = same ? getString(had, 'lastTransitionTime') : undefined;
    return [
      {
        type,
        status: change.status,
        reason: change.reason,
        message: change.message.slice(0, 20_000),
        observedGeneration: object.metadata.generation ?? 1,
        lastTransitionTime: time ?? kubeTime(now),
      },
    ];
  });
  // Ready stands first, as Flux orders them.
  return [...fresh, ...kept].toSorted((a, b) => rank(a) - rank(b));
}

function rank(condition: JsonValue): number {
  const at = ['Stalled', 'Reconciling', 'Ready', 'Healthy'].indexOf(getString(condition, 'type') ?? '');
  return at < 0 ? 9 : at;
}

export function conditionOf(object: KubeObject, type: ConditionType): JsonValue | undefined {
  return getArray(object, 'status', 'conditions').find((item) => getString(item, 'type') === type);
}

/** Writes a status where it differs, and gives back the object as it is then. */
export async function writeStatus(
  client: KubeClient,
  object: KubeObject,
  status: JsonObject,
  signal: AbortSignal,
): Promise<KubeObject> {
  const before = getObject(object, 'status') ?? {};
  if (jsonEqual(before, status)) return object;
  const patch = mergePatch(before, status);
  if (patch === undefined) return object;
  const { name, namespace } = object.metadata;
  const ref = {
    apiVersion: object.apiVersion,
    kind: object.kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
  };
  const { subresources } = await client.resource(object, signal);
  return client.patch(
    ref,
    'merge',
    { status: patch },
    { fieldManager: MANAGER, ...(subresources.includes('status') ? { subresource: 'status' } : {}) },
    signal,
  );
}

/** What `reconcile.fluxcd.io/requestedAt` asks for, and was not answered yet. */
export function requested(object: KubeObject): string | undefined {
  const asked = object.metadata.annotations?.[REQUESTED];
  return asked !== undefined && asked !== getString(object, 'status', 'lastHandledReconcileAt')
    ? asked
    : undefined;
}

/** `status.lastHandledReconcileAt`, kept with every answer. */
export function handled(object: KubeObject): JsonObject {
  const asked = object.metadata.annotations?.[REQUESTED];
  return asked === undefined ? {} : { lastHandledReconcileAt: asked };
}

export function intervalOf(object: KubeObject, field = 'interval', standard = 300_000): number {
  return durationMs(getString(object, 'spec', field)) ?? standard;
}
