import { LandfallError, asLandfallError, isJsonObject, jsonEqual } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';
import { refOf } from '../kube/index.ts';
import type { KubeObject, ObjectRef } from '../kube/index.ts';
import type { JournalStep } from '../ledger/index.ts';
import { FIELD_MANAGER, isOurApply } from './field-manager.ts';
import { isKeptKind } from './order.ts';
import { managersPatch, patchTo, restorationOf } from './restoration.ts';
import type { LeftField } from './restoration.ts';
import type { UndoneStep } from './set.ts';
import { reasonOf, withPatience } from './trouble.ts';
import { deleteObject, goneOrHeld, isOurCreation, withdraw } from './write-object.ts';
import type { Writing } from './write-object.ts';

type Undone = Pick<UndoneStep, 'state' | 'message' | 'leftFields'>;

const TRIES = 10;

function undone(message: string, leftFields: readonly LeftField[] = []): Undone {
  return { state: 'undone', message, leftFields };
}

const untouched: Undone = { state: 'untouched', message: 'had not been written', leftFields: [] };

function left(message: string): Undone {
  return { state: 'left', message, leftFields: [] };
}

/** The object of the API that a journal kept as plain JSON. */
export function objectIn(kept: JsonObject | undefined): KubeObject | undefined {
  return kept !== undefined && isJsonObject(kept['metadata']) ? (kept as KubeObject) : undefined;
}

/**
 * Takes one step of a journal back, from what stands in the cluster now: the same call again, after a crash in the
 * middle of it, ends in the same state. `startedAt` is when the journal was begun, in ms. Throws when the API server
 * is away, forbids it or refuses it.
 */
export async function undoStep(step: JournalStep, startedAt: number, writing: Writing): Promise<Undone> {
  if (step.state === 'undone' || step.state === 'left') {
    return step.state === 'undone' ? undone(step.message) : left(step.message);
  }
  if (step.action === 'hook') {
    if (step.state === 'planned') return untouched;
    return step.before === undefined
      ? left('it is a hook that ran; what it did is not undone')
      : left('it was replaced as a whole, which is not undone');
  }
  // Nothing is sent before `begun` is written. What was refused is looked up all the same: the answer may have been
  // the one to a second try.
  if (step.state === 'planned') return untouched;
  const { apiVersion, kind, name, namespace } = step;
  const ref: ObjectRef =
    namespace === undefined ? { apiVersion, kind, name } : { apiVersion, kind, name, namespace };
  const live = await read(ref, writing);
  const before = objectIn(step.before);
  if (before === undefined) return undoCreation(step, live, startedAt, writing);
  if (live !== undefined && live.metadata.uid === before.metadata.uid) {
    if (live.metadata.deletionTimestamp !== undefined && before.metadata.deletionTimestamp === undefined) {
      return undoDeletion(before, live, startedAt, writing);
    }
    return undoChange(step, before, live, writing);
  }
  if (step.action === 'change') return left('somebody else deleted it meanwhile');
  return undoDeletion(before, live, startedAt, writing);
}

async function read(ref: ObjectRef, writing: Writing): Promise<KubeObject | undefined> {
  const { client, clock, patienceMs, signal } = writing;
  try {
    return await withPatience(clock, patienceMs, signal, () => client.get(ref, signal));
  } catch (thrown) {
    const error = asLandfallError(thrown);
    // The definition of its kind is gone, and it with it.
    if (error.code === 'kind-unknown') return undefined;
    throw error;
  }
}

async function undoCreation(
  step: JournalStep,
  live: KubeObject | undefined,
  startedAt: number,
  writing: Writing,
): Promise<Undone> {
  if (live === undefined) return step.uid === undefined ? untouched : undone('it is gone');
  const ours = step.uid === undefined ? isOurCreation(live, startedAt) : step.uid === live.metadata.uid;
  if (!ours) {
    if (!(live.metadata.managedFields ?? []).some(isOurApply)) return untouched;
    if (step.uid !== undefined) return left('somebody else deleted it and made another one meanwhile');
    await withdraw(live, writing);
    return undone('somebody else had made it meanwhile; what we had added to it is taken out');
  }
  if (isKeptKind(step.kind)) {
    return left(`it was created and is kept: a ${step.kind} may hold what others have put into it`);
  }
  const outcome = await deleteObject(live, 'Background', writing);
  if (outcome.state === 'done') return undone('deleted, as it was not there before');
  if (outcome.why === 'conflict') return left('somebody else deleted it and made another one meanwhile');
  if (outcome.why === 'refused' && outcome.reason.startsWith('it is being deleted'))
    return left(outcome.reason);
  throw refused(step, outcome.reason, outcome.why === 'denied');
}

