import {
  LandfallError,
  asLandfallError,
  getArray,
  getIn,
  getObject,
  getString,
  jsonEqual,
} from '../../kernel/index.ts';
import type { Clock, JsonObject, JsonValue } from '../../kernel/index.ts';
import { refOf } from '../../kube/index.ts';
import type { KubeClient, KubeObject, ObjectRef } from '../../kube/index.ts';
import { fluxVariables, ignorePatterns, renderFlux } from '../../boundaries/render/index.ts';
import { comparePair, fluxCommit, pairObjects } from '../../boundaries/sync/index.ts';
import type { GitMirror } from '../../git/index.ts';
import { FIELD_MANAGER } from '../../apply/index.ts';
import type { EventRecorder } from '../events.ts';
import type { LiveObjects } from '../live.ts';
import { broughtBySet } from '../order.ts';
import type { Turn } from '../queue.ts';
import { kubeTime } from '../status.ts';
import {
  NAMESPACE_LABEL,
  NAME_LABEL,
  applySet,
  deleteObjects,
  fluxName,
  isOwnedBy,
  isSkipped,
  policyOf,
} from './apply.ts';
import type { Change } from './apply.ts';
import { usesIncludes } from './git-repository.ts';
import { evaluates, readinessOf } from './health.ts';
import { inventoryEntry, inventoryId, inventoryOf } from './inventory.ts';
import {
  FINALIZER,
  GIT_REPOSITORY,
  KUSTOMIZATION,
  conditionOf,
  handled,
  intervalOf,
  withConditions,
  writeStatus,
} from './kinds.ts';
import type { Conditions } from './kinds.ts';

/** Where the objects of a Kustomization go, as whom. */
export interface FluxTarget {
  readonly client: KubeClient;
  readonly live: LiveObjects;
}

export interface KustomizationOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly events: EventRecorder;
  readonly mirror: (source: KubeObject, signal: AbortSignal) => Promise<GitMirror>;
  readonly target: (object: KubeObject, signal: AbortSignal) => Promise<FluxTarget>;
  /** Variables without a value fail the build: Flux' feature gate StrictPostBuildSubstitutions. */
  readonly strict: boolean;
}

type Next = { readonly again?: number } | undefined;

/** What is said of a reconciliation that did not come to its end. */
interface Failure {
  readonly reason: string;
  readonly message: string;
  /** Ms; left out: the retry interval. */
  readonly again?: number;
  readonly stalled?: boolean;
  readonly type?: 'Normal' | 'Warning';
}

const DEPENDENCY_WAIT = 30_000;
const HEALTH_LOOK = 1000;
/** Between two corrections of the same objects, so that nobody is fought at full speed. */
const CORRECTION_WAIT = 10_000;

function failed(failure: Failure): LandfallError & { readonly failure: Failure } {
  const error = new LandfallError(failure.message, { kind: 'invalid-input', code: 'flux-failure' });
  return Object.assign(error, { failure });
}

/** One Kustomization, by the rules of kustomize-controller; the same state twice writes nothing twice. */
export async function reconcileKustomization(
  options: KustomizationOptions,
  object: KubeObject,
  turn: Turn,
): Promise<Next> {
  const { client } = options;
  if (object.metadata.deletionTimestamp !== undefined) return finalize(options, object, turn);
  if (getIn(object, 'spec', 'suspend') === true) return undefined;
  if (object.metadata.finalizers?.includes(FINALIZER) !== true) {
    const finalizers = [...(object.metadata.finalizers ?? []), FINALIZER];
    await client.patch(refOf(object), 'merge', { metadata: { finalizers } }, {}, turn.signal);
    return { again: 0 };
  }
  let revision: string | undefined;
  try {
    const source = await sourceOf(options, object, turn);
    revision = source.revision;
    await checkDependencies(options, object, source.revision, turn);
    return await bringAbout(options, object, source, turn);
  } catch (thrown) {
    const error = asLandfallError(thrown);
    const failure =
      thrown instanceof LandfallError && 'failure' in thrown ? (thrown.failure as Failure) : undefined;
    if (failure === undefined) {
      if (error.kind === 'cancelled' || error.kind === 'bug' || error.kind === 'unavailable') throw error;
    }
    return report(
      options,
      object,
      failure ?? { reason: 'ReconciliationFailed', message: error.message },
      revision,
      turn,
    );
  }
}

