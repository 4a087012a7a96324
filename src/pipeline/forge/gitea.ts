import { boolean, enum as oneOf, nullable, number, object, string } from 'zod';
import type { Dialect } from './contract.ts';

const pull = object({
  number: number().int().positive(),
  html_url: string(),
  state: oneOf(['open', 'closed']),
  merged: boolean().optional(),
  merged_at: nullable(string()).optional(),
  merge_commit_sha: nullable(string()).optional(),
  // The label of a branch that was deleted since is still its name; its ref is `refs/pull/N/head` then.
  head: object({ label: string(), ref: string(), sha: string().optional(), repo_id: number() }),
  base: object({ label: string(), ref: string(), repo_id: number() }),
});

/** The REST API of Gitea and Forgejo, version 1. It cannot look for a branch: its lists are read and compared. */
export function gitea(path: string): Dialect {
  const pulls = `repos/${path}/pulls`;
  return {
    headers: (token) => ({ authorization: `token ${token}` }),
    list: (_head, _base, page) => ({
      path: `${pulls}?${new URLSearchParams({ state: 'all', page: String(page), limit: '50' }).toString()}`,
      perPage: 50,
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
        ...(isMerged && typeof merge_commit_sha === 'string' ? { mergeCommit: merge_commit_sha } : {}),
        ...(head.sha === undefined || head.sha === '' ? {} : { headCommit: head.sha }),
        head: head.label,
        base: base.label,
        ours: head.repo_id === base.repo_id,
      };
    },
    exists: (status, said) => status === 409 && /pull request already exists/i.test(said),
    permission: 'the permissions write:repository and write:issue',
  };
}
