import { boolean, nullable, object, number, string, enum as oneOf } from 'zod';
import type { Dialect } from './contract.ts';

const pull = object({
  number: number().int().positive(),
  html_url: string(),
  state: oneOf(['open', 'closed']),
  // Lists have the time alone, single answers the word as well.
  merged: boolean().optional(),
  merged_at: nullable(string()).optional(),
  merge_commit_sha: nullable(string()).optional(),
  // The repository is null where it was deleted.
  head: object({ ref: string(), sha: string(), repo: nullable(object({ id: number() })) }),
  base: object({ ref: string(), repo: object({ id: number() }) }),
});

/** GitHub's REST API, version 2022-11-28: "Pulls". */
export function github(path: string): Dialect {
  const pulls = `repos/${path}/pulls`;
  const owner = path.split('/')[0] ?? '';
  return {
    headers: (token) => ({
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${token}`,
      'x-github-api-version': '2022-11-28',
    }),
    list: (head, base, page) => ({
      path: `${pulls}?${new URLSearchParams({
        state: 'all',
        head: `${owner}:${head}`,
        base,
        sort: 'created',
        direction: 'desc',
        per_page: '100',
        page: String(page),
      }).toString()}`,
      perPage: 100,
    }),
    read: (index) => `${pulls}/${index}`,
    create: ({ head, base, title, body }) => ({ path: pulls, body: { title, head, base, body } }),
    parse(value) {
      const {
        number: index,
        html_url,
        state,
        merged,
        merged_at,
        merge_commit_sha,
        head,
        base,
      } = pull.parse(value);
      const isMerged = merged === true || typeof merged_at === 'string';
      return {
        number: index,
        url: html_url,
        state: isMerged ? 'merged' : state,
        // Of an open one it is a commit that GitHub made to try whether it merges.
        ...(isMerged && typeof merge_commit_sha === 'string' ? { mergeCommit: merge_commit_sha } : {}),
        headCommit: head.sha,
        head: head.ref,
        base: base.ref,
        ours: head.repo?.id === base.repo.id,
      };
    },
    exists: (status, said) => status === 422 && /pull request already exists/i.test(said),
    permission: 'read and write access to "Pull requests" of this repository (or the scope repo)',
  };
}
