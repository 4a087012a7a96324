import type { KubeObject } from '../kube/index.ts';
import { durationMs } from '../boundaries/sync/index.ts';

/** What becomes of a sync that failed half way, or whose objects did not become healthy in time. */
export interface FailurePolicy {
  /** `keep`: it stays as far as it got, as with Argo CD and Flux themselves. */
  readonly onFailure: 'restore' | 'keep';
  /** ms after its last write in which what it wrote has to become healthy. */
  readonly healthTimeoutMs: number;
}

export const ON_FAILURE_ANNOTATION = 'landfall.dev/on-failure';
export const HEALTH_TIMEOUT_ANNOTATION = 'landfall.dev/health-timeout';

export const DEFAULT_FAILURE_POLICY: FailurePolicy = { onFailure: 'restore', healthTimeoutMs: 600_000 };

/** The policy of an Application or a Kustomization: its annotations over what the controller was started with. */
export function failurePolicy(object: KubeObject, standard: FailurePolicy): FailurePolicy {
  const annotations = object.metadata.annotations ?? {};
  const wanted = annotations[ON_FAILURE_ANNOTATION];
  const timeout = durationMs(annotations[HEALTH_TIMEOUT_ANNOTATION] ?? '');
  return {
    onFailure: wanted === 'keep' || wanted === 'restore' ? wanted : standard.onFailure,
    healthTimeoutMs: timeout ?? standard.healthTimeoutMs,
  };
}

/** Annotations that say nothing that is understood; a typing error must not decide what is deleted. */
export function failurePolicyProblems(object: KubeObject): readonly string[] {
  const annotations = object.metadata.annotations ?? {};
  const wanted = annotations[ON_FAILURE_ANNOTATION];
  const timeout = annotations[HEALTH_TIMEOUT_ANNOTATION];
  return [
    ...(wanted === undefined || wanted === 'keep' || wanted === 'restore'
      ? []
      : [`metadata.annotations[${ON_FAILURE_ANNOTATION}] is '${wanted}'; it is keep or restore`]),
    ...(timeout === undefined || durationMs(timeout) !== undefined
      ? []
      : [
          `metadata.annotations[${HEALTH_TIMEOUT_ANNOTATION}] is '${timeout}'; it is a duration such as 90s or 10m`,
        ]),
  ];
}
