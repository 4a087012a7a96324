import type { Drift } from '../../boundaries/index.ts';
import type { DriftReport } from '../../verdict/index.ts';
import { mark, shownTimes, wrap } from '../output/style.ts';
import type { Style } from '../output/style.ts';
import { fieldOf, isAmbiguous } from './choose.ts';
import { shownValue } from './settle.ts';
import type { Settled } from './settle.ts';

function valuesOf(drift: Drift): readonly string[] {
  const where = drift.where === undefined ? '' : ` (${drift.where})`;
  switch (drift.kind) {
    case 'changed':
      return [`Git ${shownValue(drift.desired)}${where}`, `live ${shownValue(drift.live)}`];
    case 'added':
      return ['Git says nothing', `live ${shownValue(drift.live)}`];
    case 'absent':
      return [`Git asks for it${where}`, 'not in the cluster'];
    case 'left-over':
    default:
      return ['Git asks for it no more', 'still in the cluster'];
  }
}

/** Parts behind a head: on its line, else on one of their own, else one a line. */
function beside(head: string, parts: readonly string[], width: number, indent: string): readonly string[] {
  const text = parts.join('   ');
  if (head.length + 3 + text.length <= width) return [`${head}   ${text}`];
  if (indent.length + text.length <= width) return [head, `${indent}${text}`];
  return [head, ...parts.map((part) => `${indent}${part}`)];
}

function lines(drift: Drift, now: number, style: Style): readonly string[] {
  const at = drift.writer?.time === undefined ? '' : ` at ${shownTimes(drift.writer.time, now)}`;
  const name = drift.field === '' ? drift.object : `${drift.object}  ${drift.field}`;
  const [first = '', ...more] = beside(`  ✗ ${name}`, valuesOf(drift), style.width, '      ');
  return [
    `  ${drift.expected ? style.dim('–') : style.red('✗')} ${style.bold(drift.object)}${first.slice(4 + drift.object.length)}`,
    ...more,
    ...wrap(`${drift.by}${at}`, style.width - 6).map((line) => `      ${line}`),
    ...wrap(drift.response, style.width - 6).map((line) => style.dim(`      ${line}`)),
  ];
}

/** A field with brackets means something else to a shell. */
function quoted(field: string): string {
  return /[^\w./:-]/.test(field) ? `'${field}'` : field;
}

function fieldFor(report: DriftReport, drift: Drift): string {
  if (drift.field === '') return `--object ${drift.object}`;
  return quoted(isAmbiguous(drift, report.drifts) ? fieldOf(drift) : drift.field);
}

const MOST_COMMANDS = 5;

/** The two ways out of each drift, and out of all of them at once. */
function commandsFor(report: DriftReport, shown: readonly Drift[]): readonly string[] {
  const drifts = shown.filter((drift) => !drift.expected);
  if (drifts.length === 0) return [];
  const acceptable = drifts.filter(
    ({ kind, object }) =>
      report.fromGit && (kind === 'changed' || kind === 'added') && !object.startsWith('Secret/'),
  );
  const command = (action: string) => (drift: Drift) =>
    `landfall drift ${report.application} ${action} ${fieldFor(report, drift)}`;
  const listed = (label: string, commands: readonly string[]) =>
    commands
      .slice(0, MOST_COMMANDS)
      .map((text, index) => `  ${index === 0 ? label : ' '.repeat(label.length)} ${text}`);
  const all = `landfall drift ${report.application} revert`;
  return [
    '',
    ...listed('accept:', acceptable.map(command('accept'))),
    ...listed('revert:', drifts.map(command('revert'))),
    ...(drifts.length > 1 && drifts.length === report.drifts.filter(({ expected }) => !expected).length
      ? [`  all:    ${all}`]
      : []),
  ];
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

function settledHead(settled: Settled, style: Style): string {
  const done = settled.action === 'accept' ? 'accepted' : 'reverted';
  if (settled.changes.length === 0)
    return `${style.green('✓')} ${style.bold('nothing to do')}   ${settled.application} has no such drift`;
  if (settled.dryRun) return `${style.cyan('·')} ${style.bold(`would be ${done}`)}   ${settled.application}`;
  return settled.agrees
    ? `${style.green('✓')} ${style.bold(done)}   ${settled.application}: Git, controller and workload agree`
    : `${mark(style, 'moving')} ${style.bold(`${done}, not settled`)}   ${settled.application}: ${settled.problem ?? ''}`;
}

/** What was done, and whether the three agree. */
export function renderSettled(settled: Settled, style: Style): string {
  const { changes, commit, agreements, agrees, dryRun, left, application } = settled;
  return `${[
    settledHead(settled, style),
    '',
    ...changes.flatMap(({ object, field, from, to, where }) =>
      beside(
        `    ${object}${field === '' ? '' : `  ${field}`}`,
        [`${from} → ${to}`, where],
        style.width,
        '      ',
      ),
    ),
    ...(commit === undefined ? [] : [`    committed as ${commit.slice(0, 12)}`]),
    ...agreements.flatMap(({ who, agrees: yes, text }) => {
      const [first = '', ...more] = wrap(text, style.width - 16);
      return [
        `  ${mark(style, yes ? 'proven' : 'moving')} ${who.padEnd(11)} ${first}`,
        ...more.map((line) => ' '.repeat(16) + line),
      ];
    }),
    ...(dryRun || agrees || changes.length === 0
      ? []
      : ['', `  Next: landfall ${left > 0 ? 'drift' : 'explain'} ${application}`]),
  ].join('\n')}\n`;
}
