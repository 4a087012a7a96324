import { shownReference } from '../../verdict/index.ts';
import type { Trace } from '../../verdict/index.ts';
import { shownTimes } from './style.ts';
import type { Style } from './style.ts';

/** One line per boundary and value; the eye lands where the value changes. */
export function renderTrace(trace: Trace, now: number, style: Style): string {
  const shown = trace.rows.map((row) => ({ row, value: shownTimes(shownReference(row.value), now) }));
  const width = Math.min(70, Math.max(...shown.map(({ value }) => value.length), 10));
  const lines = shown.map(({ row, value }) => {
    const shape =
      row.verdict === 'differs' ? style.red('✗') : row.note === 'the release' ? style.cyan('←') : ' ';
    const note = [row.note, row.boundary === 'rollout' || row.boundary === 'traffic' ? row.count : '']
      .filter((text) => text !== '')
      .join(', ');
    return `  ${row.boundary.padEnd(10)}${value.padEnd(width)}  ${shape} ${style.dim(note)}`.trimEnd();
  });
  return `${lines.join('\n')}\n`;
}
