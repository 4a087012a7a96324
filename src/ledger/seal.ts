import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { LandfallError } from '../kernel/index.ts';
import type { JsonValue } from '../kernel/index.ts';
import type { SealingKey } from './key.ts';

const FORMAT = 1;
const KEY_ID = 4;
const NONCE = 12;
const TAG = 16;
const HEADER = 1 + KEY_ID;
/** A journal of thousands of large objects; more was not written by us. */
const MAX_BYTES = 1024 * 1024 * 1024;

const zip = promisify(gzip);
const unzip = promisify(gunzip);

/** Compressed, then encrypted and bound to `about` (AES-256-GCM): format, id of the key, nonce, tag, ciphertext. */
export async function seal(value: JsonValue, about: string, key: SealingKey): Promise<Buffer> {
  const plain = await zip(JSON.stringify(value), { level: 1 });
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key.bytes, nonce);
  cipher.setAAD(Buffer.from(about));
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([Buffer.from([FORMAT]), key.id, nonce, cipher.getAuthTag(), text]);
}

/** Throws `conflict` for another key, `unavailable` for what is damaged or was sealed for something else. */
export async function unseal(sealed: Uint8Array, about: string, key: SealingKey): Promise<JsonValue> {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (bytes[0] === FORMAT && !bytes.subarray(1, HEADER).equals(key.id)) {
    throw new LandfallError(`${about} was sealed with another key than the one of ${key.from}.`, {
      kind: 'conflict',
      code: 'ledger-key',
      object: about,
      hint: 'Set LANDFALL_LEDGER_KEY to the key of the machine that wrote it (its ledger.key).',
    });
  }
  try {
    const at = (from: number, length: number) => bytes.subarray(HEADER + from, HEADER + from + length);
    const decipher = createDecipheriv('aes-256-gcm', key.bytes, at(0, NONCE), { authTagLength: TAG });
    decipher.setAAD(Buffer.from(about));
    decipher.setAuthTag(at(NONCE, TAG));
    const plain = Buffer.concat([decipher.update(bytes.subarray(HEADER + NONCE + TAG)), decipher.final()]);
    return JSON.parse((await unzip(plain, { maxOutputLength: MAX_BYTES })).toString('utf8')) as JsonValue;
  } catch (cause) {
    throw new LandfallError(`${about} cannot be opened: its sealed objects are damaged.`, {
      kind: 'unavailable',
      code: 'ledger-damaged',
      object: about,
      hint: 'Restore the ledger from a backup; the objects of the cluster were not touched.',
      cause,
    });
  }
}
