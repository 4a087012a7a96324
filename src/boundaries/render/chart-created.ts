import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getArray, getString, parseYaml } from '../../kernel/index.ts';
import { fetchIndex } from './helm-program.ts';
import type { HelmProgram } from './helm-program.ts';

/** Larger indexes are not read for one time in them. */
const LARGEST = 16 * 1024 * 1024;

/**
 * When a version of a chart was packed, by the index of its repository, in ms since the epoch; undefined where that
 * does not say it. Throws what helm says.
 */
export async function chartCreated(
  place: { readonly url: string; readonly chart: string; readonly version: string },
  program: HelmProgram,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'landfall-helm-'));
  try {
    await mkdir(join(folder, 'helm'), { recursive: true, mode: 0o700 });
    if (program.access?.ca !== undefined)
      await writeFile(join(folder, 'helm/ca.pem'), program.access.ca, { mode: 0o600 });
    const file = await fetchIndex(folder, place.url, program, signal);
    if ((await stat(file)).size > LARGEST) return undefined;
    const [index] = parseYaml(await readFile(file, 'utf8'), `the index of ${place.url}`);
    const entry = getArray(index, 'entries', place.chart).find(
      (item) => getString(item, 'version') === place.version,
    );
    const created = Date.parse(getString(entry, 'created') ?? '');
    return Number.isNaN(created) ? undefined : created;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
