import { attestedIdentity, forgetUnfinished } from '../../apply/index.ts';
import type { DeliveryContext } from '../../apply/index.ts';
import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import type { ClusterOptions, OutputOptions } from '../options.ts';
import { formatAnswer } from '../output/format.ts';
import { forgottenLines, recoveredLines, toldLine } from './outcome-text.ts';
import { deliveryContext, openSession, recoverAll } from './session.ts';
import type { Session } from './session.ts';
import { declarationsBeside } from './target.ts';
import { tellRecovered } from './tell.ts';

export interface RecoverOptions extends ClusterOptions, OutputOptions {
  readonly timeout: number;
  readonly forget?: string;
  readonly reason?: string;
}

type Of = Parameters<typeof forgetUnfinished>[1];

async function runForget(
  forget: string,
  options: RecoverOptions,
  of: Of,
  session: Session,
  context: DeliveryContext,
  io: CliIo,
): Promise<number> {
  const identity = await attestedIdentity(session.sources.kube, io.signal);
  const actor = {
    name: identity?.name ?? 'unknown',
    attestedBy: identity === undefined ? 'nobody' : 'cluster',
  } as const;
  const asked = { delivery: forget, actor, reason: options.reason ?? '' };
  const forgotten = await forgetUnfinished(context, of, asked, io.signal);
  io.out(
    formatAnswer(
      options.output,
      [forgotten],
      () => `${forgottenLines(forgotten, outStyle(io)).join('\n')}\n`,
    ),
  );
  return EXIT.ok;
}

/** `landfall recover`: ends what dead processes left half done in this cluster, or gives up what a gone one left. */
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
    if (options.forget !== undefined)
      return await runForget(options.forget, options, subject, session, context, io);
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
