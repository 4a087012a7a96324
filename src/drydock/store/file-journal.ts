import { randomBytes } from 'node:crypto';
import {
  mkdirSync,
  openSync,
  readFileSync,
  closeSync,
  rmSync,
  writeSync,
  existsSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { open, rename, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, LandfallError, messageOf } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import type { Change, Entry } from './entry.ts';
import type { Journal } from './store.ts';

const LOG = 'objects.log';
const LOCK = 'lock';
const KEY = 'token-key';
/** A log is rewritten when it is this long and mostly of objects that are gone or changed since. */
const REWRITE_AT = 32 * 1024 * 1024;
const MOSTLY = 4;

/** One line of the log: an object at a revision, or its end. */
interface Line {
  readonly t: string;
  readonly r: number;
  readonly o?: KubeObject;
  readonly d?: readonly [namespace: string | null, name: string];
}

export interface Recovered {
  readonly table: string;
  readonly object: KubeObject;
  readonly revision: number;
}

export interface OpenJournal {
  readonly journal: Journal;
  readonly recovered: readonly Recovered[];
  readonly lastRevision: number;
  /** Stays the same over restarts, so that tokens do. */
  readonly tokenKey: Buffer;
  /** What a rewrite of the log keeps; given by the store once it is there. */
  setSnapshot(snapshot: () => Iterable<readonly [table: string, entry: Entry]>): void;
}

function lineOf(table: string, change: Change): string {
  const { entry, revision } = change;
  const line: Line =
    change.type === 'DELETED'
      ? { t: table, r: revision, d: [entry.namespace ?? null, entry.name] }
      : { t: table, r: revision, o: entry.object };
  return `${JSON.stringify(line)}\n`;
}

function takeLock(folder: string): string {
  const path = join(folder, LOCK);
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const handle = openSync(path, 'wx', 0o600);
      writeSync(handle, String(process.pid));
      closeSync(handle);
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const pid = Number(readFileSync(path, 'utf8'));
    if (pid !== process.pid && isAlive(pid)) {
      throw new LandfallError(`The data folder ${folder} is in use by process ${pid}.`, {
        kind: 'conflict',
        code: 'data-in-use',
        object: folder,
        hint: 'Stop that cluster, or choose another folder.',
      });
    }
    // Its owner was killed.
    rmSync(path, { force: true });
  }
  throw new LandfallError(`The data folder ${folder} could not be locked.`, {
    kind: 'conflict',
    code: 'data-in-use',
    object: folder,
  });
}

interface Replayed {
  readonly live: Map<string, Recovered>;
  readonly lastRevision: number;
  /** Bytes that are whole lines; what follows was cut off by a crash. */
  readonly whole: number;
}

function replay(path: string): Replayed {
  const live = new Map<string, Recovered>();
  let lastRevision = 0;
  if (!existsSync(path)) return { live, lastRevision, whole: 0 };
  const bytes = readFileSync(path);
  let start = 0;
  for (let end = bytes.indexOf(10, start); end >= 0; end = bytes.indexOf(10, start)) {
    let line: Line;
    try {
      line = JSON.parse(bytes.toString('utf8', start, end)) as Line;
    } catch (cause) {
      throw new LandfallError(`The data file ${path} is damaged at byte ${start}: ${messageOf(cause)}`, {
        kind: 'invalid-input',
        code: 'data-damaged',
        object: path,
        hint: 'Restore the file, or start with an empty folder.',
        cause,
      });
    }
    if (line.o !== undefined) {
      const { namespace, name } = line.o.metadata;
      live.set(JSON.stringify([line.t, namespace ?? null, name]), {
        table: line.t,
        object: line.o,
        revision: line.r,
      });
    } else if (line.d !== undefined) {
      live.delete(JSON.stringify([line.t, line.d[0], line.d[1]]));
    }
    lastRevision = Math.max(lastRevision, line.r);
    start = end + 1;
  }
  return { live, lastRevision, whole: start };
}

