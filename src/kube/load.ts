import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { LandfallError, getArray, getIn, getObject, getString, systemClock } from '../kernel/index.ts';
import type { Clock, JsonObject } from '../kernel/index.ts';
import type { TlsSettings } from './agents.ts';
import type { KubeClient } from './client.ts';
import { staticSource, tokenFileSource } from './credentials.ts';
import type { CredentialSource, StaticIdentity } from './credentials.ts';
import { checkPlugin, execSource } from './exec-credential.ts';
import type { ExecPlugin } from './exec-credential.ts';
import { createKubeClient } from './http-client.ts';
import { chooseContext, kubeconfigPaths, readKubeconfig } from './kubeconfig.ts';
import type { ChosenContext } from './kubeconfig.ts';
import { createTransport } from './transport.ts';

export interface LoadOptions {
  /** A kubeconfig file; left out: KUBECONFIG, then ~/.kube/config, then the service account of the pod. */
  readonly kubeconfig?: string;
  readonly context?: string;
  /** Instead of the context's own namespace. */
  readonly namespace?: string;
  /** Default: the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
  readonly clock?: Clock;
  /** Default `landfall`. */
  readonly userAgent?: string;
  /** Where a pod finds its service account; for tests. */
  readonly serviceAccountFolder?: string;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * A client for the cluster that kubectl would talk to. Throws `not-found` when there is no kubeconfig and no service
 * account, `invalid-input` with the file where the kubeconfig cannot be used.
 */
export async function loadKubeClient(options: LoadOptions = {}): Promise<KubeClient> {
  const env = options.env ?? process.env;
  const places = { explicit: options.kubeconfig, env };
  const config = await readKubeconfig(places);
  if (config.contexts.size === 0 && config.clusters.size === 0) {
    const inside = await inCluster(options, env);
    if (inside !== undefined && options.context === undefined) return inside;
    throw new LandfallError(
      `No cluster is configured: ${kubeconfigPaths(places).paths.join(', ')} ${config.files.length > 0 ? 'names none' : 'does not exist'}.`,
      {
        kind: 'not-found',
        code: 'no-kubeconfig',
        hint: 'Name a kubeconfig with --kubeconfig or KUBECONFIG, or start a local cluster with: landfall cluster start',
      },
    );
  }
  const chosen = chooseContext(config, options.context);
  return clientOf(chosen, options, env);
}

async function clientOf(
  chosen: ChosenContext,
  options: LoadOptions,
  env: NodeJS.ProcessEnv,
): Promise<KubeClient> {
  const clock = options.clock ?? systemClock;
  const { value: cluster, folder } = chosen.cluster;
  const proxy = getString(cluster, 'proxy-url');
  if (proxy !== undefined && proxy !== '') {
    throw new LandfallError(
      `Cluster '${chosen.clusterName}' is reached through a proxy (proxy-url in the kubeconfig), which is not supported.`,
      {
        kind: 'invalid-input',
        code: 'kubeconfig-proxy',
        object: chosen.clusterName,
        hint: 'Run where the API server is reached directly, or forward a local port to it and use that as server.',
      },
    );
  }
  const server = serverUrl(getString(cluster, 'server') ?? '', chosen.clusterName);
  const ca = await material(cluster, 'certificate-authority', folder, chosen.clusterName);
  const insecure = getIn(cluster, 'insecure-skip-tls-verify') === true;
  const serverName = getString(cluster, 'tls-server-name') || undefined;
  const tls: TlsSettings = {
    ...(ca === undefined ? {} : { ca }),
    ...(insecure ? { insecure } : {}),
    ...(serverName === undefined ? {} : { serverName }),
  };
  const transport = createTransport({
    server,
    tls,
    credentials: await credentialsFor(chosen, server, ca, tls, env, clock),
    clock,
    userAgent: options.userAgent ?? 'landfall',
  });
  return createKubeClient({
    transport,
    context: chosen.name,
    namespace: options.namespace ?? chosen.namespace,
    registryMirrors: registryMirrors(cluster),
    clock,
  });
}

function serverUrl(text: string, clusterName: string): URL {
  const withScheme = /^https?:\/\//.test(text) ? text : `http://${text}`;
  const url = text !== '' && URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  if (url === undefined) {
    throw new LandfallError(
      `Cluster '${clusterName}' of the kubeconfig has ${text === '' ? 'no server' : `the server '${text}'`}; a URL is wanted.`,
      {
        kind: 'invalid-input',
        code: 'kubeconfig-server',
        object: clusterName,
        hint: 'Mend clusters[].cluster.server in the kubeconfig.',
      },
    );
  }
  url.username = '';
  url.password = '';
  return url;
}

/** A field that stands in the kubeconfig as base64 (`NAME-data`, which wins) or as the path of a file. */
async function material(
  holder: JsonObject,
  name: string,
  folder: string,
  owner: string,
): Promise<string | undefined> {
  const data = getString(holder, `${name}-data`);
  if (data !== undefined && data !== '') return Buffer.from(data, 'base64').toString('utf8');
  const path = getString(holder, name);
  if (path === undefined || path === '') return undefined;
  const file = resolve(folder, path);
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new LandfallError(
      `${name} of '${owner}' names ${file}, which could not be read: ${(cause as NodeJS.ErrnoException).code ?? 'unreadable'}.`,
      {
        kind: 'not-found',
        code: 'kubeconfig-file',
        object: file,
        hint: 'Check the path in the kubeconfig.',
        cause,
      },
    );
  }
}

