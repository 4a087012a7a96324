import { asLandfallError, getObject, getString, jsonEqual, sleep } from '../kernel/index.ts';
import type { Clock, JsonObject, JsonValue } from '../kernel/index.ts';
import { refOf } from '../kube/index.ts';
import type { ApplyResult, KubeClient, KubeObject } from '../kube/index.ts';
import { comparePair } from '../boundaries/sync/index.ts';
import { droppedFields, handedOver, isEmptySet } from './client-side-apply.ts';
import { FIELD_MANAGER, isOurApply, isOurs, ownedBy } from './field-manager.ts';
import { unionOf } from './field-set.ts';
import { managersPatch } from './restoration.ts';
import type { SetStep, StepOutcome } from './set.ts';
import { isOutage, reasonOf, withPatience } from './trouble.ts';

export interface Writing {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

const TRIES = 6;
const GONE_WAIT = 60_000;
/** A finalizer's controller needs a moment; one that nobody runs never comes. */
const HELD_WAIT = 10_000;
const GONE_PAUSE = 200;

/** What an apply would change of the object, with the values that stand there now. */
export function pendingDifferences(desired: KubeObject, live: KubeObject): JsonValue {
  const pair = comparePair({ key: '', desired, live }, { manager: FIELD_MANAGER, ignore: [] });
  return pair.differences.map(({ path, desired: wanted, live: held }) => [[...path], wanted, held ?? null]);
}

/** An apply is over long before. */
const LONGEST_APPLY = 15 * 60_000;

/**
 * True for an object that our apply created, when it was not there at `startedAt` (ms): nobody else wrote anything but
 * metadata or a subresource before it was a second old. What says nothing but its name is owned by nobody, whoever
 * made it; then the time has to do.
 */
export function isOurCreation(live: KubeObject, startedAt: number): boolean {
  const born = Date.parse(live.metadata.creationTimestamp ?? '');
  const entries = live.metadata.managedFields ?? [];
  if (entries.length === 0) return Math.abs(born - startedAt) < LONGEST_APPLY;
  const timeOf = (entry: JsonObject) => Date.parse(getString(entry, 'time') ?? '');
  if (!entries.some((entry) => isOurApply(entry) && Math.abs(timeOf(entry) - born) <= 1000)) return false;
  return entries.every((entry) => {
    if (isOurs(entry) || (getString(entry, 'subresource') ?? '') !== '' || timeOf(entry) > born) return true;
    return Object.keys(getObject(entry, 'fieldsV1') ?? {}).every((field) => field === 'f:metadata');
  });
}

/** The write itself; `expected` is what it insists on. */
function send(step: SetStep, desired: KubeObject, expected: KubeObject | undefined, writing: Writing) {
  const { client, signal } = writing;
  const metadata =
    expected === undefined
      ? desired.metadata
      : {
          ...desired.metadata,
          uid: expected.metadata.uid ?? '',
          resourceVersion: expected.metadata.resourceVersion ?? '',
        };
  return client.apply(
    { ...desired, metadata },
    {
      fieldManager: FIELD_MANAGER,
      // What we create takes nothing from anybody: had it appeared meanwhile, its owner's fields are in the way.
      force: expected !== undefined,
      fieldValidation: step.validation ?? 'Strict',
      before: expected ?? null,
    },
    signal,
  );
}

/**
 * Applies one object, insisting on what was seen of it. A status that moved on is no matter; a field that this apply
 * is about is. After an answer that never came, the cluster is asked whether it happened.
 */
export async function applyObject(
  step: SetStep,
  desired: KubeObject,
  writing: Writing,
): Promise<StepOutcome> {
  const taken = step.before === undefined ? undefined : await takeOver(step.before, desired, writing);
  if (taken?.state === 'failed') return taken;
  const before = taken?.object;
  const planned = before === undefined ? undefined : pendingDifferences(desired, before);
  let expected = before;
  const begun = writing.clock.now();
  const end = begun + writing.patienceMs;
  for (let tries = 1; ; tries += 1) {
    try {
      const result = await send(step, desired, expected, writing);
      if (expected === undefined && result.outcome !== 'created' && !isOurCreation(result.object, begun)) {
        return appeared(result, writing);
      }
      return done(result.object, result.outcome, result.warnings);
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (error.kind === 'cancelled') throw error;
      const outage = isOutage(error);
      if ((!outage && error.kind !== 'conflict') || tries >= TRIES) return failed(error);
      if (outage && writing.clock.now() > end) return failed(error);
      const live = await look(desired, writing, outage);
      if (live === 'unknown') return failed(error);
      if (before === undefined) {
        if (live === undefined) {
          if (outage) continue;
          return failed(error);
        }
        if (isOurCreation(live, begun)) return done(live, 'created', []);
        return conflict(`${desired.kind}/${desired.metadata.name} was made by somebody else meanwhile`);
      }
      if (live === undefined || live.metadata.uid !== before.metadata.uid) {
        return conflict(`${desired.kind}/${desired.metadata.name} was deleted meanwhile`);
      }
      const now = pendingDifferences(desired, live);
      if (happened(before, live, now)) return done(live, 'changed', []);
      if (!jsonEqual(now, planned)) {
        return conflict(`${desired.kind}/${desired.metadata.name} was changed by somebody else meanwhile`);
      }
      expected = live;
    }
  }
}

/**
 * Makes fields ours that a client-side apply put there and that are no longer asked for, so that the apply which follows
 * removes them. Gives the object as it stands then; of most there is nothing to take over.
 */
async function takeOver(
  before: KubeObject,
  desired: KubeObject,
  writing: Writing,
): Promise<{ readonly state: 'done'; readonly object: KubeObject } | (StepOutcome & { state: 'failed' })> {
  const { client, clock, patienceMs, signal } = writing;
  const planned = pendingDifferences(desired, before);
  const end = clock.now() + patienceMs;
  let live = before;
  for (let tries = 1; ; tries += 1) {
    const dropped = droppedFields(live, desired);
    const owners = isEmptySet(dropped) ? [] : managersPatch(live, handedOver(live, dropped, desired));
    if (owners.length === 0) return { state: 'done', object: live };
    try {
      const object = await client.patch(refOf(live), 'json', owners, { fieldManager: FIELD_MANAGER }, signal);
      return { state: 'done', object };
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (error.kind === 'cancelled') throw error;
      const outage = isOutage(error);
      if ((!outage && error.kind !== 'conflict') || tries >= TRIES) return failed(error);
      if (outage && clock.now() > end) return failed(error);
      const now = await look(desired, writing, outage);
      if (now === 'unknown') return failed(error);
      if (now === undefined || now.metadata.uid !== before.metadata.uid) {
        return conflict(`${desired.kind}/${desired.metadata.name} was deleted meanwhile`);
      }
      if (!jsonEqual(pendingDifferences(desired, now), planned)) {
        return conflict(`${desired.kind}/${desired.metadata.name} was changed by somebody else meanwhile`);
      }
      live = now;
    }
  }
}

/**
 * Whether our write is in there, though its answer did not come, or came to a second try. Nobody else adds to our entry
 * of the managed fields or moves its time; what others take from it says nothing.
 */
function happened(before: KubeObject, live: KubeObject, pending: JsonValue): boolean {
  if (live.metadata.resourceVersion === before.metadata.resourceVersion) return false;
  if (jsonEqual(pending, [])) return true;
  const timeOf = (object: KubeObject) =>
    (object.metadata.managedFields ?? [])
      .filter(isOurApply)
      .map((entry) => getString(entry, 'time') ?? '')
      .toSorted()
      .at(-1) ?? '';
  if (timeOf(live) > timeOf(before)) return true;
  const owned = ownedBy(before, isOurApply);
  return !jsonEqual(unionOf(owned, ownedBy(live, isOurApply)), owned);
}

/** It was not there when we looked, and was when we applied: our part is taken out again, the rest is not ours. */
async function appeared(result: ApplyResult, writing: Writing): Promise<StepOutcome> {
  const { object } = result;
  try {
    await withdraw(object, writing);
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'cancelled') throw error;
    return { state: 'failed', why: 'unknown', reason: reasonOf(error) };
  }
  return conflict(`${object.kind}/${object.metadata.name} was made by somebody else meanwhile`);
}

