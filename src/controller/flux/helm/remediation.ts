import { getIn, getNumber, getObject, getString } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { durationMs } from '../../../boundaries/sync/index.ts';
import { REQUESTED, conditionOf } from '../kinds.ts';
import { RESET } from './requests.ts';
import type { ReleaseRequest } from './requests.ts';

export type Action = 'install' | 'upgrade';

const HELM_TIMEOUT = 300_000;
const RETRY_INTERVAL = 300_000;
/** Between two attempts where nobody says how long. */
const PAUSE = 10_000;

/** `spec.<action>.timeout`, else `spec.timeout`, else five minutes. In ms. */
export function actionTimeout(
  release: KubeObject,
  action: Action | 'test' | 'rollback' | 'uninstall',
): number {
  return (
    durationMs(getString(release, 'spec', action, 'timeout')) ??
    durationMs(getString(release, 'spec', 'timeout')) ??
    HELM_TIMEOUT
  );
}

function retries(release: KubeObject, action: Action): number {
  return getNumber(release, 'spec', action, 'remediation', 'retries') ?? 0;
}

/** How often the release as it is wanted now has failed. */
export function failuresOf(release: KubeObject, action: Action): number {
  return getNumber(release, 'status', `${action}Failures`) ?? 0;
}

/** Ms until a release that failed is tried again by itself; undefined: it is not. */
export function retryAfter(release: KubeObject, action: Action, now: number): number | undefined {
  const limit = retries(release, action);
  const isEndless = getString(release, 'spec', action, 'strategy', 'name') === 'RetryOnFailure';
  if (!isEndless && limit >= 0 && failuresOf(release, action) > limit) return undefined;
  const own = durationMs(getString(release, 'spec', action, 'strategy', 'retryInterval'));
  const pause = isEndless ? (own ?? RETRY_INTERVAL) : PAUSE;
  const ready = conditionOf(release, 'Ready');
  const since =
    getString(ready, 'status') === 'False'
      ? Date.parse(getString(ready, 'lastTransitionTime') ?? '')
      : Number.NaN;
  return Number.isNaN(since) ? 0 : Math.max(0, since + pause - now);
}

/** Whether a failed install is taken away: an upgrade always goes back. */
export function isInstallRemediated(release: KubeObject): boolean {
  if (getIn(release, 'spec', 'install', 'remediation', 'remediateLastFailure') === true) return true;
  const limit = retries(release, 'install');
  return limit < 0 || failuresOf(release, 'install') + 1 <= limit;
}

/** Whether a failed upgrade ends with everything taken away, to be installed anew. */
export function uninstallsAfterUpgrade(release: KubeObject): boolean {
  if (getString(release, 'spec', 'upgrade', 'remediation', 'strategy') !== 'uninstall') return false;
  const limit = retries(release, 'upgrade');
  const last = getIn(release, 'spec', 'upgrade', 'remediation', 'remediateLastFailure') ?? limit > 0;
  return limit < 0 || failuresOf(release, 'upgrade') <= limit || last === true;
}

/** The counts with one failure more. */
export function withFailure(release: KubeObject, action: Action): JsonObject {
  return {
    failures: (getNumber(release, 'status', 'failures') ?? 0) + 1,
    [`${action}Failures`]: failuresOf(release, action) + 1,
  };
}

export const NO_FAILURES: Readonly<Record<string, undefined>> = {
  failures: undefined,
  installFailures: undefined,
  upgradeFailures: undefined,
};

/** Whether failures were of something else than what is wanted now, or somebody asked to forget them. */
export function mustForgetFailures(
  release: KubeObject,
  wanted: { readonly version: string; readonly configDigest: string },
): boolean {
  const status = getObject(release, 'status');
  return (
    getNumber(status, 'lastAttemptedGeneration') !== release.metadata.generation ||
    getString(status, 'lastAttemptedRevision') !== wanted.version ||
    getString(status, 'lastAttemptedConfigDigest') !== wanted.configDigest ||
    isAsked(release, RESET)
  );
}

/** A request counts together with one for a reconciliation, of the same value, and once. */
export function isAsked(release: KubeObject, request: ReleaseRequest): boolean {
  const asked = release.metadata.annotations?.[request.annotation];
  return (
    asked !== undefined &&
    asked === release.metadata.annotations?.[REQUESTED] &&
    asked !== getString(release, 'status', 'lastHandledReconcileAt') &&
    asked !== getString(release, 'status', request.handled)
  );
}
