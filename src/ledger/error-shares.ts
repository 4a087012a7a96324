import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { getArray, getNumber, getString, isJsonObject } from '../kernel/index.ts';
import type { JsonValue } from '../kernel/index.ts';
import type { ErrorBaseline, ErrorShare } from '../boundaries/index.ts';

/** How a running image failed, measured while it was the one that users met. */
export interface MeasuredShares {
  /** Digest that every pod ran. */
  readonly digest: string;
  /** For people: a version, else the digest. */
  readonly release: string;
  /** ISO 8601. */
  readonly at: string;
  readonly shares: readonly ErrorShare[];
}

export interface ApplicationKey {
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
}

const KEPT = 20;
const FORMAT = 1;

function fileOf(folder: string, key: ApplicationKey): string {
  const id = createHash('sha256')
    .update(JSON.stringify([key.cluster, key.namespace, key.name]))
    .digest('hex')
    .slice(0, 24);
  return path.join(folder, 'error-shares', `${id}.json`);
}

function parseShares(text: string): readonly MeasuredShares[] {
  let json: JsonValue;
  try {
    json = JSON.parse(text) as JsonValue;
  } catch {
    return [];
  }
  if (!isJsonObject(json) || json['format'] !== FORMAT) return [];
  return getArray(json, 'measured').flatMap((entry) => {
    const digest = getString(entry, 'digest');
    const release = getString(entry, 'release');
    const at = getString(entry, 'at');
    if (digest === undefined || release === undefined || at === undefined) return [];
    const shares = getArray(entry, 'shares').flatMap((share) => {
      const group = getString(share, 'group');
      const failed = getNumber(share, 'failed');
      const total = getNumber(share, 'total');
      const of = getString(share, 'of');
      return group === undefined || failed === undefined || total === undefined
        ? []
        : [{ group, failed, total, ...(of === undefined ? {} : { of }) }];
    });
    return [{ digest, release, at, shares }];
  });
}

async function readShares(file: string): Promise<readonly MeasuredShares[]> {
  try {
    return parseShares(await readFile(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The newest measurement of another image than `digest`: the release before, as users met it. */
export async function errorBaseline(
  folder: string,
  key: ApplicationKey,
  digest: string | undefined,
): Promise<ErrorBaseline | undefined> {
  const measured = await readShares(fileOf(folder, key));
  const before = measured.filter((entry) => entry.digest !== digest).at(-1);
  return before && { release: before.release, at: before.at, shares: before.shares };
}

/** Keeps the last measurement of each of the last twenty images. Atomic: a reader sees the old file or the new one. */
export async function recordErrorShares(
  folder: string,
  key: ApplicationKey,
  entry: MeasuredShares,
): Promise<void> {
  const file = fileOf(folder, key);
  const others = (await readShares(file)).filter((known) => known.digest !== entry.digest);
  const measured = [...others, entry].slice(-KEPT);
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const next = `${file}.${randomUUID()}`;
  try {
    await writeFile(next, JSON.stringify({ format: FORMAT, application: key, measured }), {
      mode: 0o600,
      flush: true,
    });
    await rename(next, file);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
}
