import { nearestSymptoms, SYMPTOMS } from '../../verdict/index.ts';
import type { Symptom } from '../../verdict/index.ts';
import { LandfallError } from '../../kernel/index.ts';
import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import type { OutputOptions } from '../options.ts';
import { formatAnswer } from '../output/format.ts';
import { wrap } from '../output/style.ts';
import type { Style } from '../output/style.ts';

function shown({ words: _words, ...rest }: Symptom) {
  return rest;
}

function lines(row: Symptom, style: Style): string[] {
  const text = (label: string, value: string) =>
    wrap(`${label}: ${value}`, style.width - 2).map((line) => `  ${line}`);
  return [
    `${style.bold(row.symptom)}   ${style.dim(`${row.boundary}, ${row.area}`)}`,
    ...text('check first', row.check),
    ...row.commands.map((command) => `    ${command}`),
    ...text('avoid', row.avoid),
  ];
}

/** Answers a description out of the triage table, or shows all of it. */
export function answerTriage(description: string, options: OutputOptions, io: CliIo): number {
  const rows = description.trim() === '' ? Object.values(SYMPTOMS) : nearestSymptoms(description);
  if (rows.length === 0)
    throw new LandfallError(`Nothing in the triage table is like '${description.slice(0, 100)}'.`, {
      kind: 'invalid-input',
      code: 'symptom-unknown',
      hint: 'landfall triage shows the whole table; landfall explain APP looks for the cause itself.',
    });
  io.out(
    formatAnswer(
      options.output,
      rows.map(shown),
      () => `${rows.map((row) => lines(row, outStyle(io)).join('\n')).join('\n\n')}\n`,
    ),
  );
  return EXIT.ok;
}
