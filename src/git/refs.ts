import { runGit } from './program.ts';
import type { Repository } from './revisions.ts';

/** A branch or tag and the commit that it leads to. */
export interface GitRef {
  /** `refs/heads/main`, `refs/tags/v1.2.3`. */
  readonly ref: string;
  readonly commit: string;
  /** When an annotated tag was made, else when its commit was; ISO 8601. */
  readonly time: string;
}

const MOST_REFS = 20_000;

/** Branches and tags of commits, as the last fetch brought them; tags of anything else are left out. */
export async function listRefs(repository: Repository, signal?: AbortSignal): Promise<readonly GitRef[]> {
  const text = await runGit(
    `Reading the branches and tags of ${repository.display}`,
    [
      'for-each-ref',
      `--count=${MOST_REFS}`,
      '--sort=-creatordate',
      '--format=%(objecttype) %(objectname) %(*objecttype) %(*objectname) %(creatordate:unix) %(refname)',
      'refs/heads',
      'refs/tags',
    ],
    { gitDir: repository.gitDir, signal },
  );
  return text.split('\n').flatMap((line) => {
    const [type, oid = '', peeledType, peeled = '', seconds = '', ...name] = line.split(' ');
    const commit = type === 'commit' ? oid : peeledType === 'commit' ? peeled : undefined;
    if (commit === undefined) return [];
    return [{ ref: name.join(' '), commit, time: new Date(Number(seconds) * 1000).toISOString() }];
  });
}
