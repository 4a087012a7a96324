import type { JsonObject } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { handled } from '../kinds.ts';

/** `flux reconcile helmrelease --force`: a release again, though nothing changed. */
export const FORCED = { annotation: 'reconcile.fluxcd.io/forceAt', handled: 'lastHandledForceAt' } as const;
/** `flux reconcile helmrelease --reset`: what failed before does not count. */
export const RESET = { annotation: 'reconcile.fluxcd.io/resetAt', handled: 'lastHandledResetAt' } as const;

export type ReleaseRequest = typeof FORCED | typeof RESET;

/** What the status says of requests that were answered. */
export function answered(release: KubeObject): JsonObject {
  const status: JsonObject = { ...handled(release) };
  for (const request of [FORCED, RESET]) {
    const asked = release.metadata.annotations?.[request.annotation];
    if (asked !== undefined) status[request.handled] = asked;
  }
  return status;
}
