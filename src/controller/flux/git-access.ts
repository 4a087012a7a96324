import { LandfallError, getString } from '../../kernel/index.ts';
import type { GitAccess, GitMirror, GitMirrors } from '../../git/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import type { RepositoryCredentials } from '../../boundaries/render/index.ts';
import type { AccessFiles } from '../clusters/index.ts';
import { secretValue } from '../followed.ts';
import { secretOf } from './secrets.ts';
import { sourceFailed } from './source-status.ts';

export interface GitAccessOptions {
  readonly client: KubeClient;
  readonly mirrors: GitMirrors;
  readonly files: AccessFiles;
  /** Whether a source may be a folder of this machine. Default false, as in Flux. */
  readonly localRepositories?: boolean;
}

/** The repository of a GitRepository, with the credentials of its Secret, through the proxy of another. */
export async function mirrorOf(
  options: GitAccessOptions,
  source: KubeObject,
  signal: AbortSignal,
): Promise<GitMirror> {
  const url = urlOf(options, source);
  return options.mirrors.open(url, await accessOf(options, source, url, signal));
}

/**
 * Another repository that one of its commits names: with the same credentials on the same host, and as nobody
 * elsewhere, since whoever writes `.gitmodules` says where that is.
 */
export async function submoduleMirror(
  options: GitAccessOptions,
  source: KubeObject,
  url: string,
  signal: AbortSignal,
): Promise<GitMirror> {
  if (!isRemote(url)) {
    throw sourceFailed({
      reason: 'GitOperationFailed',
      message: `failed to checkout and determine revision: the submodule URL '${url.slice(0, 200)}' is none of http, https or ssh`,
    });
  }
  const same = hostOf(url) === hostOf(urlOf(options, source));
  return options.mirrors.open(url, same ? await accessOf(options, source, url, signal) : undefined);
}

function isRemote(url: string): boolean {
  return /^(?:https?|ssh):\/\//.test(url) && URL.canParse(url);
}

function hostOf(url: string): string | undefined {
  return isRemote(url) ? new URL(url).host : undefined;
}

/** What is no address of a server is read from the disk of the controller: only where it runs beside it on purpose. */
export function urlOf(options: Pick<GitAccessOptions, 'localRepositories'>, source: KubeObject): string {
  const url = getString(source, 'spec', 'url') ?? '';
  if (isRemote(url)) return url;
  if (options.localRepositories === true && /^(?:file:\/\/)?\//.test(url)) return url;
  throw new LandfallError(`failed to parse url '${url.slice(0, 200)}': wanted http://, https:// or ssh://`, {
    kind: 'invalid-input',
    code: 'git-url',
    hint: 'Mend spec.url. A folder of this machine is read only by a controller that runs outside of the cluster.',
  });
}

async function accessOf(
  options: GitAccessOptions,
  source: KubeObject,
  url: string,
  signal: AbortSignal,
): Promise<GitAccess | undefined> {
  const credentials = await credentialsOf(options.client, source, signal);
  const proxy = await proxyOf(options.client, source, url, signal);
  if (proxy === undefined) return credentials === undefined ? undefined : options.files.git(credentials);
  const access = await options.files.git(credentials ?? { identity: 'flux' });
  return {
    ...access,
    identity: `${access.identity} ${proxy.identity}`,
    environment: { ...access.environment, ...proxy.environment },
  };
}

async function credentialsOf(
  client: KubeClient,
  source: KubeObject,
  signal: AbortSignal,
): Promise<RepositoryCredentials | undefined> {
  const secret = await secretOf(client, source, 'secretRef', signal);
  if (secret === undefined) return undefined;
  const { name, namespace = 'default' } = secret.metadata;
  const text = (...names: readonly string[]) =>
    names.map((field) => secretValue(secret, field)).find((value) => value !== undefined && value !== '');
  const sshKey = text('identity');
  const knownHosts = text('known_hosts');
  if (sshKey !== undefined && knownHosts === undefined) {
    throw new LandfallError(
      `invalid secret '${namespace}/${name}': 'identity' is there, and 'known_hosts' is not`,
      {
        kind: 'invalid-input',
        code: 'secret-fields',
        object: `${namespace}/${name}`,
        hint: 'Add known_hosts (ssh-keyscan HOST).',
      },
    );
  }
  return {
    identity: `flux ${namespace}/${name}`,
    username: text('username'),
    password: text('password'),
    bearer: text('bearerToken'),
    sshKey,
    knownHosts,
    ca: text('ca.crt', 'caFile'),
    cert: text('tls.crt', 'certFile'),
    key: text('tls.key', 'keyFile'),
  };
}

/** `spec.proxySecretRef`, as the programs behind git read it; it counts more than what the controller was given. */
async function proxyOf(
  client: KubeClient,
  source: KubeObject,
  url: string,
  signal: AbortSignal,
): Promise<
  { readonly identity: string; readonly environment: Readonly<Record<string, string>> } | undefined
> {
  const secret = await secretOf(client, source, 'proxySecretRef', signal);
  if (secret === undefined) return undefined;
  const { name, namespace = 'default' } = secret.metadata;
  const refuse = (what: string) =>
    new LandfallError(`invalid proxy secret '${namespace}/${name}': ${what}`, {
      kind: 'invalid-input',
      code: 'secret-fields',
      object: `${namespace}/${name}`,
      hint: 'Put http://HOST:PORT or socks5://HOST:PORT into the key address.',
    });
  const address = secretValue(secret, 'address')?.trim() ?? '';
  if (!/^(?:https?|socks5h?):\/\//.test(address) || !URL.canParse(address)) {
    throw refuse('its key address is no http, https or socks5 URL');
  }
  if (!/^https?:/.test(url)) throw refuse('a proxy is used for http and https URLs only');
  const parsed = new URL(address);
  parsed.username = encodeURIComponent(secretValue(secret, 'username') ?? '');
  parsed.password = encodeURIComponent(secretValue(secret, 'password') ?? '');
  const proxy = parsed.href;
  return {
    identity: `proxy ${namespace}/${name}`,
    environment: { http_proxy: proxy, https_proxy: proxy, all_proxy: proxy, no_proxy: '', NO_PROXY: '' },
  };
}
