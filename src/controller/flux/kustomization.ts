import { LandfallError, asLandfallError, getArray, getIn, getObject, getString } from '../../kernel/index.ts';
import { refOf } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { fluxVariables, ignorePatterns, renderFlux, sopsOf } from '../../boundaries/render/index.ts';
import {
  comparePair,
  fluxIgnoreRules,
  fluxPrunes,
  pairObjects,
  respectIgnored,
} from '../../boundaries/sync/index.ts';
import { FIELD_MANAGER } from '../../apply/index.ts';
import type { Turn } from '../queue.ts';
import { watchWritten } from '../watch-written.ts';
import type { Watched } from '../watch-written.ts';
import { NAMESPACE_LABEL, NAME_LABEL, isOwnedBy, isSkipped } from './apply.ts';
import { CORRECTION_WAIT, failed, timeoutOf } from './failure.ts';
import type { Failure, FluxTarget, KustomizationOptions, Next } from './failure.ts';
import { failurePolicy } from '../failure-policy.ts';
import { inventoryEntry, inventoryId, inventoryOf } from './inventory.ts';
import { FINALIZER, intervalOf, requested, writeStatus } from './kinds.ts';
import { placed } from './place.ts';
import { apply, subjectOf } from './kustomization-apply.ts';
import { finalize } from './kustomization-finalize.ts';
import { checkSpec, failureBehind, reportFailure } from './report.ts';
import { settle } from './settle.ts';
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
    checkSpec(object);
    const source = await sourceOf(client, object, getObject(object, 'spec', 'sourceRef'), turn);
    revision = source.revision;
    await checkDependencies(client, object, source.revision, turn);
    return await bringAbout(options, object, source, turn);
  } catch (thrown) {
    const failure = failureBehind(thrown, ({ kind, message }) =>
      kind === 'unavailable' ? undefined : { reason: 'ReconciliationFailed', message },
    );
    const { reason, message } = failure;
    const attempted = ['ArtifactFailed', 'DependencyNotReady'].includes(reason) ? undefined : revision;
    return reportFailure(
      options,
      object,
      failure,
      {
        reconciling: revision === undefined ? message : `Reconciling revision ${revision}`,
        conditions: reason === 'HealthCheckFailed' ? { Healthy: { status: 'False', reason, message } } : {},
        status: () => (attempted === undefined ? {} : { lastAttemptedRevision: attempted }),
        retry: intervalOf(object, 'retryInterval', intervalOf(object)),
      },
      turn,
    );
  }
}

async function build(
  options: KustomizationOptions,
  object: KubeObject,
  source: Source,
  target: FluxTarget,
  turn: Turn,
): Promise<readonly KubeObject[]> {
  try {
    const { namespace = 'default' } = object.metadata;
    const decryptor = await sopsOf(
      object,
      (name) => options.client.get({ apiVersion: 'v1', kind: 'Secret', namespace, name }, turn.signal),
      { signal: turn.signal, ...(options.sops === undefined ? {} : { program: options.sops }) },
    );
    const rendered = await renderFlux({
      // The content of the artifact and no other: reading it checks that it is what it is called.
      tree: await options.files(source, turn.signal),
      object,
      ignore: ignorePatterns(source.object),
      variables: await fluxVariables(object, (kind, name) =>
        options.client.get({ apiVersion: 'v1', kind, namespace, name }, turn.signal),
      ),
      strict: options.strict,
      decryptor,
      signal: turn.signal,
    });
    const objects = rendered.map(({ object: one }) => one);
    const all: KubeObject[] = [];
    const labels = { [NAME_LABEL]: object.metadata.name, [NAMESPACE_LABEL]: namespace };
    for (const each of objects) {
      all.push(await placed(each, { labels, namespace: 'default' }, target.client, objects, turn.signal));
    }
    return all;
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (thrown instanceof LandfallError && 'failure' in thrown) throw thrown;
    if (error.kind === 'cancelled' || error.kind === 'bug') throw error;
    if (error.kind === 'unavailable' && !/^(?:remote-|helm-|plugin-|sops-)/.test(error.code)) throw error;
    throw failed({
      reason: error.code === 'flux-path' ? 'ArtifactFailed' : 'BuildFailed',
      message: error.message,
    });
  }
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
  const compared = {
    manager: FIELD_MANAGER,
    ignore: fluxIgnoreRules(getArray(object, 'spec', 'ignore'), desired),
  };
  const pairs = pairObjects(desired, live).map((pair) => {
    const result = comparePair(pair, compared);
    if (result.desired === undefined || result.live === undefined) return result;
    // What is ignored stays as it is, whatever else is written.
    return { ...result, desired: respectIgnored(result.desired, result.live, compared) };
  });
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
