import { PostgresDialect, sql } from 'kysely';
import { LandfallError, messageOf } from '../kernel/index.ts';
import type { Flavour } from './schema.ts';

/** Any number that no other program takes for the same database: "landfall" in ASCII, cut to what fits. */
const MIGRATION_LOCK = 0x6c61_6e64;
const CONNECTIONS = 4;
const CONNECT_MS = 5_000;
const STATEMENT_MS = 30_000;

/** The address without user and password. */
export function shownUrl(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return 'postgres://…';
  }
}

/** Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function failureAt(name: string, thrown: unknown): unknown {
  if (thrown instanceof LandfallError || !(thrown instanceof Error)) return thrown;
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  const details = { object: name, cause: thrown };
  if (/^(?:28|42501)/.test(code)) {
    return new LandfallError(`The ledger ${name} refused this user: ${messageOf(thrown)}.`, {
      ...details,
      kind: 'denied',
      code: 'ledger-unwritable',
      hint: 'Check user, password and grants; it must be able to create tables once, then to read and write them.',
    });
  }
  const unreachable =
    /^(?:08|53|57|58|XX|3D|25006|E[A-Z]+$)/.test(code) || /timeout|terminated|ended/i.test(thrown.message);
  if (!unreachable) return thrown;
  return new LandfallError(`The ledger ${name} cannot be used: ${messageOf(thrown) || code}.`, {
    ...details,
    kind: 'unavailable',
    code: 'ledger-unavailable',
    hint: 'Check that the database exists, runs and can be reached from here.',
  });
}

/** The dialect of one address, and how PostgreSQL does what the two databases do differently. */
export async function postgresLedger(
  url: string,
): Promise<{ readonly dialect: PostgresDialect; readonly flavour: Flavour }> {
  const { default: pg } = await import('pg');
  const name = shownUrl(url);
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    application_name: 'landfall',
    allowExitOnIdle: true,
  });
  // A connection that breaks while nobody uses it is replaced at the next use.
  pool.on('error', () => {});
  return {
    dialect: new PostgresDialect({ pool }),
    flavour: {
      text: 'text collate "C"',
      blob: 'bytea',
      name,
      async hasTables(session) {
        // A table, not to_regclass: that answers from a cache which waiting for the lock below does not renew.
        const { rows } = await sql`
          select 1 from pg_catalog.pg_tables
          where schemaname = any (current_schemas(false)) and tablename = 'landfall_format'`.execute(session);
        return rows.length > 0;
      },
      async lock(session) {
        await sql`select pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)})`.execute(session);
      },
      async now(session) {
        const { rows } = await sql<{
          readonly now: number;
        }>`select (extract(epoch from clock_timestamp()) * 1000)::double precision as now`.execute(session);
        return Number(rows[0]?.now);
      },
      failure: (thrown) => failureAt(name, thrown),
    },
  };
}
