import { explainLook, prove, writeNote } from '../../verdict/index.ts';
import type { ExplainOptions } from '../commands/explain.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';
import { noteMarkdown, renderNote } from '../output/note.ts';
import { asking } from './asking.ts';

/** Prints the delivery note of an application. */
export async function answerExplain(application: string, options: ExplainOptions, io: CliIo): Promise<void> {
  const note = await asking({ ...options, application }, options, io, async ({ sources, question }) => {
    const look = await prove(sources, question, io.signal);
    const { material, proof } = await explainLook(sources, look, io.signal);
    return writeNote(proof, material);
  });
  io.out(
    options.output === 'markdown'
      ? noteMarkdown(note)
      : formatAnswer(options.output, note, () => renderNote(note, outStyle(io))),
  );
}
