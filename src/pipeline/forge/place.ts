import { LandfallError } from '../../kernel/index.ts';
import { withoutCredentials } from '../../git/index.ts';
import type { Provider } from './contract.ts';

/** What landfall.yaml says of a host that its name does not tell. */
export interface DeclaredForge {
  /** As in the URL of the repository, with its port where it has one. */
  readonly host: string;
  readonly provider?: Provider;
  /** Base of the API where it is not in its usual place. */
  readonly api?: string;
}

/** A repository on a host, and where the API of the host is. */
export interface ForgePlace {
  readonly provider: Provider;
  readonly api: URL;
  /** `owner/name`, with the groups between on GitLab. */
  readonly path: string;
  readonly display: string;
}

const KNOWN_HOSTS: Readonly<Record<string, Provider>> = {
  'github.com': 'github',
  'gitlab.com': 'gitlab',
  'gitea.com': 'gitea',
  'codeberg.org': 'gitea',
};

const WORDS: readonly (readonly [RegExp, Provider])[] = [
  [/gitlab/, 'gitlab'],
  [/gitea|forgejo|codeberg/, 'gitea'],
  [/github/, 'github'],
];

/** Which API the host of a repository speaks, as far as its name says. */
export function detectProvider(repository: string): Provider | undefined {
  return providerOf(split(repository).host);
}

function providerOf(host: string): Provider | undefined {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return KNOWN_HOSTS[name] ?? WORDS.find(([word]) => word.test(name))?.[1];
}

/** Finds API and name of a repository from the URL that Git uses, and from what was declared of its host. */
export function placeOf(
  repository: string,
  declared: readonly DeclaredForge[],
  provider?: Provider,
): ForgePlace {
  const { host, path, scheme } = split(repository);
  const bare = host.replace(/:\d+$/, '');
  const own =
    declared.find((each) => each.host.toLowerCase() === host) ??
    declared.find((each) => each.host.toLowerCase() === bare);
  const found = provider ?? own?.provider ?? providerOf(host);
  const shown = `${host}/${path}`;
  if (found === undefined) {
    throw new LandfallError(
      `A pull request was to be opened in ${shown}, and its name does not tell whether it is GitHub, GitLab or Gitea.`,
      {
        kind: 'invalid-input',
        code: 'forge-unknown',
        object: shown,
        hint: `Say it in landfall.yaml: forges: [{host: ${host}, provider: gitea}].`,
      },
    );
  }
  // An SSH port says nothing of where HTTP is.
  const web = scheme === 'ssh' ? `https://${bare}` : `${scheme}://${host}`;
  return { provider: found, path, display: shown, api: apiOf(own?.api ?? usualApi(found, bare, web), shown) };
}

function usualApi(provider: Provider, host: string, web: string): string {
  if (provider === 'gitlab') return `${web}/api/v4`;
  if (provider === 'gitea') return `${web}/api/v1`;
  return host === 'github.com' ? 'https://api.github.com' : `${web}/api/v3`;
}

/** A token goes only where nobody can read it on the way. */
function apiOf(text: string, object: string): URL {
  const refuse = (why: string) =>
    new LandfallError(`'${withoutCredentials(text).slice(0, 200)}' cannot be the API of ${object}: ${why}.`, {
      kind: 'invalid-input',
      code: 'forge-api',
      object,
      hint: 'Give an address such as https://git.example.com/api/v1.',
    });
  let url: URL;
  try {
    url = new URL(text.endsWith('/') ? text : `${text}/`);
  } catch {
    throw refuse('it does not parse');
  }
  if (url.username !== '' || url.password !== '')
    throw refuse('it holds credentials, which have a place of their own');
  if (url.search !== '' || url.hash !== '') throw refuse('it has a query');
  const loopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback)) {
    throw refuse('a token is sent over https only');
  }
  return url;
}

/** Host, path and scheme of the URLs that Git takes. */
function split(repository: string): {
  readonly host: string;
  readonly path: string;
  readonly scheme: string;
} {
  const clean = withoutCredentials(repository);
  const scp = /^(?:[^@/:]+@)?(?<host>[^/:]+):(?<path>[^/].*)$/.exec(repository);
  let host: string;
  let path: string;
  let scheme = 'ssh';
  if (/^[a-z]+:\/\//i.test(repository)) {
    let url: URL;
    try {
      url = new URL(repository);
    } catch {
      throw noHost(clean);
    }
    host = url.host.toLowerCase();
    path = url.pathname;
    scheme = /^https?:$/.test(url.protocol) ? url.protocol.slice(0, -1) : 'ssh';
    if (url.protocol === 'file:') throw noHost(clean);
  } else if (scp?.groups !== undefined) {
    host = (scp.groups['host'] ?? '').toLowerCase();
    path = scp.groups['path'] ?? '';
  } else throw noHost(clean);
  const parts = path
    .replace(/\.git\/?$/, '')
    .split('/')
    .filter((part) => part !== '');
  const safe = parts.every((part) => /^[\w.~-]+$/.test(part) && part !== '.' && part !== '..');
  if (host === '' || parts.length < 2 || parts.length > 20 || !safe) throw noHost(clean);
  return { host, path: parts.join('/'), scheme };
}

function noHost(repository: string): LandfallError {
  return new LandfallError(`'${repository.slice(0, 200)}' has no host that could open a pull request.`, {
    kind: 'invalid-input',
    code: 'forge-repository',
    object: repository.slice(0, 200),
    hint: 'Use the URL of a repository on GitHub, GitLab or Gitea, or commit to the branch itself.',
  });
}
