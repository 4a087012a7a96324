import type { Delivery, Ledger } from '../../ledger/index.ts';
import type { HistoryOptions } from '../commands/history.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { ledgerOf } from '../ledger.ts';
import { formatAnswer } from '../output/format.ts';
import { mark, shownTimes, wrap } from '../output/style.ts';
import { findDelivery, LOOKED_THROUGH, refuseUnknown } from './find.ts';
import { deliveryText, historyText } from './history-text.ts';
import type { WholeDelivery } from './history-text.ts';
import { keptProof } from './note.ts';
import { historyRow, landedBefore } from './rows.ts';

/** Columns before the evidence of a boundary. */
const INDENT = 14;

function subjectIn({ cluster, namespace, application }: Delivery) {
  return { cluster, namespace, application };
}

/** What was decided about it: by its id, or between its beginning and that of the next one. */
async function wholeOf(ledger: Ledger, delivery: Delivery, all: readonly Delivery[]): Promise<WholeDelivery> {
  const subject = subjectIn(delivery);
  const next = all
    .filter(({ id }) => id > delivery.id)
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .at(0);
  const decisions = (await ledger.decisions.list(subject, LOOKED_THROUGH)).filter(
    ({ at, detail }) =>
      detail['delivery'] === delivery.id ||
      (detail['delivery'] === undefined &&
        at >= delivery.startedAt &&
        (next === undefined || at < next.startedAt)),
  );
  const notices = (await ledger.notices.list(subject, LOOKED_THROUGH)).filter(
    (notice) => notice.delivery === delivery.id,
  );
  return { delivery, decisions, notices };
}

async function answerOne(
  ledger: Ledger,
  application: string,
  id: string,
  options: HistoryOptions,
  io: CliIo,
): Promise<void> {
  const delivery = await findDelivery(ledger, application, options.namespace, id);
  const all = await ledger.deliveries.list(subjectIn(delivery), LOOKED_THROUGH);
  const whole = await wholeOf(ledger, delivery, all);
  const before = landedBefore(all, delivery);
  const answer = { ...whole, rollback: before === undefined ? null : historyRow(before) };
  const style = outStyle(io);
  const now = io.clock.now();
  const evidence = (keptProof(delivery.proof)?.boundaries ?? []).flatMap((report) => {
    const told = [report.headline, report.detail].filter((part) => part !== '').join('  ');
    return wrap(shownTimes(told, now), style.width - INDENT).map((line, index) =>
      index === 0
        ? `  ${mark(style, report.state)} ${report.boundary.padEnd(10)}${line}`.trimEnd()
        : ' '.repeat(INDENT) + line,
    );
  });
  io.out(
    formatAnswer(options.output, answer, () =>
      deliveryText(whole, historyRow(delivery), evidence, now, style),
    ),
  );
}

/** Prints the deliveries of an application that the ledger holds, newest first, or one of them whole. */
export async function answerHistory(
  application: string,
  id: string | undefined,
  options: HistoryOptions,
  io: CliIo,
): Promise<void> {
  const ledger = ledgerOf(options, io);
  try {
    if (id !== undefined) return await answerOne(ledger, application, id, options, io);
    const subject = {
      application,
      ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
    };
    const rows = (await ledger.deliveries.list(subject, options.limit)).map(historyRow);
    if (rows.length === 0) return await refuseUnknown(ledger, application);
    io.out(formatAnswer(options.output, rows, () => historyText(rows, io.clock.now(), outStyle(io))));
  } finally {
    await ledger.close();
  }
}
