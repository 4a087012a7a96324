import { getString, LandfallError, parseJson, runProgram, type JsonValue } from '../kernel/index.ts';
import type { Credentials } from './credentials.ts';

const TIMEOUT_MS = 30_000;
const OUTPUT_LIMIT = 1024 * 1024;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * Asks `docker-credential-NAME get` for a server, by the protocol of docker-credential-helpers: the server on stdin,
 * `{"Username", "Secret"}` on stdout, and the user `<token>` for an identity token. Undefined when the helper has
 * nothing for the server; throws when it is missing or fails. What it printed is never repeated.
 */
export async function askCredentialHelper(
  name: string,
  server: string,
  env: Readonly<NodeJS.ProcessEnv>,
  signal: AbortSignal,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  const fail = (why: string, kind: 'invalid-input' | 'unavailable' | 'not-found', hint: string) =>
    new LandfallError(`The credential helper ${program.slice(0, 100)} for ${server} ${why}.`, {
      kind,
      code: 'credential-helper-failed',
      object: server,
      hint,
    });
  if (!NAME.test(name)) {
    throw fail(
      'has no name that can be run',
      'invalid-input',
      'Mend credsStore or credHelpers in config.json.',
    );
  }
  let result: Awaited<ReturnType<typeof runProgram>>;
  try {
    result = await runProgram(program, ['get'], {
      env: { ...env },
      input: server,
      signal,
      timeoutMs: TIMEOUT_MS,
      maxOutput: OUTPUT_LIMIT,
    });
  } catch (error) {
    if (error instanceof LandfallError && error.kind === 'not-found') {
      throw fail(
        'is not on PATH',
        'not-found',
        `Install ${program}, or remove it from Docker's config.json.`,
      );
    }
    throw error;
  }
  const output = result.stdout.toString('utf8');
  const tryIt = `Try it: echo ${server} | ${program} get`;
  if (result.code !== 0) {
    if (/credentials not found|not found in (?:native )?keychain/i.test(output)) return undefined;
    throw fail(`failed with the exit code ${result.code}`, 'unavailable', tryIt);
  }
  let json: JsonValue;
  try {
    json = parseJson(output, program);
  } catch {
    throw fail('did not answer with JSON', 'unavailable', tryIt);
  }
  const username = getString(json, 'Username') ?? '';
  const secret = getString(json, 'Secret') ?? '';
  if (username === '' && secret === '') return undefined;
  return username === '<token>'
    ? { type: 'identity-token', token: secret }
    : { type: 'basic', username, password: secret };
}
