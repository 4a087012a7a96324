import { stat } from 'node:fs/promises';
import path from 'node:path';
import { resolveRevision } from './revisions.ts';
import type { Repository } from './revisions.ts';

/**
 * When the branch or tag was last seen to move in this copy, in ms; in a folder, when it moved. A commit may be much
 * older: it is made on one day and pushed, or fast-forwarded to, on another. Where git keeps all references in one file
 * it is the time of that file, which is later than the move and never earlier. Undefined where nothing tells.
 */
export async function movedAt(
  repository: Repository,
  revision: string,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const ref = (await resolveRevision(repository, revision, signal))?.ref;
  if (ref === undefined) return undefined;
  for (const file of [ref, 'packed-refs']) {
    const time = await timeOf(path.join(repository.gitDir, file));
    if (time !== undefined) return time;
  }
  return undefined;
}

async function timeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mtimeMs;
  } catch {
    // No such file, or none that may be looked at: then it does not tell.
    return undefined;
  }
}
