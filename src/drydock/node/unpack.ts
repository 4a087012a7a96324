import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { LandfallError } from '../../kernel/index.ts';
import { tarEntries } from './tar.ts';
import type { TarEntry } from './tar.ts';

export interface UnpackLimits {
  /** Bytes of one layer after decompression. */
  readonly layerBytes: number;
  /** Entries of one layer. */
  readonly entries: number;
}

export const DEFAULT_LIMITS: UnpackLimits = { layerBytes: 1024 * 1024 * 1024, entries: 200_000 };

const MAX_LINKS = 40;
const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

/** The tar archive of a layer blob: plain or gzip; bounded, so that a small blob cannot fill the memory. */
export function decompressLayer(blob: Buffer, mediaType: string, limits = DEFAULT_LIMITS): Buffer {
  if (mediaType.endsWith('zstd')) {
    throw new LandfallError(`A layer of type ${mediaType} cannot be unpacked: zstd is not supported.`, {
      kind: 'invalid-input',
      code: 'layer-compression',
      hint: 'Build the image with gzip layers.',
    });
  }
  const zipped = blob[0] === 0x1f && blob[1] === 0x8b;
  if (!zipped) return blob;
  try {
    return gunzipSync(blob, { maxOutputLength: limits.layerBytes });
  } catch (cause) {
    throw new LandfallError(
      `A layer could not be decompressed: ${cause instanceof Error ? cause.message : String(cause)}`,
      { kind: 'invalid-input', code: 'layer-damaged', cause },
    );
  }
}

/**
 * Applies one layer to a folder: files, links and whiteouts. Nothing is ever written outside of `root`: names with
 * `..` are refused, links on the way are followed inside of `root` only, and an absolute link is made relative to it.
 */
export function applyLayer(root: string, archive: Buffer, limits = DEFAULT_LIMITS): void {
  let count = 0;
  for (const entry of tarEntries(archive)) {
    if (++count > limits.entries) {
      throw refused(entry.name, `the layer has more than ${limits.entries} entries`);
    }
    applyEntry(root, entry);
  }
}

function applyEntry(root: string, entry: TarEntry): void {
  const parts = partsOf(entry.name, entry.name);
  const base = parts.pop();
  if (base === undefined) return;
  const parent = folderWithin(root, parts, entry.name);
  if (base === OPAQUE) {
    for (const name of readdirSync(parent)) rmSync(path.join(parent, name), { recursive: true, force: true });
    return;
  }
  if (base.startsWith(WHITEOUT)) {
    const hidden = base.slice(WHITEOUT.length);
    if (hidden === '' || hidden === '.' || hidden === '..')
      throw refused(entry.name, 'it hides nothing that has a name');
    rmSync(path.join(parent, hidden), { recursive: true, force: true });
    return;
  }
  const target = path.join(parent, base);
  const existing = lstatSync(target, { throwIfNoEntry: false });
  if (existing !== undefined && !(entry.type === 'folder' && existing.isDirectory())) {
    rmSync(target, { recursive: true, force: true });
  }
  switch (entry.type) {
    case 'folder':
      if (existing?.isDirectory() !== true) mkdirSync(target);
      chmodSync(target, entry.mode | 0o700);
      return;
    case 'file':
      writeFileSync(target, entry.content, { flag: 'wx', mode: entry.mode | 0o400 });
      chmodSync(target, entry.mode | 0o400);
      return;
    case 'symlink':
      symlinkSync(containedLink(root, parent, entry), target);
      return;
    case 'hardlink': {
      const linked = partsOf(entry.linkTarget, entry.name);
      const name = linked.pop() ?? '';
      const source = path.join(folderWithin(root, linked, entry.name), name);
      if (lstatSync(source, { throwIfNoEntry: false })?.isFile() !== true) {
        throw refused(entry.name, `it links to ${entry.linkTarget}, which is no file of the image`);
      }
      linkSync(source, target);
      return;
    }
    case 'other':
      // Devices and pipes have no meaning for a process that shares this machine's.
      return;
    default:
      entry.type satisfies never;
  }
}

function partsOf(name: string, entry: string): string[] {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw refused(entry, 'its name leaves the image');
  if (name.includes('\0')) throw refused(entry, 'its name holds a zero byte');
  return parts;
}

/** The folder that `parts` lead to, made where it is missing; links are followed as if `root` were the whole disk. */
function folderWithin(root: string, parts: readonly string[], entry: string): string {
  const open = [...parts];
  let at: string[] = [];
  let links = 0;
  for (let part = open.shift(); part !== undefined; part = open.shift()) {
    if (part === '..') {
      at.pop();
      continue;
    }
    const next = path.join(root, ...at, part);
    const stat = lstatSync(next, { throwIfNoEntry: false });
    if (stat?.isSymbolicLink() === true) {
      if (++links > MAX_LINKS) throw refused(entry, 'too many links on the way to it');
      const target = readlinkSync(next);
      if (path.isAbsolute(target)) at = [];
      open.unshift(...target.split('/').filter((step) => step !== '' && step !== '.'));
      continue;
    }
    if (stat?.isDirectory() !== true) {
      // A file of a layer below makes way for the folder that this entry implies.
      rmSync(next, { force: true });
      mkdirSync(next);
    }
    at.push(part);
  }
  return path.join(root, ...at);
}

/** The text of a link that stays inside: absolute targets are rewritten, relative ones may not climb out. */
function containedLink(root: string, parent: string, entry: TarEntry): string {
  const target = entry.linkTarget;
  if (target === '' || target.includes('\0')) throw refused(entry.name, 'it links to nothing');
  if (path.isAbsolute(target)) {
    const inside = path.join(root, path.resolve('/', target));
    return path.relative(parent, inside) || '.';
  }
  const resolved = path.resolve(parent, target);
  if (resolved !== root && !resolved.startsWith(root + path.sep)) {
    throw refused(entry.name, `it links to ${target}, outside of the image`);
  }
  return target;
}

function refused(name: string, reason: string): LandfallError {
  return new LandfallError(`The layer entry "${name.slice(0, 200)}" is refused: ${reason}.`, {
    kind: 'invalid-input',
    code: 'layer-refused',
    object: name.slice(0, 200),
  });
}
