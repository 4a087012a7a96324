import { appendFile, mkdir, stat } from 'node:fs/promises';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { BuildRecord } from '../oci/index.ts';

/**
 * Digests of images that this user built with Landfall, one a line. A cluster on this machine executes these and no
 * others: whatever a registry holds, it was not put there to run as a process of ours.
 */
function fileOf(stateFolder: string): string {
  return path.join(stateFolder, 'built-images');
}

const LINE = /^sha256:[0-9a-f]{64}$/;

/** Appends digests; whole lines survive a crash, a torn one is not a digest and is passed over. */
async function rememberBuilt(stateFolder: string, digests: readonly string[]): Promise<void> {
  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  const file = fileOf(stateFolder);
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  const lead = size === 0 ? '' : '\n';
  await appendFile(
    file,
    `${lead}${[...new Set(digests)].filter((digest) => LINE.test(digest)).join('\n')}\n`,
    { mode: 0o600, flush: true },
  );
}

/** Every digest of a record. */
export function rememberRecord(
  folder: string,
  { digest, manifests, configs }: Pick<BuildRecord, 'digest' | 'manifests' | 'configs'>,
): Promise<void> {
  return rememberBuilt(folder, [digest, ...Object.values(manifests), ...Object.values(configs)]);
}

/** Whether one of the digests was built here; reads the file again when it has changed. */
export function builtImages(stateFolder: string): (digests: readonly string[]) => boolean {
  const file = fileOf(stateFolder);
  let known = new Set<string>();
  let stamp = '';
  return (digests) => {
    try {
      const { mtimeMs, size } = statSync(file);
      const now = `${mtimeMs} ${size}`;
      if (now !== stamp) {
        known = new Set(
          readFileSync(file, 'utf8')
            .split('\n')
            .filter((line) => LINE.test(line)),
        );
        stamp = now;
      }
    } catch {
      known = new Set();
      stamp = '';
    }
    return digests.some((digest) => known.has(digest));
  };
}