/** Says why it stopped, and when it goes on. */
async function report(
  { client, clock, events }: KustomizationOptions,
  object: KubeObject,
  failure: Failure,
  revision: string | undefined,
  turn: Turn,
): Promise<Next> {
  const { reason, message } = failure;
  // The stored one: an inventory that was written in this turn stays.
  const stored = (await client.get(refOf(object), turn.signal)) ?? object;
  const changes: Conditions = {
    Ready: { status: 'False', reason, message },
    Reconciling:
      failure.stalled === true
        ? undefined
        : {
            status: 'True',
            reason: 'ProgressingWithRetry',
            message: revision === undefined ? message : `Reconciling revision ${revision}`,
          },
    Stalled: failure.stalled === true ? { status: 'True', reason, message } : undefined,
    ...(reason === 'HealthCheckFailed' ? { Healthy: { status: 'False', reason, message } } : {}),
  };
  const attempted = ['ArtifactFailed', 'DependencyNotReady'].includes(reason) ? undefined : revision;
  await writeStatus(
    client,
    stored,
    {
      ...getObject(stored, 'status'),
      ...handled(stored),
      ...(attempted === undefined ? {} : { lastAttemptedRevision: attempted }),
      conditions: withConditions(stored, changes, clock.now()),
    },
    turn.signal,
  );
  const before = conditionOf(object, 'Ready');
  if (getString(before, 'message') !== message || getString(before, 'reason') !== reason) {
    await events.record(object, failure.type ?? 'Warning', reason, message, turn.signal);
  }
  if (failure.stalled === true) return undefined;
  return { again: failure.again ?? intervalOf(object, 'retryInterval', intervalOf(object)) };
}

interface Source {
  readonly object: KubeObject;
  readonly revision: string;
  readonly commit: string;
}

async function sourceOf(options: KustomizationOptions, object: KubeObject, turn: Turn): Promise<Source> {
  const ref = getObject(object, 'spec', 'sourceRef');
  const kind = getString(ref, 'kind') ?? '';
  const name = getString(ref, 'name') ?? '';
  const namespace = getString(ref, 'namespace') || (object.metadata.namespace ?? 'default');
  if (kind !== 'GitRepository') {
    const message = `source \`${name}\` kind '${kind}' is not fetched by this controller; only GitRepository is`;
    throw failed({ reason: 'ArtifactFailed', message, stalled: true });
  }
  const source = await options.client.get({ ...GIT_REPOSITORY, namespace, name }, turn.signal);
  if (source === undefined) {
    throw failed({
      reason: 'ArtifactFailed',
      message: `${kind}.source.toolkit.fluxcd.io "${name}" not found`,
    });
  }
  const revision = getString(source, 'status', 'artifact', 'revision');
  const commit = revision === undefined ? undefined : fluxCommit(revision);
  if (revision === undefined || commit === undefined) {
    throw failed({
      reason: 'ArtifactFailed',
      message: `Source artifact not found, retrying in ${DEPENDENCY_WAIT / 1000}s`,
      again: DEPENDENCY_WAIT,
      type: 'Normal',
    });
  }
  if (usesIncludes(source)) {
    const message = `GitRepository '${namespace}/${name}' uses include or recurseSubmodules, which this controller does not do`;
    throw failed({ reason: 'ArtifactFailed', message });
  }
  return { object: source, revision, commit };
}

