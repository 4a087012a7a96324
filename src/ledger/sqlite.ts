import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { CompiledQuery, SqliteDialect, SqliteDriver, sql } from 'kysely';
import type { DatabaseConnection, Driver, QueryResult, SqliteDatabase } from 'kysely';
import { LandfallError, messageOf } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { Flavour } from './schema.ts';

/** How long SQLite waits for another process by itself. Short, since nothing else happens meanwhile. */
const BUSY_MS = 50;
/** Looks at a busy database before giving up, with everything else let through between two: ten seconds. */
const TRIES = 200;

function codeOf(thrown: unknown): string {
  const { code } = thrown as { readonly code?: unknown };
  return typeof code === 'string' ? code : '';
}

function isBusy(thrown: unknown): boolean {
  return /^SQLITE_(?:BUSY|LOCKED)/.test(codeOf(thrown));
}

/** What went wrong with the file, for the person who owns it. What is no fault of the file is given back as it is. */
function failureAt(file: string, thrown: unknown): unknown {
  const code = codeOf(thrown);
  const details = { object: file, cause: thrown };
  if (/^SQLITE_(?:NOTADB|CORRUPT|FORMAT|SCHEMA)/.test(code)) {
    return new LandfallError(`The ledger ${file} is damaged: ${messageOf(thrown)}.`, {
      ...details,
      kind: 'unavailable',
      code: 'ledger-damaged',
      hint: `Restore it from a backup, or move it away (mv ${path.basename(file)} ${path.basename(file)}.damaged) to begin an empty one; unfinished journals in it are then lost.`,
    });
  }
  if (isBusy(thrown)) {
    return new LandfallError(
      `The ledger ${file} was locked by another process for ${(TRIES * BUSY_MS) / 1000} s.`,
      {
        ...details,
        kind: 'unavailable',
        code: 'ledger-busy',
        hint: 'See which process holds it (fuser, lsof), and try again.',
      },
    );
  }
  const unopened = thrown instanceof Error && thrown.message.includes('Unable to open connection');
  if (
    unopened ||
    /^(?:SQLITE_(?:CANTOPEN|READONLY|PERM|AUTH)|E(?:ACCES|PERM|ROFS|NOTDIR|ISDIR|NOENT|EXIST))/.test(code)
  ) {
    return new LandfallError(`The ledger ${file} cannot be opened for writing: ${messageOf(thrown)}.`, {
      ...details,
      kind: 'denied',
      code: 'ledger-unwritable',
      hint: 'Check who owns the file and its folder, or name another place with XDG_STATE_HOME or --ledger.',
    });
  }
  if (/^(?:SQLITE_(?:FULL|IOERR)|E(?:NOSPC|DQUOT|IO))/.test(code)) {
    return new LandfallError(`The ledger ${file} could not be written: ${messageOf(thrown)}.`, {
      ...details,
      kind: 'unavailable',
      code: 'ledger-unwritable',
      hint: 'Check the space that is left on the device.',
    });
  }
  return thrown;
}

/** libsql ends the process on a parameter that it does not know, a boolean for one, and gives blobs as ArrayBuffer. */
function checked(parameters: readonly unknown[]): void {
  for (const value of parameters) {
    const known =
      value === null ||
      typeof value === 'string' ||
      typeof value === 'number' ||
      typeof value === 'bigint' ||
      value instanceof Uint8Array;
    if (!known) throw new TypeError(`A ${typeof value} cannot be stored in SQLite.`);
  }
}

function withBuffers<R>(rows: readonly R[]): R[] {
  return rows.map((row) => {
    const entries = Object.entries(row as Readonly<Record<string, unknown>>);
    if (!entries.some(([, value]) => value instanceof ArrayBuffer)) return row;
    return Object.fromEntries(
      entries.map(([key, value]) => [key, value instanceof ArrayBuffer ? Buffer.from(value) : value]),
    ) as R;
  });
}

class PatientConnection implements DatabaseConnection {
  readonly #inner: DatabaseConnection;
  constructor(inner: DatabaseConnection) {
    this.#inner = inner;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    checked(query.parameters);
    for (let left = TRIES; ; left -= 1) {
      try {
        const result = await this.#inner.executeQuery<R>(query);
        return { ...result, rows: withBuffers(result.rows) };
      } catch (thrown) {
        // A statement that was refused for a lock has done nothing. Another connection of this very process can only
        // finish when it is let through.
        if (left <= 1 || !isBusy(thrown)) throw thrown;
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    }
  }

  streamQuery<R>(query: CompiledQuery, chunkSize?: number): AsyncIterableIterator<QueryResult<R>> {
    return this.#inner.streamQuery<R>(query, chunkSize);
  }
}

class PatientDriver extends SqliteDriver {
  override async acquireConnection(): Promise<DatabaseConnection> {
    return new PatientConnection(await super.acquireConnection());
  }

  /** Takes the lock at once: a transaction that has read and then wants to write could not wait for it. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }
}

class PatientDialect extends SqliteDialect {
  readonly #database: SqliteDatabase;
  constructor(database: SqliteDatabase) {
    super({ database });
    this.#database = database;
  }

  override createDriver(): Driver {
    return new PatientDriver({ database: this.#database });
  }
}

/** Opens the file, which only its owner may read; makes it where there is none. */
async function openFile(file: string): Promise<SqliteDatabase> {
  // The package is CommonJS with one export.
  const { default: Sqlite } = await import('libsql');
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  // Made here, since SQLite would let others read it; its helpers get the same mode from it.
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  const database = new Sqlite(file);
  try {
    for (let left = TRIES; ; left -= 1) {
      try {
        database.exec(`pragma busy_timeout = ${BUSY_MS}`);
        // FULL: what a promise has resolved for is on the disk, in the write-ahead log, too.
        database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on');
        break;
      } catch (thrown) {
        if (left <= 1 || !isBusy(thrown)) throw thrown;
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    }
  } catch (thrown) {
    database.close();
    throw thrown;
  }
  return database as unknown as SqliteDatabase;
}

/** The dialect of one file, and how SQLite does what the two databases do differently. */
export async function sqliteLedger(
  file: string,
  clock: Clock,
): Promise<{ readonly dialect: SqliteDialect; readonly flavour: Flavour }> {
  let database: SqliteDatabase;
  try {
    database = await openFile(file);
  } catch (thrown) {
    throw failureAt(file, thrown);
  }
  return {
    dialect: new PatientDialect(database),
    flavour: {
      text: 'text',
      blob: 'blob',
      name: file,
      async hasTables(session) {
        const { rows } = await sql`select 1 from sqlite_master where name = 'landfall_format'`.execute(
          session,
        );
        return rows.length > 0;
      },
      lock: () => Promise.resolve(),
      now: () => Promise.resolve(clock.now()),
      failure: (thrown) => failureAt(file, thrown),
    },
  };
}
