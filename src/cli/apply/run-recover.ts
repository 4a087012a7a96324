import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import type { ClusterOptions, OutputOptions } from '../options.ts';
import { formatAnswer } from '../output/format.ts';
import { recoveredLines, toldLine } from './outcome-text.ts';
import { deliveryContext, openSession, recoverAll } from './session.ts';
import { declarationsBeside } from './target.ts';
import { tellRecovered } from './tell.ts';

export interface RecoverOptions extends ClusterOptions, OutputOptions {
  readonly timeout: number;
}

/** `landfall recover`: ends what dead processes left half done in this cluster. */
export async function runRecover(
  application: string | undefined,
  options: RecoverOptions,
  io: CliIo,
): Promise<number> {
  const session = await openSession(options, io);
  try {
    const context = deliveryContext(session, io, options.timeout);
    const { server } = session.sources.kube;
    const subject = { cluster: server, ...(application === undefined ? {} : { application }) };
    const recovered = await recoverAll(session, context, subject, options.quiet === true, io);
    const style = outStyle(io);
    const { text } = await declarationsBeside('.', io);
    const told = recovered.length === 0 ? [] : await tellRecovered(session, recovered, text, io);
    io.out(
      formatAnswer(options.output, recovered, () =>
        recovered.length === 0
          ? 'Nothing was left half done.\n'
          : `${[
              ...recovered.flatMap((one) => [
                `  ${one.subject.application}`,
                ...recoveredLines([one], style),
              ]),
              ...told.map((one) => toldLine(one, style).trimEnd()),
            ].join('\n')}\n`,
      ),
    );
    return recovered.every(({ outcome }) => outcome === 'finished' || outcome === 'restored')
      ? EXIT.ok
      : EXIT.broken;
  } finally {
    await session.close();
  }
}
