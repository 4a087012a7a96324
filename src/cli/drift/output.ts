import type { Drift } from '../../boundaries/index.ts';
import type { DriftReport } from '../../verdict/index.ts';
import { mark, shownTimes, wrap } from '../output/style.ts';
import type { Style } from '../output/style.ts';
import { fieldOf, isAmbiguous } from './choose.ts';
import { shownValue } from './settle.ts';
import type { Settled } from './settle.ts';

function valuesOf(drift: Drift): string {
  switch (drift.kind) {
    case 'changed':
      return `Git ${shownValue(drift.desired)}${drift.where === undefined ? '' : ` (${drift.where})`}   live ${shownValue(drift.live)}`;
    case 'added':
      return `Git says nothing   live ${shownValue(drift.live)}`;
    case 'absent':
      return `Git asks for it${drift.where === undefined ? '' : ` (${drift.where})`}   not in the cluster`;
    case 'left-over':
    default:
      return 'Git asks for it no more   still in the cluster';
  }
}

function lines(drift: Drift, now: number, style: Style): readonly string[] {
  const shape = drift.expected ? style.dim('–') : style.red('✗');
  const at = drift.writer?.time === undefined ? '' : ` at ${shownTimes(drift.writer.time, now)}`;
  return [
    `  ${shape} ${style.bold(drift.object)}${drift.field === '' ? '' : `  ${drift.field}`}   ${valuesOf(drift)}`,
    `      ${drift.by}${at}`,
    ...wrap(drift.response, style.width - 6).map((line) => style.dim(`      ${line}`)),
  ];
}

/** A field with brackets means something else to a shell. */
function quoted(field: string): string {
  return /[^\w./:-]/.test(field) ? `'${field}'` : field;
}

function commandsFor(report: DriftReport, drifts: readonly Drift[]): readonly string[] {
  const [first] = drifts.filter((drift) => !drift.expected);
  if (first === undefined) return [];
  const field =
    first.field === ''
      ? `--object ${first.object}`
      : quoted(isAmbiguous(first, report.drifts) ? fieldOf(first) : first.field);
  const accept =
    report.fromGit &&
    (first.kind === 'changed' || first.kind === 'added') &&
    !first.object.startsWith('Secret/')
      ? `landfall drift ${report.application} accept ${field}`
      : '';
  const revert = `landfall drift ${report.application} revert ${field}`;
  return ['', ...(accept === '' ? [] : [`  accept: ${accept}`]), `  revert: ${revert}`];
}

/** The first line is the answer; then each drift with who did it; then the two ways out. */
export function renderDrift(report: DriftReport, shown: readonly Drift[], now: number, style: Style): string {
  const unexplained = report.drifts.filter((drift) => !drift.expected).length;
  const expected = report.drifts.length - unexplained;
  const at = `${report.application} at ${report.revision.slice(0, 12)}`;
  const head =
    unexplained > 0
      ? `${style.red('✗')} ${style.bold(unexplained === 1 ? '1 drift' : `${unexplained} drifts`)}   ${at}`
      : report.unread.length > 0
        ? `${mark(style, 'unknown')} ${style.bold('not known')}   ${at}`
        : `${style.green('✓')} ${style.bold('no drift')}   ${at}`;
  const engine =
    report.sync === undefined
      ? ''
      : `   the controller says ${report.sync}${report.selfHeal ? ', self-heal is on' : ''}`;
  const hidden = expected - shown.filter((drift) => drift.expected).length;
  return `${[
    `${head}${engine}`,
    ...(shown.length > 0 ? [''] : []),
    ...shown.flatMap((drift) => lines(drift, now, style)),
    ...report.unread.map(({ object, why }) => `  ${mark(style, 'unknown')} ${object}: ${why}`),
    ...(hidden > 0
      ? ['', style.dim(`  ${hidden} more belong to their writers by design; --all shows them`)]
      : []),
    ...commandsFor(report, shown),
  ].join('\n')}\n`;
}

/** What was done, and whether the three agree. */
export function renderSettled(settled: Settled, style: Style): string {
  const done = settled.action === 'accept' ? 'accepted' : 'reverted';
  const head =
    settled.changes.length === 0
      ? `${style.green('✓')} ${style.bold('nothing to do')}   ${settled.application} has no such drift`
      : settled.dryRun
        ? `${style.cyan('·')} ${style.bold(`would be ${done}`)}   ${settled.application}`
        : settled.agrees
          ? `${style.green('✓')} ${style.bold(done)}   ${settled.application}: Git, controller and workload agree`
          : `${mark(style, 'moving')} ${style.bold(`${done}, not settled`)}   ${settled.application}: ${settled.problem ?? ''}`;
  return `${[
    head,
    '',
    ...settled.changes.map(
      ({ object, field, from, to, where }) =>
        `    ${object}${field === '' ? '' : `  ${field}`}   ${from} → ${to}   ${style.dim(where)}`,
    ),
    ...(settled.commit === undefined ? [] : [`    committed as ${settled.commit.slice(0, 12)}`]),
    ...settled.agreements.map(
      ({ who, agrees, text }) => `  ${mark(style, agrees ? 'proven' : 'moving')} ${who.padEnd(11)} ${text}`,
    ),
  ].join('\n')}\n`;
}
