import { SqliteDialect, SqliteDriver } from 'kysely';
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely';
import type Sqlite from 'libsql';

/** How long SQLite waits for another process by itself. Short, since nothing else happens meanwhile. */
export const BUSY_MS = 50;
/** Looks at a busy database before giving up, with everything else let through between two: ten seconds. */
export const TRIES = 200;

export function isBusy(thrown: unknown): boolean {
  const { code } = thrown as { readonly code?: unknown };
  return typeof code === 'string' && /^SQLITE_(?:BUSY|LOCKED)/.test(code);
}

/**
 * Does it again while another connection has the lock. What was refused for a lock has done nothing; and a connection
 * of this very process can only finish when it is let through.
 */
export async function patiently<T>(work: () => T): Promise<T> {
  for (let left = TRIES; ; left -= 1) {
    try {
      return work();
    } catch (thrown) {
      if (left <= 1 || !isBusy(thrown)) throw thrown;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
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

/**
 * libsql does not reset a prepared statement that met a lock, and no transaction of its connection can be committed
 * from then on. So nothing prepared ever meets one: the lock is taken by `exec` before any write.
 */
class LockedConnection implements DatabaseConnection {
  readonly #database: Sqlite.Database;
  constructor(database: Sqlite.Database) {
    this.#database = database;
  }

  /** Takes the lock at once: a transaction that has read and then wants to write could not wait for it. */
  begin(): Promise<void> {
    return patiently(() => {
      this.#database.exec('begin immediate');
    });
  }

  commit(): void {
    this.#database.exec('commit');
  }

  /** A full disk ends a transaction by itself. */
  rollback(): void {
    if (this.#database.inTransaction) this.#database.exec('rollback');
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    checked(query.parameters);
    if (this.#database.inTransaction) return this.#run<R>(query);
    if (/^\s*select\b/i.test(query.sql)) return patiently(() => this.#run<R>(query));
    await this.begin();
    try {
      const result = this.#run<R>(query);
      this.commit();
      return result;
    } catch (thrown) {
      this.rollback();
      throw thrown;
    }
  }

  #run<R>({ sql, parameters }: CompiledQuery): QueryResult<R> {
    const statement = this.#database.prepare(sql);
    if (statement.reader) return { rows: withBuffers(statement.all(parameters) as R[]) };
    const { changes } = statement.run(parameters);
    return { rows: [], numAffectedRows: BigInt(changes) };
  }

  // oxlint-disable-next-line require-yield
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('The ledger reads bounded lists; it streams nothing.');
  }
}

/** One connection; whoever wants it waits for the one before. */
class LockedDriver extends SqliteDriver {
  readonly #connection: LockedConnection;
  constructor(database: Sqlite.Database) {
    super({ database });
    this.#connection = new LockedConnection(database);
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    await super.acquireConnection();
    return this.#connection;
  }

  override beginTransaction(): Promise<void> {
    return this.#connection.begin();
  }

  override async commitTransaction(): Promise<void> {
    this.#connection.commit();
  }

  override async rollbackTransaction(): Promise<void> {
    this.#connection.rollback();
  }
}

export class LedgerSqliteDialect extends SqliteDialect {
  readonly #database: Sqlite.Database;
  constructor(database: Sqlite.Database) {
    super({ database });
    this.#database = database;
  }

  override createDriver(): Driver {
    return new LockedDriver(this.#database);
  }
}
