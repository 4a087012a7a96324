import { explainLook, proveUntil } from '../../verdict/index.ts';
import type { VerdictState } from '../../verdict/index.ts';
import type { ProveOptions } from '../commands/prove.ts';
import { EXIT } from '../exit.ts';
import { rememberProof } from '../history/remember.ts';
import { holdLines } from '../output/holds.ts';
import { knownHolds } from '../promotion/holds.ts';
import { subjectOf } from '../question.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';
import { renderProof } from '../output/proof.ts';
import { asking } from './asking.ts';

const CODES: Readonly<Record<VerdictState, number>> = {
  landed: EXIT.ok,
  broken: EXIT.broken,
  moving: EXIT.unproven,
  unproven: EXIT.unproven,
};

/** Proves one application, prints the answer, and gives the exit code for it. */
export async function answerProve(application: string, options: ProveOptions, io: CliIo): Promise<number> {
  return asking({ ...options, application }, options, io, async ({ sources, question, ledger, say }) => {
    const seen = await proveUntil(sources, question, options.wait ?? 0, io.signal);
    // What has landed needs no explanation; `explain` tells its risks.
    const look = seen.proof.verdict.state === 'landed' ? seen : await explainLook(sources, seen, io.signal);
    const { proof } = look;
    const holds = await knownHolds(ledger, subjectOf(proof), io);
    const shown = holds.length === 0 ? proof : { ...proof, holds };
    say(
      formatAnswer(options.output, shown, () => {
        const style = outStyle(io);
        const held = holdLines(holds, io.clock.now(), style).map((line) => `  ${line}\n`);
        return renderProof(proof, style) + (held.length === 0 ? '' : `\n${held.join('')}`);
      }),
    );
    await rememberProof(look, ledger, io);
    return CODES[proof.verdict.state];
  });
}

/** The exit code for several verdicts: broken wins, only all landed is landed, and nothing at all proves nothing. */
export function codeOf(states: readonly VerdictState[]): number {
  if (states.includes('broken')) return EXIT.broken;
  return states.length > 0 && states.every((state) => state === 'landed') ? EXIT.ok : EXIT.unproven;
}
