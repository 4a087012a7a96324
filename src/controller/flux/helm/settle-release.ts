import { getIn, getString } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { releaseName } from '../../../boundaries/render/index.ts';
import type { JournalSubject } from '../../journals.ts';
import type { Turn } from '../../queue.ts';
import { watchWritten } from '../../watch-written.ts';
import { HEALTH_LOOK, failed } from '../failure.ts';
import type { Next } from '../failure.ts';
import { conditionOf, intervalOf, withConditions, writeStatus } from '../kinds.ts';
import type { Conditions } from '../kinds.ts';
import { afterFailure, remedied } from './failed-release.ts';
import { keepHooks } from './kept-hooks.ts';
import { releaseHealth } from './release-health.ts';
import type { ReleaseOptions } from './release-options.ts';
import { isWaitDisabled, policyOf, reasonOf } from './release-state.ts';
import type { Release } from './release-state.ts';
import { releaseText, snapshots, statusOf, withStatus } from './release-status.ts';
import { lenientTests, strictTests } from './release-tests.ts';
import { NO_FAILURES, actionTimeout } from './remediation.ts';
import { answered } from './requests.ts';
import { withRollbackHooks } from './rollback-hooks.ts';

/** Health, unless nobody waits for it, then tests whose failure changes nothing, and then Ready. */
export async function settleRelease(
  options: ReleaseOptions,
  release: Release,
  subject: JournalSubject,
  turn: Turn,
): Promise<Next> {
  const { client, clock, events } = options;
  const { object, target, rendered, chart } = release;
  const [last] = snapshots(object);
  const waits = last?.status.startsWith('pending') === true;
  const action = last?.status === 'pending-install' ? 'install' : waits ? 'upgrade' : release.action;
  const text = releaseText(releaseName(object), last?.version ?? 1, chart);
  const again = await health(options, { ...release, action }, subject, turn, { waits, text });
  if ('wait' in again) return { again: again.wait };
  const wasReady =
    getString(conditionOf(object, 'Ready'), 'status') === 'True' &&
    getIn(object, 'status', 'observedGeneration') === object.metadata.generation;
  if (waits && !(await keepHooks(target.client, object, rendered.later, turn.signal))) {
    const message = 'The hooks of deletion and rollback are too large to be kept, and will not be run';
    await events.record(object, 'Warning', 'HooksNotKept', message, turn.signal);
  }
  const succeeded = {
    status: 'True',
    reason: waits ? reasonOf(action, 'Succeeded') : lastReason(object),
    message: `Helm ${waits ? action : lastAction(object)} succeeded for ${text}`,
  } as const;
  const tests = waits
    ? (strictTests(rendered, text) ?? (await lenientTests(options, release, turn, 'begin')))
    : await lenientTests(options, release, turn, 'go on');
  const drift = await drifted(options, release, text, turn);
  const history = waits ? withStatus(object, 'deployed') : undefined;
  await writeStatus(
    client,
    object,
    {
      ...statusOf(object),
      ...answered(object),
      ...(waits ? NO_FAILURES : {}),
      observedGeneration: object.metadata.generation ?? 1,
      ...(history === undefined ? {} : { history: withTests(history, tests.hooks) }),
      conditions: withConditions(
        object,
        {
          ...tests.conditions,
          ...drift,
          Ready: succeeded,
          Released: succeeded,
          Remediated: undefined,
          Reconciling: undefined,
          Stalled: undefined,
        },
        clock.now(),
      ),
    },
    turn.signal,
  );
  if (waits || !wasReady) {
    await events.record(object, 'Normal', succeeded.reason, succeeded.message, turn.signal);
  }
  return { again: tests.running ? HEALTH_LOOK : Math.min(intervalOf(object), again.look) };
}

function withTests(history: readonly JsonObject[], hooks: JsonObject | undefined): JsonObject[] {
  return history.map((entry, index) =>
    index === 0 && hooks !== undefined ? { ...entry, testHooks: hooks } : entry,
  );
}

/** Ms until the next look while something is not healthy yet, or is still watched. Throws where it has failed. */
async function health(
  options: ReleaseOptions,
  release: Release,
  subject: JournalSubject,
  turn: Turn,
  { waits, text }: { readonly waits: boolean; readonly text: string },
): Promise<{ readonly wait: number } | { readonly look: number }> {
  const { client, clock } = options;
  const { object, target, action } = release;
  const [last] = snapshots(object);
  const watched = await watchWritten(
    {
      journals: withRollbackHooks(options, object, target, turn),
      clock,
      subject,
      target,
      policy: policyOf(options, release),
      mayWrite: () => true,
    },
    turn.signal,
  );
  const refuse = async (message: string, isBack: boolean) => {
    const what = `Helm ${action} failed for ${text}: ${message}`;
    await writeStatus(
      client,
      object,
      {
        ...statusOf(object),
        ...afterFailure(object, action, withStatus(object, 'failed')),
        conditions: withConditions(object, isBack ? remedied(release, message) : {}, clock.now()),
      },
      turn.signal,
    );
    return failed({ reason: reasonOf(action, 'Failed'), message: what });
  };
  if (watched.state === 'withdrawn') throw await refuse(watched.message, true);
  if (waits && !isWaitDisabled(object, action)) {
    const found = await releaseHealth(release, target, clock, turn);
    if (found !== undefined) {
      const since = Date.parse(getString(last?.raw, 'lastDeployed') ?? '');
      const over = !Number.isNaN(since) && clock.now() - since >= actionTimeout(object, action);
      // What is still watched is taken back when its time is up; the rest has failed as it stands.
      if ((found.lost || over) && watched.state === 'nothing') throw await refuse(found.message, false);
      return { wait: HEALTH_LOOK };
    }
  }
  return { look: watched.state === 'moving' ? watched.again : Number.POSITIVE_INFINITY };
}

/** The condition `Drifted`, where somebody wants to know. */
async function drifted(
  { events }: ReleaseOptions,
  { object, compared }: Release,
  text: string,
  turn: Turn,
): Promise<Conditions> {
  const mode = getString(object, 'spec', 'driftDetection', 'mode') ?? 'disabled';
  if (mode !== 'enabled' && mode !== 'warn') return { Drifted: undefined };
  if (mode === 'enabled' || compared.differences.length === 0) {
    const message = 'No drift detected against the cluster state';
    return { Drifted: { status: 'False', reason: 'NoDriftDetected', message } };
  }
  const message = `Cluster state of ${text} has drifted from the desired state:\n${compared.differences.join('\n')}`;
  const before = conditionOf(object, 'Drifted');
  if (getString(before, 'status') !== 'True' || getString(before, 'message') !== message) {
    await events.record(object, 'Warning', 'DriftDetected', message, turn.signal);
  }
  return { Drifted: { status: 'True', reason: 'DriftDetected', message } };
}

function lastAction(object: KubeObject): string {
  return getString(object, 'status', 'lastAttemptedReleaseAction') ?? 'upgrade';
}

function lastReason(object: KubeObject): string {
  return lastAction(object) === 'install' ? 'InstallSucceeded' : 'UpgradeSucceeded';
}
