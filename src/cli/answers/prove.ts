import { explainLook, proveUntil } from '../../verdict/index.ts';
import type { VerdictState } from '../../verdict/index.ts';
import type { ProveOptions } from '../commands/prove.ts';
import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';
import { renderProof } from '../output/proof.ts';
import { rememberErrors } from '../question.ts';
import { asking } from './asking.ts';

const CODES: Readonly<Record<VerdictState, number>> = {
  landed: EXIT.ok,
  broken: EXIT.broken,
  moving: EXIT.unproven,
  unproven: EXIT.unproven,
};

/** Proves one application, prints the answer, and gives the exit code for it. */
export async function answerProve(application: string, options: ProveOptions, io: CliIo): Promise<number> {
  const proof = await asking(
    { ...options, application },
    options,
    io,
    async ({ sources, question, state }) => {
      const look = await proveUntil(sources, question, options.wait ?? 0, io.signal);
      await rememberErrors(look.material, look.proof, state);
      return (await explainLook(sources, look, io.signal)).proof;
    },
  );
  io.out(formatAnswer(options.output, proof, () => renderProof(proof, outStyle(io))));
  return CODES[proof.verdict.state];
}

/** The exit code for several verdicts: broken wins, only all landed is landed, and nothing at all proves nothing. */
export function codeOf(states: readonly VerdictState[]): number {
  if (states.includes('broken')) return EXIT.broken;
  return states.length > 0 && states.every((state) => state === 'landed') ? EXIT.ok : EXIT.unproven;
}
