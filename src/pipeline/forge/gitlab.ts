import { nullable, number, object, string, enum as oneOf } from 'zod';
import type { Dialect } from './contract.ts';

const mergeRequest = object({
  iid: number().int().positive(),
  web_url: string(),
  // `locked`: it is being merged right now.
  state: oneOf(['opened', 'closed', 'merged', 'locked']),
  source_branch: string(),
  target_branch: string(),
  source_project_id: nullable(number()),
  target_project_id: number(),
  sha: nullable(string()).optional(),
  merge_commit_sha: nullable(string()).optional(),
  squash_commit_sha: nullable(string()).optional(),
});

/** GitLab's REST API, version 4: "Merge requests". */
export function gitlab(path: string): Dialect {
  const requests = `projects/${encodeURIComponent(path)}/merge_requests`;
  return {
    headers: (token) => ({ 'private-token': token }),
    list: (head, base, page) => ({
      path: `${requests}?${new URLSearchParams({
        source_branch: head,
        target_branch: base,
        order_by: 'created_at',
        sort: 'desc',
        per_page: '100',
        page: String(page),
      }).toString()}`,
      perPage: 100,
    }),
    read: (index) => `${requests}/${index}`,
    create: ({ head, base, title, body }) => ({
      path: requests,
      body: { source_branch: head, target_branch: base, title, description: body },
    }),
    parse(value) {
      const found = mergeRequest.parse(value);
      const { state, sha, merge_commit_sha, squash_commit_sha } = found;
      // A project that moves its branch forward makes no merge commit.
      const mergeCommit = merge_commit_sha ?? squash_commit_sha ?? sha;
      return {
        number: found.iid,
        url: found.web_url,
        state: state === 'opened' || state === 'locked' ? 'open' : state,
        ...(state === 'merged' && typeof mergeCommit === 'string' ? { mergeCommit } : {}),
        ...(typeof sha === 'string' ? { headCommit: sha } : {}),
        head: found.source_branch,
        base: found.target_branch,
        ours: found.source_project_id === found.target_project_id,
      };
    },
    exists: (status, said) => status === 409 && /open merge request already exists/i.test(said),
    permission: 'the scope api and at least the role Developer in this project',
  };
}