async function credentialsFor(
  chosen: ChosenContext,
  server: URL,
  ca: string | undefined,
  tls: TlsSettings,
  env: NodeJS.ProcessEnv,
  clock: Clock,
): Promise<CredentialSource> {
  const { value: user, folder } = chosen.user;
  const text = (field: string) => getString(user, field) || undefined;
  if (getObject(user, 'auth-provider') !== undefined) {
    throw new LandfallError(
      `User '${chosen.userName}' of the kubeconfig uses an auth-provider, which Kubernetes removed in 1.26.`,
      {
        kind: 'invalid-input',
        code: 'kubeconfig-auth-provider',
        object: chosen.userName,
        hint: 'Let the tool that wrote the kubeconfig write it again with an exec plugin, or use a token.',
      },
    );
  }
  const cert = await material(user, 'client-certificate', folder, chosen.userName);
  const key = await material(user, 'client-key', folder, chosen.userName);
  const identity: StaticIdentity = {
    headers: impersonation(user),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  const tokenFile = text('tokenFile');
  if (tokenFile !== undefined) return tokenFileSource(resolve(folder, tokenFile), identity, clock);
  const token = text('token');
  if (token !== undefined) return staticSource({ ...identity, token });
  const username = text('username');
  if (username !== undefined)
    return staticSource({ ...identity, username, password: text('password') ?? '' });
  const exec = getObject(user, 'exec');
  if (exec === undefined) return staticSource(identity);
  const plugin = execPlugin(exec, folder, {
    server: server.href.replace(/\/$/, ''),
    ...(ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
    ...(tls.insecure === true ? { 'insecure-skip-tls-verify': true } : {}),
    ...(tls.serverName === undefined ? {} : { 'tls-server-name': tls.serverName }),
    ...clusterConfig(chosen.cluster.value),
  });
  checkPlugin(plugin, chosen.userName);
  return execSource(plugin, chosen.userName, identity, env, clock);
}

/** What the extension `client.authentication.k8s.io/exec` of a cluster holds is given to plugins as `config`. */
function clusterConfig(cluster: JsonObject): JsonObject {
  for (const item of getArray(cluster, 'extensions')) {
    if (getString(item, 'name') !== 'client.authentication.k8s.io/exec') continue;
    const config = getIn(item, 'extension');
    if (config !== undefined) return { config };
  }
  return {};
}

function execPlugin(exec: JsonObject, folder: string, cluster: JsonObject): ExecPlugin {
  const env: Record<string, string> = {};
  for (const item of getArray(exec, 'env')) {
    const name = getString(item, 'name');
    if (name !== undefined) env[name] = getString(item, 'value') ?? '';
  }
  const installHint = getString(exec, 'installHint');
  const interactiveMode = getString(exec, 'interactiveMode');
  return {
    apiVersion: getString(exec, 'apiVersion') ?? '',
    command: getString(exec, 'command') ?? '',
    args: getArray(exec, 'args').map(String),
    env,
    folder,
    ...(installHint === undefined ? {} : { installHint }),
    ...(interactiveMode === undefined ? {} : { interactiveMode }),
    ...(getIn(exec, 'provideClusterInfo') === true ? { cluster } : {}),
  };
}

function impersonation(user: JsonObject): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  const as = getString(user, 'as');
  if (as !== undefined && as !== '') headers['impersonate-user'] = as;
  const uid = getString(user, 'as-uid');
  if (uid !== undefined && uid !== '') headers['impersonate-uid'] = uid;
  const groups = getArray(user, 'as-groups').map(String);
  if (groups.length > 0) headers['impersonate-group'] = groups;
  return headers;
}

/** Registry host to URL, from the cluster extension `registry-mirrors`: a plain map, or one under `mirrors`. */
function registryMirrors(cluster: JsonObject): Record<string, string> {
  const mirrors: Record<string, string> = {};
  for (const item of getArray(cluster, 'extensions')) {
    if (getString(item, 'name') !== 'registry-mirrors') continue;
    const extension = getObject(item, 'extension') ?? {};
    const map = getObject(extension, 'mirrors') ?? extension;
    for (const [host, address] of Object.entries(map)) {
      if (typeof address === 'string' && host !== 'apiVersion' && host !== 'kind') mirrors[host] = address;
    }
  }
  return mirrors;
}

async function inCluster(options: LoadOptions, env: NodeJS.ProcessEnv): Promise<KubeClient | undefined> {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'];
  if (host === undefined || host === '' || port === undefined || port === '') return undefined;
  const folder = options.serviceAccountFolder ?? SERVICE_ACCOUNT;
  const read = async (name: string) => {
    try {
      return await readFile(resolve(folder, name), 'utf8');
    } catch {
      return undefined;
    }
  };
  const [token, ca, namespace] = await Promise.all([read('token'), read('ca.crt'), read('namespace')]);
  if (token === undefined) return undefined;
  const clock = options.clock ?? systemClock;
  const transport = createTransport({
    server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    tls: ca === undefined ? {} : { ca },
    credentials: tokenFileSource(resolve(folder, 'token'), {}, clock),
    clock,
    userAgent: options.userAgent ?? 'landfall',
  });
  return createKubeClient({
    transport,
    context: 'in-cluster',
    namespace: options.namespace ?? (namespace?.trim() || 'default'),
    registryMirrors: {},
    clock,
  });
}
