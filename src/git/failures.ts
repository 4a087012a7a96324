import { LandfallError, type ErrorKind } from '../kernel/index.ts';
import { withoutCredentials } from './location.ts';

interface Cause {
  readonly pattern: RegExp;
  readonly kind: ErrorKind;
  readonly code: string;
  readonly why: string;
  readonly hint: string;
}

/** What git says on stderr in the C locale, in the order in which it must be looked for. */
const CAUSES: readonly Cause[] = [
  {
    pattern: /detected dubious ownership/,
    kind: 'denied',
    code: 'git-ownership',
    why: 'the folder belongs to another user, and git refuses to read it',
    hint: 'Run as its owner, or: git config --global --add safe.directory FOLDER',
  },
  {
    pattern: /Host key verification failed/,
    kind: 'denied',
    code: 'git-host-key',
    why: 'the host key is not known or has changed',
    hint: 'Compare the host key, then add it to known_hosts (ssh-keyscan HOST).',
  },
  {
    pattern:
      /could not read (?:Username|Password)|terminal prompts disabled|Authentication failed|Permission denied \(|returned error: 40[13]|Invalid username or password|HTTP Basic: Access denied/i,
    kind: 'denied',
    code: 'git-authentication',
    why: 'the server refused the credentials, or none were found',
    hint: 'Try "git ls-remote URL" as the same user; store a credential helper entry, a deploy key or an access token.',
  },
  {
    pattern: /Could not resolve host|Name or service not known|unable to look up|Temporary failure in name/i,
    kind: 'unavailable',
    code: 'git-host-unknown',
    why: 'the host name does not resolve',
    hint: 'Check the URL for a typing error, and that this machine can resolve the name.',
  },
  {
    pattern:
      /failed to sign|gpg failed|signing failed|Couldn't load public key|No private key found|Load key/i,
    kind: 'denied',
    code: 'git-signing',
    why: 'it could not be signed',
    hint: 'See that the key is there, that only this user can read it, and that it has no passphrase to be typed in.',
  },
  {
    pattern: /certificate|SSL|TLS/,
    kind: 'unavailable',
    code: 'git-certificate',
    why: "the server's certificate was not accepted",
    hint: 'Give git the authority: git config --global http.sslCAInfo FILE (or GIT_SSL_CAINFO).',
  },
  {
    pattern:
      /Failed to connect|Connection refused|Connection timed out|timed out|Could ?n[o']t connect|Operation too slow|No route to host|Network is unreachable|Connection reset|hung up unexpectedly|early EOF|Empty reply/i,
    kind: 'unavailable',
    code: 'git-unreachable',
    why: 'the server did not answer',
    hint: 'Check the network, proxy and port; the next attempt starts from what is there.',
  },
  {
    pattern:
      /repository .*not found|not found|does not appear to be a git|not a git repository|does not exist/i,
    kind: 'not-found',
    code: 'git-repository-not-found',
    why: 'there is no repository, or these credentials may not see it',
    hint: 'Check the URL with: git ls-remote URL',
  },
  {
    pattern: /transport '.*' not allowed/,
    kind: 'invalid-input',
    code: 'git-transport',
    why: 'this transport is not allowed',
    hint: 'Use https or ssh.',
  },
];

/** What git wrote, as an error that names the attempt, the cause and what to do. */
export function gitFailure(attempted: string, stderr: string): LandfallError {
  const said = saidByGit(stderr);
  const cause = CAUSES.find((candidate) => candidate.pattern.test(stderr));
  if (cause) {
    return new LandfallError(`${attempted} failed: ${cause.why}. git said: ${said}`, {
      kind: cause.kind,
      code: cause.code,
      hint: cause.hint,
    });
  }
  return new LandfallError(`${attempted} failed. git said: ${said}`, {
    kind: 'unavailable',
    code: 'git-failed',
    hint: 'Run the same git command by hand to see more.',
  });
}

/** The line of stderr that says most, without credentials and bounded. */
export function saidByGit(stderr: string): string {
  const lines = withoutCredentials(stderr)
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const telling = lines.find((line) => /^(?:fatal|error):/.test(line)) ?? lines[0] ?? 'nothing';
  return telling.slice(0, 300);
}
