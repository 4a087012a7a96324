import { LandfallError, asLandfallError, mapBounded, sleep } from '../kernel/index.ts';
import { objectName } from '../kube/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { objectKey } from '../boundaries/index.ts';
import type { Journal, JournalStep } from '../ledger/index.ts';
import { FIELD_MANAGER } from './field-manager.ts';
import { kindRank } from './order.ts';
import type { Restored, SetContext, SetRequest, SetStep, SetWriter, StepOutcome, UndoneStep } from './set.ts';
import { throwIfAborted } from './trouble.ts';
import { objectIn, pendingReason, undoStep } from './undo-step.ts';
import { applyObject, deleteObject, isOurCreation } from './write-object.ts';
import type { Writing } from './write-object.ts';

const AT_ONCE = 16;
const PATIENCE = 30_000;
const CONFLICTS = 5;
const SETTLE = 1000;
/** Steps whose end is noted before the ledger gets to know. */
const NOTED = 256;

type Change = Partial<Pick<JournalStep, 'state' | 'uid' | 'resourceVersion' | 'message'>>;

/** The steps of one journal, as they stand, here and in the ledger. */
interface Book {
  readonly id: string;
  /** ms */
  readonly startedAt: number;
  readonly steps: JournalStep[];
  record(seq: number, change: Change): Promise<void>;
  /**
   * As `record`, without waiting for the disk: `settled` does that for all of them. It goes to the ledger together
   * with what else is noted while anything is at work, since every write of the ledger stops the process for a while.
   */
  note(seq: number, change: Change): void;
  /** Something is at work until the returned function is called. */
  enter(): () => void;
  /** Throws what the ledger could not store. */
  settled(): Promise<void>;
}

function bookOf(context: SetContext, journal: Pick<Journal, 'id' | 'steps' | 'startedAt'>): Book {
  const steps = [...journal.steps];
  const place = new Map(steps.map((step, index) => [step.seq, index]));
  const open = new Set<Promise<void>>();
  let failure: { readonly thrown: unknown } | undefined;
  let noted: { readonly seq: number; readonly change: Change }[] = [];
  let working = 0;

  async function told(seq: number, change: Change): Promise<void> {
    await context.ledger.journals.step(journal.id, seq, change);
  }

  /** In one tick, so that the ledger writes all of it at once. */
  function send(): void {
    const sending = noted;
    noted = [];
    for (const { seq, change } of sending) {
      const sent = told(seq, change)
        .catch((thrown: unknown) => {
          failure ??= { thrown };
        })
        .finally(() => open.delete(sent));
      open.add(sent);
    }
  }

  function remember(seq: number, change: Change): boolean {
    const index = place.get(seq);
    const step = index === undefined ? undefined : steps[index];
    if (index === undefined || step === undefined) return false;
    // What the ledger does not hold yet counts as begun in memory too: a step that may have happened is looked up.
    steps[index] = { ...step, ...change };
    return true;
  }

  const book: Book = {
    id: journal.id,
    startedAt: Date.parse(journal.startedAt),
    steps,
    async record(seq, change) {
      if (!remember(seq, change)) return;
      // What was noted before goes along.
      send();
      await context.ledger.journals.step(journal.id, seq, change);
    },
    note(seq, change) {
      if (!remember(seq, change)) return;
      noted.push({ seq, change });
      if (working === 0 || noted.length >= NOTED) send();
    },
    enter() {
      working += 1;
      return () => {
        working -= 1;
        if (working === 0) send();
      };
    },
    async settled() {
      send();
      await Promise.all(open);
      if (failure !== undefined) throw failure.thrown;
    },
  };
  return book;
}

function writingOf(context: SetContext, signal: AbortSignal): Writing {
  const { client, clock, patienceMs = PATIENCE } = context;
  return { client, clock, patienceMs, signal };
}

function journalStep(step: SetStep, seq: number): JournalStep {
  const object = step.desired ?? step.before;
  if (object === undefined) {
    throw new LandfallError('A step of a set names no object.', { kind: 'bug', code: 'set-step' });
  }
  return {
    seq,
    action: step.action,
    apiVersion: object.apiVersion,
    kind: object.kind,
    namespace: object.metadata.namespace,
    name: object.metadata.name,
    before: step.before,
    after: step.desired,
    state: 'planned',
    uid: undefined,
    resourceVersion: undefined,
    message: '',
  };
}

