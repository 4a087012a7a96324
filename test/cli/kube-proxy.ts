import { createServer } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface KubeProxy {
  /** A kubeconfig by which the cluster is reached through here, without any credentials. */
  readonly kubeconfig: string;
  /** What happens to the next requests; undefined: they are passed on. */
  meddle:
    | ((
        path: string,
        method: string,
      ) => 'cut' | { readonly status: number; readonly body: object } | undefined)
    | undefined;
  close(): Promise<void>;
}

/** Stands before an API server and spoils its answers, for tests of faults. */
export async function openKubeProxy(target: {
  readonly url: string;
  readonly token: string;
  readonly caCertificate: string;
}): Promise<KubeProxy> {
  const server = createServer((incoming, response) => {
    const path = incoming.url ?? '/';
    const answer = proxy.meddle?.(path, incoming.method ?? 'GET');
    if (answer === 'cut') {
      incoming.destroy();
      return;
    }
    if (answer !== undefined) {
      response
        .writeHead(answer.status, { 'content-type': 'application/json' })
        .end(JSON.stringify(answer.body));
      return;
    }
    const { host: _host, ...headers } = incoming.headers;
    const forwarded = request(
      new URL(path, target.url),
      {
        method: incoming.method,
        ca: target.caCertificate,
        headers: { ...headers, authorization: `Bearer ${target.token}` },
      },
      (answered) => {
        response.writeHead(answered.statusCode ?? 502, answered.headers);
        answered.on('error', () => response.destroy());
        answered.pipe(response);
      },
    );
    forwarded.on('error', () => response.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const proxy: KubeProxy = {
    kubeconfig: JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'proxy', cluster: { server: `http://127.0.0.1:${port}` } }],
      users: [{ name: 'nobody', user: {} }],
      contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'nobody' } }],
      'current-context': 'proxy',
    }),
    meddle: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return proxy;
}

export function forbidden(message: string): { readonly status: number; readonly body: object } {
  return {
    status: 403,
    body: { apiVersion: 'v1', kind: 'Status', status: 'Failure', code: 403, reason: 'Forbidden', message },
  };
}
