import { createHash } from 'node:crypto';
import { lstat, readFile, readdir, readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { createGzip, type Gzip } from 'node:zlib';
import { LandfallError } from '../kernel/index.ts';
import { digestOf } from './digest.ts';
import { tarEnd, tarEntry, type TarEntry } from './tar.ts';

export interface Layer {
  /** Of the compressed bytes. */
  readonly digest: string;
  /** Of the archive before compression; image configs name layers by it. */
  readonly diffId: string;
  readonly bytes: Buffer;
  readonly files: number;
}

export interface LayerOptions {
  readonly folder: string;
  /** Where in the image the folder's content goes: `/app`. */
  readonly at: string;
  /** The time of every entry, milliseconds since the epoch. */
  readonly mtime: number;
  readonly maxFiles: number;
  /** Of content, before compression. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

const LEFT_OUT: ReadonlySet<string> = new Set(['.git']);
/** The header's last byte names the operating system of who compressed; 255 means that it is not told. */
const GZIP_OS_AT = 9;
const GZIP_OS_UNKNOWN = 255;

/**
 * A folder as a layer. The same files make the same archive whatever their times, owners and order on disk: entries
 * sorted, time fixed, owned by root, modes 0755 or 0644. Symbolic links inside of the folder are kept, links that
 * lead out of it, sockets, devices and names that are not UTF-8 are refused. `.git` is left out.
 */
export async function packLayer(options: LayerOptions): Promise<Layer> {
  const { folder, at, mtime, signal } = options;
  const mtimeSeconds = Math.max(0, Math.floor(mtime / 1000));
  const gzip = createGzip({ level: 9 });
  const packed: Buffer[] = [];
  gzip.on('data', (chunk: Buffer) => packed.push(chunk));
  const ended = new Promise<void>((resolve, reject) => gzip.on('end', resolve).on('error', reject));
  const hash = createHash('sha256');
  const write = async (bytes: Buffer): Promise<void> => {
    hash.update(bytes);
    await writeTo(gzip, bytes);
  };
  let files = 0;
  try {
    const prefix = at.split('/').filter((part) => part !== '');
    for (let depth = 1; depth <= prefix.length; depth += 1) {
      await write(tarEntry({ type: 'directory', path: prefix.slice(0, depth).join('/') }, mtimeSeconds));
    }
    const inImage = (path: string) => [...prefix, path].join('/');
    for await (const entry of entriesOf(options, folder)) {
      if (signal.aborted) {
        throw new LandfallError(`The image of ${folder} was not built: cancelled.`, {
          kind: 'cancelled',
          code: 'cancelled',
        });
      }
      files += 1;
      await write(tarEntry({ ...entry, path: inImage(entry.path) }, mtimeSeconds));
    }
    await write(tarEnd());
    gzip.end();
    await ended;
  } finally {
    gzip.destroy();
  }
  const bytes = Buffer.concat(packed);
  bytes[GZIP_OS_AT] = GZIP_OS_UNKNOWN;
  return { digest: digestOf(bytes), diffId: `sha256:${hash.digest('hex')}`, bytes, files };
}

function writeTo(gzip: Gzip, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    gzip.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

function refuse(path: string, why: string, hint: string): LandfallError {
  return new LandfallError(`${path} cannot be put into an image: ${why}.`, {
    kind: 'invalid-input',
    code: 'image-content-refused',
    object: path,
    hint,
  });
}

async function* entriesOf(
  { maxFiles, maxBytes }: LayerOptions,
  folder: string,
): AsyncGenerator<TarEntry, void, undefined> {
  let count = 0;
  let total = 0;
  const pending: { readonly path: string; readonly name: string }[] = await childrenOf(folder, '');
  while (pending.length > 0) {
    const next = pending.shift();
    if (next === undefined) break;
    const { path } = next;
    const full = join(folder, path);
    count += 1;
    if (count > maxFiles) {
      throw refuse(
        folder,
        `it holds more than ${maxFiles} files`,
        'Build from a folder without what is not needed.',
      );
    }
    const info = await lstat(full);
    if (info.isDirectory()) {
      yield { type: 'directory', path };
      pending.unshift(...(await childrenOf(folder, path)));
    } else if (info.isSymbolicLink()) {
      yield { type: 'symlink', path, target: await linkTarget(full, path) };
    } else if (info.isFile()) {
      total += info.size;
      if (total > maxBytes) {
        throw refuse(
          folder,
          `it holds more than ${maxBytes} bytes`,
          'Build from a folder without what is not needed.',
        );
      }
      const bytes = await readFile(full);
      total += Math.max(0, bytes.length - info.size);
      yield { type: 'file', path, executable: (info.mode & 0o111) !== 0, bytes };
    } else {
      throw refuse(full, 'it is a socket, a pipe or a device', 'Remove it from the folder.');
    }
  }
}

/** Sorted by name, so that a folder is followed by what is in it and the order is the same everywhere. */
async function childrenOf(folder: string, path: string): Promise<{ path: string; name: string }[]> {
  let raw: Buffer[];
  const full = join(folder, path);
  try {
    raw = await readdir(full, { encoding: 'buffer' });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'EACCES') throw cause;
    throw new LandfallError(`The folder ${full} cannot be read: ${code}.`, {
      kind: code === 'EACCES' ? 'denied' : 'not-found',
      code: 'folder-unreadable',
      object: full,
      hint: 'Name a folder that exists and that may be read.',
      cause,
    });
  }
  return raw
    .sort((a, b) => Buffer.compare(a, b))
    .map((bytes) => {
      const name = bytes.toString('utf8');
      if (!Buffer.from(name).equals(bytes)) {
        throw refuse(join(full, name), 'its name is not UTF-8', 'Rename it.');
      }
      return { name, path: path === '' ? name : `${path}/${name}` };
    })
    .filter(({ name }) => !LEFT_OUT.has(name));
}

async function linkTarget(full: string, path: string): Promise<string> {
  const target = await readlink(full);
  const hint = 'Replace it by what it leads to.';
  if (posix.isAbsolute(target)) throw refuse(full, `it is a link to ${target}, outside of the folder`, hint);
  const resolved = posix.normalize(posix.join(posix.dirname(path), target));
  if (resolved === '..' || resolved.startsWith('../')) {
    throw refuse(full, `it is a link to ${target}, outside of the folder`, hint);
  }
  return target;
}
