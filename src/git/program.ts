import { LandfallError, runProgram, type ProgramResult } from '../kernel/index.ts';
import { gitFailure } from './failures.ts';
import type { GitLocation } from './location.ts';

export interface GitOptions {
  /** The repository, as `--git-dir`. */
  readonly gitDir?: string;
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds. Default 60,000. */
  readonly timeoutMs?: number;
  readonly maxOutput?: number;
  /** Added to the cleaned environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** The other side, for commands that talk to one: its credentials travel in the environment. */
  readonly remote?: Extract<GitLocation, { kind: 'remote' }>;
}

/**
 * What people use to give git its transport and credentials stays; everything that would point git at another
 * repository, index or object store than the one named here (GIT_DIR, GIT_INDEX_FILE, GIT_CONFIG_COUNT, …) goes.
 */
const KEPT = new Set([
  'GIT_ASKPASS',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_NOSYSTEM',
  'GIT_CONFIG_SYSTEM',
  'GIT_EXEC_PATH',
  'GIT_HTTP_PROXY_AUTHMETHOD',
  'GIT_PROXY_COMMAND',
  'GIT_PROXY_SSL_CAINFO',
  'GIT_PROXY_SSL_CERT',
  'GIT_PROXY_SSL_KEY',
  'GIT_SSH',
  'GIT_SSH_COMMAND',
  'GIT_SSH_VARIANT',
  'GIT_SSL_CAINFO',
  'GIT_SSL_CAPATH',
  'GIT_SSL_CERT',
  'GIT_SSL_KEY',
  'GIT_SSL_NO_VERIFY',
  'GIT_SSL_VERSION',
]);

/** Nothing of these may run a program of the repository's choosing or wait for a person. */
const SAFE_CONFIG = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['protocol.ext.allow', 'never'],
  ['protocol.fd.allow', 'never'],
  ['credential.interactive', 'false'],
  ['gc.autoDetach', 'false'],
  ['log.showSignature', 'false'],
  ['http.lowSpeedLimit', '1'],
  ['http.lowSpeedTime', '60'],
].flatMap(([key, value]) => ['-c', `${key}=${value}`]);

/** The arguments and the whole environment to start git with. */
export function gitCommand(
  args: readonly string[],
  options: GitOptions,
): { readonly args: readonly string[]; readonly env: NodeJS.ProcessEnv } {
  const env: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (!name.startsWith('GIT_') || KEPT.has(name)) env[name] = value;
  }
  Object.assign(env, {
    LC_ALL: 'C',
    LANGUAGE: '',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'http:https:ssh:git',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GCM_INTERACTIVE: 'never',
    // ssh would ask on the terminal for a passphrase or an unknown host; a refusing program answers instead.
    SSH_ASKPASS: '/bin/false',
    SSH_ASKPASS_REQUIRE: 'force',
  });
  const { remote } = options;
  if (remote?.authorization !== undefined && remote.origin !== undefined) {
    // In the environment, because arguments can be read by every user of the machine.
    env['GIT_CONFIG_COUNT'] = '1';
    env['GIT_CONFIG_KEY_0'] = `http.${remote.origin}.extraHeader`;
    env['GIT_CONFIG_VALUE_0'] = `Authorization: ${remote.authorization}`;
  }
  Object.assign(env, remote?.environment, options.env);
  const repository = options.gitDir === undefined ? [] : [`--git-dir=${options.gitDir}`];
  return { args: ['--no-pager', '--literal-pathspecs', ...SAFE_CONFIG, ...repository, ...args], env };
}

/**
 * Runs git and gives back whatever exit code it had. An abort is answered at once: a helper of a git that was
 * killed can hold its pipes open until the network gives up.
 */
export async function tryGit(args: readonly string[], options: GitOptions): Promise<ProgramResult> {
  const command = gitCommand(args, options);
  const { signal } = options;
  const result = runProgram('git', command.args, {
    env: command.env,
    timeoutMs: options.timeoutMs ?? 60_000,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(signal === undefined ? {} : { signal }),
    ...(options.maxOutput === undefined ? {} : { maxOutput: options.maxOutput }),
  });
  if (signal === undefined) return result;
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new LandfallError('git was cancelled.', { kind: 'cancelled', code: 'cancelled' }));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([result, aborted]);
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Runs git on what `attempted` says ("Fetching https://…") and gives its output; a non-zero exit becomes an error
 * that says why and what to do.
 */
export async function runGit(
  attempted: string,
  args: readonly string[],
  options: GitOptions,
): Promise<string> {
  const result = await tryGit(args, options);
  if (result.code !== 0) throw gitFailure(attempted, result.stderr);
  return result.stdout.toString('utf8');
}

/** Refuses what git could take for an option or what no reference or object name can be. */
export function assertOid(name: string): string {
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(name)) {
    throw new LandfallError(
      `'${name.slice(0, 100)}' is not a full commit: 40 or 64 lower-case hex digits are.`,
      {
        kind: 'invalid-input',
        code: 'git-commit-name',
        object: name.slice(0, 100),
        hint: 'Resolve a branch, tag or short commit first.',
      },
    );
  }
  return name;
}
