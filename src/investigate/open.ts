import { createReadStream } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { LandfallError, messageOf, redactLine, redactor } from '../kernel/index.ts';
import type { Artifact } from './block.ts';
import { lineKeeper } from './bounded-text.ts';

/** A file or part of one that told nothing, and why. */
export interface UnreadArtifact {
  readonly artifact: string;
  readonly why: string;
}

export interface OpenedArtifacts {
  readonly artifacts: readonly Artifact[];
  readonly unread: readonly UnreadArtifact[];
}

const MAX_FILES = 5_000;
const MAX_DEPTH = 20;
/** All files together; what is kept of them is bounded again by file. */
const MAX_BYTES = 1024 ** 3;
const MAX_KEPT = 96 * 1024 * 1024;
const NOT_ENTERED = new Set(['.git', 'node_modules', '.terraform', '.venv', '__pycache__']);
const ARCHIVE = /\.(?:zip|tar|tgz|gz|bz2|xz|zst|7z|rar|jar|whl|tar\.\w+)$/i;

interface Found {
  readonly file: string;
  readonly name: string;
  readonly size: number;
}

async function walk(
  root: string,
  at: string,
  depth: number,
  found: Found[],
  unread: UnreadArtifact[],
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const entries = (await readdir(path.join(root, at), { withFileTypes: true })).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  for (const entry of entries) {
    const name = at === '' ? entry.name : `${at}/${entry.name}`;
    if (entry.isSymbolicLink()) unread.push({ artifact: name, why: 'a symbolic link, not followed' });
    else if (entry.isDirectory()) {
      if (NOT_ENTERED.has(entry.name)) unread.push({ artifact: name, why: 'a folder of tools, not entered' });
      else if (depth >= MAX_DEPTH) unread.push({ artifact: name, why: `deeper than ${MAX_DEPTH} folders` });
      else {
        try {
          await walk(root, name, depth + 1, found, unread, signal);
        } catch (thrown) {
          signal.throwIfAborted();
          unread.push({ artifact: name, why: `cannot be listed: ${messageOf(thrown)}` });
        }
      }
    } else if (!entry.isFile()) unread.push({ artifact: name, why: 'no regular file' });
    else if (found.length >= MAX_FILES) {
      unread.push({ artifact: name, why: `more than ${MAX_FILES} files` });
      if (unread.length > MAX_FILES) return;
    } else found.push({ file: path.join(root, name), name, size: (await lstat(path.join(root, name))).size });
  }
}

type Encoding = 'utf8' | 'utf16le' | 'utf16be';

/** What the first bytes say: an encoding, or undefined for something that is no text. */
function encodingOf(bytes: Buffer): Encoding | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf16be';
  let zeros = 0;
  let zerosAtOdd = 0;
  let control = 0;
  for (const [index, byte] of bytes.entries()) {
    if (byte === 0) {
      zeros += 1;
      zerosAtOdd += index % 2;
    } else if (byte < 9 || (byte > 13 && byte < 27)) control += 1;
  }
  if (zeros === 0) return control * 20 > bytes.length ? undefined : 'utf8';
  // Half of all bytes are zero where Latin text is written in two bytes a letter, all on one side.
  if (zeros * 2.5 > bytes.length && (zerosAtOdd === zeros || zerosAtOdd === 0))
    return zerosAtOdd === zeros ? 'utf16le' : 'utf16be';
  return zeros * 200 > bytes.length || control * 20 > bytes.length ? undefined : 'utf8';
}

function decoderOf(encoding: Encoding) {
  return new TextDecoder(encoding === 'utf8' ? 'utf-8' : encoding === 'utf16le' ? 'utf-16le' : 'utf-16be');
}

/** A piece longer than this without a line end is taken as a line. */
const LONGEST = 16 * 1024 * 1024;