async function checkDependencies(
  options: KustomizationOptions,
  object: KubeObject,
  revision: string,
  turn: Turn,
): Promise<void> {
  for (const dependency of getArray(object, 'spec', 'dependsOn')) {
    const namespace = getString(dependency, 'namespace') || (object.metadata.namespace ?? 'default');
    const name = getString(dependency, 'name') ?? '';
    const notReady = (message: string) =>
      failed({ reason: 'DependencyNotReady', message, again: DEPENDENCY_WAIT, type: 'Normal' });
    const found = await options.client.get({ ...KUSTOMIZATION, namespace, name }, turn.signal);
    if (found === undefined) {
      throw notReady(
        `dependency '${namespace}/${name}' not found: Kustomization.kustomize.toolkit.fluxcd.io "${name}" not found`,
      );
    }
    const expression = getString(dependency, 'readyExpr') ?? '';
    if (expression !== '') {
      let ready: boolean;
      try {
        ready = evaluates(expression, { self: object, dep: found });
      } catch (thrown) {
        const message = `Reconciliation failed terminally due to configuration error: failed to evaluate dependency ${name}: ${asLandfallError(thrown).message}`;
        throw failed({ reason: 'InvalidCELExpression', message, stalled: true });
      }
      if (!ready)
        throw notReady(`dependency '${namespace}/${name}' is not ready according to readyExpr eval`);
      continue;
    }
    const current = getIn(found, 'status', 'observedGeneration') === found.metadata.generation;
    if (!current || getString(conditionOf(found, 'Ready'), 'status') !== 'True') {
      throw notReady(`dependency '${namespace}/${name}' is not ready`);
    }
    if (
      jsonEqual(sourceKey(found), sourceKey(object)) &&
      getString(found, 'status', 'lastAppliedRevision') !== revision
    ) {
      throw notReady(`dependency '${namespace}/${name}' revision is not up to date`);
    }
  }
}

function sourceKey(object: KubeObject): JsonValue {
  const ref = getObject(object, 'spec', 'sourceRef');
  const namespace = getString(ref, 'namespace') || (object.metadata.namespace ?? 'default');
  return [getString(ref, 'kind') ?? '', namespace, getString(ref, 'name') ?? ''];
}

async function build(
  options: KustomizationOptions,
  object: KubeObject,
  source: Source,
  target: FluxTarget,
  turn: Turn,
): Promise<readonly KubeObject[]> {
  try {
    if (getObject(object, 'spec', 'decryption') !== undefined) {
      throw failed({ reason: 'BuildFailed', message: 'spec.decryption is not supported by this controller' });
    }
    const mirror = await options.mirror(source.object, turn.signal);
    const { namespace = 'default' } = object.metadata;
    const rendered = await renderFlux({
      // The commit of the artifact and no other: reading it checks that it is what it is called.
      tree: mirror.tree(source.commit),
      object,
      ignore: ignorePatterns(source.object),
      variables: await fluxVariables(object, (kind, name) =>
        options.client.get({ apiVersion: 'v1', kind, namespace, name }, turn.signal),
      ),
      strict: options.strict,
      signal: turn.signal,
    });
    const objects = rendered.map(({ object: one }) => one);
    const placed: KubeObject[] = [];
    for (const each of objects) placed.push(await place(each, object, target.client, objects, turn.signal));
    return placed;
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (thrown instanceof LandfallError && 'failure' in thrown) throw thrown;
    if (error.kind === 'cancelled' || error.kind === 'bug') throw error;
    if (error.kind === 'unavailable' && !/^(?:remote-|helm-|plugin-)/.test(error.code)) throw error;
    throw failed({
      reason: error.code === 'flux-path' ? 'ArtifactFailed' : 'BuildFailed',
      message: error.message,
    });
  }
}

/** With its namespace, and the labels that say whose it is. */
async function place(
  each: KubeObject,
  owner: KubeObject,
  client: KubeClient,
  set: readonly KubeObject[],
  signal: AbortSignal,
): Promise<KubeObject> {
  const { namespace, ...metadata } = each.metadata;
  let namespaced: boolean;
  try {
    namespaced = (await client.resource(each, signal)).namespaced;
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.code !== 'kind-unknown') throw error;
    const definition = set.find((item) => broughtBySet(each, [item]));
    namespaced = getString(definition, 'spec', 'scope') !== 'Cluster';
  }
  return {
    ...each,
    metadata: {
      ...metadata,
      ...(namespaced ? { namespace: namespace || 'default' } : {}),
      labels: {
        ...metadata.labels,
        [NAME_LABEL]: owner.metadata.name,
        [NAMESPACE_LABEL]: owner.metadata.namespace ?? 'default',
      },
    },
  };
}