/**
 * Opens the journal of a set. When it resolves, every step is durable with what is there now; nothing has been
 * written to the cluster. Throws `conflict` while another journal of the same subject is open.
 */
export async function beginSet(context: SetContext, request: SetRequest): Promise<SetWriter> {
  const { subject, delivery, revision } = request;
  const steps = request.steps.map(journalStep);
  const startedAt = new Date(context.clock.now()).toISOString();
  const id = await context.ledger.journals.begin({
    ...subject,
    delivery,
    revision,
    fieldManager: FIELD_MANAGER,
    startedAt,
    steps,
  });
  return writerOf(context, bookOf(context, { id, steps, startedAt }), request.steps);
}

/** Goes on with a set that another process, or an earlier turn, has begun and this one has taken over. */
export function resumeSet(context: SetContext, journal: Journal): SetWriter {
  const steps = journal.steps.map(({ action, before, after }) => ({
    action,
    desired: objectIn(after),
    before: objectIn(before),
  }));
  return writerOf(context, bookOf(context, journal), steps);
}

function writerOf(context: SetContext, book: Book, steps: readonly SetStep[]): SetWriter {
  const { id } = book;
  const announced = new Map(
    steps.map((step, index) => {
      const seq = book.steps[index]?.seq ?? index;
      return [keyOf(step.desired ?? step.before), { step, seq }] as const;
    }),
  );

  function find(object: KubeObject, prune: boolean): { readonly step: SetStep; readonly seq: number } {
    const found = announced.get(objectKey(object));
    if (found !== undefined && (found.step.action === 'prune') === prune) return found;
    throw new LandfallError(`${objectName(object)} is no step of this set.`, {
      kind: 'bug',
      code: 'step-not-announced',
      object: objectName(object),
    });
  }

  /**
   * Begun in the journal, done in the cluster, done in the journal. What is done need not be durable before the next
   * write goes out: a step that is begun and no more is looked up.
   */
  async function perform(
    seq: number,
    signal: AbortSignal,
    work: (writing: Writing) => Promise<StepOutcome>,
    isOurs = true,
  ): Promise<StepOutcome> {
    throwIfAborted(signal);
    const leave = book.enter();
    try {
      if (book.steps[seq]?.state !== 'begun') await book.record(seq, { state: 'begun' });
      const outcome = await work(writingOf(context, signal));
      if (outcome.state === 'done') {
        const { uid, resourceVersion } = outcome.object?.metadata ?? {};
        book.note(seq, { state: 'done', ...(isOurs ? { uid, resourceVersion } : {}) });
      } else {
        // Without an answer it may have happened: it stays begun, and is looked up.
        const state = outcome.why === 'unknown' ? 'begun' : 'failed';
        book.note(seq, { state, message: outcome.reason });
      }
      return outcome;
    } finally {
      leave();
    }
  }

  return {
    journal: id,
    actionOf: (object) => announced.get(objectKey(object))?.step.action,
    apply(object, signal, details = {}) {
      const { step: kept, seq } = find(object, false);
      const { found, ...more } = details;
      const step = { ...kept, ...more };
      // Without a uid in the journal nothing of it is deleted: only what we added is taken out again.
      const isOthers =
        step.before === undefined && found !== undefined && !isOurCreation(found, book.startedAt);
      return perform(
        seq,
        signal,
        async (writing) => {
          if (isOthers) return applyObject({ ...step, before: found }, object, writing);
          if (step.action === 'recreate' && step.before !== undefined) {
            const isGone = found !== undefined && found.metadata.uid !== step.before.metadata.uid;
            const gone = isGone
              ? undefined
              : await deleteObject(step.before, step.propagation ?? 'Background', writing);
            if (gone?.state === 'failed') return gone;
            return applyObject({ ...step, before: undefined }, object, writing);
          }
          return applyObject(step, object, writing);
        },
        !isOthers,
      );
    },
    prune(object, signal, { propagation, wait = true } = {}) {
      const { step, seq } = find(object, true);
      return perform(seq, signal, (writing) =>
        deleteObject(step.before ?? object, propagation ?? step.propagation ?? 'Background', writing, wait),
      );
    },
    async begin(objects) {
      const seqs = objects.map((object) => find(object, false).seq);
      await Promise.all(seqs.map((seq) => book.record(seq, { state: 'begun' })));
    },
    settled: () => book.settled(),
    async commit() {
      await book.settled();
      await context.ledger.journals.state(id, 'committed');
    },
    async restore(signal) {
      // What the ledger lost of these is looked up in the cluster.
      await book.settled().catch(() => undefined);
      return takeBack(context, book, signal);
    },
  };
}

