import { randomUUID } from 'node:crypto';
import { LandfallError } from '../kernel/index.ts';
import type { Timer } from '../kernel/index.ts';
import type { Journal, JournalHead, Ledger, LedgerSubject } from './contract.ts';
import { insertDecision } from './decisions.ts';
import { lives } from './holder.ts';
import {
  headOf,
  heldBy,
  insertSteps,
  HELD,
  isHeld,
  isOpen,
  journalOf,
  lost,
  OPEN,
  refusal,
  sealedFor,
  stepsUpdate,
  updateWritten,
} from './journal-rows.ts';
import type { StepChange, WrittenStep } from './journal-rows.ts';
import { redactText } from './redact.ts';
import { about, isoNow, subjectOf } from './rows.ts';
import type { Session } from './schema.ts';
import { seal } from './seal.ts';
import type { Store } from './store.ts';

const LEASE_MS = 30_000;
const RENEW_MS = 10_000;
/** Times that an open journal may come and go while another one is begun. */
const TRIES = 5;
const SEQS_AT_ONCE = 200;
/** SQLite puts at most 500 selects together. */
const WRITTEN_AT_ONCE = 100;

/** A holder that does not live. */
const NOBODY = { lease_until: 0, pid: 0, process_start: '' };

/** What other processes see of this one at a journal. */
function holding(store: Store, owner: string, now: number) {
  const { name, machine, pid, start } = store.holder;
  return { owner, holder: name, machine, pid, process_start: start, lease_until: now + LEASE_MS };
}

interface Waiting {
  readonly seq: number;
  readonly change: StepChange;
  readonly done: () => void;
  readonly failed: (thrown: unknown) => void;
}

type Alike = { readonly seqs: readonly number[]; readonly change: StepChange };
type Batch = Alike | { readonly written: readonly WrittenStep[] };

/** A step that was written, and nothing more to say of it: every one has an object of its own. */
function writtenStep({ seq, change }: Waiting): WrittenStep | undefined {
  const { state, uid, resourceVersion, message } = change;
  if (state === undefined || uid === undefined || resourceVersion === undefined) return undefined;
  return message === undefined ? { seq, state, uid, resourceVersion } : undefined;
}

/**
 * Steps that follow each other and change alike, and such that were written, each once: at most so many that a
 * statement takes them.
 */
function batchesOf(waiting: readonly Waiting[]): readonly Batch[] {
  const batches: ({ seqs: number[]; change: StepChange } | { written: WrittenStep[] })[] = [];
  for (const one of waiting) {
    const { seq, change } = one;
    const last = batches.at(-1);
    const step = writtenStep(one);
    if (step !== undefined) {
      const fits = last !== undefined && 'written' in last && last.written.length < WRITTEN_AT_ONCE;
      if (fits && !last.written.some((other) => other.seq === seq)) last.written.push(step);
      else batches.push({ written: [step] });
      continue;
    }
    const fits =
      last !== undefined && 'seqs' in last && last.seqs.length < SEQS_AT_ONCE && !last.seqs.includes(seq);
    if (fits && JSON.stringify(last.change) === JSON.stringify(change)) last.seqs.push(seq);
    else batches.push({ seqs: [seq], change });
  }
  return batches;
}

/** What a journal that was given up is called among the decisions. */
const FORGOTTEN = 'journal-forgotten';

export type Journals = Omit<Ledger['journals'], 'elsewhere'> & {
  /** Ends this process's claims: what it leaves open, another may take over at once. */
  letGo(): Promise<void>;
};