async function bringAbout(
  options: KustomizationOptions,
  object: KubeObject,
  source: Source,
  turn: Turn,
): Promise<Next> {
  const { clock } = options;
  const target = await options.target(object, turn.signal);
  const desired = await build(options, object, source, target, turn);
  const known = inventoryOf(object);
  const refs = new Map([...desired.map(refOf), ...known].map((ref) => [inventoryId(ref), ref] as const));
  const found = await target.live.read([...refs.values()], 'watched', turn.signal);
  const live = found.filter((item): item is KubeObject => item !== undefined);
  const pairs = pairObjects(desired, live).map((pair) =>
    comparePair(pair, { manager: FIELD_MANAGER, ignore: [] }),
  );
  const wanted = new Set(desired.map((each) => inventoryId(refOf(each))));
  const stale = live.filter((item) => !wanted.has(inventoryId(refOf(item))) && isOwnedBy(item, object));
  const prunes = getIn(object, 'spec', 'prune') === true;
  const toPrune = prunes ? stale.filter((item) => policyOf(item, 'prune') !== 'disabled') : [];
  const differs = pairs.some(
    (pair) => pair.desired !== undefined && pair.status !== 'Synced' && !isSkipped(pair.desired, pair.live),
  );
  const newRevision = getString(object, 'status', 'lastAppliedRevision') !== source.revision;
  let current = object;
  if (differs || toPrune.length > 0) {
    const wait = correctionWait(object, source.revision, clock.now(), turn);
    if (wait > 0) return { again: wait };
    current = await apply(options, object, source, target, { pairs, desired, known, toPrune }, turn);
  }
  if (desired.length === 0 && known.length > 0 && !prunes && !newRevision)
    return { again: intervalOf(object) };
  return settle(options, current, source, target, desired, turn);
}

/** Drift is taken back at once, but not again and again at full speed. */
function correctionWait(object: KubeObject, revision: string, now: number, turn: Turn): number {
  if (turn.level !== 'live' || getString(object, 'status', 'lastAppliedRevision') !== revision) return 0;
  const last = Date.parse(getString(getArray(object, 'status', 'history')[0], 'lastReconciled') ?? '');
  return Number.isNaN(last) ? 0 : Math.max(0, last + CORRECTION_WAIT - now);
}

interface Work {
  readonly pairs: readonly {
    readonly desired: KubeObject | undefined;
    readonly live: KubeObject | undefined;
  }[];
  readonly desired: readonly KubeObject[];
  readonly known: readonly ObjectRef[];
  readonly toPrune: readonly KubeObject[];
}

async function apply(
  options: KustomizationOptions,
  object: KubeObject,
  source: Source,
  target: FluxTarget,
  work: Work,
  turn: Turn,
): Promise<KubeObject> {
  const { client, clock, events } = options;
  const { desired, known, toPrune } = work;
  const entries = (refs: readonly ObjectRef[]): JsonObject => ({
    entries: [...new Map(refs.map((ref) => [inventoryId(ref), inventoryEntry(ref)])).values()],
  });
  // Everything that is about to be there stands in the inventory first, so that it is found again after a crash.
  let stored = await writeStatus(
    client,
    object,
    {
      ...getObject(object, 'status'),
      ...handled(object),
      lastAttemptedRevision: source.revision,
      inventory: entries([...known, ...desired.map(refOf)]),
      conditions: withConditions(
        object,
        {
          Ready: { status: 'Unknown', reason: 'Progressing', message: 'Reconciliation in progress' },
          Reconciling: {
            status: 'True',
            reason: 'Progressing',
            message: `Building manifests for revision ${source.revision} with a timeout of ${timeoutText(object)}`,
          },
          Stalled: undefined,
        },
        clock.now(),
      ),
    },
    turn.signal,
  );
  const pairs = work.pairs.flatMap(({ desired: wanted, live }) =>
    wanted === undefined ? [] : [{ desired: wanted, live }],
  );
  const force = getIn(object, 'spec', 'force') === true;
  const changes = await applySet(target.client, pairs, force, turn.signal);
  const broken = changes.filter(({ action }) => action === 'failed');
  if (broken.length > 0) {
    throw failed({
      reason: 'ReconciliationFailed',
      message: broken.map(({ message }) => message).join('\n'),
    });
  }
  await announce(events, object, changes, turn.signal);
  const pruned = await deleteObjects(target.client, toPrune, object, turn.signal);
  const survivors = pruned.filter(({ action }) => action === 'failed');
  stored = await writeStatus(
    client,
    stored,
    {
      ...getObject(stored, 'status'),
      inventory: entries([...desired.map(refOf), ...survivors.map(({ object: left }) => refOf(left))]),
    },
    turn.signal,
  );
  await announce(events, object, pruned, turn.signal);
  if (survivors.length > 0) {
    throw failed({ reason: 'PruneFailed', message: survivors.map(({ message }) => message).join('\n') });
  }
  return stored;
}

