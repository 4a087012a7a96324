import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** Above this, bytes go to a file. */
const IN_MEMORY_EACH = 1024 * 1024;
/** All small contents together; what comes after goes to files too. */
const IN_MEMORY_ALL = 128 * 1024 * 1024;

/** Bytes on their way in: in memory while small, in a file once they are not, hashed as they come. */
export interface Spool {
  readonly size: number;
  write(chunk: Buffer): Promise<void>;
  discard(): Promise<void>;
}

interface OpenSpool extends Spool {
  readonly digest: () => string;
  readonly chunks: Buffer[];
  readonly path: () => string | undefined;
  /** Closes the file; with `durable`, after its bytes are on disk. */
  finish(durable: boolean): Promise<void>;
}

interface Content {
  readonly size: number;
  readonly bytes: Buffer | undefined;
  readonly path: string | undefined;
  users: number;
}

/** Content by digest, shared by all repositories, kept as long as somebody holds it. */
export interface Contents {
  /** The size in bytes, or undefined when nothing has that digest. */
  size(digest: string): number | undefined;
  read(digest: string): Promise<Buffer>;
  /** `end` is inclusive, as in a Range header. */
  stream(digest: string, start: number, end: number): Buffer | Readable;
  spool(): Spool;
  /** The digest of what was written so far. */
  digestOf(spool: Spool): string;
  /** Takes the spool over and holds the content once; the spool is used up. */
  add(spool: Spool): Promise<string>;
  hold(digest: string): void;
  /** The last release removes the content, once `sweep` was called. */
  release(digest: string): Promise<void>;
  /** Ends the replay of what was there: removes what nobody holds, and from now on whatever is released last. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Without `dataDir` small contents live in memory and large ones in a folder below `temporaryDir` that `close` removes; with it
 * every content is a file under `dataDir/blobs`, on disk before `add` resolves.
 */
export async function openContents(
  dataDir: string | undefined,
  temporaryDir: string = tmpdir(),
): Promise<Contents> {
  const contents = new Map<string, Content>();
  let inMemory = 0;
  let replaying = true;
  let temporary: Promise<string> | undefined;
  const folder = (): Promise<string> => {
    if (dataDir !== undefined) return Promise.resolve(dataDir);
    temporary ??= mkdtemp(join(temporaryDir, 'landfall-registry-')).then(async (made) => {
      await mkdir(join(made, 'blobs'));
      await mkdir(join(made, 'uploads'));
      return made;
    });
    return temporary;
  };
  // Files are named by digest, so that removing one and storing the same bytes again must not overlap.
  let last: Promise<unknown> = Promise.resolve();
  const serially = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };

  if (dataDir !== undefined) {
    await mkdir(join(dataDir, 'blobs'), { recursive: true });
    await rm(join(dataDir, 'uploads'), { recursive: true, force: true });
    await mkdir(join(dataDir, 'uploads'));
    for (const name of await readdir(join(dataDir, 'blobs'))) {
      const path = join(dataDir, 'blobs', name);
      const digest = `sha256:${name}`;
      contents.set(digest, { size: (await stat(path)).size, bytes: undefined, path, users: 0 });
    }
  }

  const remove = async (digest: string, content: Content): Promise<void> => {
    contents.delete(digest);
    inMemory -= content.bytes?.length ?? 0;
    const { path } = content;
    if (path !== undefined) await serially(() => rm(path, { force: true }));
  };
  const store = async (spool: OpenSpool, digest: string): Promise<Content> => {
    if (spool.path() === undefined && dataDir === undefined) {
      // What the spool held in memory is now the content's.
      return { size: spool.size, bytes: Buffer.concat(spool.chunks.splice(0)), path: undefined, users: 1 };
    }
    const base = await folder();
    const path = join(base, 'blobs', digest.slice('sha256:'.length));
    let from = spool.path();
    if (from === undefined) {
      const empty = await spill();
      await empty.file.close();
      from = empty.path;
    }
    await rename(from, path);
    if (dataDir !== undefined) await syncFolder(join(base, 'blobs'));
    return { size: spool.size, bytes: undefined, path, users: 1 };
  };
  const openSpools = new WeakMap<Spool, OpenSpool>();
  const opened = (spool: Spool): OpenSpool => {
    const found = openSpools.get(spool);
    if (found === undefined) throw new Error('The spool is not of this store.');
    return found;
  };
  const spill = async (): Promise<{ path: string; file: FileHandle }> => {
    const path = join(await folder(), 'uploads', randomUUID());
    return { path, file: await open(path, 'wx') };
  };