/** Lines from pieces of text, without secrets, as many as are kept. */
function textKeeper() {
  const keeper = lineKeeper();
  const redact = redactor();
  let pending = '';
  const take = (raw: string) => {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
    // What a progress bar wrote over itself is gone from the screen as well.
    const shown = line.includes('\r')
      ? (line.split('\r').findLast((part) => part.trim() !== '') ?? '')
      : line;
    keeper.add(redact(shown));
  };
  return {
    add(piece: string) {
      // Texts of old systems end their lines by a carriage return alone.
      const text = piece.includes('\r') && !piece.includes('\n') ? piece.replaceAll('\r', '\n') : piece;
      const parts = (pending + text).split('\n');
      pending = parts.pop() ?? '';
      if (pending.length > LONGEST) {
        take(pending);
        pending = '';
      }
      for (const part of parts) take(part);
    },
    done() {
      if (pending !== '') take(pending);
      const kept = keeper.done();
      return { ...kept, text: kept.text.split('\n').map(redactLine).join('\n') };
    },
  };
}

async function firstBytes(file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(8192), 0, 8192, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function openFile(
  { file, name }: Found,
  unread: UnreadArtifact[],
  signal: AbortSignal,
): Promise<Artifact | undefined> {
  const encoding = encodingOf(await firstBytes(file));
  if (encoding === undefined) {
    unread.push({ artifact: name, why: ARCHIVE.test(name) ? 'an archive, not unpacked' : 'no text' });
    return undefined;
  }
  const decoder = decoderOf(encoding);
  const keeper = textKeeper();
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20, signal }))
    keeper.add(decoder.decode(chunk as Uint8Array, { stream: true }));
  keeper.add(decoder.decode());
  const { text, numbers, left } = keeper.done();
  if (left !== '') unread.push({ artifact: name, why: left });
  return { name, text, ...(numbers === undefined ? {} : { numbers }) };
}

/** A text that was handed over, as an artifact: without secrets, bounded. */
export function artifactOf(name: string, text: string): OpenedArtifacts {
  const keeper = textKeeper();
  for (let at = 0; at < text.length; at += 1 << 20) keeper.add(text.slice(at, at + (1 << 20)));
  const kept = keeper.done();
  return {
    artifacts: [{ name, text: kept.text, ...(kept.numbers === undefined ? {} : { numbers: kept.numbers }) }],
    unread: kept.left === '' ? [] : [{ artifact: name, why: kept.left }],
  };
}

/**
 * Opens a file, or every file of a folder. Links are not followed, what is no text is listed, and of large logs a
 * bounded part is kept. Throws `invalid-input` where the path itself cannot be read.
 */
export async function openArtifacts(where: string, signal: AbortSignal): Promise<OpenedArtifacts> {
  const found: Found[] = [];
  const unread: UnreadArtifact[] = [];
  try {
    const info = await lstat(where);
    if (info.isFile()) found.push({ file: where, name: path.basename(where), size: info.size });
    else await walk(where, '', 0, found, unread, signal);
  } catch (thrown) {
    signal.throwIfAborted();
    throw new LandfallError(`Cannot read the artifacts in ${where}: ${messageOf(thrown)}`, {
      kind: 'invalid-input',
      code: 'artifacts-unreadable',
      object: where,
      hint: 'Name a folder or a file of pasted outputs, or - for standard input.',
      cause: thrown,
    });
  }
  const artifacts: Artifact[] = [];
  let bytes = 0;
  let kept = 0;
  for (const each of found) {
    signal.throwIfAborted();
    bytes += each.size;
    if (bytes > MAX_BYTES || kept > MAX_KEPT) {
      unread.push({ artifact: each.name, why: 'more than can be read at once; name this file alone' });
      continue;
    }
    try {
      const artifact = await openFile(each, unread, signal);
      if (artifact !== undefined) artifacts.push(artifact);
      kept += artifact?.text.length ?? 0;
    } catch (thrown) {
      signal.throwIfAborted();
      unread.push({ artifact: each.name, why: `cannot be read: ${messageOf(thrown)}` });
    }
  }
  return { artifacts, unread };
}
