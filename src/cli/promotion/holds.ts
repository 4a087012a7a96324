import { attestedIdentity } from '../../apply/index.ts';
import { asLandfallError, LandfallError, messageOf } from '../../kernel/index.ts';
import type { Actor, Hold, Ledger, LedgerSubject } from '../../ledger/index.ts';
import { subjectOfApplication } from '../../pipeline/index.ts';
import type { HoldsOptions, PutHoldOptions } from '../commands/holds.ts';
import { EXIT } from '../exit.ts';
import { errStyle, outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { ledgerOf } from '../ledger.ts';
import { formatAnswer } from '../output/format.ts';
import { HELD } from '../output/holds.ts';
import { shownTimes, wrap } from '../output/style.ts';
import type { Style } from '../output/style.ts';
import { openSources } from '../sources.ts';
import { actorAt, withPlaces } from './open.ts';
import { oneApplication } from './rollback.ts';
import { columns } from '../output/columns.ts';

/** Holds of an application, for an answer that is worth something without them: a ledger that is away is a warning. */
export async function knownHolds(
  ledger: Ledger,
  subject: Partial<LedgerSubject>,
  io: CliIo,
): Promise<readonly Hold[]> {
  try {
    return (await ledger.holds.list(subject)).toReversed();
  } catch (thrown) {
    io.err(`${errStyle(io).yellow('!')} What is held is not known. ${messageOf(thrown)}\n`);
    return [];
  }
}

function holdsText(holds: readonly Hold[], now: number, style: Style): string {
  if (holds.length === 0) return 'Nothing is held.\n';
  const head = ['HOLD', 'APPLICATION', 'KIND', 'SINCE', 'BY'];
  const rows = holds.map((hold) => [
    hold.id,
    `${hold.namespace}/${hold.application}`,
    hold.kind === 'revision' ? `revision ${hold.revision.slice(0, 8)}` : HELD[hold.kind],
    shownTimes(hold.since, now),
    hold.actor.name,
  ]);
  const line = columns(head, rows);
  return `${[
    style.dim(line(head)),
    ...holds.flatMap((hold, index) => [
      line(rows[index] ?? []),
      ...wrap(hold.reason, style.width - 4).map((text) => style.dim(`    ${text}`)),
    ]),
  ].join('\n')}\n`;
}

/** Prints the holds that there are. */
export async function listHolds(app: string | undefined, options: HoldsOptions, io: CliIo): Promise<void> {
  const ledger = ledgerOf(options, io);
  try {
    const { namespace } = options;
    const holds = await ledger.holds.list({
      ...(app === undefined ? {} : { application: app }),
      ...(namespace === undefined ? {} : { namespace }),
    });
    io.out(formatAnswer(options.output, holds, () => holdsText(holds, io.clock.now(), outStyle(io))));
  } finally {
    await ledger.close();
  }
}

/** Who acts, where a cluster can be asked; a hold may be lifted while it cannot. */
async function actorNow(options: HoldsOptions, io: CliIo): Promise<Actor> {
  try {
    const sources = await openSources(options, io);
    try {
      const identity = await attestedIdentity(sources.kube, io.signal);
      if (identity !== undefined) return { name: identity.name, attestedBy: 'cluster' };
    } finally {
      sources.close();
    }
  } catch (thrown) {
    if (asLandfallError(thrown).kind === 'cancelled') throw thrown;
  }
  return { name: 'unknown', attestedBy: 'nobody' };
}

/** Lifts a hold, keeps who did it and why, and gives the exit code. */
export async function liftHold(id: string, options: HoldsOptions, io: CliIo): Promise<number> {
  const ledger = ledgerOf(options, io);
  try {
    const all = await ledger.holds.list();
    const found = all.filter((hold) => hold.id.startsWith(id));
    const [hold, another] = found;
    if (hold === undefined || another !== undefined) {
      throw new LandfallError(
        hold === undefined ? `There is no hold ${id}.` : `Several holds begin with ${id}.`,
        {
          kind: hold === undefined ? 'not-found' : 'invalid-input',
          code: 'hold-unknown',
          object: id,
          hint:
            all.length === 0
              ? 'Nothing is held.'
              : `There are ${all
                  .slice(0, 6)
                  .map((each) => `${each.id} (${each.application}, ${HELD[each.kind]})`)
                  .join(', ')}.`,
        },
      );
    }
    const { cluster, namespace, application } = hold;
    // Said before it is done: a lifted hold without a word of who lifted it would be worse than the word alone.
    await ledger.decisions.record({
      cluster,
      namespace,
      application,
      kind: 'hold-lifted',
      actor: await actorNow(options, io),
      reason: options.comment ?? '',
      detail: { hold: hold.id, of: hold.kind, since: hold.since, because: hold.reason },
    });
    await ledger.holds.lift(hold.id);
    io.out(
      formatAnswer(
        options.output,
        { lifted: hold },
        () =>
          `${outStyle(io).green('✓')} lifted   ${HELD[hold.kind]} of ${namespace}/${application}, held since ${shownTimes(hold.since, io.clock.now())}\n`,
      ),
    );
    return EXIT.ok;
  } finally {
    await ledger.close();
  }
}

/** Puts holds on an application, prints them, and gives the exit code. */
export async function putHold(app: string, options: PutHoldOptions, io: CliIo): Promise<number> {
  return withPlaces(options, io, async ({ survey, ledger }) => {
    const target = oneApplication(survey, app, options.namespace);
    const { actor } = await actorAt(target.place, io.signal);
    const subject = subjectOfApplication(target);
    const kinds = options.kind === 'all' ? (['updates', 'promotion'] as const) : [options.kind];
    for (const kind of kinds)
      await ledger.holds.put({ ...subject, kind, revision: '', reason: options.reason, actor });
    const holds = await ledger.holds.list(subject);
    io.out(formatAnswer(options.output, holds, () => holdsText(holds, io.clock.now(), outStyle(io))));
    return EXIT.ok;
  });
}
