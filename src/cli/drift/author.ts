import { runGit } from '../../git/index.ts';
import type { CommitAuthor } from '../../git/index.ts';
import { LandfallError } from '../../kernel/index.ts';
import type { CliIo } from '../io.ts';

/** Who commits: as git itself would say it here (its environment, its configuration), else Landfall. */
export async function authorOf(io: CliIo): Promise<CommitAuthor> {
  try {
    const ident = await runGit('Asking git who commits', ['var', 'GIT_AUTHOR_IDENT'], {
      cwd: io.cwd,
      signal: io.signal,
      env: Object.fromEntries(
        ['GIT_AUTHOR_NAME', 'GIT_AUTHOR_EMAIL', 'HOME', 'XDG_CONFIG_HOME'].flatMap((name) => {
          const value = io.env[name];
          return value === undefined ? [] : [[name, value] as const];
        }),
      ),
    });
    const [, name, email] = /^(.+) <([^>]+)> \d+ [+-]\d+\s*$/.exec(ident) ?? [];
    if (name !== undefined && email !== undefined) return { name, email };
  } catch (thrown) {
    // Without a configured name git refuses to guess.
    if (!(thrown instanceof LandfallError) || thrown.kind === 'cancelled') throw thrown;
  }
  return { name: 'landfall', email: 'landfall@localhost' };
}
