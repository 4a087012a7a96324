import { sql } from 'kysely';
import type { Kysely, Transaction } from 'kysely';
import { LandfallError } from '../kernel/index.ts';
import { buildTables } from './build-tables.ts';
import type { BuildTables } from './build-tables.ts';

/** Columns of every table that is about an application. */
interface SubjectColumns {
  readonly cluster: string;
  readonly namespace: string;
  readonly application: string;
}

interface DeliveryTable extends SubjectColumns {
  readonly id: string;
  readonly environment: string | null;
  readonly revision: string;
  readonly trigger: string;
  readonly actor: string;
  readonly attested_by: string;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly state: string;
  readonly message: string;
  /** JSON. */
  readonly results: string;
  readonly digest: string | null;
  /** JSON. */
  readonly proof: string | null;
}

interface JournalTable extends SubjectColumns {
  readonly id: string;
  readonly delivery: string;
  readonly revision: string;
  readonly field_manager: string;
  readonly state: string;
  readonly started_at: string;
  /** Token of the process that may write it. */
  readonly owner: string;
  readonly holder: string;
  /** Where `pid` and `process_start` mean something; elsewhere only the lease tells. */
  readonly machine: string;
  readonly pid: number;
  readonly process_start: string;
  /** Milliseconds since the epoch, by the clock that all who share the database share. */
  readonly lease_until: number;
  /** Objects of all steps; null once they are not needed any more. */
  readonly sealed: Uint8Array | null;
}

interface StepTable {
  readonly journal: string;
  readonly seq: number;
  readonly action: string;
  readonly api_version: string;
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
  readonly state: string;
  readonly uid: string | null;
  readonly resource_version: string | null;
  readonly message: string;
}

interface PlanTable extends SubjectColumns {
  readonly id: string;
  readonly revision: string;
  readonly created_at: string;
  readonly actor: string;
  readonly attested_by: string;
  readonly plan: string;
}

interface DecisionTable extends SubjectColumns {
  readonly id: string;
  readonly kind: string;
  readonly actor: string;
  readonly attested_by: string;
  readonly at: string;
  readonly reason: string;
  readonly detail: string;
}

interface HoldTable extends SubjectColumns {
  readonly id: string;
  readonly kind: string;
  readonly revision: string;
  readonly reason: string;
  readonly actor: string;
  readonly attested_by: string;
  readonly since: string;
}

interface ErrorShareTable extends SubjectColumns {
  readonly digest: string;
  readonly release: string;
  readonly at: string;
  readonly shares: string;
}

interface NoticeTable extends SubjectColumns {
  readonly id: string;
  readonly delivery: string | null;
  readonly environment: string | null;
  readonly channel: string;
  readonly state: string;
  readonly attempts: number;
  readonly at: string;
  readonly message: string;
}

interface ChangeTable extends SubjectColumns {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly actor: string;
  readonly attested_by: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly message: string;
  /** JSON. */
  readonly detail: string;
}

interface StandingTable extends SubjectColumns {
  readonly release: string;
  readonly since: string;
  readonly seen: string;
}

/** Which cluster was met at which address, and when last. */
interface ClusterTable {
  readonly cluster: string;
  readonly server: string;
  readonly seen: string;
}

export interface Tables extends BuildTables {
  readonly landfall_cluster: ClusterTable;
  readonly landfall_format: { readonly version: number };
  readonly landfall_delivery: DeliveryTable;
  readonly landfall_journal: JournalTable;
  readonly landfall_step: StepTable;
  readonly landfall_plan: PlanTable;
  readonly landfall_decision: DecisionTable;
  readonly landfall_hold: HoldTable;
  readonly landfall_error_share: ErrorShareTable;
  readonly landfall_notice: NoticeTable;
  readonly landfall_change: ChangeTable;
  readonly landfall_standing: StandingTable;
}

export type Database = Kysely<Tables>;
export type Session = Kysely<Tables> | Transaction<Tables>;

/** Where the two databases differ. */
export interface Flavour {
  /** A text that is compared by its bytes, as ids and times must be. */
  readonly text: string;
  readonly blob: string;
  /** What the database is called in errors; never with a password. */
  readonly name: string;
  /** Whether the tables have ever been made. */
  hasTables(session: Session): Promise<boolean>;
  /** Keeps a second process from making them at the same time, until the transaction ends. */
  lock(session: Session): Promise<void>;
  /** Now, by a clock that everybody who shares the database has in common. */
  now(session: Session): Promise<number>;
  /** What the database threw, as what the person can do about it; what is no fault of the database as it is. */
  failure(thrown: unknown): unknown;
}

type Migration = (flavour: Flavour) => readonly string[];

const SUBJECT = (text: string) =>
  `cluster ${text} not null, namespace ${text} not null, application ${text} not null`;

