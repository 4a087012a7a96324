import { getString } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { objectName } from '../../../kube/index.ts';
import { releaseName } from '../../../boundaries/render/index.ts';
import type { JournalSubject } from '../../journals.ts';
import type { Turn } from '../../queue.ts';
import { kubeTime } from '../../status.ts';
import { DEPENDENCY_WAIT, HEALTH_LOOK, failed } from '../failure.ts';
import type { Next } from '../failure.ts';
import { conditionOf, requested, withConditions, writeStatus } from '../kinds.ts';
import { foreignObjects, inventoryStatus } from './compare-release.ts';
import { afterFailure, remedied } from './failed-release.ts';
import type { ReleaseOptions } from './release-options.ts';
import { keyOf, reasonOf, subjectOf } from './release-state.ts';
import type { Release } from './release-state.ts';
import { releaseText, snapshots, statusOf, withRelease, withStatus } from './release-status.ts';
import { NO_FAILURES, actionTimeout, isAsked, retryAfter } from './remediation.ts';
import { FORCED, answered } from './requests.ts';
import { runRelease } from './run-release.ts';
import { settleRelease } from './settle-release.ts';
import { testsFailed } from './release-tests.ts';
import { uninstall } from './uninstall.ts';

/** From what is wanted to what is there: a release is made, corrected, or left as it is. */
export async function bringAbout(options: ReleaseOptions, release: Release, turn: Turn): Promise<Next> {
  const { clock, journals } = options;
  const { object, target, digest, compared } = release;
  const [last] = snapshots(object);
  if (last?.status === 'uninstalling') return takeAway(options, release, turn);
  const isStanding = last?.digest === digest && !['failed', 'uninstalled'].includes(last.status);
  const isReleased = isStanding && !isAsked(object, FORCED);
  const running = options.running.get(keyOf(object));
  const goesOn = running?.digest === digest ? running : undefined;
  const isDrift = goesOn?.isDrift ?? isReleased;
  const subject = subjectOf(options, release, goesOn?.startedAt ?? clock.now(), isDrift);
  if (goesOn === undefined) {
    options.running.delete(keyOf(object));
    await journals?.firstLook(target.client, subject, turn.signal);
  }
  const mode = getString(object, 'spec', 'driftDetection', 'mode') ?? 'disabled';
  const corrects = compared.differences.length > 0 && mode === 'enabled';
  if (isReleased && goesOn === undefined && !corrects) {
    return settleRelease(options, release, subject, turn);
  }
  if (goesOn === undefined) await mayBegin(options, release, subject, isDrift);
  const done = await carryOut(options, release, subject, isDrift, turn);
  if ('again' in done) return done;
  return settleRelease(options, { ...release, object: done.object }, subject, turn);
}

/** Throws what the status says where it is not begun, by itself or at all. */
async function mayBegin(
  { clock, journals }: ReleaseOptions,
  release: Release,
  subject: JournalSubject,
  isDrift: boolean,
): Promise<void> {
  const { object, action, digest, forgets } = release;
  const reason = reasonOf(action, 'Failed');
  const [foreign] = isDrift ? [] : foreignObjects(release, action);
  if (foreign !== undefined) {
    const message = `Unable to continue with ${action}: ${objectName(foreign)} exists and cannot be imported into the current release: it is not marked as a part of it`;
    throw failed({ reason, message });
  }
  if (requested(object) === undefined && !(forgets && !isDrift)) {
    const held = await journals?.heldFor(subject, subject.revision);
    const [last] = snapshots(object);
    // It failed as it stands: the same again, by itself, would come to the same, and run its hooks again.
    const before =
      last?.digest === digest && last.status === 'failed'
        ? (getString(conditionOf(object, 'Released'), 'message') ?? 'its release has failed')
        : undefined;
    const message = held ?? before;
    if (message === undefined) return;
    const again = isDrift ? undefined : retryAfter(object, action, clock.now());
    if (again === undefined) throw failed({ reason, message });
    if (again > 0) throw failed({ reason, message, again });
  }
  await journals?.lift(subject, subject.revision);
}

