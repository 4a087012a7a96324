import { nullable, number, object, string } from 'zod';
import type { Dialect } from './contract.ts';
import { pullCalls, pullFields, pullOf } from './pull.ts';

const pull = object({
  ...pullFields,
  // The repository is null where it was deleted.
  head: object({ ref: string(), sha: string(), repo: nullable(object({ id: number() })) }),
  base: object({ ref: string(), repo: object({ id: number() }) }),
});

/** GitHub's REST API, version 2022-11-28: "Pulls". */
export function github(path: string): Dialect {
  const { pulls, read, create } = pullCalls(path);
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
    read,
    create,
    parse(value) {
      const found = pull.parse(value);
      const { head, base } = found;
      return {
        ...pullOf(found),
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