async function announce(
  events: EventRecorder,
  object: KubeObject,
  changes: readonly Change[],
  signal: AbortSignal,
): Promise<void> {
  const told = changes.filter(({ action }) => ['created', 'configured', 'deleted'].includes(action));
  if (told.length === 0) return;
  const lines = told.map((change) => `${fluxName(change.object)} ${change.action}`);
  await events.record(object, 'Normal', 'Progressing', lines.join('\n'), signal);
}

function timeoutOf(object: KubeObject): number {
  return intervalOf(object, 'timeout', Math.max(30_000, intervalOf(object) - 30_000));
}

function timeoutText(object: KubeObject): string {
  return getString(object, 'spec', 'timeout') ?? `${Math.round(timeoutOf(object) / 1000)}s`;
}

/** After everything is applied: health, where it is asked for, and then Ready. */
async function settle(
  options: KustomizationOptions,
  object: KubeObject,
  source: Source,
  target: FluxTarget,
  desired: readonly KubeObject[],
  turn: Turn,
): Promise<Next> {
  const { client, clock, events } = options;
  const { revision } = source;
  const checked = checkedRefs(object, desired);
  const wasReady =
    getString(conditionOf(object, 'Ready'), 'status') === 'True' &&
    getString(object, 'status', 'lastAppliedRevision') === revision &&
    getIn(object, 'status', 'observedGeneration') === object.metadata.generation;
  if (checked.length > 0) {
    const found = await target.live.read(checked, 'watched', turn.signal);
    const expressions = getArray(object, 'spec', 'healthCheckExprs');
    const waiting = checked.flatMap((ref, at) => {
      const readiness = readinessOf(found[at], expressions);
      return readiness === 'Current' ? [] : [{ ref, readiness }];
    });
    if (waiting.length > 0) {
      // What was ready and is not now is looked at again at the next interval, as Flux does it.
      if (wasReady && turn.level === 'live') return { again: intervalOf(object) };
      return wait(options, object, revision, waiting, turn);
    }
  }
  const message = `Applied revision: ${revision}`;
  const healthy: Conditions =
    checked.length === 0
      ? { Healthy: undefined }
      : getString(conditionOf(object, 'Healthy'), 'status') === 'True'
        ? {}
        : {
            Healthy: {
              status: 'True',
              reason: 'Succeeded',
              message: `Health check passed in ${sinceText(object, clock.now())}`,
            },
          };
  const history: JsonObject = {
    firstReconciled: kubeTime(clock.now()),
    lastReconciled: kubeTime(clock.now()),
    lastReconciledStatus: 'ReconciliationSucceeded',
    metadata: { revision },
  };
  const before = getArray(object, 'status', 'history');
  await writeStatus(
    client,
    object,
    {
      ...getObject(object, 'status'),
      ...handled(object),
      lastAppliedRevision: revision,
      lastAttemptedRevision: revision,
      observedGeneration: object.metadata.generation ?? 1,
      ...(wasReady ? {} : { history: [history, ...before].slice(0, 5) }),
      conditions: withConditions(
        object,
        {
          Ready: { status: 'True', reason: 'ReconciliationSucceeded', message },
          Reconciling: undefined,
          Stalled: undefined,
          ...healthy,
        },
        clock.now(),
      ),
    },
    turn.signal,
  );
  if (!wasReady) {
    const text = `Reconciliation finished, next run in ${getString(object, 'spec', 'interval') ?? '5m'}`;
    await events.record(object, 'Normal', 'ReconciliationSucceeded', text, turn.signal);
  }
  return { again: intervalOf(object) };
}

/** `wait` checks everything that is applied, `healthChecks` what they name; never the Kustomization itself. */
function checkedRefs(object: KubeObject, desired: readonly KubeObject[]): readonly ObjectRef[] {
  const refs =
    getIn(object, 'spec', 'wait') === true
      ? desired.filter((each) => !isSkipped(each, undefined)).map(refOf)
      : getArray(object, 'spec', 'healthChecks').map((check): ObjectRef => {
          const namespace = getString(check, 'namespace') || undefined;
          return {
            apiVersion: getString(check, 'apiVersion') ?? '',
            kind: getString(check, 'kind') ?? '',
            name: getString(check, 'name') ?? '',
            ...(namespace === undefined ? {} : { namespace }),
          };
        });
  return refs.filter(
    (ref) =>
      !(
        ref.kind === 'Kustomization' &&
        ref.name === object.metadata.name &&
        ref.namespace === object.metadata.namespace
      ),
  );
}

