import { getString } from '../../../kernel/index.ts';
import { refOf } from '../../../kube/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import type { Turn } from '../../queue.ts';
import type { Failure, Next } from '../failure.ts';
import { intervalOf } from '../kinds.ts';
import type { Conditions } from '../kinds.ts';
import { reportFailure } from '../report.ts';
import { answered } from './requests.ts';
import type { ReleaseOptions } from './release-options.ts';
import { snapshots, statusOf } from './release-status.ts';
import { failuresOf, retryAfter } from './remediation.ts';

/** Says why a release stopped, and when it goes on. */
export async function report(
  options: ReleaseOptions,
  object: KubeObject,
  failure: Failure,
  version: string | undefined,
  turn: Turn,
): Promise<Next> {
  const { reason, message } = failure;
  const ready = reason === 'HelmMissing' ? 'Unknown' : 'False';
  const isRelease = reason === 'InstallFailed' || reason === 'UpgradeFailed';
  return reportFailure(
    options,
    object,
    failure,
    {
      ready,
      reconciling: message,
      conditions: isRelease
        ? { Released: { status: ready, reason, message }, ...(await exhausted(options, object, turn)) }
        : {},
      status: (stored) => ({
        ...statusOf(stored),
        ...answered(object),
        ...(version === undefined ? {} : { lastAttemptedRevision: version }),
      }),
      retry: intervalOf(object),
    },
    turn,
  );
}

/** A release that is not tried again by itself, because it has failed as often as it may. */
async function exhausted(options: ReleaseOptions, object: KubeObject, turn: Turn): Promise<Conditions> {
  const stored = (await options.client.get(refOf(object), turn.signal)) ?? object;
  const action =
    getString(stored, 'status', 'lastAttemptedReleaseAction') === 'install' ? 'install' : 'upgrade';
  const failures = failuresOf(stored, action);
  const [last] = snapshots(stored);
  const isOver = failures > 0 && last?.status === 'failed' && retryAfter(stored, action, 0) === undefined;
  if (!isOver) return {};
  const message = `Failed to ${action} after ${failures} attempt(s)`;
  return { Reconciling: undefined, Stalled: { status: 'True', reason: 'RetriesExceeded', message } };
}
