import { LandfallError } from '../../kernel/index.ts';
import { ENDED_BUILDS } from '../../ledger/index.ts';
import type { Build, BuildState, Ledger } from '../../ledger/index.ts';
import { EXIT } from '../exit.ts';

/** The build of an id or a beginning of one. Throws `not-found` naming the newest there are. */
export async function findBuild(ledger: Ledger, id: string): Promise<Build> {
  const found = await ledger.builds.get(id);
  if (found !== undefined) return found;
  const newest = await ledger.builds.list({}, 3);
  throw new LandfallError(`The ledger holds no build ${id.slice(0, 40)}.`, {
    kind: 'not-found',
    code: 'build-unknown',
    object: id.slice(0, 40),
    hint:
      newest.length === 0
        ? 'It holds none at all: see that --ledger names the one that landfall serve uses.'
        : `The newest are ${newest.map((each) => `${each.id} (${each.trigger})`).join(', ')}; landfall builds lists more.`,
  });
}

export function hasEnded(state: BuildState): boolean {
  return ENDED_BUILDS.includes(state);
}

/** The exit code for a build: good, ended otherwise, not ended yet. */
export function codeOf(state: BuildState): number {
  if (state === 'SUCCESS') return EXIT.ok;
  return hasEnded(state) ? EXIT.broken : EXIT.unproven;
}
