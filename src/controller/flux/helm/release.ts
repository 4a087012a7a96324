import { createHash } from 'node:crypto';
import { getIn, getObject, getString } from '../../../kernel/index.ts';
import type { JsonObject, LandfallError } from '../../../kernel/index.ts';
import { refOf } from '../../../kube/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import {
  chartOf,
  chartOfHelmChart,
  composeValues,
  isFirstRelease,
  releaseName,
  valuesDigest,
} from '../../../boundaries/render/index.ts';
import type {
  Chart,
  ChartOptions,
  ReleaseValues,
  RenderedRelease,
} from '../../../boundaries/render/index.ts';
import { failurePolicy } from '../../failure-policy.ts';
import type { FailurePolicy } from '../../failure-policy.ts';
import type { JournalSubject } from '../../journals.ts';
import type { Turn } from '../../queue.ts';
import { watchWritten } from '../../watch-written.ts';
import { HEALTH_LOOK, failed, timeoutOf } from '../failure.ts';
import type { Failure, FluxTarget, Next } from '../failure.ts';
import {
  FINALIZER,
  conditionOf,
  handled,
  intervalOf,
  requested,
  withConditions,
  writeStatus,
} from '../kinds.ts';
import { checkSpec, failureBehind } from '../report.ts';
import { checkDependencies, sourceOf } from '../source.ts';
import { keepChart } from './chart-template.ts';
import { compareRelease, inventoryStatus } from './compare-release.ts';
import type { ComparedRelease } from './compare-release.ts';
import { finalizeRelease } from './finalize-release.ts';
import { report } from './report.ts';
import { releaseHealth } from './release-health.ts';
import type { ReleaseOptions } from './release-options.ts';
import { releaseText, snapshots, statusOf, withRelease, withStatus } from './release-status.ts';
import { runRelease } from './run-release.ts';

/** What a turn works on. */
interface Release {
  readonly object: KubeObject;
  readonly target: FluxTarget;
  readonly chart: Chart;
  readonly rendered: RenderedRelease;
  readonly action: 'install' | 'upgrade';
  /** Of chart, values and spec: another one is another release. */
  readonly digest: string;
  readonly configDigest: string;
  readonly compared: ComparedRelease;
}

/** One HelmRelease, by the rules of helm-controller, with the set of its objects delivered as every other set is. */
export async function reconcileHelmRelease(
  options: ReleaseOptions,
  object: KubeObject,
  turn: Turn,
): Promise<Next> {
  const { client } = options;
  if (object.metadata.deletionTimestamp !== undefined) return finalizeRelease(options, object, turn);
  if (getIn(object, 'spec', 'suspend') === true) return undefined;
  if (object.metadata.finalizers?.includes(FINALIZER) !== true) {
    const finalizers = [...(object.metadata.finalizers ?? []), FINALIZER];
    await client.patch(refOf(object), 'merge', { metadata: { finalizers } }, {}, turn.signal);
    return { again: 0 };
  }
  let version: string | undefined;
  try {
    checkSpec(object);
    await checkDependencies(client, object, undefined, turn);
    const fresh = requested(object) !== undefined;
    const chart = await chartOfRelease(options, object, fresh, turn);
    ({ version } = chart);
    const { namespace = 'default' } = object.metadata;
    const values = await composeValues(object, (kind, name) =>
      client.get({ apiVersion: 'v1', kind, namespace, name }, turn.signal),
    );
    return await bringAbout(options, await releaseOf(options, object, chart, values, turn), turn);
  } catch (thrown) {
    return report(options, object, failureBehind(thrown, failureOf), version, turn);
  }
}

/** By its HelmChart, which is kept as the release says it; `spec.chartRef` names one that somebody else keeps. */
async function chartOfRelease(
  options: ReleaseOptions,
  object: KubeObject,
  fresh: boolean,
  turn: Turn,
): Promise<Chart> {
  const { client } = options;
  const charts = chartOptions(options, turn);
  const kept = await keepChart(client, object, turn.signal);
  return kept === undefined
    ? chartOf(charts, object, fresh, turn.signal)
    : chartOfHelmChart(charts, kept, fresh, turn.signal);
}

/** A chart comes from what its source was fetched to be last. */
export function chartOptions(options: ReleaseOptions, turn: Turn): ChartOptions {
  const { client, files } = options;
  return {
    ...options,
    outside: (work) => turn.outside(work),
    async source(owner, ref, signal) {
      const source = await sourceOf(client, owner, ref, turn);
      return { content: source.content, identity: source.identity, tree: await files(source, signal) };
    },
  };
}

/** Where helm is not there nothing is known, which is no failure of the release. */
function failureOf({ kind, code, message }: LandfallError): Failure | undefined {
  if (kind === 'unavailable' && !/^(?:helm-|chart-|template-)/.test(code)) return undefined;
  if (code === 'helm-missing') return { reason: 'HelmMissing', message };
  return { reason: code === 'template-failed' ? 'RenderFailed' : 'ArtifactFailed', message };
}