function refused(step: { readonly kind: string; readonly name: string }, reason: string, denied: boolean) {
  return new LandfallError(`Could not take back ${step.kind}/${step.name}: ${reason}`, {
    kind: denied ? 'denied' : 'unavailable',
    code: 'restore-refused',
    object: `${step.kind}/${step.name}`,
  });
}

/** Values first, then who owns them: the API server gives every field that is written to its writer. */
async function undoChange(
  step: JournalStep,
  before: KubeObject,
  found: KubeObject,
  writing: Writing,
): Promise<Undone> {
  const applied = objectIn(step.after) ?? before;
  let live = found;
  let unowned = true;
  let written = false;
  for (let tries = 1; ; tries += 1) {
    const restoration = restorationOf(before, applied, live, unowned);
    try {
      let now = live;
      if (restoration.changes) {
        now = await patch(live, patchTo(live, restoration.object), writing);
        written = true;
      }
      live = now;
      const owners = managersPatch(now, restoration.managed(now));
      if (owners.length > 0) {
        await patch(now, owners, writing);
        written = true;
      }
      if (!written && step.state === 'failed') return untouched;
      if (restoration.left.length > 0) return undone('restored, but for what others wrote', restoration.left);
      return written ? undone('restored') : untouched;
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (error.kind === 'invalid-input' && unowned) {
        // What the server does not let go back with our change stays; what we wrote goes back.
        unowned = false;
        continue;
      }
      if (error.kind !== 'conflict' || tries >= TRIES) throw error;
      const next = await read(refOf(before), writing);
      if (next === undefined || next.metadata.uid !== before.metadata.uid) {
        return left('somebody else deleted it meanwhile');
      }
      live = next;
    }
  }
}

function patch(live: KubeObject, operations: JsonValue[], writing: Writing): Promise<KubeObject> {
  const { client, clock, patienceMs, signal } = writing;
  return withPatience(clock, patienceMs, signal, () =>
    client.patch(refOf(live), 'json', operations, { fieldManager: FIELD_MANAGER }, signal),
  );
}

/** Brings back an object that we deleted. It is another one to the API server: it has a uid of its own. */
async function undoDeletion(
  before: KubeObject,
  live: KubeObject | undefined,
  startedAt: number,
  writing: Writing,
): Promise<Undone> {
  if (live !== undefined && live.metadata.uid === before.metadata.uid) {
    const held = await goneOrHeld(live, writing);
    if (held !== undefined) return left(`${held}; a deletion cannot be taken back`);
  } else if (live !== undefined && !sameContent(live, before)) {
    if (!isOurCreation(live, startedAt)) return left('somebody else made another one meanwhile');
    const outcome = await deleteObject(live, 'Background', writing);
    if (outcome.state === 'failed') throw refused(refOf(live), outcome.reason, outcome.why === 'denied');
  }
  const made = await makeAgain(before, writing);
  const ofStatus = (entry: JsonObject) => entry['subresource'] === 'status';
  const managed = [
    ...(before.metadata.managedFields ?? []).filter((entry) => !ofStatus(entry)),
    ...(made.metadata.managedFields ?? []).filter(ofStatus),
  ];
  const owners = managersPatch(made, managed);
  if (owners.length > 0) await patch(made, owners, writing);
  return undone('made again, with a uid of its own');
}

async function makeAgain(before: KubeObject, writing: Writing): Promise<KubeObject> {
  const { client, clock, patienceMs, signal } = writing;
  const { uid: _uid, resourceVersion: _version, generation: _generation, ...metadata } = before.metadata;
  const { creationTimestamp: _born, deletionTimestamp: _dies, managedFields: _managed, ...kept } = metadata;
  const { status: _status, ...rest } = before;
  return withPatience(clock, patienceMs, signal, async () => {
    // A request that was not answered may have made it.
    const live = await client.get(refOf(before), signal);
    if (live !== undefined) return live;
    return client.create({ ...rest, metadata: kept }, { fieldManager: FIELD_MANAGER }, signal);
  });
}

/** What decides whether an object is the one that was there: its controllers may have written annotations since. */
function sameContent(a: KubeObject, b: KubeObject): boolean {
  const content = ({ metadata, status: _status, ...rest }: KubeObject): JsonObject => ({
    ...rest,
    labels: metadata.labels ?? {},
  });
  return jsonEqual(content(a), content(b));
}

/** The sentence of a step that could not be taken back yet. */
export function pendingReason(thrown: unknown): string {
  return reasonOf(asLandfallError(thrown));
}