/**
 * Takes back what a journal holds that nobody finished: a crash, a lost API server, a second Ctrl-C. The same journal
 * again goes on where it stopped.
 */
export function recoverSet(context: SetContext, journal: Journal, signal: AbortSignal): Promise<Restored> {
  return takeBack(context, bookOf(context, journal), signal);
}

function keyOf(object: KubeObject | undefined): string {
  return object === undefined ? '' : objectKey(object);
}

/**
 * A ledger that cannot be written to keeps nobody from taking back what was written: the same again, later, finds it
 * done. A journal that somebody else has taken over does.
 */
async function evenUnrecorded(recording: Promise<void>): Promise<void> {
  try {
    await recording;
  } catch (thrown) {
    if (asLandfallError(thrown).code === 'journal-lost') throw thrown;
  }
}

async function takeBack(context: SetContext, book: Book, signal: AbortSignal): Promise<Restored> {
  await evenUnrecorded(context.ledger.journals.state(book.id, 'restoring'));
  const writing = writingOf(context, signal);
  const results = new Map<number, UndoneStep>();
  // What was deleted comes back in the order in which it is needed, once nothing of ours is in its place.
  const deleted = book.steps.filter((step) => step.action === 'prune' || step.action === 'recreate');
  const written = book.steps.filter((step) => step.action !== 'prune' && step.action !== 'recreate');
  const groups = [...runsOf(written.toReversed()), ...runsOf(deleted)];
  for (const group of groups) {
    const done = await mapBounded(group, context.atOnce ?? AT_ONCE, (step) =>
      takeBackOne(step, book, writing),
    );
    for (const step of done) results.set(step.seq, step);
    if (signal.aborted) break;
  }
  await lookAgain(book, results, writing);
  const steps = book.steps.map(
    (step) => results.get(step.seq) ?? reported(step, 'pending', 'not taken back yet'),
  );
  const complete = steps.every((step) => step.state !== 'pending');
  if (complete) await evenUnrecorded(context.ledger.journals.state(book.id, 'restored'));
  return { complete, steps };
}

/**
 * A request that got no answer may still be on its way when we find that it did not happen: those are looked at once
 * more, a moment later.
 */
async function lookAgain(book: Book, results: Map<number, UndoneStep>, writing: Writing): Promise<void> {
  const unanswered = book.steps.filter(
    (step) =>
      step.state === 'begun' && step.action !== 'hook' && results.get(step.seq)?.state === 'untouched',
  );
  if (unanswered.length === 0 || writing.signal.aborted) return;
  await sleep(writing.clock, SETTLE, writing.signal);
  for (const step of unanswered) results.set(step.seq, await takeBackOne(step, book, writing));
}

/** Steps that follow each other and are of the same rank: they do not depend on one another. */
function runsOf(steps: readonly JournalStep[]): readonly (readonly JournalStep[])[] {
  const runs: JournalStep[][] = [];
  for (const step of steps) {
    const last = runs.at(-1);
    if (last?.[0] !== undefined && kindRank(last[0]) === kindRank(step)) last.push(step);
    else runs.push([step]);
  }
  return runs;
}

function reported(step: JournalStep, state: UndoneStep['state'], message: string): UndoneStep {
  const { seq, action, apiVersion, kind, namespace, name } = step;
  return { seq, action, apiVersion, kind, namespace, name, state, message, leftFields: [] };
}

async function takeBackOne(step: JournalStep, book: Book, writing: Writing): Promise<UndoneStep> {
  for (let tries = 1; ; tries += 1) {
    try {
      const result = await undoStep(step, book.startedAt, writing);
      if (result.state === 'undone' || result.state === 'left') {
        await evenUnrecorded(book.record(step.seq, { state: result.state, message: result.message }));
      }
      return { ...reported(step, result.state, result.message), leftFields: result.leftFields };
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (error.kind === 'bug' || error.code === 'journal-lost') throw error;
      if (error.kind === 'conflict' && tries < CONFLICTS) continue;
      return reported(step, 'pending', pendingReason(error));
    }
  }
}
