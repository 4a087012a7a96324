import type { KubeObject } from '../../../kube/index.ts';
import type { Turn } from '../../queue.ts';
import type { Failure, Next } from '../failure.ts';
import { intervalOf } from '../kinds.ts';
import { reportFailure } from '../report.ts';
import type { ReleaseOptions } from './release-options.ts';
import { statusOf } from './release-status.ts';

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
      conditions: isRelease ? { Released: { status: ready, reason, message } } : {},
      status: (stored) => ({
        ...statusOf(stored),
        ...(version === undefined ? {} : { lastAttemptedRevision: version }),
      }),
      retry: intervalOf(object),
    },
    turn,
  );
}
