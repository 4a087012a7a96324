import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { LandfallError, asLandfallError } from '../kernel/index.ts';

const BLOCK = 512;
const unzip = promisify(gunzip);

export interface UntarLimits {
  /** Of the archive, after decompression. */
  readonly maxBytes: number;
  readonly maxFiles: number;
}

function refuse(where: string, why: string): LandfallError {
  return new LandfallError(`${where} cannot be unpacked: ${why}.`, {
    kind: 'invalid-input',
    code: 'archive-invalid',
    object: where,
    hint: 'Push the artifact again, packed as a tar with gzip (`flux push artifact`, `helm push`).',
  });
}

/**
 * The files of a tar, packed with gzip or not: ustar, pax and GNU's long names. Only plain files are taken; links,
 * devices and folders are left out, as Flux does it. A path that leads out of the archive, more than the limits allow
 * and an archive that ends early are refused.
 */
export async function untar(
  bytes: Buffer,
  limits: UntarLimits,
  where: string,
): Promise<ReadonlyMap<string, Buffer>> {
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  let archive = bytes;
  if (isPacked) {
    try {
      archive = await unzip(bytes, { maxOutputLength: limits.maxBytes });
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException;
      throw refuse(
        where,
        code === 'ERR_BUFFER_TOO_LARGE'
          ? `it holds more than ${limits.maxBytes} bytes`
          : `its compression is broken (${asLandfallError(thrown).message})`,
      );
    }
  } else if (bytes.length > limits.maxBytes)
    throw refuse(where, `it holds more than ${limits.maxBytes} bytes`);
  return filesOf(archive, limits, where);
}

function filesOf(archive: Buffer, limits: UntarLimits, where: string): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>();
  let longName: string | undefined;
  let at = 0;
  while (at + BLOCK <= archive.length) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) break;
    if (!isWhole(header)) throw refuse(where, `the entry at byte ${at} is damaged`);
    const size = sizeOf(header);
    const start = at + BLOCK;
    if (size === undefined || start + size > archive.length) {
      throw refuse(where, `the entry at byte ${at} goes on after its end`);
    }
    const body = archive.subarray(start, start + size);
    at = start + Math.ceil(size / BLOCK) * BLOCK;
    const type = String.fromCharCode(header[156] ?? 0);
    if (type === 'L') longName = textOf(body);
    else if (type === 'x') longName = paxPath(body) ?? longName;
    else if (type !== 'g') {
      const path = longName ?? nameOf(header);
      longName = undefined;
      if (type !== '0' && type !== '\0') continue;
      if (files.size >= limits.maxFiles) throw refuse(where, `it holds more than ${limits.maxFiles} files`);
      files.set(safePath(path, where), body);
    }
  }
  return files;
}

/** The sum of its bytes, with its own place counted as spaces. */
function isWhole(header: Buffer): boolean {
  const told = Number.parseInt(textOf(header.subarray(148, 156)).trim(), 8);
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  return told === sum;
}

function sizeOf(header: Buffer): number | undefined {
  const field = header.subarray(124, 136);
  // GNU writes sizes of 8 GiB and more in binary: nothing that is taken is that large.
  const size = Number.parseInt(textOf(field).trim() || '0', 8);
  return (field[0] ?? 0) >= 0x80 || !Number.isSafeInteger(size) || size < 0 ? undefined : size;
}

function nameOf(header: Buffer): string {
  const prefix = header.toString('latin1', 257, 262) === 'ustar' ? textOf(header.subarray(345, 500)) : '';
  const name = textOf(header.subarray(0, 100));
  return prefix === '' ? name : `${prefix}/${name}`;
}

function textOf(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? field.length : end);
}

/** `LENGTH KEY=VALUE\n`, repeated. */
function paxPath(body: Buffer): string | undefined {
  let path: string | undefined;
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(32, at);
    const length = Number(body.toString('latin1', at, space));
    if (space < 0 || !Number.isSafeInteger(length) || length <= 0) return path;
    const record = body.toString('utf8', space + 1, at + length - 1);
    if (record.startsWith('path=')) path = record.slice('path='.length);
    at += length;
  }
  return path;
}

function safePath(path: string, where: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (path.startsWith('/') || parts.length === 0 || parts.includes('..') || /[\0\\]/.test(path)) {
    throw refuse(where, `it names '${path.slice(0, 200)}', which leads out of it`);
  }
  return parts.join('/');
}
