import { LandfallError } from '../kernel/index.ts';
import { gitFailure } from './failures.ts';
import type { MirrorOnDisk } from './fetch.ts';
import { withoutCredentials } from './location.ts';
import { tryGit } from './program.ts';

/** One reference that moves on the other side, if it is where it was seen. */
export interface RefMove {
  /** In full: `refs/heads/main`. */
  readonly ref: string;
  /** Where it must be; undefined: it must not be there. */
  readonly from: string | undefined;
  /** Where it goes; undefined: it is deleted. */
  readonly to: string | undefined;
}

const TIMEOUT_MS = 300_000;

/** Lines of git's own, not of a hook: a line with a `!` for each reference that did not move. */
const MOVED =
  /^ ! .*(?:stale info|fetch first|non-fast-forward|cannot lock ref|failed to update ref|incorrect old value|reference already)/m;
const REFUSED = /^ ! .*remote rejected/m;

/**
 * Pushes the move; the remote decides. False: somebody else was there first. A refusal (a protected branch, a hook,
 * a missing permission) throws `denied` with the words of the server.
 */
export async function pushRef(
  mirror: MirrorOnDisk,
  gitDir: string,
  move: RefMove,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { remote } = mirror;
  const { ref, from = '', to = '' } = move;
  const result = await tryGit(
    [
      'push',
      '--quiet',
      '--no-verify',
      '--no-signed',
      '--no-follow-tags',
      '--recurse-submodules=no',
      `--force-with-lease=${ref}:${from}`,
      '--',
      remote.url,
      `${to}:${ref}`,
    ],
    { gitDir, remote, signal, timeoutMs: TIMEOUT_MS },
  );
  if (result.code === 0) return true;
  if (MOVED.test(result.stderr)) return false;
  const name = ref.replace(/^refs\/(?:heads|tags)\//, '');
  if (REFUSED.test(result.stderr) || /pre-receive hook declined|protected branch/.test(result.stderr)) {
    throw new LandfallError(
      `Pushing to ${name} of ${remote.display} was refused: ${refusal(result.stderr)}`,
      {
        kind: 'denied',
        code: 'git-push-refused',
        object: ref,
        hint: 'The branch may be protected: allow this account to push, or push to another branch and open a pull request.',
      },
    );
  }
  throw gitFailure(`Pushing to ${name} of ${remote.display}`, result.stderr);
}

/** Why the server refused: git's reason, and what the hook or the host said before it. */
function refusal(stderr: string): string {
  const lines = withoutCredentials(stderr).split(/[\r\n]+/);
  const rejected = lines.find((line) => line.includes('remote rejected')) ?? '';
  const why = /\((?<why>[^)]*)\)\s*$/.exec(rejected)?.groups?.['why'] ?? 'no reason was given';
  const said = lines
    .flatMap((line) => /^remote:\s*(?<text>.*?)\s*$/.exec(line)?.groups?.['text'] ?? [])
    .map((line) => line.replaceAll(/\p{Cc}/gu, ''))
    .filter((line) => line !== '');
  return (said.length === 0 ? why : `${why} (${said.join(' ')})`).slice(0, 600);
}
