import { isAbsolute, resolve } from 'node:path';
import { LandfallError, getString, messageOf, parseJson, runProgram } from '../kernel/index.ts';
import type { Clock, JsonValue } from '../kernel/index.ts';
import { credentialsOf } from './credentials.ts';
import type { Credentials, CredentialSource, StaticIdentity } from './credentials.ts';

/**
 * A credential plugin, as client-go runs it (client.authentication.k8s.io v1 and v1beta1): a program, never a shell,
 * that prints an ExecCredential. Its answer is kept until it expires or the server refuses it.
 */
export interface ExecPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly installHint?: string;
  readonly interactiveMode?: string;
  /** What the plugin is told of the cluster, where the kubeconfig says `provideClusterInfo`. */
  readonly cluster?: JsonValue;
  /** Folder of the kubeconfig: a command with a slash is relative to it. */
  readonly folder: string;
}

const VERSIONS = new Set(['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1']);
const PLUGIN_TIMEOUT = 60_000;

export function checkPlugin(plugin: ExecPlugin, user: string): void {
  if (!VERSIONS.has(plugin.apiVersion)) {
    throw new LandfallError(
      `The credential plugin of user '${user}' speaks ${plugin.apiVersion || 'no apiVersion'}; client.authentication.k8s.io/v1 or v1beta1 is wanted.`,
      {
        kind: 'invalid-input',
        code: 'exec-plugin-version',
        object: user,
        hint: 'Update the plugin and let it write the kubeconfig again.',
      },
    );
  }
  if (plugin.command === '') {
    throw new LandfallError(`The credential plugin of user '${user}' names no command.`, {
      kind: 'invalid-input',
      code: 'exec-plugin-command',
      object: user,
    });
  }
  if (plugin.interactiveMode === 'Always') {
    throw new LandfallError(
      `The credential plugin ${plugin.command} of user '${user}' wants a terminal (interactiveMode: Always), and there is none here.`,
      {
        kind: 'invalid-input',
        code: 'exec-plugin-interactive',
        object: user,
        hint: 'Use a user with a token or a certificate, or a plugin that works without a terminal.',
      },
    );
  }
}

export function execSource(
  plugin: ExecPlugin,
  user: string,
  identity: StaticIdentity,
  environment: NodeJS.ProcessEnv,
  clock: Clock,
): CredentialSource {
  let cached: { readonly credentials: Credentials; readonly until: number } | undefined;
  let running: Promise<Credentials> | undefined;

  async function run(): Promise<Credentials> {
    const info = {
      apiVersion: plugin.apiVersion,
      kind: 'ExecCredential',
      spec: { interactive: false, ...(plugin.cluster === undefined ? {} : { cluster: plugin.cluster }) },
    };
    const command =
      plugin.command.includes('/') && !isAbsolute(plugin.command)
        ? resolve(plugin.folder, plugin.command)
        : plugin.command;
    const fail = (problem: string, cause?: unknown) =>
      new LandfallError(`The credential plugin ${plugin.command} of user '${user}' ${problem}`, {
        kind: 'denied',
        code: 'exec-plugin',
        object: plugin.command,
        hint: plugin.installHint?.trim() ?? `Run ${plugin.command} by hand and see that it logs in.`,
        cause,
      });
    let result;
    try {
      result = await runProgram(command, plugin.args, {
        env: { ...environment, ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
        timeoutMs: PLUGIN_TIMEOUT,
        maxOutput: 1024 * 1024,
      });
    } catch (thrown) {
      throw fail(`did not run: ${messageOf(thrown)}`, thrown);
    }
    if (result.code !== 0) {
      const said = result.stderr.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
      throw fail(`failed with exit code ${result.code}${said === '' ? '.' : `: ${said}`}`);
    }
    return take(result.stdout.toString('utf8'), fail);
  }

  function take(output: string, fail: (problem: string) => LandfallError): Credentials {
    let answer: JsonValue;
    try {
      answer = parseJson(output, 'its output');
    } catch {
      // The parser's message quotes the text, and the text may be a token.
      throw fail('printed something that is not an ExecCredential in JSON.');
    }
    if (
      getString(answer, 'kind') !== 'ExecCredential' ||
      getString(answer, 'apiVersion') !== plugin.apiVersion
    ) {
      throw fail(
        `answered ${getString(answer, 'kind') ?? 'no kind'} ${getString(answer, 'apiVersion') ?? ''}; ExecCredential ${plugin.apiVersion} is wanted.`,
      );
    }
    const token = getString(answer, 'status', 'token');
    const cert = getString(answer, 'status', 'clientCertificateData');
    const key = getString(answer, 'status', 'clientKeyData');
    if (token === undefined && (cert === undefined || key === undefined)) {
      throw fail('answered neither a token nor a client certificate with its key.');
    }
    const expires = Date.parse(getString(answer, 'status', 'expirationTimestamp') ?? '');
    const credentials = credentialsOf({
      ...identity,
      ...(token === undefined ? {} : { token }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
    cached = { credentials, until: Number.isNaN(expires) ? Number.POSITIVE_INFINITY : expires };
    return credentials;
  }

  return {
    async current(signal) {
      if (cached !== undefined && clock.now() < cached.until) return cached.credentials;
      running ??= run().finally(() => {
        running = undefined;
      });
      return waitedFor(running, plugin.command, signal);
    },
    renew() {
      const had = cached !== undefined;
      cached = undefined;
      return had;
    },
  };
}

/** The plugin runs once for everybody who waits; who gives up leaves it running for the others. */
function waitedFor<T>(work: Promise<T>, command: string, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = () =>
      reject(
        new LandfallError(`Cancelled while the credential plugin ${command} ran.`, {
          kind: 'cancelled',
          code: 'cancelled',
        }),
      );
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
