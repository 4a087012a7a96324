import { createHash } from 'node:crypto';
import { LandfallError } from '../kernel/index.ts';

const DIGEST = /^sha256:[a-f0-9]{64}$/;

/** Whether `text` is a digest as `sha256:` and 64 lower-case hexadecimal digits. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

/** The digest of `bytes`. SHA-256 is what registries and runtimes use; no other algorithm is written or accepted. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Throws `unavailable`: an answer that is not what was asked for says nothing about what was. */
export function checkContent(bytes: Uint8Array, wanted: string, where: string): void {
  const found = digestOf(bytes);
  if (found === wanted) return;
  throw new LandfallError(`${where} answered bytes with the digest ${found}, wanted ${wanted}.`, {
    kind: 'unavailable',
    code: 'registry-digest-mismatch',
    object: where,
    hint: 'The registry or something between it and here changes content; compare with a pull from another place.',
  });
}
