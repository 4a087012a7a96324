import type { GitMirror } from '../git/index.ts';

/** Commits that are looked through for reverts, and reverts of merges that are asked for what they took back. */
const LOOKED_THROUGH = 2_000;
const MERGES = 50;

/** What git-revert writes into its message; the second commit where a merge was taken back, up to that parent. */
const REVERTS =
  /^This reverts commit (?<commit>[0-9a-f]{40}|[0-9a-f]{64})(?:,\s+reversing\s+changes\s+made\s+to\s+(?<parent>[0-9a-f]{40}|[0-9a-f]{64}))?/gm;

/**
 * The commit between `commit` and `tip` that took it back, and that was not taken back itself: a branch that contains
 * a commit may ask for the opposite by now. Undefined where nothing says so.
 */
export async function takenBackBy(
  mirror: GitMirror,
  commit: string,
  tip: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (commit === tip) return undefined;
  const log = await mirror.log({ from: tip, limit: LOOKED_THROUGH }, signal);
  const reverts = log.flatMap((info) =>
    [...info.body.matchAll(REVERTS)].map(({ groups }) => ({
      by: info.commit,
      commit: groups?.['commit'] ?? '',
      parent: groups?.['parent'],
    })),
  );
  const stands = (by: string, depth = 0): boolean =>
    depth > LOOKED_THROUGH ||
    !reverts.some((other) => other.commit === by && other.by !== by && stands(other.by, depth + 1));
  const direct = reverts.find((revert) => revert.commit === commit && stands(revert.by));
  if (direct !== undefined) return (await isBack(mirror, commit, tip, signal)) ? undefined : direct.by;
  for (const { by, commit: merge, parent } of reverts.slice(0, MERGES)) {
    if (parent === undefined || !stands(by)) continue;
    const brought =
      (await mirror.isAncestor(commit, merge, signal)) && !(await mirror.isAncestor(commit, parent, signal));
    if (brought) return (await isBack(mirror, commit, tip, signal)) ? undefined : by;
  }
  return undefined;
}

/** Whether a file that the commit changed is again as it left it: then somebody put it back in another way. */
async function isBack(mirror: GitMirror, commit: string, tip: string, signal: AbortSignal): Promise<boolean> {
  const [parent] = (await mirror.commitInfo(commit, signal)).parents;
  if (parent === undefined) return false;
  const changed = await mirror.diffFiles(parent, commit, signal);
  const since = new Set((await mirror.diffFiles(commit, tip, signal)).map(({ path }) => path));
  return changed.some(({ path }) => !since.has(path));
}