/** As far as it gets in this turn: what it waits for, or the object with the release in its history. */
async function carryOut(
  options: ReleaseOptions,
  release: Release,
  subject: JournalSubject,
  isDrift: boolean,
  turn: Turn,
): Promise<{ readonly again: number } | { readonly object: KubeObject }> {
  const { client, clock } = options;
  const { object, chart, digest, configDigest, rendered, action } = release;
  const begun = await begin(options, release, turn);
  const outcome = await runRelease(options, { ...release, object: begun, subject, isDrift }, turn);
  if (outcome.phase === 'Running') return { again: 2000 };
  options.running.delete(keyOf(object));
  const name = releaseName(object);
  const about = { name, chart, digest, configDigest, action, now: clock.now() };
  if (outcome.phase !== 'Succeeded') {
    const what = `Helm ${action} failed for release ${name.namespace}/${name.name} with chart ${chart.name}@${chart.version}: ${outcome.message}`;
    // What the dry run refused was not begun: it is tried again.
    const isTried = !isDrift && !outcome.message.endsWith('(dry run)');
    const failedOne = withRelease(begun, { ...about, status: 'failed' });
    await writeStatus(
      client,
      begun,
      {
        ...statusOf(begun),
        inventory: inventoryStatus(object, rendered, 'failed'),
        ...(isTried ? afterFailure(begun, action, failedOne) : {}),
        conditions: withConditions(
          begun,
          isTried
            ? { ...remedied(release, outcome.message), ...testsFailed(rendered, outcome.results, what) }
            : {},
          clock.now(),
        ),
      },
      turn.signal,
    );
    throw failed({ reason: reasonOf(action, 'Failed'), message: what });
  }
  const status = action === 'install' ? 'pending-install' : 'pending-upgrade';
  const history = isDrift ? undefined : withRelease(begun, { ...about, status });
  return {
    object: await writeStatus(
      client,
      begun,
      {
        ...statusOf(begun),
        inventory: inventoryStatus(object, rendered, 'after'),
        ...(history === undefined ? {} : { history }),
      },
      turn.signal,
    ),
  };
}

/** Everything that is about to be there stands in the inventory first, so that it is found again after a crash. */
async function begin(options: ReleaseOptions, release: Release, turn: Turn): Promise<KubeObject> {
  const { client, clock } = options;
  const { object, chart, configDigest, rendered, action, forgets } = release;
  const message = `Running '${action}' action with timeout of ${Math.round(actionTimeout(object, action) / 1000)}s`;
  const { namespace = 'default' } = object.metadata;
  return writeStatus(
    client,
    object,
    {
      ...statusOf(object),
      ...(forgets ? NO_FAILURES : {}),
      ...answered(object),
      lastAttemptedRevision: chart.version,
      lastAttemptedConfigDigest: configDigest,
      lastAttemptedReleaseAction: action,
      lastAttemptedGeneration: object.metadata.generation ?? 1,
      storageNamespace: getString(object, 'spec', 'storageNamespace') || namespace,
      inventory: inventoryStatus(object, rendered, 'before'),
      conditions: withConditions(
        object,
        {
          Ready: { status: 'Unknown', reason: 'Progressing', message },
          Reconciling: { status: 'True', reason: 'Progressing', message },
          Stalled: undefined,
        },
        clock.now(),
      ),
    },
    turn.signal,
  );
}

/** The remedy `uninstall`: everything goes, and the next turn installs it anew. */
async function takeAway(options: ReleaseOptions, release: Release, turn: Turn): Promise<Next> {
  const { client, clock, events } = options;
  const { object, target } = release;
  const [last] = snapshots(object);
  if (last === undefined) return undefined;
  const text = releaseText(releaseName(object), last.version, {
    name: last.chartName,
    version: last.chartVersion,
  });
  const step = await uninstall(options, object, target, turn);
  if (step.state === 'running') return { again: HEALTH_LOOK };
  if (step.state === 'failed') {
    const message = `Helm uninstall remediation for ${text} failed: ${step.message}`;
    throw failed({ reason: 'UninstallFailed', message, again: DEPENDENCY_WAIT });
  }
  const message = `Helm uninstall remediation for ${text} succeeded`;
  const [gone, ...before] = withStatus(object, 'uninstalled');
  await writeStatus(
    client,
    object,
    {
      ...statusOf(object),
      inventory: { entries: [] },
      history: [{ ...gone, deleted: kubeTime(clock.now()) }, ...before],
      conditions: withConditions(
        object,
        { Remediated: { status: 'True', reason: 'UninstallSucceeded', message } },
        clock.now(),
      ),
    },
    turn.signal,
  );
  await events.record(object, 'Normal', 'UninstallSucceeded', message, turn.signal);
  return { again: 0 };
}