function sinceText(object: KubeObject, now: number): string {
  const since = Date.parse(getString(conditionOf(object, 'Healthy'), 'lastTransitionTime') ?? '');
  return `${Number.isNaN(since) ? 0 : Math.max(0, Math.round((now - since) / 1000))}s`;
}

async function wait(
  { client, clock }: KustomizationOptions,
  object: KubeObject,
  revision: string,
  waiting: readonly { readonly ref: ObjectRef; readonly readiness: string }[],
  turn: Turn,
): Promise<Next> {
  const healthy = conditionOf(object, 'Healthy');
  const message = `Running health checks for revision ${revision} with a timeout of ${timeoutText(object)}`;
  const begun = Date.parse(getString(healthy, 'lastTransitionTime') ?? '');
  const running =
    getString(healthy, 'status') === 'Unknown' &&
    getString(healthy, 'message') === message &&
    !Number.isNaN(begun);
  const names = waiting.map(
    ({ ref, readiness }) =>
      `${ref.namespace === undefined ? '' : `${ref.kind}/${ref.namespace}/`}${ref.namespace === undefined ? `${ref.kind}/` : ''}${ref.name} status: '${readiness}'`,
  );
  const lost = waiting.some(({ readiness }) => readiness === 'Failed');
  const over = running && clock.now() - begun >= timeoutOf(object);
  if (lost || over) {
    const after = running ? Math.round((clock.now() - begun) / 1000) : 0;
    const what = lost
      ? `failed early due to stalled resources: [${names.join(', ')}]`
      : `timeout waiting for: [${names.join(', ')}]`;
    throw failed({ reason: 'HealthCheckFailed', message: `health check failed after ${after}s: ${what}` });
  }
  await writeStatus(
    client,
    object,
    {
      ...getObject(object, 'status'),
      ...handled(object),
      lastAttemptedRevision: revision,
      conditions: withConditions(
        object,
        {
          Ready: { status: 'Unknown', reason: 'Progressing', message: 'Reconciliation in progress' },
          Reconciling: { status: 'True', reason: 'Progressing', message },
          // A new check begins its own time.
          Healthy: { status: 'Unknown', reason: 'Progressing', message },
          Stalled: undefined,
        },
        clock.now(),
      ),
    },
    turn.signal,
  );
  return { again: HEALTH_LOOK };
}

/** Takes along what the deletion policy says, and lets the Kustomization go. */
async function finalize(options: KustomizationOptions, object: KubeObject, turn: Turn): Promise<Next> {
  const { client, events } = options;
  if (object.metadata.finalizers?.includes(FINALIZER) !== true) return undefined;
  const policy = getString(object, 'spec', 'deletionPolicy') || 'MirrorPrune';
  const deletes = policy === 'MirrorPrune' ? getIn(object, 'spec', 'prune') === true : policy !== 'Orphan';
  if (deletes && getIn(object, 'spec', 'suspend') !== true) {
    const target = await options.target(object, turn.signal);
    const found = await target.live.read(inventoryOf(object), 'fresh', turn.signal);
    const objects = found.filter((item): item is KubeObject => item !== undefined);
    const changes = await deleteObjects(
      target.client,
      objects.filter((item) => item.metadata.deletionTimestamp === undefined),
      object,
      turn.signal,
    );
    await announce(events, object, changes, turn.signal);
    const broken = changes.filter(({ action }) => action === 'failed');
    if (broken.length > 0) {
      await events.record(
        object,
        'Warning',
        'PruneFailed',
        'pruning for deleted resource failed',
        turn.signal,
      );
      return { again: DEPENDENCY_WAIT };
    }
    const left = objects.filter((item) => isOwnedBy(item, object) && policyOf(item, 'prune') !== 'disabled');
    if (policy === 'WaitForTermination' && left.length > 0) return { again: HEALTH_LOOK };
  }
  const finalizers = (object.metadata.finalizers ?? []).filter((name) => name !== FINALIZER);
  await client.patch(refOf(object), 'merge', { metadata: { finalizers } }, {}, turn.signal);
  return undefined;
}
