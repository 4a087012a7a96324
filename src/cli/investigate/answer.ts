import path from 'node:path';
import { artifactOf, investigate, openArtifacts } from '../../investigate/index.ts';
import type { InvestigateOptions } from '../commands/investigate.ts';
import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';
import { investigationMarkdown, renderInvestigation } from './output.ts';

/** Reads the artifacts, prints the answer, and says by the exit code what the verdict is. */
export async function answerInvestigate(
  where: string,
  options: InvestigateOptions,
  io: CliIo,
): Promise<number> {
  const opened =
    where === '-'
      ? artifactOf('-', await io.stdin())
      : await openArtifacts(path.resolve(io.cwd, where), io.signal);
  const answer = investigate(opened.artifacts, opened.unread);
  io.out(
    options.output === 'markdown'
      ? investigationMarkdown(answer)
      : formatAnswer(options.output, answer, () => renderInvestigation(answer, outStyle(io))),
  );
  const { state } = answer.verdict;
  return state === 'landed' ? EXIT.ok : state === 'broken' ? EXIT.broken : EXIT.unproven;
}
