import { LandfallError, asLandfallError, getArray, getIn, getObject, getString } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { refOf } from '../../kube/index.ts';
import type { KubeClient, KubeObject, ObjectRef } from '../../kube/index.ts';
import { fluxVariables, ignorePatterns, renderFlux } from '../../boundaries/render/index.ts';
import { comparePair, pairObjects } from '../../boundaries/sync/index.ts';
import { FIELD_MANAGER } from '../../apply/index.ts';
import type { EventRecorder } from '../events.ts';
import { broughtBySet } from '../order.ts';
import type { Turn } from '../queue.ts';
import { watchWritten } from '../watch-written.ts';
import type { Watched } from '../watch-written.ts';
import {
  NAMESPACE_LABEL,
  NAME_LABEL,
  applySet,
  deleteObjects,
  fluxName,
  isOwnedBy,
  isSkipped,
} from './apply.ts';
import type { Change } from './apply.ts';
import { CORRECTION_WAIT, DEPENDENCY_WAIT, HEALTH_LOOK, failed, timeoutOf, timeoutText } from './failure.ts';
import type { Failure, FluxTarget, KustomizationOptions, Next } from './failure.ts';
import { failurePolicy, failurePolicyProblems } from '../failure-policy.ts';
import type { FailurePolicy } from '../failure-policy.ts';
import { fluxPrunes, createSyncWriter, plainSet } from '../sync/index.ts';
import type { JournalSubject } from '../journals.ts';
import { inventoryEntry, inventoryId, inventoryOf } from './inventory.ts';
import {
  FINALIZER,
  conditionOf,
  handled,
  intervalOf,
  requested,
  withConditions,
  writeStatus,
} from './kinds.ts';
import type { Conditions } from './kinds.ts';
import { isHealthAsked, settle } from './settle.ts';
import { checkDependencies, sourceOf } from './source.ts';
import type { Source } from './source.ts';

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
    const [problem] = failurePolicyProblems(object);
    if (problem !== undefined) throw failed({ reason: 'InvalidSpec', message: problem, stalled: true });
    const source = await sourceOf(client, object, getObject(object, 'spec', 'sourceRef'), turn);
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
      // What somebody asked for while this turn ran is for the next one.
      ...handled(object),
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
    const { namespace = 'default' } = object.metadata;
    const rendered = await renderFlux({
      // The content of the artifact and no other: reading it checks that it is what it is called.
      tree: await options.files(source, turn.signal),
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
  const toPrune = prunes ? stale.filter((item) => fluxPrunes(item)) : [];
  const differs = pairs.some(
    (pair) => pair.desired !== undefined && pair.status !== 'Synced' && !isSkipped(pair.desired, pair.live),
  );
  const newRevision = getString(object, 'status', 'lastAppliedRevision') !== source.revision;
  let current = object;
  const subject = subjectOf(object, source, target, clock.now(), options.policy);
  await options.journals?.firstLook(target.client, subject, turn.signal);
  if (differs || toPrune.length > 0) {
    const held =
      requested(object) === undefined ? await options.journals?.heldFor(subject, source.revision) : undefined;
    if (held !== undefined) throw failed({ reason: 'ReconciliationFailed', message: held });
    const wait = correctionWait(object, source.revision, clock.now(), turn);
    if (wait > 0) return { again: wait };
    current = await apply(options, object, source, target, { pairs, desired, known, toPrune }, turn);
  }
  if (desired.length === 0 && known.length > 0 && !prunes && !newRevision)
    return { again: intervalOf(object) };
  const standard = {
    ...options.policy,
    healthTimeoutMs: Math.max(options.policy.healthTimeoutMs, timeoutOf(object)),
  };
  const watched = await watchWritten(
    {
      journals: options.journals,
      clock,
      subject,
      target,
      policy: failurePolicy(object, standard),
      mayWrite: () => true,
    },
    turn.signal,
  );
  if (watched.state === 'withdrawn') throw await withdrawn(options, current, watched, turn);
  if (watched.state === 'nothing') return settle(options, current, source, target, desired, turn);
  return settleWithin(watched.again, object, () => settle(options, current, source, target, desired, turn));
}

/** What was deleted is there again, and belongs to the Kustomization as before. */
async function withdrawn(
  { client }: KustomizationOptions,
  object: KubeObject,
  { message, revived }: Extract<Watched, { state: 'withdrawn' }>,
  turn: Turn,
): Promise<LandfallError> {
  const refs = [...inventoryOf(object), ...revived];
  const entries = [...new Map(refs.map((ref) => [inventoryId(ref), inventoryEntry(ref)])).values()];
  const status = { ...getObject(object, 'status'), inventory: { entries } };
  await writeStatus(client, object, status, turn.signal);
  // It is not applied any more: that is no matter of health.
  return failed({ reason: 'ReconciliationFailed', message });
}

/** A failed health check is looked at again before the time is up in which it may still become healthy. */
async function settleWithin(ms: number, object: KubeObject, work: () => Promise<Next>): Promise<Next> {
  try {
    const next = await work();
    return { again: Math.min(next?.again ?? ms, ms) };
  } catch (thrown) {
    const { failure } = thrown as { readonly failure?: Failure };
    if (failure === undefined) throw thrown;
    const retry = failure.again ?? intervalOf(object, 'retryInterval', intervalOf(object));
    throw failed({ ...failure, again: Math.min(retry, ms) });
  }
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
  const { client, clock, events, journals } = options;
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
  const plain = createSyncWriter(target.client, clock);
  const subject = subjectOf(object, source, target, clock.now(), options.policy);
  if (requested(object) !== undefined) await journals?.lift(subject, source.revision);
  const { changes, pruned, back } = await applySet(
    target.client,
    clock,
    journals?.open(target.client, plain, subject, turn.signal) ?? (() => Promise.resolve(plainSet(plain))),
    { pairs, toPrune, owner: object, force },
    turn.signal,
  );
  const broken = [...changes, ...pruned].filter(({ action }) => action === 'failed');
  const reasons = broken.map(({ message }) => message).join('\n');
  const message = back === undefined ? reasons : `${reasons}, and ${back.note}`;
  await journals?.end(subject, broken.length === 0, message);
  if (back !== undefined) {
    // What somebody else was in the way of is tried again, as Flux does it.
    if (!back.passing) await journals?.hold(subject, message);
    // Nothing of it is there: what the inventory held before is what it holds.
    await writeStatus(
      client,
      stored,
      { ...getObject(stored, 'status'), inventory: entries(known) },
      turn.signal,
    );
  }
  if (changes.some(({ action }) => action === 'failed') || back !== undefined) {
    throw failed({
      reason: pruned.some(({ action }) => action === 'failed') ? 'PruneFailed' : 'ReconciliationFailed',
      message,
    });
  }
  await announce(events, object, changes, turn.signal);
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

/** One turn of a Kustomization as the ledger names it. */
function subjectOf(
  object: KubeObject,
  { revision }: Source,
  target: FluxTarget,
  now: number,
  standard: FailurePolicy,
): JournalSubject {
  const applied = getString(object, 'status', 'lastAppliedRevision');
  const { name, namespace = 'default' } = object.metadata;
  const attemptedAt = new Date(now).toISOString();
  return {
    cluster: target.client.server,
    namespace,
    application: name,
    operationId: `${attemptedAt} ${revision}`,
    attemptedAt,
    revision,
    user: undefined,
    onFailure: failurePolicy(object, standard).onFailure,
    // Only where somebody asks for health there is something to wait for; a correction of drift is no delivery.
    watched: isHealthAsked(object) && ![undefined, '', revision].includes(applied),
  };
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

/** What is still watched stands as it is: there is nobody any more who would want it back. */
async function abandon(options: KustomizationOptions, object: KubeObject, turn: Turn): Promise<void> {
  const { journals } = options;
  if (journals === undefined) return;
  let client: KubeClient;
  try {
    ({ client } = await options.target(object, turn.signal));
  } catch (thrown) {
    // A cluster that cannot be named any more has nothing that could be taken back either.
    if (asLandfallError(thrown).kind === 'cancelled') throw thrown;
    return;
  }
  const { name: application, namespace = 'default' } = object.metadata;
  const subject = { cluster: client.server, namespace, application };
  await journals.proving(client, subject);
  await journals.stand(subject, 'it was deleted before it was known to be healthy');
}

/** Takes along what the deletion policy says, and lets the Kustomization go. */
async function finalize(options: KustomizationOptions, object: KubeObject, turn: Turn): Promise<Next> {
  const { client, events } = options;
  if (object.metadata.finalizers?.includes(FINALIZER) !== true) return undefined;
  await abandon(options, object, turn);
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
    const left = objects.filter((item) => isOwnedBy(item, object) && fluxPrunes(item));
    if (policy === 'WaitForTermination' && left.length > 0) return { again: HEALTH_LOOK };
  }
  const finalizers = (object.metadata.finalizers ?? []).filter((name) => name !== FINALIZER);
  await client.patch(refOf(object), 'merge', { metadata: { finalizers } }, {}, turn.signal);
  return undefined;
}
