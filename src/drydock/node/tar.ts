import { LandfallError } from '../../kernel/index.ts';

export interface TarEntry {
  readonly name: string;
  readonly type: 'file' | 'folder' | 'symlink' | 'hardlink' | 'other';
  readonly mode: number;
  readonly linkTarget: string;
  readonly content: Buffer;
}

const BLOCK = 512;

/** The entries of a tar archive: ustar, with pax and GNU long names. Throws on what is cut off or damaged. */
export function* tarEntries(archive: Buffer): Generator<TarEntry> {
  let offset = 0;
  let longName: string | undefined;
  let longLink: string | undefined;
  let pax: Record<string, string> = {};
  while (offset + BLOCK <= archive.length) {
    const header = archive.subarray(offset, offset + BLOCK);
    offset += BLOCK;
    if (header.every((byte) => byte === 0)) return;
    checkSum(header, offset - BLOCK);
    const flag = String.fromCharCode(header[156] ?? 0);
    const size = pax['size'] === undefined ? number(header, 124, 12) : Number(pax['size']);
    if (!Number.isSafeInteger(size) || size < 0 || offset + size > archive.length) {
      throw damaged(`the entry at byte ${offset - BLOCK} is longer than the archive`);
    }
    const content = archive.subarray(offset, offset + size);
    offset += Math.ceil(size / BLOCK) * BLOCK;
    if (flag === 'L') {
      longName = text(content, 0, content.length);
      continue;
    }
    if (flag === 'K') {
      longLink = text(content, 0, content.length);
      continue;
    }
    if (flag === 'x' || flag === 'g') {
      if (flag === 'x') pax = paxFields(content);
      continue;
    }
    const prefix = text(header, 257, 5) === 'ustar' ? text(header, 345, 155) : '';
    const short = text(header, 0, 100);
    yield {
      name: pax['path'] ?? longName ?? (prefix === '' ? short : `${prefix}/${short}`),
      type: typeOf(flag),
      mode: number(header, 100, 8) & 0o777,
      linkTarget: pax['linkpath'] ?? longLink ?? text(header, 157, 100),
      content,
    };
    longName = undefined;
    longLink = undefined;
    pax = {};
  }
}

function typeOf(flag: string): TarEntry['type'] {
  switch (flag) {
    case '0':
    case '7':
    case '\0':
      return 'file';
    case '1':
      return 'hardlink';
    case '2':
      return 'symlink';
    case '5':
      return 'folder';
    default:
      return 'other';
  }
}

function text(buffer: Buffer, start: number, length: number): string {
  const field = buffer.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? field.length : end);
}

function number(header: Buffer, start: number, length: number): number {
  const first = header[start] ?? 0;
  if ((first & 0x80) !== 0) {
    let value = first & 0x7f;
    for (let index = start + 1; index < start + length; index++) value = value * 256 + (header[index] ?? 0);
    return value;
  }
  const digits = text(header, start, length).trim();
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function checkSum(header: Buffer, at: number): void {
  let sum = 0;
  for (let index = 0; index < BLOCK; index++) sum += index >= 148 && index < 156 ? 32 : (header[index] ?? 0);
  if (sum !== number(header, 148, 8)) throw damaged(`the header at byte ${at} has a wrong checksum`);
}

function paxFields(content: Buffer): Record<string, string> {
  const fields: Record<string, string> = {};
  let offset = 0;
  while (offset < content.length) {
    const space = content.indexOf(0x20, offset);
    const length = Number.parseInt(content.toString('utf8', offset, space), 10);
    if (space < 0 || !(length > 0)) throw damaged('a pax header is malformed');
    const record = content.toString('utf8', space + 1, offset + length - 1);
    const equals = record.indexOf('=');
    if (equals > 0) fields[record.slice(0, equals)] = record.slice(equals + 1);
    offset += length;
  }
  return fields;
}

function damaged(what: string): LandfallError {
  return new LandfallError(`The layer is no readable tar archive: ${what}.`, {
    kind: 'invalid-input',
    code: 'layer-damaged',
  });
}