async function releaseOf(
  options: ReleaseOptions,
  object: KubeObject,
  chart: Chart,
  values: ReleaseValues,
  turn: Turn,
): Promise<Release> {
  const target = await options.target(object, turn.signal);
  const action = isFirstRelease(object) ? 'install' : 'upgrade';
  const { client } = target;
  const { helm } = options;
  const { signal } = turn;
  const rendered = await turn.outside(() =>
    options.render({ release: object, chart, values, action, client, helm, signal }),
  );
  const configDigest = valuesDigest(values.values);
  const {
    releaseName: _r,
    targetNamespace: _t,
    postRenderers,
    commonMetadata,
  } = getObject(object, 'spec') ?? {};
  const digest = digestOf({
    name: { ...releaseName(object) },
    chart: [chart.name, chart.version],
    configDigest,
    postRenderers: postRenderers ?? [],
    commonMetadata: commonMetadata ?? {},
  });
  const compared = await compareRelease(object, rendered, target, signal);
  return { object, target, chart, rendered, action, digest, configDigest, compared };
}

function digestOf(value: JsonObject): string {
  return `sha256:${createHash('sha256').update(JSON.stringify(value)).digest('hex')}`;
}

function policyOf(options: ReleaseOptions, object: KubeObject): FailurePolicy {
  // Helm's own deadline: what is not ready by then is a failed release.
  const healthTimeoutMs = timeoutOf(object);
  return failurePolicy(object, { ...options.policy, healthTimeoutMs });
}

function subjectOf(
  options: ReleaseOptions,
  release: Release,
  startedAt: number,
  isDrift: boolean,
): JournalSubject {
  const { object, target, chart, digest, action } = release;
  const { name, namespace = 'default' } = object.metadata;
  const revision = `${chart.version}+${digest.slice('sha256:'.length, 'sha256:'.length + 12)}`;
  const attemptedAt = new Date(startedAt).toISOString();
  const remediation = getObject(object, 'spec', 'install', 'remediation');
  const uninstalls =
    getIn(remediation, 'remediateLastFailure') === true || (getIn(remediation, 'retries') ?? 0) !== 0;
  return {
    cluster: target.client.server,
    namespace,
    application: `HelmRelease/${name}`,
    operationId: `${attemptedAt} ${revision}`,
    attemptedAt,
    revision,
    user: undefined,
    onFailure: policyOf(options, object).onFailure,
    watched: !isDrift && !isWaitDisabled(object, action) && (action === 'upgrade' || uninstalls),
  };
}

function isWaitDisabled(object: KubeObject, action: 'install' | 'upgrade'): boolean {
  return getIn(object, 'spec', action, 'disableWait') === true;
}

async function bringAbout(options: ReleaseOptions, release: Release, turn: Turn): Promise<Next> {
  const { clock, journals } = options;
  const { object, target, digest, compared } = release;
  const [last] = snapshots(object);
  const isReleased = last?.digest === digest && last.status !== 'failed';
  const hasFailed = last?.digest === digest && last.status === 'failed';
  const running = options.running.get(keyOf(object));
  const goesOn = running?.digest === digest ? running : undefined;
  const isDrift = isReleased && goesOn === undefined;
  const subject = subjectOf(options, release, goesOn?.startedAt ?? clock.now(), isDrift);
  if (goesOn === undefined) {
    options.running.delete(keyOf(object));
    await journals?.firstLook(target.client, subject, turn.signal);
  }
  const mode = getString(object, 'spec', 'driftDetection', 'mode') ?? 'disabled';
  if (!isReleased || goesOn !== undefined || (compared.differences.length > 0 && mode === 'enabled')) {
    const held =
      requested(object) === undefined && goesOn === undefined
        ? await journals?.heldFor(subject, subject.revision)
        : undefined;
    if (held !== undefined) throw failed({ reason: reasonOf(release, 'Failed'), message: held });
    // It failed as it stands: the same again, by itself, would come to the same, and run its hooks again.
    if (hasFailed && goesOn === undefined && requested(object) === undefined) {
      const before = getString(conditionOf(object, 'Released'), 'message') ?? 'its release has failed';
      throw failed({ reason: reasonOf(release, 'Failed'), message: before });
    }
    if (requested(object) !== undefined) await journals?.lift(subject, subject.revision);
    const done = await carryOut(options, release, subject, isDrift, turn);
    if ('again' in done) return done;
    return settle(options, { ...release, object: done.object }, subject, turn);
  }
  if (mode === 'warn' && compared.differences.length > 0) {
    const message = `Cluster state of ${releaseText(releaseName(object), last.version, release.chart)} has drifted from the desired state:\n${compared.differences.join('\n')}`;
    await options.events.record(object, 'Warning', 'DriftDetected', message, turn.signal);
  }
  return settle(options, release, subject, turn);
}

function reasonOf({ action }: Release, how: 'Succeeded' | 'Failed'): string {
  return `${action === 'install' ? 'Install' : 'Upgrade'}${how}`;
}