/** Gives up every field of an object that only we own, by applying nothing of it. */
export async function withdraw(object: KubeObject, writing: Writing): Promise<void> {
  const { name, namespace } = object.metadata;
  const nothing: KubeObject = {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: namespace === undefined ? { name } : { name, namespace },
  };
  await withPatience(writing.clock, writing.patienceMs, writing.signal, () =>
    writing.client.apply(nothing, { fieldManager: FIELD_MANAGER, before: object }, writing.signal),
  );
}

async function look(
  desired: KubeObject,
  writing: Writing,
  patient: boolean,
): Promise<KubeObject | undefined | 'unknown'> {
  const { client, clock, patienceMs, signal } = writing;
  try {
    return await withPatience(clock, patient ? patienceMs : 0, signal, () =>
      client.get(refOf(desired), signal),
    );
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'cancelled') throw error;
    return 'unknown';
  }
}

function done(
  object: KubeObject,
  outcome: 'created' | 'changed' | 'unchanged',
  warnings: readonly string[],
): StepOutcome {
  return { state: 'done', outcome, object, warnings };
}

function conflict(reason: string): StepOutcome & { state: 'failed' } {
  return { state: 'failed', why: 'conflict', reason };
}

export function failed(error: ReturnType<typeof asLandfallError>): StepOutcome & { state: 'failed' } {
  const why =
    error.kind === 'denied' || error.kind === 'conflict'
      ? error.kind
      : error.kind === 'unavailable'
        ? 'unknown'
        : ('refused' as const);
  return { state: 'failed', why, reason: reasonOf(error) };
}

