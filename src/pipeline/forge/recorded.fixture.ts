/** A small HTTP server that answers as recorded, and remembers what it was asked. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { Provider } from './contract.ts';

export interface Recorded {
  readonly method: 'GET' | 'POST';
  /** Path and query below the host. */
  readonly path: string;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

export interface Player extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly Asked[];
}

/** Answers the exchanges in their order; anything else is a 599 that no client takes for an answer. */
export async function play(exchanges: readonly Recorded[]): Promise<Player> {
  const left = [...exchanges];
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      asked.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers, body });
      const next = left.shift();
      if (next === undefined || next.method !== request.method || next.path !== request.url) {
        response.writeHead(599).end(`not recorded: ${request.method} ${request.url}`);
        return;
      }
      response.writeHead(next.status, { 'content-type': 'application/json', ...next.headers });
      response.end(typeof next.body === 'string' ? next.body : JSON.stringify(next.body));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

const HEAD_SHA = '6dcb09b5b57875f334f61aebed695e2e4193db5e';
const MERGE_SHA = 'e5bd3914e2e596debea16f433f57875b5b90bcd6';

interface Shape {
  readonly number?: number;
  readonly state?: 'open' | 'merged' | 'closed';
  readonly head?: string;
  readonly fork?: boolean;
}

/** A pull request as the documentation of each API shows it, shortened to some fields more than are read. */
export const pullRequest: Readonly<Record<Provider, (shape?: Shape) => unknown>> = {
  github: ({ number = 7, state = 'open', head = 'landfall/update', fork = false } = {}) => ({
    url: `https://api.github.com/repos/tomoda/devops/pulls/${number}`,
    id: number + 1000,
    node_id: 'MDExOlB1bGxSZXF1ZXN0MQ==',
    html_url: `https://github.com/tomoda/devops/pull/${number}`,
    number,
    state: state === 'open' ? 'open' : 'closed',
    locked: false,
    title: 'Update tomoda',
    user: { login: 'landfall-bot', id: 1 },
    body: null,
    merged_at: state === 'merged' ? '2026-01-26T19:01:12Z' : null,
    merge_commit_sha: MERGE_SHA,
    draft: false,
    head: { label: `tomoda:${head}`, ref: head, sha: HEAD_SHA, repo: { id: fork ? 2 : 1 } },
    base: { label: 'tomoda:main', ref: 'main', sha: MERGE_SHA, repo: { id: 1 } },
  }),
  gitlab: ({ number = 7, state = 'open', head = 'landfall/update', fork = false } = {}) => ({
    id: number + 1000,
    iid: number,
    project_id: 3,
    title: 'Update tomoda',
    description: '',
    state: state === 'open' ? 'opened' : state,
    merged_at: state === 'merged' ? '2026-01-26T19:01:12.000Z' : null,
    target_branch: 'main',
    source_branch: head,
    source_project_id: fork ? 4 : 3,
    target_project_id: 3,
    merge_status: 'can_be_merged',
    sha: HEAD_SHA,
    merge_commit_sha: state === 'merged' ? MERGE_SHA : null,
    squash_commit_sha: null,
    web_url: `https://gitlab.com/tomoda/infra/devops/-/merge_requests/${number}`,
  }),
  gitea: ({ number = 7, state = 'open', head = 'landfall/update', fork = false } = {}) => ({
    id: number + 1000,
    url: `https://codeberg.org/tomoda/devops/pulls/${number}`,
    number,
    user: { id: 1, login: 'landfall-bot' },
    title: 'Update tomoda',
    body: '',
    state: state === 'open' ? 'open' : 'closed',
    html_url: `https://codeberg.org/tomoda/devops/pulls/${number}`,
    mergeable: true,
    merged: state === 'merged',
    merged_at: state === 'merged' ? '2026-01-26T19:01:12Z' : null,
    merge_commit_sha: state === 'merged' ? MERGE_SHA : null,
    base: { label: 'main', ref: 'main', sha: MERGE_SHA, repo_id: 1 },
    head: {
      label: head,
      ref: state === 'open' ? head : `refs/pull/${number}/head`,
      sha: HEAD_SHA,
      repo_id: fork ? 2 : 1,
    },
  }),
};

export { HEAD_SHA, MERGE_SHA };
