import { fullRepository, withoutTag } from '../../boundaries/index.ts';
import type { CommitBuild } from '../../boundaries/index.ts';
import { getString } from '../../kernel/index.ts';
import type { Build, Ledger } from '../../ledger/index.ts';
import { lastLines } from '../../pipeline/index.ts';
import type { Question } from '../../verdict/index.ts';
import { hasEnded } from './find.ts';
import { nextCommand } from './text.ts';

/** Builds that are looked through for a commit that is not spelt whole. */
const LOOKED_AT = 200;
const LAST_LINES = 3;

function stateOf({ state }: Build): CommitBuild['state'] {
  if (state === 'PENDING') return 'waiting';
  if (state === 'SUCCESS') return 'done';
  return hasEnded(state) ? 'failed' : 'running';
}

/** What the ledger knows of the builds of a commit. */
export function buildsOfCommit(ledger: Ledger): NonNullable<Question['buildsOf']> {
  return async (commit, images) => {
    const whole = commit.length >= 40;
    const builds = await ledger.builds.list(whole ? { commit } : {}, LOOKED_AT);
    const wanted = new Map(images.map((image) => [fullRepository(image), image]));
    const found: CommitBuild[] = [];
    for (const build of builds.filter((each) => each.commit.startsWith(commit))) {
      const repository = wanted.get(fullRepository(withoutTag(build.image)));
      // A failure that another CI reports may name no image.
      if (repository === undefined && build.image !== '') continue;
      const steps = stateOf(build) === 'failed' ? await ledger.builds.steps(build.id) : [];
      const last = steps.findLast(({ state }) => state !== 'done');
      found.push({
        id: build.id,
        commit: build.commit,
        repository: repository ?? '',
        reference: build.image,
        state: stateOf(build),
        message: build.message,
        lastLines: last === undefined ? [] : lastLines(last, LAST_LINES),
        digest: getString(build.record, 'digest'),
        next: nextCommand(build),
        at: build.createdAt,
      });
    }
    return found;
  };
}