/** Deletes the very object that was seen, and sees that it is gone; with `wait` false, that it goes. */
export async function deleteObject(
  object: KubeObject,
  propagation: NonNullable<SetStep['propagation']>,
  writing: Writing,
  wait = true,
): Promise<StepOutcome> {
  const { client, clock, patienceMs, signal } = writing;
  const { uid } = object.metadata;
  try {
    await withPatience(clock, patienceMs, signal, () =>
      client.delete(
        refOf(object),
        { propagationPolicy: propagation, ...(uid === undefined ? {} : { preconditions: { uid } }) },
        signal,
      ),
    );
    const held = wait ? await goneOrHeld(object, writing) : undefined;
    return held === undefined
      ? { state: 'done', outcome: 'pruned', object: undefined, warnings: [] }
      : { state: 'failed', why: 'refused', reason: held };
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'cancelled') throw error;
    if (error.kind === 'conflict')
      return conflict(`${object.kind}/${object.metadata.name} is another one by now`);
    return failed(error);
  }
}

/** Undefined once the object is gone; otherwise what holds it. */
export async function goneOrHeld(object: KubeObject, writing: Writing): Promise<string | undefined> {
  const { client, clock, patienceMs, signal } = writing;
  const begun = clock.now();
  for (;;) {
    const live = await withPatience(clock, patienceMs, signal, () => client.get(refOf(object), signal));
    if (live === undefined || live.metadata.uid !== object.metadata.uid) return undefined;
    const finalizers = live.metadata.finalizers ?? [];
    const held = finalizers.filter((name) => name !== 'foregroundDeletion' && name !== 'orphan');
    if (clock.now() - begun >= (held.length > 0 ? HELD_WAIT : GONE_WAIT)) {
      const by = held.length === 0 ? '' : `, held by the finalizer ${held.join(', ')}`;
      return `it is being deleted and still there${by}`;
    }
    await sleep(clock, GONE_PAUSE, signal);
  }
}
