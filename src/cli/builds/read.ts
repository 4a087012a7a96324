import type { BuildState } from '../../ledger/index.ts';
import { approvalOf, decideGate } from '../../pipeline/index.ts';
import type { ListOptions } from '../commands/builds.ts';
import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { ledgerOf } from '../ledger.ts';
import { formatAnswer } from '../output/format.ts';
import { findBuild } from './find.ts';
import { buildRow, buildText, listText } from './text.ts';

/** Prints the builds that fit. */
export async function listBuilds(options: ListOptions, io: CliIo): Promise<number> {
  const ledger = ledgerOf(options, io);
  try {
    const { trigger, state } = options;
    const builds = await ledger.builds.list(
      {
        ...(trigger === undefined ? {} : { trigger }),
        ...(state === undefined ? {} : { states: [state as BuildState] }),
      },
      options.limit,
    );
    io.out(
      formatAnswer(options.output, { builds: builds.map(buildRow) }, () =>
        listText(builds, io.clock.now(), outStyle(io)),
      ),
    );
    return EXIT.ok;
  } finally {
    await ledger.close();
  }
}

/** Prints one build whole. */
export async function showBuild(id: string, options: Omit<ListOptions, 'limit'>, io: CliIo): Promise<number> {
  const ledger = ledgerOf(options, io);
  try {
    const build = await findBuild(ledger, id);
    const [reviews, steps] = await Promise.all([
      ledger.builds.reviews(build.id),
      ledger.builds.steps(build.id),
    ]);
    const gate = approvalOf(build) === undefined ? undefined : decideGate(build, reviews, io.clock.now());
    const whole = { build, reviews, steps, gate };
    io.out(formatAnswer(options.output, whole, () => buildText(whole, io.clock.now(), outStyle(io))));
    return EXIT.ok;
  } finally {
    await ledger.close();
  }
}
