import { number, object, string } from 'zod';
import type { Dialect } from './contract.ts';
import { pullCalls, pullFields, pullOf } from './pull.ts';

const pull = object({
  ...pullFields,
  // The label of a branch that was deleted since is still its name; its ref is `refs/pull/N/head` then.
  head: object({ label: string(), ref: string(), sha: string().optional(), repo_id: number() }),
  base: object({ label: string(), ref: string(), repo_id: number() }),
});

/** The REST API of Gitea and Forgejo, version 1. It cannot look for a branch: its lists are read and compared. */
export function gitea(path: string): Dialect {
  const { pulls, read, create } = pullCalls(path);
  return {
    headers: (token) => ({ authorization: `token ${token}` }),
    list: (_head, _base, page) => ({
      path: `${pulls}?${new URLSearchParams({ state: 'all', page: String(page), limit: '50' }).toString()}`,
      perPage: 50,
    }),
    read,
    create,
    parse(value) {
      const found = pull.parse(value);
      const { head, base } = found;
      return {
        ...pullOf(found),
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
