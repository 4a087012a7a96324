import type { BoundaryReport } from '../../boundaries/index.ts';
import { shortDigest } from '../../boundaries/index.ts';
import type { Proof } from '../../verdict/index.ts';
import { duration, mark, shownTimes, wrap } from './style.ts';
import type { Style } from './style.ts';

function releaseText(proof: Proof): string {
  const { version, commit, digest } = proof.release;
  const short = commit === undefined ? undefined : shortDigest(commit);
  if (version !== undefined) return `release ${version}${short === undefined ? '' : ` (${short})`}`;
  if (short !== undefined) return `release ${short}`;
  return digest === undefined ? '' : `image ${shortDigest(digest)}`;
}

/** The first line is the answer: `✗ stopped at intent   comms-notification → prod   release 2.5.0 (e3b7d9f1)   12 s`. */
export function headlineOf(proof: Proof, style: Style): string {
  const { verdict, subject } = proof;
  const paint = { landed: style.green, broken: style.red, moving: style.yellow, unproven: style.yellow }[
    verdict.state
  ];
  const shape = { landed: '✓', broken: '✗', moving: '…', unproven: '?' }[verdict.state];
  const target = subject.environment ?? subject.destination;
  const parts = [`${subject.name} → ${target}`, releaseText(proof), duration(proof.tookMs)];
  return [style.bold(paint(`${shape} ${verdict.summary}`)), ...parts.filter((part) => part !== '')].join(
    '   ',
  );
}

function row(report: BoundaryReport, headlineWidth: number, proof: Proof, style: Style): string[] {
  const indent = 2 + 2 + 11 + headlineWidth + 2;
  const head = `  ${mark(style, report.state)} ${report.boundary.padEnd(11)}${report.headline.padEnd(headlineWidth)}  `;
  const told = shownTimes(report.detail, Date.parse(proof.at));
  const beside = [report.where, engineBeside(report, proof)].filter((text) => text !== undefined).join('  ');
  const lines = wrap(told, Math.max(30, style.width - indent));
  const last = lines.at(-1) ?? '';
  const room = style.width - indent - last.length - 2;
  const first = lines[0] ?? '';
  const rest = lines.slice(1).map((line) => ' '.repeat(indent) + line);
  if (beside === '') return [head + first, ...rest].map((line) => line.trimEnd());
  if (beside.length <= room) {
    const placed = [head + first, ...rest];
    placed[placed.length - 1] += `  ${style.dim(beside)}`;
    return placed.map((line) => line.trimEnd());
  }
  return [...[head + first, ...rest].map((line) => line.trimEnd()), ' '.repeat(indent) + style.dim(beside)];
}

/** What the delivery engine says at this boundary, beside what was found. */
function engineBeside(report: BoundaryReport, proof: Proof): string | undefined {
  const { engine } = proof;
  if (engine === undefined) return undefined;
  if (report.boundary === 'sync' && engine.sync !== undefined) return `${engine.engine}: ${engine.sync}`;
  if (report.boundary === 'health' && engine.health !== undefined)
    return `${engine.engine}: ${engine.health}`;
  return undefined;
}

/** The proof as a person reads it: the answer, eight lines, what misled, what to do next. */
export function renderProof(proof: Proof, style: Style): string {
  const width = Math.min(22, Math.max(8, ...proof.boundaries.map((report) => report.headline.length)));
  const lines = [
    headlineOf(proof, style),
    '',
    ...proof.boundaries.flatMap((report) => row(report, width, proof, style)),
  ];
  const cause = proof.findings.find((finding) => finding.kind === 'cause');
  if (cause !== undefined && cause.misleading.length > 0) {
    const signals = cause.misleading.map((item) => `${item.signal} (${item.truth})`).join(', ');
    lines.push('', ...wrap(`Green and wrong: ${signals}.`, style.width - 2).map((line) => `  ${line}`));
  }
  for (const risk of proof.findings.filter((finding) => finding.kind === 'risk')) {
    lines.push(
      '',
      ...wrap(`Risk: ${risk.title}. ${risk.durableFix.text}`, style.width - 2).map(
        (line) => `  ${style.yellow(line)}`,
      ),
    );
  }
  if (proof.verdict.state !== 'landed')
    lines.push(`  ${style.bold('Next:')} landfall explain ${proof.subject.name}`);
  return `${lines.join('\n')}\n`;
}
