import {
  chmodSync,
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';

/** Compiled code of chunks by their file name. */
export type KeptCode = ReadonlyMap<string, Buffer>;

const MAGIC = 'landfall-code 1\n';
const HEAD = MAGIC.length + 8;
/** More was not written by us. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Builds and versions of Node whose code stays. */
const BUILDS_KEPT = 4;

const NOTHING: KeptCode = new Map();

type Index = readonly (readonly [name: string, from: number, length: number])[];

/** The code that one file holds. Nothing where there is none, it is damaged, or others could have written it. */
export function readCode(file: string): KeptCode {
  try {
    const bytes = readOwn(file);
    if (bytes === undefined || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return NOTHING;
    const indexBytes = bytes.readUInt32LE(MAGIC.length);
    if (crc32(bytes.subarray(HEAD)) !== bytes.readUInt32LE(MAGIC.length + 4)) return NOTHING;
    const index = JSON.parse(bytes.toString('latin1', HEAD, HEAD + indexBytes)) as Index;
    const start = HEAD + indexBytes;
    return new Map(
      index.map(([name, from, length]) => [name, bytes.subarray(start + from, start + from + length)]),
    );
  } catch {
    // Without it everything is compiled, which takes longer and is no failure.
    return NOTHING;
  }
}

/** What is compiled code runs as us, so that it has to be ours: nobody else may have been able to write it. */
function readOwn(file: string): Buffer | undefined {
  const handle = openSync(file, 'r');
  try {
    const { uid, mode, size } = fstatSync(handle);
    const { getuid } = process;
    const own = getuid === undefined || ((uid === getuid() || uid === 0) && (mode & 0o022) === 0);
    return own && size >= HEAD && size <= MAX_BYTES ? readFileSync(handle) : undefined;
  } finally {
    closeSync(handle);
  }
}

/** Replaces a file whole, so that a reader sees the old one or the new one. Says nothing where it cannot. */
export function writeCode(file: string, code: KeptCode): void {
  try {
    let length = 0;
    const index = [...code].map(([name, bytes]) => {
      const entry = [name, length, bytes.length] as const;
      length += bytes.length;
      return entry;
    });
    const indexBytes = Buffer.from(JSON.stringify(index), 'latin1');
    const body = Buffer.concat([indexBytes, ...code.values()]);
    if (body.length + HEAD > MAX_BYTES) return;
    const head = Buffer.alloc(HEAD);
    head.write(MAGIC, 'latin1');
    head.writeUInt32LE(indexBytes.length, MAGIC.length);
    head.writeUInt32LE(crc32(body), MAGIC.length + 4);
    const folder = path.dirname(file);
    makeFolder(folder);
    const draft = `${file}.${process.pid}`;
    try {
      writeFileSync(draft, Buffer.concat([head, body]), { mode: 0o600, flag: 'wx' });
      renameSync(draft, file);
    } finally {
      rmSync(draft, { force: true });
    }
  } catch {
    // A full disk, or a home that is read-only: the next start compiles again.
  }
}

function makeFolder(folder: string): void {
  if (mkdirSync(folder, { recursive: true, mode: 0o700 }) === undefined) return;
  chmodSync(folder, 0o700);
  // It is new, so that one of an older build or of another Node may be one too many.
  const parent = path.dirname(folder);
  const old = readdirSync(parent)
    .map((name) => ({ name, at: statSync(path.join(parent, name)).mtimeMs }))
    .toSorted((a, b) => b.at - a.at)
    .slice(BUILDS_KEPT);
  for (const { name } of old) rmSync(path.join(parent, name), { recursive: true, force: true });
}
