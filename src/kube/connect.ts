import { LandfallError } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { KubeClient } from './client.ts';
import { staticSource } from './credentials.ts';
import { createKubeClient } from './http-client.ts';
import { createTransport } from './transport.ts';

/** How a cluster is reached that no kubeconfig file names. Everything but the first two is secret or trusted material. */
export interface ClusterAccess {
  readonly server: string;
  readonly name: string;
  /** PEM. */
  readonly ca?: string;
  readonly insecure?: boolean;
  readonly serverName?: string;
  readonly token?: string;
  readonly username?: string;
  readonly password?: string;
  /** PEM. */
  readonly cert?: string;
  readonly key?: string;
}

/** A client for that cluster; nothing is asked yet. Throws `invalid-input` where the server is no URL. */
export function connectKubeClient(
  access: ClusterAccess,
  options: { readonly clock: Clock; readonly userAgent?: string },
): KubeClient {
  if (!/^https?:\/\//.test(access.server) || !URL.canParse(access.server)) {
    throw new LandfallError(
      `The cluster '${access.name}' has the server '${access.server.slice(0, 200)}'; a URL is wanted.`,
      {
        kind: 'invalid-input',
        code: 'cluster-server',
        object: access.name,
        hint: 'Write it as https://host:port.',
      },
    );
  }
  const server = new URL(access.server);
  server.username = '';
  server.password = '';
  const { token, username, password, cert, key, ca, insecure, serverName } = access;
  const transport = createTransport({
    server,
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(insecure === true ? { insecure } : {}),
      ...(serverName === undefined ? {} : { serverName }),
    },
    credentials: staticSource({
      ...(token === undefined ? {} : { token }),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    }),
    clock: options.clock,
    userAgent: options.userAgent ?? 'landfall',
  });
  return createKubeClient({
    transport,
    context: access.name,
    namespace: 'default',
    registryMirrors: {},
    clock: options.clock,
  });
}