export function journalsIn(store: Store): Journals {
  const { database, flavour, clock } = store;
  const owner = randomUUID();
  const held = new Set<string>();
  const queues = new Map<string, Waiting[]>();
  let renewal: Timer | undefined;

  /** Renews the lease, and finds out whether the journal is still this process's. */
  async function claim(
    session: Session,
    id: string,
    change: { readonly state?: string; readonly sealed?: null },
  ) {
    const now = await flavour.now(session);
    const { numUpdatedRows } = await session
      .updateTable('landfall_journal')
      .set({ lease_until: now + LEASE_MS, ...change })
      .where('id', '=', id)
      .where('owner', '=', owner)
      .where('state', 'in', HELD)
      .executeTakeFirst();
    if (numUpdatedRows > 0n) return;
    held.delete(id);
    throw lost(id);
  }

  function hold(id: string): void {
    held.add(id);
    renewal ??= clock.after(RENEW_MS, () => void renew());
  }

  async function renew(): Promise<void> {
    renewal = undefined;
    for (const id of held) {
      // A failure shows at the next step; this only tells others that the process runs.
      await database
        .transaction()
        .execute((session) => claim(session, id, {}))
        .catch(() => undefined);
    }
    if (held.size > 0) renewal ??= clock.after(RENEW_MS, () => void renew());
  }

  /** One change in one statement, for as long as the journal is this process's. */
  async function writeOne({ seq, change }: Waiting, id: string): Promise<boolean> {
    const { numUpdatedRows } = await stepsUpdate(database, id, [seq], change)
      .where((build) =>
        build.exists(
          build
            .selectFrom('landfall_journal')
            .select('id')
            .where('id', '=', id)
            .where('owner', '=', owner)
            .where('state', 'in', HELD),
        ),
      )
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  /** Writes all changes that are waiting together: one wait for the disk, however many objects are at work. */
  async function flush(id: string): Promise<void> {
    const waiting = queues.get(id) ?? [];
    queues.delete(id);
    const [first] = waiting;
    try {
      const written = waiting.length === 1 && first !== undefined && (await writeOne(first, id));
      if (!written) await database.transaction().execute((session) => writeAll(session, id, waiting));
      for (const { done } of waiting) done();
    } catch (thrown) {
      for (const { failed } of waiting) failed(thrown);
    }
  }

  async function writeAll(session: Session, id: string, waiting: readonly Waiting[]): Promise<void> {
    await claim(session, id, {});
    for (const batch of batchesOf(waiting)) {
      const seqs = 'written' in batch ? batch.written.map(({ seq }) => seq) : batch.seqs;
      const updated =
        'written' in batch
          ? await updateWritten(session, id, batch.written)
          : (await stepsUpdate(session, id, seqs, batch.change).executeTakeFirst()).numUpdatedRows;
      if (Number(updated) !== seqs.length)
        throw new LandfallError(`The journal ${id} does not have all of the steps ${seqs.join(', ')}.`, {
          kind: 'bug',
          code: 'journal-step',
        });
    }
  }

  async function whole(id: string): Promise<Journal | undefined> {
    const row = await database
      .selectFrom('landfall_journal')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    return row && journalOf(row, store);
  }

  /** Those in one of these states that no living process holds. */
  async function left(
    subject: Partial<LedgerSubject>,
    states: readonly Journal['state'][],
  ): Promise<readonly JournalHead[]> {
    const rows = await database
      .selectFrom('landfall_journal')
      .selectAll()
      .where(about(subject))
      .where('state', 'in', states)
      .orderBy('id')
      .execute();
    const now = await flavour.now(database);
    return rows.filter((row) => !lives(row, store.holder, now)).map(headOf);
  }

  return {
    async begin(journal) {
      const id = store.newId();
      const objects = Object.fromEntries(
        journal.steps.map((step) => [String(step.seq), [step.before ?? null, step.after ?? null]]),
      );
      const sealed = await seal(objects, sealedFor(id), await store.key());
      await database.transaction().execute(async (session) => {
        for (let left = TRIES; ; left -= 1) {
          const now = await flavour.now(session);
          const added = await session
            .insertInto('landfall_journal')
            .values({
              id,
              ...subjectOf(journal),
              delivery: journal.delivery,
              revision: journal.revision,
              field_manager: journal.fieldManager,
              state: 'open',
              started_at: journal.startedAt,
              ...holding(store, owner, now),
              sealed,
            })
            .onConflict((conflict) => conflict.doNothing())
            .returning('id')
            .executeTakeFirst();
          if (added !== undefined) break;
          const other = await heldBy(session, journal);
          if (other !== undefined) throw await refusal(session, other, store);
          // It ended between the two looks.
          if (left <= 1) throw lost(id);
        }
        await insertSteps(session, id, journal.steps);
      });
      hold(id);
      return id;
    },
    step(id, seq, change) {
      return new Promise<void>((resolve, reject) => {
        const waiting = queues.get(id) ?? [];
        waiting.push({ seq, change, done: resolve, failed: reject });
        queues.set(id, waiting);
        if (waiting.length === 1) setImmediate(() => void flush(id));
      });
    },
    async state(id, state) {
      const ended = state === 'committed' || state === 'restored';
      await database
        .transaction()
        .execute((session) => claim(session, id, { state, ...(ended ? { sealed: null } : {}) }));
      if (!isHeld(state)) held.delete(id);
    },
    get: whole,
    unfinished: (subject = {}) => left(subject, OPEN),
    proving: (subject = {}) => left(subject, ['proving']),
    async takeOver(id) {
      // Whoever cannot open its objects must not take it from somebody who can.
      await whole(id);
      const row = await database.transaction().execute(async (session) => {
        const found = await session
          .selectFrom('landfall_journal')
          .selectAll()
          .where('id', '=', id)
          .executeTakeFirst();
        if (found === undefined || !isHeld(found.state)) throw lost(id);
        if (found.owner === owner) return found;
        const now = await flavour.now(session);
        if (lives(found, store.holder, now)) throw await refusal(session, found, store);
        const { numUpdatedRows } = await session
          .updateTable('landfall_journal')
          .set(holding(store, owner, now))
          .where('id', '=', id)
          .where('owner', '=', found.owner)
          .where('state', 'in', HELD)
          // Whose lease was renewed meanwhile is alive after all.
          .where('lease_until', '=', found.lease_until)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) throw lost(id);
        return found;
      });
      hold(id);
      return journalOf(row, store);
    },
    async release(id) {
      held.delete(id);
      await database
        .updateTable('landfall_journal')
        .set(NOBODY)
        .where('id', '=', id)
        .where('owner', '=', owner)
        .where('state', 'in', HELD)
        .execute();
    },
    async forget(id, by) {
      await database.transaction().execute(async (session) => {
        const found = await session
          .selectFrom('landfall_journal')
          .selectAll()
          .where('id', '=', id)
          .executeTakeFirst();
        if (found === undefined || !isOpen(found.state)) throw lost(id);
        const now = await flavour.now(session);
        if (lives(found, store.holder, now)) throw await refusal(session, found, store);
        const { numUpdatedRows } = await session
          .updateTable('landfall_journal')
          .set({ state: 'forgotten', sealed: null })
          .where('id', '=', id)
          .where('owner', '=', found.owner)
          .where('state', 'in', OPEN)
          .where('lease_until', '=', found.lease_until)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) throw lost(id);
        const { delivery, revision, started_at: startedAt } = found;
        const reason = by.reason === '' ? '' : `: ${by.reason}`;
        await session
          .updateTable('landfall_delivery')
          .set({
            state: 'stuck',
            message: redactText(`it stays half done, given up by ${by.actor.name}${reason}`),
            finished_at: isoNow(store),
          })
          .where('id', '=', delivery)
          .where('state', 'in', ['running', 'stuck'])
          .execute();
        const detail = { delivery, revision, startedAt };
        await insertDecision(session, store, { ...subjectOf(found), ...by, kind: FORGOTTEN, detail });
      });
    },
    async letGo() {
      renewal?.cancel();
      renewal = undefined;
      if (held.size === 0) return;
      await database
        .updateTable('landfall_journal')
        .set(NOBODY)
        .where('owner', '=', owner)
        .where('state', 'in', HELD)
        .execute();
      held.clear();
    },
  };
}
