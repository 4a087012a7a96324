import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const FOLDER =
  process.env.LANDFALL_CONFORMANCE ?? resolve(import.meta.dirname, '../../../../shared/conformance');

/** The upstream cases of one file; undefined where the folder is absent, so that a test can say so. */
export function conformanceCases(file: string): unknown {
  const path = join(FOLDER, 'apply', file);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as unknown) : undefined;
}
