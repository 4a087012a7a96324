import type { ResourceResult } from './application.ts';

export interface SyncCounts {
  readonly created: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly pruned: number;
  readonly failed: number;
  /** Applied, and the controller did not say whether that changed anything (`serverside-applied`). */
  readonly unsaid: number;
}

/**
 * What one operation did, out of its per-object results. Argo CD and Landfall's controller both write kubectl's
 * words behind the object: `created`, `configured`, `unchanged`.
 */
export function syncCounts(
  results: readonly Pick<ResourceResult, 'status' | 'message' | 'hookPhase'>[],
): SyncCounts {
  const counts = { created: 0, changed: 0, unchanged: 0, pruned: 0, failed: 0, unsaid: 0 };
  for (const { status, message } of results) {
    const word = /(?:^|\s)(created|configured|updated|unchanged)(?:\s|$|\.)/.exec(message)?.[1];
    if (status === 'SyncFailed') counts.failed += 1;
    else if (status === 'Pruned') counts.pruned += 1;
    else if (status === 'PruneSkipped') counts.unchanged += 1;
    else if (word === 'created') counts.created += 1;
    else if (word === 'unchanged') counts.unchanged += 1;
    else if (word === undefined) counts.unsaid += 1;
    else counts.changed += 1;
  }
  return counts;
}

/** `0 updated, 3 unchanged`; what did not happen is left out, but for these two. */
export function syncCountsText(counts: SyncCounts): string {
  const parts: string[] = [];
  if (counts.created > 0) parts.push(`${counts.created} created`);
  parts.push(`${counts.changed} updated`, `${counts.unchanged} unchanged`);
  if (counts.unsaid > 0) parts.push(`${counts.unsaid} applied`);
  if (counts.pruned > 0) parts.push(`${counts.pruned} pruned`);
  if (counts.failed > 0) parts.push(`${counts.failed} failed`);
  return parts.join(', ');
}
