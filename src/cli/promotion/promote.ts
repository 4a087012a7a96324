import { findPair, promote } from '../../pipeline/index.ts';
import type { PromoteCommandOptions } from '../commands/promote.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';
import { actorAt, withPlaces } from './open.ts';
import { codeOfChange, renderChange } from './output.ts';

/** Promotes, prints what came of it, and gives the exit code. */
export async function answerPromote(app: string, options: PromoteCommandOptions, io: CliIo): Promise<number> {
  return withPlaces(options, io, async ({ survey, deps }) => {
    const pair = findPair(survey, { app, from: options.from, to: options.to });
    const { actor } = await actorAt(pair.target.place, io.signal);
    const report = await promote(
      { pair, actor, override: options.override, older: options.older === true, auto: false },
      survey,
      deps,
      { waitMs: options.wait, dryRun: options.dryRun === true },
      io.signal,
    );
    io.out(formatAnswer(options.output, report, () => renderChange(report, io.clock.now(), outStyle(io))));
    return codeOfChange(report);
  });
}
