import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram, systemClock, type Clock, type JsonValue } from '../../kernel/index.ts';
import { createApi, type ApiOptions, type ApiServer } from '../api/api-server.ts';
import { localCertificate, serveApi, type ServedApi, type ServeOptions } from './server.ts';

const TOKEN = 'a-token-for-tests';

export interface TestServer {
  readonly api: ApiServer;
  readonly served: ServedApi;
  /** A request with the token of the administrator; the body comes back as JSON. */
  readonly call: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<{
    readonly status: number;
    readonly headers: Headers;
    readonly body: JsonValue;
    readonly text: string;
  }>;
  /** Stock kubectl with a home and a kubeconfig of its own. */
  kubectl(
    args: readonly string[],
    input?: string,
  ): Promise<{ readonly code: number; readonly output: string }>;
  /** The environment that kubectl runs in, for tests that start it themselves. */
  readonly kubectlEnvironment: () => Promise<NodeJS.ProcessEnv>;
  close(): Promise<void>;
}

export interface TestServerOptions extends Partial<ApiOptions> {
  readonly clock?: Clock;
  readonly tls?: boolean;
  readonly serve?: Partial<ServeOptions>;
}

/** An API server on a free port, over plain HTTP unless asked otherwise. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { tls = false, serve = {}, ...apiOptions } = options;
  const api = await createApi({ clock: systemClock, ...apiOptions });
  const certificate = tls ? localCertificate('127.0.0.1') : undefined;
  const served = await serveApi(api, {
    token: TOKEN,
    ...(certificate === undefined ? {} : { tls: certificate }),
    ...serve,
  });
  let home: string | undefined;
  const kubeconfig = async () => {
    if (home !== undefined) return join(home, 'config');
    home = await mkdtemp(join(tmpdir(), 'drydock-kubectl-'));
    const authority =
      certificate === undefined
        ? ''
        : `certificate-authority-data: ${Buffer.from(certificate.certificate).toString('base64')}`;
    await writeFile(
      join(home, 'config'),
      `apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
users: [{name: test, user: {token: ${TOKEN}}}]
clusters:
- name: test
  cluster:
    server: ${served.url}
    ${authority}
`,
    );
    return join(home, 'config');
  };
  const environment = async (): Promise<NodeJS.ProcessEnv> => {
    const config = await kubeconfig();
    return { PATH: process.env.PATH, HOME: home, KUBECONFIG: config };
  };
  return {
    api,
    served,
    kubectlEnvironment: environment,
    async call(method, path, body, headers = {}) {
      const response = await fetch(`${served.url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${TOKEN}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      let parsed: JsonValue = null;
      try {
        parsed = JSON.parse(text) as JsonValue;
      } catch {
        // Plain text is in `text`.
      }
      return { status: response.status, headers: response.headers, body: parsed, text };
    },
    async kubectl(args, input) {
      const result = await runProgram('kubectl', args, {
        env: await environment(),
        timeoutMs: 30_000,
        ...(input === undefined ? {} : { input }),
      });
      return { code: result.code, output: result.stdout.toString('utf8') + result.stderr };
    },
    async close() {
      await served.close();
      await api.close();
      if (home !== undefined) await rm(home, { recursive: true, force: true });
    },
  };
}
