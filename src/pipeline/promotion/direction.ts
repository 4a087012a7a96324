import semver from 'semver';
import type { FoundRelease } from './release.ts';

/** How a release stands to the one that would be replaced. */
export type Direction = 'newer' | 'older' | 'same' | 'unknown';

export interface Comparison {
  readonly direction: Direction;
  /** What it was told by, for people. */
  readonly by: string;
}

function versionOf({ tag, version }: FoundRelease): semver.SemVer | undefined {
  for (const text of [tag, version]) {
    const parsed = text === undefined ? null : semver.parse(text, { loose: true });
    if (parsed !== null) return parsed;
  }
  return undefined;
}

/**
 * By commit ancestry where both say their commit and the repository is known, else by their versions. `unknown` where
 * neither tells: that is no permission to go on by oneself.
 */
export async function compareReleases(
  candidate: FoundRelease,
  current: FoundRelease,
  isAncestor: ((ancestor: string, descendant: string) => Promise<boolean | undefined>) | undefined,
): Promise<Comparison> {
  const { commit } = candidate;
  if (commit !== undefined && current.commit !== undefined && isAncestor !== undefined) {
    if (commit === current.commit) return { direction: 'same', by: `both are ${commit.slice(0, 8)}` };
    const [forward, back] = [
      await isAncestor(current.commit, commit),
      await isAncestor(commit, current.commit),
    ];
    const names = `${commit.slice(0, 8)} and ${current.commit.slice(0, 8)}`;
    if (forward === true)
      return {
        direction: 'newer',
        by: `${current.commit.slice(0, 8)} is an ancestor of ${commit.slice(0, 8)}`,
      };
    if (back === true)
      return {
        direction: 'older',
        by: `${commit.slice(0, 8)} is an ancestor of ${current.commit.slice(0, 8)}`,
      };
    if (forward === false && back === false)
      return { direction: 'unknown', by: `${names} lie on different branches` };
  }
  const [wanted, now] = [versionOf(candidate), versionOf(current)];
  if (wanted === undefined || now === undefined)
    return { direction: 'unknown', by: 'neither commits nor versions tell which is newer' };
  const order = semver.compare(wanted, now);
  const by = `${wanted.version} and ${now.version}`;
  return { direction: order > 0 ? 'newer' : order < 0 ? 'older' : 'same', by };
}
