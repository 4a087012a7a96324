import { getString } from '../../../kernel/index.ts';
import { refOf } from '../../../kube/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import type { Turn } from '../../queue.ts';
import type { Failure, Next } from '../failure.ts';
import { conditionOf, handled, intervalOf, withConditions, writeStatus } from '../kinds.ts';
import type { Conditions } from '../kinds.ts';
import type { ReleaseOptions } from './release-options.ts';
import { statusOf } from './release-status.ts';

/** Says why it stopped, and when it goes on. */
export async function report(
  { client, clock, events }: ReleaseOptions,
  object: KubeObject,
  failure: Failure,
  version: string | undefined,
  turn: Turn,
): Promise<Next> {
  const { reason, message } = failure;
  const stored = (await client.get(refOf(object), turn.signal)) ?? object;
  const isUnknown = reason === 'HelmMissing';
  const ready = { status: isUnknown ? 'Unknown' : 'False', reason, message } as const;
  const isRelease = reason === 'InstallFailed' || reason === 'UpgradeFailed';
  const changes: Conditions = {
    Ready: ready,
    ...(isRelease ? { Released: ready } : {}),
    Reconciling:
      failure.stalled === true
        ? undefined
        : { status: 'True', reason: 'ProgressingWithRetry', message: message.slice(0, 1000) },
    Stalled: failure.stalled === true ? { ...ready, status: 'True' } : undefined,
  };
  await writeStatus(
    client,
    stored,
    {
      ...statusOf(stored),
      // What somebody asked for while this turn ran is for the next one.
      ...handled(object),
      ...(version === undefined ? {} : { lastAttemptedRevision: version }),
      conditions: withConditions(stored, changes, clock.now()),
    },
    turn.signal,
  );
  const before = conditionOf(object, 'Ready');
  if (getString(before, 'message') !== message || getString(before, 'reason') !== reason) {
    await events.record(object, failure.type ?? 'Warning', reason, message, turn.signal);
  }
  return failure.stalled === true ? undefined : { again: failure.again ?? intervalOf(object) };
}
