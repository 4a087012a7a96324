import { asLandfallError, messageOf } from '../../kernel/index.ts';
import type { Delivery, Ledger, LedgerSubject } from '../../ledger/index.ts';
import { prove } from '../../verdict/index.ts';
import type { Look } from '../../verdict/index.ts';
import { asking } from '../answers/asking.ts';
import type { NoteOptions } from '../commands/note.ts';
import { errStyle, outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { ledgerOf } from '../ledger.ts';
import { formatAnswer } from '../output/format.ts';
import { subjectOf } from '../question.ts';
import { findDelivery, LOOKED_THROUGH } from './find.ts';
import { noteText, recordMarkdown } from './note-text.ts';
import { keptProof, recordNote } from './note.ts';
import type { RecordNote } from './note.ts';
import { landedBefore } from './rows.ts';

async function keptNote(
  ledger: Ledger,
  application: string,
  id: string,
  options: NoteOptions,
): Promise<RecordNote> {
  const delivery = await findDelivery(ledger, application, options.namespace, id);
  const { cluster, namespace } = delivery;
  const all = await ledger.deliveries.list({ cluster, namespace, application }, LOOKED_THROUGH);
  return recordNote({
    from: 'ledger',
    subject: { application, namespace, cluster },
    environment: delivery.environment,
    at: delivery.finishedAt ?? delivery.startedAt,
    revision: delivery.revision,
    proof: keptProof(delivery.proof),
    delivery,
    before: landedBefore(all, delivery),
  });
}

/** A note of what stands now is worth something without its history, too. */
async function historyOf(ledger: Ledger, subject: LedgerSubject, io: CliIo): Promise<readonly Delivery[]> {
  try {
    return await ledger.deliveries.list(subject, LOOKED_THROUGH);
  } catch (thrown) {
    io.err(`${errStyle(io).yellow('!')} What landed before is not known. ${messageOf(thrown)}\n`);
    return [];
  }
}

async function liveNote(look: Look, ledger: Ledger, io: CliIo): Promise<RecordNote> {
  const { material, proof } = look;
  const subject = subjectOf(proof);
  const all = await historyOf(ledger, subject, io);
  const revision = material.tracked.state === 'read' ? material.tracked.value.commit : undefined;
  const delivery = all.find((each) => each.revision === revision);
  return recordNote({
    from: 'cluster',
    subject,
    environment: proof.subject.environment,
    at: proof.at,
    revision,
    proof,
    delivery,
    before: landedBefore(all, { id: delivery?.id, revision: revision ?? '' }),
  });
}

/** Prints the note of one delivery that the ledger holds, or of what stands now. */
export async function answerNote(
  application: string,
  id: string | undefined,
  options: NoteOptions,
  io: CliIo,
): Promise<void> {
  const note =
    id === undefined
      ? await standingNote(application, options, io)
      : await keptOnce(application, id, options, io);
  const now = io.clock.now();
  io.out(
    options.output === 'markdown'
      ? recordMarkdown(note, now)
      : formatAnswer(options.output, note, () => noteText(note, now, outStyle(io))),
  );
}

/** Of what stands now; for what no Application names, a folder that was applied, the newest that the ledger holds. */
async function standingNote(application: string, options: NoteOptions, io: CliIo): Promise<RecordNote> {
  try {
    return await asking({ ...options, application }, options, io, async ({ sources, question, ledger }) =>
      liveNote(await prove(sources, question, io.signal), ledger, io),
    );
  } catch (thrown) {
    if (asLandfallError(thrown).code !== 'application-not-found') throw thrown;
    const newest = await newestOf(application, options, io);
    if (newest === undefined) throw thrown;
    return keptOnce(application, newest, options, io);
  }
}

async function newestOf(application: string, options: NoteOptions, io: CliIo): Promise<string | undefined> {
  const { namespace } = options;
  const ledger = ledgerOf(options, io);
  try {
    const subject = namespace === undefined ? { application } : { application, namespace };
    return (await ledger.deliveries.list(subject, 1))[0]?.id;
  } finally {
    await ledger.close();
  }
}

async function keptOnce(
  application: string,
  id: string,
  options: NoteOptions,
  io: CliIo,
): Promise<RecordNote> {
  const ledger = ledgerOf(options, io);
  try {
    return await keptNote(ledger, application, id, options);
  } finally {
    await ledger.close();
  }
}
