import { LandfallError } from '../../kernel/index.ts';
import type { GitMirrors } from '../../git/index.ts';
import type { RemoteFetcher } from '../../kustomize/index.ts';

const MAX_FILE = 32 * 1024 * 1024;
const TIMEOUT_MS = 30_000;

export interface RepositoryUrl {
  /** What git clones. */
  readonly clone: string;
  readonly ref: string | undefined;
  /** Folder inside of the repository; '' is its root. */
  readonly dir: string;
}

/** Hosts whose paths are `organisation/repository`, then the folder, without a mark between them. */
const SHORT_HOSTS: Readonly<Record<string, string>> = { 'gh:': 'https://github.com/' };

function splitHost(text: string): readonly [host: string, path: string] {
  const scheme = /^(?:https?|ssh|file):\/\//.exec(text)?.[0];
  if (scheme === 'file://') return [scheme, text.slice(scheme.length)];
  if (scheme !== undefined) {
    const slash = text.indexOf('/', scheme.length);
    return slash < 0 ? [text, ''] : [text.slice(0, slash + 1), text.slice(slash + 1)];
  }
  for (const [prefix, host] of Object.entries(SHORT_HOSTS))
    if (text.startsWith(prefix)) return [host, text.slice(prefix.length)];
  const scp = /^[\w.-]+@[\w.-]+:/.exec(text)?.[0];
  if (scp !== undefined) return [scp, text.slice(scp.length).replace(/^\//, '')];
  const slash = text.indexOf('/');
  return [`https://${text.slice(0, slash + 1)}`, text.slice(slash + 1)];
}

/**
 * Takes a remote resource apart as kustomize does: `//` marks the folder, `.git` ends the repository, else it is the
 * first two parts of the path. Source: kustomize api/internal/git/repospec.go.
 */
export function parseRepositoryUrl(url: string): RepositoryUrl | undefined {
  const [bare = '', query = ''] = url.replace(/^git::/, '').split('?', 2);
  const parameters = new URLSearchParams(query);
  const ref = parameters.get('ref') ?? parameters.get('version') ?? undefined;
  const [host, path] = splitHost(bare);
  if (path === '') return undefined;
  const marked = path.indexOf('//', host === 'file://' ? 1 : 0);
  if (marked >= 0)
    return { clone: host + path.slice(0, marked), ref, dir: path.slice(marked + 2).replace(/\/+$/, '') };
  const git = /\.git(?=\/|$)/.exec(path);
  if (git !== null) {
    const end = git.index + '.git'.length;
    return { clone: host + path.slice(0, end), ref, dir: path.slice(end).replaceAll(/^\/+|\/+$/g, '') };
  }
  if (host === 'file://') return { clone: host + path, ref, dir: '' };
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.length < 2) return undefined;
  return { clone: `${host}${parts.slice(0, 2).join('/')}`, ref, dir: parts.slice(2).join('/') };
}

async function readFile(url: string, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(url, {
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      redirect: 'follow',
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new LandfallError(
      `${url} could not be fetched: ${cause instanceof Error ? cause.message : 'no answer'}.`,
      {
        kind: 'unavailable',
        code: 'remote-unavailable',
        object: url,
        hint: 'See that it can be reached from here, or keep a copy in the repository.',
        cause,
      },
    );
  }
  // A page is no manifest: the URL most likely names a repository.
  if (response.status !== 200 || (response.headers.get('content-type') ?? '').startsWith('text/html')) {
    await response.body?.cancel();
    return undefined;
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_FILE) {
      throw new LandfallError(`${url} is larger than ${MAX_FILE / 2 ** 20} MiB.`, {
        kind: 'invalid-input',
        code: 'remote-too-large',
        object: url,
        hint: 'Split it, or keep a copy in the repository.',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Fetches what a kustomization names outside of its repository: files over HTTP, and folders of Git repositories. */
export function remoteFetcher(git: GitMirrors): RemoteFetcher {
  return {
    file: readFile,
    async repository(url, signal) {
      const parsed = parseRepositoryUrl(url);
      if (parsed === undefined) return undefined;
      const mirror = git.open(parsed.clone);
      const { commit } = await mirror.resolve(parsed.ref ?? 'HEAD', signal);
      return { tree: mirror.tree(commit), dir: parsed.dir };
    },
  };
}