function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
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
  const verb = action === 'install' ? 'install' : 'upgrade';
  const message = `Running '${verb}' action with timeout of ${getString(object, 'spec', 'timeout') ?? '5m0s'}`;
  // Everything that is about to be there stands in the inventory first, so that it is found again after a crash.
  const begun = await writeStatus(
    client,
    object,
    {
      ...statusOf(object),
      ...handled(object),
      lastAttemptedRevision: chart.version,
      lastAttemptedConfigDigest: configDigest,
      lastAttemptedReleaseAction: action,
      lastAttemptedGeneration: object.metadata.generation ?? 1,
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
  const outcome = await runRelease(options, { ...release, object: begun, subject, isDrift }, turn);
  if (outcome.phase === 'Running') return { again: 2000 };
  options.running.delete(keyOf(object));
  const name = releaseName(object);
  if (outcome.phase !== 'Succeeded') {
    const what = `Helm ${verb} failed for release ${name.namespace}/${name.name} with chart ${chart.name}@${chart.version}: ${outcome.message}`;
    // What the dry run refused was not begun: it is tried again.
    const isTried = !isDrift && !outcome.message.endsWith('(dry run)');
    const tried = { name, chart, digest, configDigest, status: 'failed', now: clock.now() };
    await writeStatus(
      client,
      begun,
      {
        ...statusOf(begun),
        inventory: inventoryStatus(object, rendered, 'failed'),
        ...(isTried ? { history: withRelease(object, tried) } : {}),
      },
      turn.signal,
    );
    throw failed({ reason: reasonOf(release, 'Failed'), message: what });
  }
  const now = clock.now();
  const status = action === 'install' ? 'pending-install' : 'pending-upgrade';
  const history = isDrift
    ? undefined
    : withRelease(object, { name, chart, digest, configDigest, status, now });
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

/** Health, unless nobody waits for it, and then Ready. */
async function settle(
  options: ReleaseOptions,
  release: Release,
  subject: JournalSubject,
  turn: Turn,
): Promise<Next> {
  const { client, clock } = options;
  const { object, target, rendered, chart } = release;
  const [last] = snapshots(object);
  const waits = last?.status.startsWith('pending') === true;
  const action = last?.status === 'pending-install' ? 'install' : waits ? 'upgrade' : release.action;
  const watched = await watchWritten(
    {
      journals: options.journals,
      clock,
      subject,
      target,
      policy: policyOf(options, object),
      mayWrite: () => true,
    },
    turn.signal,
  );
  const name = releaseName(object);
  const text = releaseText(name, last?.version ?? 1, chart);
  const refused = (message: string) =>
    failed({
      reason: reasonOf({ ...release, action }, 'Failed'),
      message: `Helm ${action} failed for ${text}: ${message}`,
    });
  if (watched.state === 'withdrawn') {
    await writeStatus(
      client,
      object,
      { ...statusOf(object), history: withStatus(object, 'failed') },
      turn.signal,
    );
    throw refused(watched.message);
  }
  if (waits && !isWaitDisabled(object, action)) {
    const health = await releaseHealth(object, rendered, target, clock, turn);
    if (health !== undefined) {
      const since = Date.parse(getString(last?.raw, 'lastDeployed') ?? '');
      const over = !Number.isNaN(since) && clock.now() - since >= timeoutOf(object);
      // What is still watched is taken back when its time is up; the rest has failed as it stands.
      if ((health.lost || over) && watched.state === 'nothing') {
        const history = withStatus(object, 'failed');
        await writeStatus(client, object, { ...statusOf(object), history }, turn.signal);
        throw refused(health.message);
      }
      return { again: HEALTH_LOOK };
    }
  }
  const wasReady =
    getString(conditionOf(object, 'Ready'), 'status') === 'True' &&
    getIn(object, 'status', 'observedGeneration') === object.metadata.generation;
  const succeeded = {
    status: 'True',
    reason: waits ? reasonOf({ ...release, action }, 'Succeeded') : lastReason(object),
    message: `Helm ${waits ? action : lastAction(object)} succeeded for ${text}`,
  } as const;
  await writeStatus(
    client,
    object,
    {
      ...statusOf(object),
      ...handled(object),
      observedGeneration: object.metadata.generation ?? 1,
      ...(waits ? { history: withStatus(object, 'deployed') } : {}),
      conditions: withConditions(
        object,
        { Ready: succeeded, Released: succeeded, Reconciling: undefined, Stalled: undefined },
        clock.now(),
      ),
    },
    turn.signal,
  );
  if (waits || !wasReady) {
    await options.events.record(object, 'Normal', succeeded.reason, succeeded.message, turn.signal);
  }
  const again = intervalOf(object);
  return { again: watched.state === 'moving' ? Math.min(again, watched.again) : again };
}

function lastAction(object: KubeObject): string {
  return getString(object, 'status', 'lastAttemptedReleaseAction') ?? 'upgrade';
}

function lastReason(object: KubeObject): string {
  return lastAction(object) === 'install' ? 'InstallSucceeded' : 'UpgradeSucceeded';
}
