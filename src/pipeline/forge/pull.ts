import { boolean, enum as oneOf, nullable, number, string } from 'zod';
import type { Dialect } from './contract.ts';

/** What GitHub's, Gitea's and Forgejo's pull requests say alike. */
export const pullFields = {
  number: number().int().positive(),
  html_url: string(),
  state: oneOf(['open', 'closed']),
  // GitHub's lists have the time alone, single answers the word as well.
  merged: boolean().optional(),
  merged_at: nullable(string()).optional(),
  merge_commit_sha: nullable(string()).optional(),
};

interface PullFields {
  readonly number: number;
  readonly html_url: string;
  readonly state: 'open' | 'closed';
  readonly merged?: boolean | undefined;
  readonly merged_at?: string | null | undefined;
  readonly merge_commit_sha?: string | null | undefined;
}

/** Number, page and state of a pull request, and the commit that it was merged as. */
export function pullOf({
  number: index,
  html_url: url,
  state,
  merge_commit_sha: commit,
  ...when
}: PullFields) {
  const isMerged = when.merged === true || typeof when.merged_at === 'string';
  return {
    number: index,
    url,
    state: isMerged ? ('merged' as const) : state,
    // Of an open one it is a commit that was made to try whether it merges.
    ...(isMerged && typeof commit === 'string' ? { mergeCommit: commit } : {}),
  };
}

/** Where they are, and how one is opened. */
export function pullCalls(path: string): { readonly pulls: string } & Pick<Dialect, 'read' | 'create'> {
  const pulls = `repos/${path}/pulls`;
  return {
    pulls,
    read: (index) => `${pulls}/${index}`,
    create: ({ head, base, title, body }) => ({ path: pulls, body: { title, head, base, body } }),
  };
}
