/** Real repositories and a real HTTP server for the tests of this folder. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runGit } from './program.ts';

export interface TestFolder extends AsyncDisposable {
  readonly path: string;
}

export async function temporaryFolder(): Promise<TestFolder> {
  const folder = await mkdtemp(path.join(tmpdir(), 'landfall-git-'));
  return { path: folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

export function git(cwd: string, ...args: string[]): Promise<string> {
  return runGit(`git ${args[0]}`, args, {
    cwd,
    env: {
      GIT_AUTHOR_NAME: 'Ada',
      GIT_AUTHOR_EMAIL: 'ada@example.com',
      GIT_COMMITTER_NAME: 'Ada',
      GIT_COMMITTER_EMAIL: 'ada@example.com',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_ALLOW_PROTOCOL: 'file',
    },
  });
}

export async function createRepository(folder: string, ...flags: string[]): Promise<string> {
  await mkdir(folder, { recursive: true });
  await git(folder, 'init', '--quiet', '--initial-branch=main', ...flags);
  return folder;
}

/** Writes files, commits all of them, and gives the commit. */
export async function commitAll(
  folder: string,
  files: Readonly<Record<string, string>>,
  message = 'Change something',
): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  await git(folder, 'add', '--all');
  await git(folder, 'commit', '--quiet', '-m', message);
  return (await git(folder, 'rev-parse', 'HEAD')).trim();
}

export interface GitServer extends AsyncDisposable {
  readonly url: string;
  /** Requests for the list of references so far: one per fetch, clone or push. */
  readonly advertisements: () => number;
  /** Runs before the next requests are answered. */
  onRequest: ((path: string) => Promise<void> | void) | undefined;
  /** What is asked for from the next request on: passwords expire. */
  password: string | undefined;
}

/** `git http-backend` behind node:http, as a CGI program: repositories under `root`, with or without a password. */
export async function serveGit(root: string, password?: string): Promise<GitServer> {
  const backend = path.join((await git(root, '--exec-path')).trim(), 'git-http-backend');
  let advertisements = 0;
  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '/', 'http://localhost');
      if (url.pathname.endsWith('/info/refs')) advertisements += 1;
      await handle.onRequest?.(url.pathname);
      const wanted = `Basic ${Buffer.from(`ci:${handle.password}`).toString('base64')}`;
      if (handle.password !== undefined && request.headers.authorization !== wanted) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
        return;
      }
      const child = spawn(backend, [], {
        env: {
          PATH: process.env['PATH'],
          GIT_PROJECT_ROOT: root,
          GIT_HTTP_EXPORT_ALL: '1',
          GIT_CONFIG_GLOBAL: '/dev/null',
          REMOTE_USER: 'ci',
          REMOTE_ADDR: '127.0.0.1',
          REQUEST_METHOD: request.method,
          PATH_INFO: url.pathname,
          QUERY_STRING: url.search.slice(1),
          CONTENT_TYPE: request.headers['content-type'] ?? '',
          GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
          ...(request.headers['content-encoding'] === undefined
            ? {}
            : { HTTP_CONTENT_ENCODING: request.headers['content-encoding'] }),
          ...(request.headers['content-length'] === undefined
            ? {}
            : { CONTENT_LENGTH: request.headers['content-length'] }),
        },
      });
      child.stdin.on('error', () => {});
      request.pipe(child.stdin);
      const chunks: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
      child.on('close', () => {
        const output = Buffer.concat(chunks);
        const end = output.indexOf('\r\n\r\n');
        const headers: Record<string, string> = {};
        let status = 200;
        for (const line of output.toString('latin1', 0, end).split('\r\n')) {
          const colon = line.indexOf(':');
          if (colon < 0) continue;
          if (line.startsWith('Status:')) status = Number(line.slice(7).trim().slice(0, 3));
          else headers[line.slice(0, colon)] = line.slice(colon + 1).trim();
        }
        response.writeHead(status, headers).end(output.subarray(end + 4));
      });
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const handle: GitServer = {
    url: `http://127.0.0.1:${port}`,
    advertisements: () => advertisements,
    onRequest: undefined,
    password,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return handle;
}

/** A bare repository under `root` that takes pushes over HTTP, filled from `source`. */
export async function publish(source: string, root: string, name: string): Promise<string> {
  const bare = path.join(root, name);
  await git(root, 'clone', '--quiet', '--bare', '--', source, bare);
  await git(bare, 'config', 'http.receivepack', 'true');
  return bare;
}