function readKey(folder: string): Buffer {
  const path = join(folder, KEY);
  if (existsSync(path)) return Buffer.from(readFileSync(path, 'utf8'), 'hex');
  const key = randomBytes(32);
  writeFileSync(`${path}.new`, key.toString('hex'), { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
  return key;
}

/**
 * Opens the folder in which objects outlive the process: one append-only log, written and flushed to the disk before
 * a write is acknowledged. Throws `data-in-use`, `data-damaged`. A line that a crash cut off was never acknowledged,
 * and is dropped.
 */
export async function openFileJournal(folder: string): Promise<OpenJournal> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = takeLock(folder);
  try {
    const path = join(folder, LOG);
    const { live, lastRevision, whole } = replay(path);
    const tokenKey = readKey(folder);
    const file = await open(path, existsSync(path) ? 'r+' : 'w+', 0o600);
    await file.truncate(whole);
    const journal = new FileJournal(path, lock, file, whole);
    return {
      journal,
      recovered: [...live.values()],
      lastRevision,
      tokenKey,
      setSnapshot: (snapshot) => journal.setSnapshot(snapshot),
    };
  } catch (error) {
    rmSync(lock, { force: true });
    throw error;
  }
}

class FileJournal implements Journal {
  readonly #path: string;
  readonly #lock: string;
  #file: FileHandle;
  #size: number;
  #sizeAfterRewrite = 0;
  #waiting: string[] = [];
  #flushing: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #failure: unknown;
  #snapshot: (() => Iterable<readonly [string, Entry]>) | undefined;

  constructor(path: string, lock: string, file: FileHandle, size: number) {
    this.#path = path;
    this.#lock = lock;
    this.#file = file;
    this.#size = size;
  }

  setSnapshot(snapshot: () => Iterable<readonly [string, Entry]>): void {
    this.#snapshot = snapshot;
  }

  append(table: string, change: Change): void {
    this.#waiting.push(lineOf(table, change));
  }

  /** One flush serves every write that was waiting when it began. */
  flushed(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(asError(this.#failure));
    if (this.#waiting.length === 0) return this.#flushing ?? Promise.resolve();
    if (this.#flushing === undefined) {
      this.#flushing = this.#flush().finally(() => {
        this.#flushing = undefined;
      });
      return this.#flushing;
    }
    this.#next ??= this.#flushing
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.flushed();
      });
    return this.#next;
  }

  async close(): Promise<void> {
    try {
      await this.flushed();
      if (this.#waiting.length > 0) await this.flushed();
    } finally {
      await this.#file.close();
      rmSync(this.#lock, { force: true });
    }
  }

  async #flush(): Promise<void> {
    try {
      // Writes of the same turn are written together.
      await Promise.resolve();
      if (this.#needsRewrite()) {
        await this.#rewrite();
        return;
      }
      const bytes = Buffer.from(this.#waiting.join(''));
      this.#waiting = [];
      await this.#file.write(bytes, 0, bytes.length, this.#size);
      this.#size += bytes.length;
      await this.#file.datasync();
    } catch (error) {
      // Nothing more is acknowledged once the disk refuses.
      this.#failure = error;
      throw error;
    }
  }

  #needsRewrite(): boolean {
    return (
      this.#snapshot !== undefined && this.#size > REWRITE_AT && this.#size > this.#sizeAfterRewrite * MOSTLY
    );
  }

  async #rewrite(): Promise<void> {
    const lines: string[] = [];
    for (const [table, entry] of this.#snapshot?.() ?? []) {
      lines.push(
        lineOf(table, { type: 'ADDED', revision: entry.revision, entry, previous: undefined, size: 0 }),
      );
    }
    // What waits is in the snapshot already.
    this.#waiting = [];
    const bytes = Buffer.from(lines.join(''));
    const next = await open(`${this.#path}.new`, 'w+', 0o600);
    await next.writeFile(bytes);
    await next.datasync();
    await rename(`${this.#path}.new`, this.#path);
    await this.#file.close();
    this.#file = next;
    this.#size = bytes.length;
    this.#sizeAfterRewrite = bytes.length;
  }
}

function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value));
}