  return {
    size: (digest) => contents.get(digest)?.size,
    async read(digest) {
      const content = contents.get(digest);
      if (content?.bytes !== undefined) return content.bytes;
      if (content?.path === undefined) throw new Error(`No content has the digest ${digest}.`);
      return readFile(content.path);
    },
    stream(digest, start, end) {
      const content = contents.get(digest);
      if (content?.bytes !== undefined) return content.bytes.subarray(start, end + 1);
      if (content?.path === undefined) throw new Error(`No content has the digest ${digest}.`);
      return content.size === 0 ? Buffer.alloc(0) : createReadStream(content.path, { start, end });
    },
    spool() {
      const spool = newSpool(spill, (bytes) => {
        if (dataDir !== undefined || inMemory + bytes > IN_MEMORY_ALL) return false;
        inMemory += bytes;
        return true;
      });
      openSpools.set(spool, spool);
      return spool;
    },
    digestOf: (spool) => opened(spool).digest(),
    async add(given) {
      const spool = opened(given);
      const digest = spool.digest();
      const held = contents.get(digest);
      if (held !== undefined) {
        held.users += 1;
        await spool.discard();
        return digest;
      }
      await spool.finish(dataDir !== undefined);
      return serially(async () => {
        const raced = contents.get(digest);
        if (raced !== undefined) {
          raced.users += 1;
          await spool.discard();
          return digest;
        }
        contents.set(digest, await store(spool, digest));
        return digest;
      });
    },
    hold(digest) {
      const content = contents.get(digest);
      if (content !== undefined) content.users += 1;
    },
    async release(digest) {
      const content = contents.get(digest);
      if (content === undefined) return;
      content.users -= 1;
      // During a replay a content may be released and held again further on: its file must survive until then.
      if (content.users > 0 || replaying) return;
      await remove(digest, content);
    },
    async sweep() {
      replaying = false;
      for (const [digest, content] of contents) if (content.users <= 0) await remove(digest, content);
    },
    async close() {
      contents.clear();
      if (temporary !== undefined) await rm(await temporary, { recursive: true, force: true });
    },
  };
}

/** `reserve` says whether so many bytes more may be held in memory; a negative number gives them back. */
function newSpool(
  spill: () => Promise<{ path: string; file: FileHandle }>,
  reserve: (bytes: number) => boolean,
): OpenSpool {
  const hash = createHash('sha256');
  const chunks: Buffer[] = [];
  let size = 0;
  let spilled: { path: string; file: FileHandle } | undefined;
  const giveBack = (): void => {
    const held = chunks.splice(0).reduce((sum, chunk) => sum + chunk.length, 0);
    if (held > 0) reserve(-held);
  };
  return {
    get size() {
      return size;
    },
    chunks,
    path: () => spilled?.path,
    digest: () => `sha256:${hash.copy().digest('hex')}`,
    async write(chunk) {
      hash.update(chunk);
      size += chunk.length;
      if (spilled === undefined && size <= IN_MEMORY_EACH && reserve(chunk.length)) {
        chunks.push(chunk);
        return;
      }
      spilled ??= await spill();
      const held = [...chunks];
      giveBack();
      await writeAll(spilled.file, [...held, chunk]);
    },
    async finish(durable) {
      if (spilled === undefined) return;
      if (durable) await spilled.file.sync();
      await spilled.file.close();
    },
    async discard() {
      giveBack();
      if (spilled === undefined) return;
      await spilled.file.close().catch(() => {});
      await rm(spilled.path, { force: true });
    },
  };
}

async function writeAll(file: FileHandle, chunks: readonly Buffer[]): Promise<void> {
  for (const chunk of chunks) {
    let written = 0;
    while (written < chunk.length) written += (await file.write(chunk, written)).bytesWritten;
  }
}

/** A rename is durable once the folder that holds the name is. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
