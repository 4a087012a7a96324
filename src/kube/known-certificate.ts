import { createHash } from 'node:crypto';
import {
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
import type { TlsSettings } from './agents.ts';

/**
 * The certificate that one server showed last, and that was verified against the authorities of the kubeconfig. To
 * verify one, Node 20 reads all 140 authorities that it brings first, used or not: a third of a short command.
 */
export interface KnownCertificate {
  /** SHA-256 fingerprint; undefined where none is known. */
  recall(): string | undefined;
  /** Only of a certificate that was verified. Says nothing where it cannot be kept. */
  keep(fingerprint: string): void;
}

const FINGERPRINT = /^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/;
/** Servers that are remembered. */
const SERVERS = 64;

/**
 * Kept in a file that is named by all that the verification depended on: server, name, authorities, version of Node.
 * Undefined where the kubeconfig names no authority, or wants none to be asked.
 */
export function knownCertificate(
  folder: string,
  server: URL,
  { ca, insecure, serverName }: TlsSettings,
): KnownCertificate | undefined {
  if (ca === undefined || insecure === true || server.protocol !== 'https:') return undefined;
  const all = JSON.stringify([process.version, server.host, serverName ?? '', String(ca)]);
  const file = path.join(folder, createHash('sha256').update(all).digest('hex').slice(0, 32));
  return {
    recall() {
      try {
        const text = readOwn(folder, file);
        return FINGERPRINT.test(text) ? text : undefined;
      } catch {
        return undefined;
      }
    },
    keep(fingerprint) {
      try {
        makeRoom(folder);
        const draft = `${file}.${process.pid}`;
        try {
          writeFileSync(draft, fingerprint, { mode: 0o600, flag: 'wx' });
          renameSync(draft, file);
        } finally {
          rmSync(draft, { force: true });
        }
      } catch {
        // A home that is read-only, or not there yet: the next start verifies again.
      }
    },
  };
}

/** What decides whom we trust has to be ours: nobody else may have been able to write it. */
function readOwn(folder: string, file: string): string {
  const handle = openSync(file, 'r');
  try {
    if (!isOwn(statSync(folder)) || !isOwn(fstatSync(handle))) return '';
    return readFileSync(handle, 'latin1');
  } finally {
    closeSync(handle);
  }
}

function isOwn({ uid, mode }: { readonly uid: number; readonly mode: number }): boolean {
  const { getuid } = process;
  return getuid === undefined || ((uid === getuid() || uid === 0) && (mode & 0o022) === 0);
}

function makeRoom(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
    return;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
  }
  const old = readdirSync(folder)
    .map((name) => ({ file: path.join(folder, name), at: statSync(path.join(folder, name)).mtimeMs }))
    .toSorted((a, b) => b.at - a.at)
    .slice(SERVERS - 1);
  for (const { file } of old) rmSync(file, { force: true });
}
