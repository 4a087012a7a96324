/** One entry of an archive. `path` is relative, with slashes, without one at the end. */
export type TarEntry =
  | { readonly type: 'file'; readonly path: string; readonly executable: boolean; readonly bytes: Buffer }
  | { readonly type: 'directory'; readonly path: string }
  | { readonly type: 'symlink'; readonly path: string; readonly target: string };

const BLOCK = 512;
const NAME = 100;

/**
 * An entry as bytes of a POSIX tar (ustar, with a pax header where a name does not fit), owned by root, with the
 * given time: the same entry is always the same bytes.
 */
export function tarEntry(entry: TarEntry, mtimeSeconds: number): Buffer {
  const path = entry.type === 'directory' ? `${entry.path}/` : entry.path;
  const target = entry.type === 'symlink' ? entry.target : '';
  const records = [
    ...(fits(path) ? [] : [paxRecord('path', path)]),
    ...(fits(target) ? [] : [paxRecord('linkpath', target)]),
  ];
  const parts: Buffer[] = [];
  if (records.length > 0) {
    const body = Buffer.concat(records);
    const name = `PaxHeaders/${entry.path.split('/').at(-1) ?? ''}`;
    parts.push(
      header({ name, type: 'x', mode: 0o644, size: body.length, target: '', mtimeSeconds }),
      padded(body),
    );
  }
  const bytes = entry.type === 'file' ? entry.bytes : Buffer.alloc(0);
  parts.push(
    header({
      name: path,
      type: entry.type === 'file' ? '0' : entry.type === 'directory' ? '5' : '2',
      mode: entry.type === 'symlink' ? 0o777 : entry.type === 'directory' || entry.executable ? 0o755 : 0o644,
      size: bytes.length,
      target,
      mtimeSeconds,
    }),
    padded(bytes),
  );
  return Buffer.concat(parts);
}

/** What an archive ends with. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK);
}

function fits(text: string): boolean {
  return Buffer.byteLength(text) <= NAME && /^[\u0020-\u007e]*$/.test(text);
}

/** `LENGTH KEY=VALUE\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  const size = Buffer.byteLength(rest);
  let length = size + String(size).length;
  if (size + String(length).length !== length) length = size + String(length).length;
  return Buffer.from(`${length}${rest}`);
}

function padded(bytes: Buffer): Buffer {
  const over = bytes.length % BLOCK;
  return over === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(BLOCK - over)]);
}

function header(fields: {
  readonly name: string;
  readonly type: string;
  readonly mode: number;
  readonly size: number;
  readonly target: string;
  readonly mtimeSeconds: number;
}): Buffer {
  const block = Buffer.alloc(BLOCK);
  const text = (at: number, value: string, room: number) => {
    // Names that do not fit are in the pax header; what stands here is cut for readers that do not know pax.
    Buffer.from(value.replaceAll(/[^\u0020-\u007e]/g, '_'), 'latin1').copy(block, at, 0, room);
  };
  const octal = (at: number, value: number, digits: number) =>
    block.write(`${value.toString(8).padStart(digits, '0')}\0`, at, 'latin1');
  text(0, fields.name, NAME);
  octal(100, fields.mode, 7);
  octal(108, 0, 7);
  octal(116, 0, 7);
  octal(124, fields.size, 11);
  octal(136, fields.mtimeSeconds, 11);
  block.fill(' ', 148, 156);
  block.write(fields.type, 156, 'latin1');
  text(157, fields.target, NAME);
  block.write('ustar\0', 257, 'latin1');
  block.write('00', 263, 'latin1');
  octal(329, 0, 7);
  octal(337, 0, 7);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