/** Format n is what the first n of these make. What has been released is never changed, only added to. */
const MIGRATIONS: readonly Migration[] = [
  ({ text, blob }) => [
    `create table landfall_delivery (id ${text} primary key, ${SUBJECT(text)}, environment ${text}, revision ${text} not null, trigger ${text} not null, actor ${text} not null, attested_by ${text} not null, started_at ${text} not null, finished_at ${text}, state ${text} not null, message ${text} not null, results ${text} not null, digest ${text}, proof ${text})`,
    'create index landfall_delivery_subject on landfall_delivery (cluster, namespace, application, id)',
    'create index landfall_delivery_application on landfall_delivery (application, id)',
    "create unique index landfall_delivery_observed on landfall_delivery (cluster, namespace, application, revision, coalesce(digest, '')) where trigger = 'observed'",
    'create index landfall_delivery_age on landfall_delivery (started_at)',
    `create table landfall_journal (id ${text} primary key, ${SUBJECT(text)}, delivery ${text} not null, revision ${text} not null, field_manager ${text} not null, state ${text} not null, started_at ${text} not null, owner ${text} not null, holder ${text} not null, machine ${text} not null, pid integer not null, process_start ${text} not null, lease_until double precision not null, sealed ${blob})`,
    "create unique index landfall_journal_open on landfall_journal (cluster, namespace, application) where state in ('open', 'restoring')",
    'create index landfall_journal_delivery on landfall_journal (delivery)',
    `create table landfall_step (journal ${text} not null references landfall_journal (id) on delete cascade, seq integer not null, action ${text} not null, api_version ${text} not null, kind ${text} not null, namespace ${text}, name ${text} not null, state ${text} not null, uid ${text}, resource_version ${text}, message ${text} not null, primary key (journal, seq))`,
    `create table landfall_plan (id ${text} primary key, ${SUBJECT(text)}, revision ${text} not null, created_at ${text} not null, actor ${text} not null, attested_by ${text} not null, plan ${text} not null)`,
    'create index landfall_plan_subject on landfall_plan (cluster, namespace, application, id)',
    `create table landfall_decision (id ${text} primary key, ${SUBJECT(text)}, kind ${text} not null, actor ${text} not null, attested_by ${text} not null, at ${text} not null, reason ${text} not null, detail ${text} not null)`,
    'create index landfall_decision_subject on landfall_decision (cluster, namespace, application, id)',
    `create table landfall_hold (id ${text} primary key, ${SUBJECT(text)}, kind ${text} not null, revision ${text} not null, reason ${text} not null, actor ${text} not null, attested_by ${text} not null, since ${text} not null, unique (cluster, namespace, application, kind, revision))`,
    `create table landfall_error_share (${SUBJECT(text)}, digest ${text} not null, release ${text} not null, at ${text} not null, shares ${text} not null, primary key (cluster, namespace, application, digest))`,
    `create table landfall_notice (id ${text} primary key, ${SUBJECT(text)}, delivery ${text}, environment ${text}, channel ${text} not null, state ${text} not null, attempts integer not null, at ${text} not null, message ${text} not null)`,
    'create index landfall_notice_subject on landfall_notice (cluster, namespace, application, id)',
  ],
  ({ text }) => [
    `create table landfall_change (id ${text} primary key, ${SUBJECT(text)}, kind ${text} not null, state ${text} not null, actor ${text} not null, attested_by ${text} not null, created_at ${text} not null, updated_at ${text} not null, message ${text} not null, detail ${text} not null)`,
    'create index landfall_change_subject on landfall_change (cluster, namespace, application, id)',
    "create unique index landfall_change_open on landfall_change (cluster, namespace, application) where state in ('waiting', 'committing', 'following')",
    `create table landfall_standing (${SUBJECT(text)}, release ${text} not null, since ${text} not null, seen ${text} not null, primary key (cluster, namespace, application))`,
  ],
  buildTables,
  ({ text }) => [
    `create table landfall_cluster (cluster ${text} not null, server ${text} not null, seen ${text} not null, primary key (cluster, server))`,
  ],
];

async function formatOf(session: Session): Promise<number> {
  const row = await session.selectFrom('landfall_format').select('version').executeTakeFirst();
  return row?.version ?? 0;
}

function refuseNewer(format: number, flavour: Flavour): void {
  if (format <= MIGRATIONS.length) return;
  throw new LandfallError(
    `The ledger ${flavour.name} has format ${format}, and this Landfall knows formats up to ${MIGRATIONS.length}: a newer Landfall wrote it.`,
    {
      kind: 'conflict',
      code: 'ledger-newer',
      object: flavour.name,
      hint: 'Use that version of Landfall, or name another ledger with --ledger.',
    },
  );
}

/** Brings the tables up to what this program knows. Safe with several processes at once; a no-op takes one query. */
export async function migrate(database: Database, flavour: Flavour): Promise<void> {
  if (await flavour.hasTables(database)) {
    const format = await formatOf(database);
    refuseNewer(format, flavour);
    if (format === MIGRATIONS.length) return;
  }
  await database.transaction().execute(async (transaction) => {
    await flavour.lock(transaction);
    if (!(await flavour.hasTables(transaction))) {
      await sql.raw('create table landfall_format (version integer not null)').execute(transaction);
      await transaction.insertInto('landfall_format').values({ version: 0 }).execute();
    }
    const format = await formatOf(transaction);
    refuseNewer(format, flavour);
    for (const statement of MIGRATIONS.slice(format).flatMap((migration) => migration(flavour)))
      await sql.raw(statement).execute(transaction);
    await transaction.updateTable('landfall_format').set({ version: MIGRATIONS.length }).execute();
  });
}
