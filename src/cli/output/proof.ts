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

function row(
  report: BoundaryReport,
  beside: string,
  headlineWidth: number,
  proof: Proof,
  style: Style,
): string[] {
  const indent = 2 + 2 + 10 + headlineWidth + 2;
  const head = `  ${mark(style, report.state)} ${report.boundary.padEnd(10)}${report.headline.padEnd(headlineWidth)}  `;
  const told = shownTimes(report.detail, Date.parse(proof.at));
  const lines = told === '' ? [] : [...wrap(told, Math.max(30, style.width - indent))];
  const room = style.width - indent - (lines.at(-1)?.length ?? 0) - 2;
  if (beside !== '') {
    if (lines.length === 0) lines.push(style.dim(beside));
    else if (beside.length <= room) lines.push(`${lines.pop() ?? ''}  ${style.dim(beside)}`);
    else lines.push(style.dim(beside));
  }
  const [first = '', ...rest] = lines;
  return [`${head}${first}`, ...rest.map((line) => ' '.repeat(indent) + line)].map((line) => line.trimEnd());
}

/** What stands beside each boundary: where its value can be checked, or what the delivery engine says there. */
function besides(proof: Proof): readonly string[] {
  const { engine } = proof;
  const seen = new Set<string>();
  return proof.boundaries.map((report) => {
    if (report.boundary === 'sync' && engine?.sync !== undefined) return `${engine.engine}: ${engine.sync}`;
    if (report.boundary === 'health' && engine?.health !== undefined)
      return `${engine.engine}: ${engine.health}`;
    const where = report.where ?? '';
    // Said once is enough: render usually points at the line that intent has named.
    if (seen.has(where)) return '';
    seen.add(where);
    return where;
  });
}

/** The proof as a person reads it: the answer, eight lines, what misled, what to do next. */
export function renderProof(proof: Proof, style: Style): string {
  const width = Math.min(22, Math.max(8, ...proof.boundaries.map((report) => report.headline.length)));
  const beside = besides(proof);
  const lines = [
    headlineOf(proof, style),
    '',
    ...proof.boundaries.flatMap((report, index) => row(report, beside[index] ?? '', width, proof, style)),
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
  const { hint } = proof.boundaries.find((report) => report.boundary === proof.verdict.boundary) ?? {};
  if (hint !== undefined)
    lines.push(...wrap(`Do: ${hint}`, style.width - 2).map((line) => `  ${style.bold(line)}`));
  const { triage } = proof;
  if (triage !== undefined) {
    lines.push('', `  ${style.bold('Look first:')} ${triage.check.commands[0] ?? triage.check.text}`);
    lines.push(...wrap(`Avoid: ${triage.avoid}`, style.width - 2).map((line) => `  ${style.dim(line)}`));
  }
  if (proof.verdict.state !== 'landed')
    lines.push(`  ${style.bold('Next:')} landfall explain ${proof.subject.name}`);
  return `${lines.join('\n')}\n`;
}
