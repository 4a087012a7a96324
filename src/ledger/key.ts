import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { LandfallError } from '../kernel/index.ts';

const KEY_BYTES = 32;

export interface SealingKey {
  readonly bytes: Buffer;
  /** Tells keys apart without telling anything of them. */
  readonly id: Buffer;
  /** Where it comes from, for errors. */
  readonly from: string;
}

function parseKey(text: string, from: string): SealingKey {
  const trimmed = text.trim();
  const bytes = /^[0-9a-f]{64}$/i.test(trimmed)
    ? Buffer.from(trimmed, 'hex')
    : Buffer.from(trimmed, 'base64');
  if (bytes.length !== KEY_BYTES) {
    throw new LandfallError(`${from} holds no key: ${KEY_BYTES} bytes in hex or base64 are wanted.`, {
      kind: 'invalid-input',
      code: 'ledger-key',
      object: from,
      hint: 'Make one with: openssl rand -hex 32',
    });
  }
  return {
    bytes,
    id: createHash('sha256').update('landfall ledger key').update(bytes).digest().subarray(0, 4),
    from,
  };
}

async function readKeyFile(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
}

/** Two processes may make the first key at once: whose link is there first has made it for both. */
async function makeKeyFile(file: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomUUID()}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(`${randomBytes(KEY_BYTES).toString('hex')}\n`);
    await handle.sync();
    await link(draft, file).catch((thrown: unknown) => {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
    });
  } finally {
    await handle.close();
    await rm(draft, { force: true });
  }
}

/**
 * The key that was given, or the one of the state folder, which is made where there is none. A database that several
 * machines share needs a given one: what one machine sealed with its own, no other could restore.
 */
export async function loadKey(
  given: string | undefined,
  folder: string,
  shared: boolean,
): Promise<SealingKey> {
  if (given !== undefined) return parseKey(given, 'LANDFALL_LEDGER_KEY');
  if (shared) {
    throw new LandfallError('A journal in a shared ledger needs a key that all who share it have.', {
      kind: 'invalid-input',
      code: 'ledger-key',
      object: 'LANDFALL_LEDGER_KEY',
      hint: 'Set LANDFALL_LEDGER_KEY everywhere to the same 32 bytes; openssl rand -hex 32 makes them.',
    });
  }
  const file = path.join(folder, 'ledger.key');
  const before = await readKeyFile(file);
  if (before !== undefined) return parseKey(before, file);
  await makeKeyFile(file);
  return parseKey((await readKeyFile(file)) ?? '', file);
}
