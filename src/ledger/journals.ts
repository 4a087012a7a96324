import { randomUUID } from 'node:crypto';
import { isJsonObject, LandfallError } from '../kernel/index.ts';
import type { JsonObject, JsonValue, Timer } from '../kernel/index.ts';
import type { Selectable } from 'kysely';
import type { Journal, JournalHead, JournalStep, Ledger, LedgerSubject } from './contract.ts';
import { lives } from './holder.ts';
import { redactText } from './redact.ts';
import { about, subjectOf } from './rows.ts';
import type { Session, Tables } from './schema.ts';
import { seal, unseal } from './seal.ts';
import type { Store } from './store.ts';

type Row = Selectable<Tables['landfall_journal']>;
type StepChange = Partial<Pick<JournalStep, 'state' | 'uid' | 'resourceVersion' | 'message'>>;

const LEASE_MS = 30_000;
const RENEW_MS = 10_000;
/** Rows of one insert, so that the number of parameters stays far below what either database takes. */
const ROWS_AT_ONCE = 200;
const OPEN = ['open', 'restoring'] as const;

function isOpen(state: string): boolean {
  return OPEN.some((open) => open === state);
}

/** The objects of one journal belong to it and to no other. */
function sealedFor(id: string): string {
  return `journal ${id}`;
}

function headOf(row: Row): JournalHead {
  return {
    id: row.id,
    ...subjectOf(row),
    delivery: row.delivery,
    revision: row.revision,
    fieldManager: row.field_manager,
    state: row.state as Journal['state'],
    startedAt: row.started_at,
    holder: row.holder,
  };
}

function nameOf({ namespace, application }: LedgerSubject): string {
  return `${namespace}/${application}`;
}

function lost(id: string): LandfallError {
  return new LandfallError(
    `The journal ${id} is not this process's: it has ended, or another process has taken it over.`,
    {
      kind: 'conflict',
      code: 'journal-lost',
      object: id,
      hint: 'Stop, and read again what is there: somebody else goes on with it.',
    },
  );
}

function contentOf(value: JsonValue | undefined): readonly [JsonObject | undefined, JsonObject | undefined] {
  const [before, after] = Array.isArray(value) ? value : [];
  return [isJsonObject(before) ? before : undefined, isJsonObject(after) ? after : undefined];
}

async function stepsOf(row: Row, store: Store): Promise<readonly JournalStep[]> {
  const steps = await store.database
    .selectFrom('landfall_step')
    .selectAll()
    .where('journal', '=', row.id)
    .orderBy('seq')
    .execute();
  const opened =
    row.sealed === null ? undefined : await unseal(row.sealed, sealedFor(row.id), await store.key());
  return steps.map((step) => {
    const [before, after] = contentOf(isJsonObject(opened) ? opened[String(step.seq)] : undefined);
    return {
      seq: step.seq,
      action: step.action as JournalStep['action'],
      apiVersion: step.api_version,
      kind: step.kind,
      namespace: step.namespace ?? undefined,
      name: step.name,
      before,
      after,
      state: step.state as JournalStep['state'],
      uid: step.uid ?? undefined,
      resourceVersion: step.resource_version ?? undefined,
      message: step.message,
    };
  });
}

async function journalOf(row: Row, store: Store): Promise<Journal> {
  const { holder: _holder, ...head } = headOf(row);
  return { ...head, steps: await stepsOf(row, store) };
}

async function heldBy(session: Session, subject: LedgerSubject): Promise<Row | undefined> {
  return session
    .selectFrom('landfall_journal')
    .selectAll()
    .where(about(subject))
    .where('state', 'in', OPEN)
    .executeTakeFirst();
}

/** Says who is at it and since when, and whether to wait or to take over. */
async function refusal(session: Session, row: Row, store: Store): Promise<LandfallError> {
  const delivery = await session
    .selectFrom('landfall_delivery')
    .select('actor')
    .where('id', '=', row.delivery)
    .executeTakeFirst();
  const who = delivery?.actor ?? 'somebody';
  const what = `${row.state === 'open' ? 'applies' : 'restores what was before'} ${row.revision.slice(0, 12)}`;
  const since = `since ${row.started_at} (${row.holder}, delivery ${row.delivery})`;
  const alive = lives(row, store.holder, await store.flavour.now(session));
  return alive
    ? new LandfallError(`${nameOf(row)} is taken: ${who} ${what} ${since}.`, {
        kind: 'conflict',
        code: 'journal-held',
        object: nameOf(row),
        hint: 'Wait until it has ended, then try again.',
      })
    : new LandfallError(`${nameOf(row)} is half way: ${who} ${what} ${since}, and that process has died.`, {
        kind: 'conflict',
        code: 'journal-unfinished',
        object: nameOf(row),
        hint: 'It has to be restored or finished first.',
      });
}

