import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { sql } from 'kysely';
import type { SqliteDialect } from 'kysely';
import type Sqlite from 'libsql';
import { LandfallError, messageOf } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import { loadLibsql } from './load-libsql.ts';
import type { Flavour } from './schema.ts';
import { BUSY_MS, isBusy, LedgerSqliteDialect, patiently, TRIES } from './sqlite-driver.ts';

function codeOf(thrown: unknown): string {
  const { code } = thrown as { readonly code?: unknown };
  return typeof code === 'string' ? code : '';
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
  if (code.endsWith('MODULE_NOT_FOUND')) {
    return new LandfallError(`SQLite does not run on this machine: ${messageOf(thrown).split('\n')[0]}.`, {
      ...details,
      kind: 'unavailable',
      code: 'ledger-unavailable',
      hint: 'Install Landfall with its optional dependencies, or keep the history in PostgreSQL with --ledger.',
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

/**
 * Made here, since SQLite would let others read it; its helpers get the same mode from it. One that is there is not
 * touched: a process that closes any handle of a file gives up every lock that it has on it, those of SQLite as well.
 * Source: SQLite, "How To Corrupt An SQLite Database File", 2.2.
 */
function makeFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw thrown;
  }
}

/**
 * Node's own recursive `mkdir` never returns where a folder is there and nothing can be made in it, as below /proc.
 * A link that leads nowhere does the same. Seen with Node 20.
 */
function makeFolder(folder: string): void {
  const code = mkdirCode(folder);
  const parent = path.dirname(folder);
  if (code === 'ENOENT' && parent !== folder && !existsSync(parent)) {
    makeFolder(parent);
    mkdirCode(folder, true);
  } else if (code !== undefined) mkdirCode(folder, true);
}

/** Undefined where the folder is there afterwards. */
function mkdirCode(folder: string, last = false): string | undefined {
  try {
    mkdirSync(folder, { mode: 0o700 });
    return undefined;
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === 'EEXIST') return undefined;
    if (last) throw thrown;
    return code;
  }
}

/** Opens the file, which only its owner may read; makes it where there is none. */
async function openFile(file: string): Promise<Sqlite.Database> {
  const Libsql = loadLibsql();
  makeFolder(path.dirname(file));
  makeFile(file);
  const database = new Libsql(file);
  try {
    await patiently(() => {
      database.exec(`pragma busy_timeout = ${BUSY_MS}`);
      // FULL: what a promise has resolved for is on the disk, in the write-ahead log, too.
      database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on');
    });
  } catch (thrown) {
    database.close();
    throw thrown;
  }
  return database;
}

/** The dialect of one file, and how SQLite does what the two databases do differently. */
export async function sqliteLedger(
  file: string,
  clock: Clock,
): Promise<{ readonly dialect: SqliteDialect; readonly flavour: Flavour }> {
  let database: Sqlite.Database;
  try {
    database = await openFile(file);
  } catch (thrown) {
    throw failureAt(file, thrown);
  }
  return {
    dialect: new LedgerSqliteDialect(database),
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
