import { shortDigest } from '../../boundaries/index.ts';
import type { ChangeReport, Gate } from '../../pipeline/index.ts';
import { EXIT } from '../exit.ts';
import { shownTimes, wrap } from '../output/style.ts';
import type { Style } from '../output/style.ts';

/** The exit code of a change: as of a proof, since that is what it ends with. */
export function codeOfChange({ state, landed }: ChangeReport): number {
  if (state === 'planned') return EXIT.ok;
  if (state === 'already') return landed ? EXIT.ok : EXIT.unproven;
  if (state === 'landed') return EXIT.ok;
  return state === 'stopped' || state === 'refused' || state === 'cancelled' ? EXIT.broken : EXIT.unproven;
}

function markOf(state: ChangeReport['state'], style: Style): string {
  if (state === 'landed' || state === 'already') return style.green('✓');
  if (state === 'stopped' || state === 'refused') return style.red('✗');
  return state === 'cancelled' || state === 'superseded' ? style.dim('–') : style.yellow('…');
}

const WORDS: Readonly<Record<ChangeReport['state'], string>> = {
  landed: 'landed',
  already: 'nothing to do',
  planned: 'would be made',
  stopped: 'stopped',
  refused: 'refused',
  cancelled: 'cancelled',
  superseded: 'superseded',
  waiting: 'waits',
  committing: 'is being committed',
  following: 'is committed, not proven yet',
  unproven: 'not proven',
};

function gateMark(state: Gate['state'], style: Style): string {
  if (state === 'open') return style.green('✓');
  if (state === 'closed') return style.red('✗');
  return style.yellow(state === 'overridden' ? '!' : '…');
}

function headline(report: ChangeReport, style: Style): string {
  const { kind, family, from, to, release, replaced, state } = report;
  const what =
    kind === 'promotion'
      ? `${family} ${from?.environment ?? ''} → ${to.environment}`
      : `${family} in ${to.environment}, back`;
  const releases = [replaced?.name, release.name].filter((name) => name !== undefined).join(' → ');
  const digest = release.digest === undefined ? '' : ` (${shortDigest(release.digest)})`;
  const id = report.id === undefined ? '' : `   ${report.id}`;
  const noun = kind === 'promotion' ? 'promotion' : 'rollback';
  return `${markOf(state, style)} ${style.bold(`${noun} ${WORDS[state]}`)}   ${what}   ${releases}${digest}${id}`;
}

function gateLines(report: ChangeReport, style: Style): readonly string[] {
  const width = 10;
  return report.gates.flatMap(({ gate, state, text }) => {
    // What nobody asks for is nothing to read.
    if (state === 'open' && text.startsWith('no ')) return [];
    const words = state === 'overridden' ? `overridden: ${text}` : text;
    const [first = '', ...rest] = wrap(words, style.width - width - 6);
    return [
      `  ${gateMark(state, style)} ${gate.padEnd(width)}${first}`,
      ...rest.map((line) => `${' '.repeat(width + 4)}${line}`),
    ];
  });
}

/** A difference with its line in Git below it; digests as long as people tell them apart. */
function shownLine(line: string, sign: string, style: Style): readonly string[] {
  const short = line.replaceAll(/sha256:([0-9a-f]{8})[0-9a-f]{56}/g, 'sha256:$1…');
  const [what = '', where] = short.split(/ {3}(?=\S+:\d+$)/);
  const indent = ' '.repeat(sign.length + 3);
  return [
    ...wrap(what, style.width - indent.length).map((part, index) =>
      index === 0 ? `  ${sign} ${part}` : `${indent}${part}`,
    ),
    ...(where === undefined ? [] : [style.dim(`${indent}${where}`)]),
  ];
}

/** A change as a person reads it: what came of it, the gates, what changes, whom it does not reach, what to do. */
export function renderChange(report: ChangeReport, now: number, style: Style): string {
  const lines: string[] = [headline(report, style)];
  const { refusals, changes, unchanged, commit, delivery, message, override, warnings, holds } = report;
  if (refusals.length === 0 && message !== '' && message !== 'landed')
    lines.push(...wrap(message, style.width - 2).map((line) => `  ${line}`));
  const gates = gateLines(report, style);
  if (gates.length > 0) lines.push('', ...gates);
  if (override !== undefined) lines.push(`  ${style.yellow('!')} reason    ${override}`);
  if (changes.length > 0) lines.push('', ...changes.flatMap((line) => shownLine(line, '~', style)));
  if (unchanged.length > 0)
    lines.push(
      ...wrap(`= ${unchanged.join(', ')} render as before`, style.width - 2).map((line) => `  ${line}`),
    );
  for (const refusal of refusals) {
    lines.push(
      '',
      ...wrap(refusal.message, style.width - 4).map(
        (line, index) => `  ${index === 0 ? style.red('✗') : ' '} ${line}`,
      ),
    );
    lines.push(...refusal.lines.flatMap((line) => shownLine(line, '   ', style)));
    lines.push(...wrap(`Do: ${refusal.hint}`, style.width - 4).map((line) => `    ${style.bold(line)}`));
  }
  for (const warning of warnings)
    lines.push(
      '',
      ...wrap(warning, style.width - 4).map(
        (line, index) => `  ${index === 0 ? style.yellow('!') : ' '} ${line}`,
      ),
    );
  if (commit !== undefined)
    lines.push(
      '',
      `  commit    ${commit.slice(0, 12)} on ${report.branch}${delivery === undefined ? '' : `, delivery ${delivery}`}`,
    );
  if (holds.length > 0)
    lines.push(`  held      updates and promotions of ${report.to.application}, until somebody lifts that`);
  if (report.next.length > 0)
    lines.push('', ...report.next.map((line) => `  ${style.bold('Next:')} ${line}`));
  return `${shownTimes(lines.join('\n'), now)}\n`;
}