/** What other processes see of this one at a journal. */
function holding(store: Store, owner: string, now: number) {
  const { name, machine, pid, start } = store.holder;
  return { owner, holder: name, machine, pid, process_start: start, lease_until: now + LEASE_MS };
}

async function insertSteps(session: Session, id: string, steps: readonly JournalStep[]): Promise<void> {
  const rows = steps.map((step) => ({
    journal: id,
    seq: step.seq,
    action: step.action,
    api_version: step.apiVersion,
    kind: step.kind,
    namespace: step.namespace ?? null,
    name: step.name,
    state: step.state,
    uid: step.uid ?? null,
    resource_version: step.resourceVersion ?? null,
    message: redactText(step.message),
  }));
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE)
    await session
      .insertInto('landfall_step')
      .values(rows.slice(from, from + ROWS_AT_ONCE))
      .execute();
}

async function updateStep(session: Session, id: string, seq: number, change: StepChange): Promise<void> {
  const { state, uid, resourceVersion, message } = change;
  const { numUpdatedRows } = await session
    .updateTable('landfall_step')
    .set({
      ...(state === undefined ? {} : { state }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resource_version: resourceVersion }),
      ...(message === undefined ? {} : { message: redactText(message) }),
      seq,
    })
    .where('journal', '=', id)
    .where('seq', '=', seq)
    .executeTakeFirst();
  if (numUpdatedRows === 0n)
    throw new LandfallError(`The journal ${id} has no step ${seq}.`, { kind: 'bug', code: 'journal-step' });
}

interface Waiting {
  readonly seq: number;
  readonly change: StepChange;
  readonly done: () => void;
  readonly failed: (thrown: unknown) => void;
}

export type Journals = Ledger['journals'] & {
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
      .where('state', 'in', OPEN)
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

  /** Writes all changes that are waiting in one transaction: one wait for the disk, however many objects are at work. */
  async function flush(id: string): Promise<void> {
    const waiting = queues.get(id) ?? [];
    queues.delete(id);
    try {
      await database.transaction().execute(async (session) => {
        await claim(session, id, {});
        for (const { seq, change } of waiting) await updateStep(session, id, seq, change);
      });
      for (const { done } of waiting) done();
    } catch (thrown) {
      for (const { failed } of waiting) failed(thrown);
    }
  }

  return {
    async begin(journal) {
      const id = store.newId();
      const objects = Object.fromEntries(
        journal.steps.map((step) => [String(step.seq), [step.before ?? null, step.after ?? null]]),
      );
      const sealed = await seal(objects, sealedFor(id), await store.key());
      await database.transaction().execute(async (session) => {
        for (;;) {
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
      if (!isOpen(state)) held.delete(id);
    },
    async get(id) {
      const row = await database
        .selectFrom('landfall_journal')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst();
      return row && journalOf(row, store);
    },
    async unfinished(subject = {}) {
      const rows = await database
        .selectFrom('landfall_journal')
        .selectAll()
        .where(about(subject))
        .where('state', 'in', OPEN)
        .orderBy('id')
        .execute();
      const now = await flavour.now(database);
      return rows.filter((row) => !lives(row, store.holder, now)).map(headOf);
    },
    async takeOver(id) {
      const row = await database.transaction().execute(async (session) => {
        const found = await session
          .selectFrom('landfall_journal')
          .selectAll()
          .where('id', '=', id)
          .executeTakeFirst();
        if (found === undefined || !isOpen(found.state)) throw lost(id);
        if (found.owner === owner) return found;
        const now = await flavour.now(session);
        if (lives(found, store.holder, now)) throw await refusal(session, found, store);
        const { numUpdatedRows } = await session
          .updateTable('landfall_journal')
          .set(holding(store, owner, now))
          .where('id', '=', id)
          .where('owner', '=', found.owner)
          .where('state', 'in', OPEN)
          // Whose lease was renewed meanwhile is alive after all.
          .where('lease_until', '=', found.lease_until)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) throw lost(id);
        return found;
      });
      hold(id);
      return journalOf(row, store);
    },
    async letGo() {
      renewal?.cancel();
      renewal = undefined;
      if (held.size === 0) return;
      await database
        .updateTable('landfall_journal')
        .set({ lease_until: 0, pid: 0, process_start: '' })
        .where('owner', '=', owner)
        .where('state', 'in', OPEN)
        .execute();
      held.clear();
    },
  };
}
