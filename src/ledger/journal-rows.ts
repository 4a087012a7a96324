import { sql } from 'kysely';
import type { Selectable } from 'kysely';
import { isJsonObject, LandfallError } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';
import type { Journal, JournalHead, JournalStep, LedgerSubject } from './contract.ts';
import { lives } from './holder.ts';
import { redactText } from './redact.ts';
import { about, subjectOf } from './rows.ts';
import type { Session, Tables } from './schema.ts';
import { unseal } from './seal.ts';
import type { Store } from './store.ts';

export type JournalRow = Selectable<Tables['landfall_journal']>;
export type StepChange = Partial<Pick<JournalStep, 'state' | 'uid' | 'resourceVersion' | 'message'>>;

/** Rows of one insert, so that the number of parameters stays far below what either database takes. */
const ROWS_AT_ONCE = 200;
/** They keep another one from being begun. */
export const OPEN = ['open', 'restoring'] as const;
/** They belong to a process. */
export const HELD = [...OPEN, 'proving'] as const;

export function isHeld(state: string): boolean {
  return HELD.some((held) => held === state);
}

/** Whether it keeps another one from being begun. */
export function isOpen(state: string): boolean {
  return OPEN.some((open) => open === state);
}

/** The objects of one journal belong to it and to no other. */
export function sealedFor(id: string): string {
  return `journal ${id}`;
}

export function headOf(row: JournalRow): JournalHead {
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

export function lost(id: string): LandfallError {
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

async function stepsOf(row: JournalRow, store: Store): Promise<readonly JournalStep[]> {
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

export async function journalOf(row: JournalRow, store: Store): Promise<Journal> {
  const { holder: _holder, ...head } = headOf(row);
  return { ...head, steps: await stepsOf(row, store) };
}

export async function heldBy(session: Session, subject: LedgerSubject): Promise<JournalRow | undefined> {
  return session
    .selectFrom('landfall_journal')
    .selectAll()
    .where(about(subject))
    .where('state', 'in', OPEN)
    .executeTakeFirst();
}

/** Says who is at it and since when, and whether to wait or to take over. */
export async function refusal(session: Session, row: JournalRow, store: Store): Promise<LandfallError> {
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

export async function insertSteps(
  session: Session,
  id: string,
  steps: readonly JournalStep[],
): Promise<void> {
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

/** One change of some steps in one statement. */
export function stepsUpdate(session: Session, id: string, seqs: readonly number[], change: StepChange) {
  const { state, uid, resourceVersion, message } = change;
  return session
    .updateTable('landfall_step')
    .set({
      ...(state === undefined ? {} : { state }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resource_version: resourceVersion }),
      ...(message === undefined ? {} : { message: redactText(message) }),
      journal: id,
    })
    .where('journal', '=', id)
    .where('seq', 'in', seqs);
}

/** How a step ended that was written: the object as it is stored now. */
export interface WrittenStep {
  readonly seq: number;
  readonly state: JournalStep['state'];
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Many changes in one statement, since making one takes longer than the database needs for it. Answers how many. */
export async function updateWritten(
  session: Session,
  id: string,
  steps: readonly WrittenStep[],
): Promise<bigint> {
  const rows = steps.map(
    ({ seq, state, uid, resourceVersion }) =>
      sql`select cast(${seq} as integer) as seq, cast(${state} as text) as state, cast(${uid} as text) as uid, cast(${resourceVersion} as text) as version`,
  );
  const { numAffectedRows } = await sql`
    update landfall_step set state = changed.state, uid = changed.uid, resource_version = changed.version
    from (${sql.join(rows, sql` union all `)}) as changed
    where landfall_step.journal = ${id} and landfall_step.seq = changed.seq`.execute(session);
  return numAffectedRows ?? 0n;
}
