import type { AnswerFinding, Investigation } from '../../investigate/index.ts';
import { fixesMarkdown } from '../output/fixes.ts';
import { mark, paragraph, wrap } from '../output/style.ts';
import type { Style } from '../output/style.ts';

/** Claims in the text; all of them are in JSON. */
const CLAIMS = 8;

function findingLines(finding: AnswerFinding, style: Style): string[] {
  const risk = finding.kind === 'risk';
  const lines = wrap(
    `${finding.title}   (${finding.boundary}, ${risk ? 'risk' : `${Math.round(finding.confidence * 100)}% sure`})`,
    style.width - 2,
  ).map((line, index) =>
    index === 0
      ? `${risk ? style.yellow('!') : style.red('✗')} ${style.bold(line)}`
      : `  ${style.bold(line)}`,
  );
  for (const sentence of finding.explanation) lines.push(...paragraph(sentence, style, 2));
  for (const { subject, attribute, value, source } of finding.claims.slice(0, CLAIMS))
    lines.push(
      ...paragraph(
        `${source.artifact}:${source.line}  ${subject} ${attribute}: ${value.split('\n')[0] ?? ''}`,
        style,
        4,
      ).map((line) => style.dim(line)),
    );
  if (finding.claims.length > CLAIMS) lines.push(style.dim(`    and ${finding.claims.length - CLAIMS} more`));
  if (finding.misleading.length > 0) {
    lines.push(`  ${style.bold('What misled')}`);
    for (const { signal, truth } of finding.misleading)
      lines.push(...paragraph(`${signal}: ${truth}.`, style, 4));
  }
  for (const [title, fix] of [
    ['Now', finding.immediateFix],
    ['For good', finding.durableFix],
  ] as const) {
    if (fix.text === '' || fix.text.startsWith('None is known')) continue;
    lines.push(
      `  ${style.bold(title)}`,
      ...paragraph(fix.text, style, 4),
      ...fix.commands.map((command) => `    ${command}`),
    );
  }
  if (finding.verify.length > 0 && finding.verify.join() !== finding.immediateFix.commands.join())
    lines.push(`  ${style.bold('Verify')}`, ...finding.verify.map((command) => `    ${command}`));
  return lines;
}

function headline({ verdict, findings }: Investigation): string {
  const [first] = findings;
  return `${verdict.summary}${first === undefined || verdict.state === 'landed' || first.kind === 'risk' ? '' : `: ${first.title}`}`;
}

/** The answer as text: where it stopped and why, the boundaries, findings, the system, artifacts and what to ask. */
export function renderInvestigation(answer: Investigation, style: Style): string {
  const { verdict, findings, system, trace, boundaries, decoder, missing, unread } = answer;
  const sign =
    verdict.state === 'landed'
      ? style.green('✓')
      : verdict.state === 'broken'
        ? style.red('✗')
        : style.yellow(verdict.state === 'moving' ? '…' : '?');
  const lines = wrap(headline(answer), style.width - 2).map((line, index) =>
    index === 0 ? `${sign} ${style.bold(line)}` : `  ${style.bold(line)}`,
  );
  if (verdict.consequences.length > 0) lines.push(`  consequences: ${verdict.consequences.join(', ')}`);
  lines.push('');
  for (const { boundary, state, evidence } of boundaries) {
    const [head = '', ...more] = wrap(evidence, style.width - 15);
    lines.push(`  ${mark(style, state)} ${boundary.padEnd(10)} ${head}${more.length > 0 ? ' …' : ''}`);
  }
  for (const finding of findings.slice(0, 5)) lines.push('', ...findingLines(finding, style));
  const changed = trace.filter(({ changedAt }) => changedAt !== null);
  if (changed.length > 0) {
    lines.push('', style.bold('Where values change'));
    for (const { subject, attribute, values, changedAt } of changed.slice(0, 6)) {
      lines.push(`  ${attribute} of ${subject}`);
      const seen = new Set<string>();
      for (const { boundary, value, source } of values) {
        if (seen.has(`${boundary} ${value}`)) continue;
        seen.add(`${boundary} ${value}`);
        lines.push(
          `    ${boundary.padEnd(10)} ${value}${boundary === changedAt ? style.red('  ✗') : ''}${style.dim(`  ${source.artifact}:${source.line}`)}`,
        );
      }
    }
  }
  if (system.components.length > 0) {
    lines.push('', style.bold('System'));
    for (const { name, what } of system.components.slice(0, 20))
      lines.push(
        ...wrap(`${name}${what === '' ? '' : `: ${what}`}`, style.width - 4).map(
          (line, index) => `${index === 0 ? '  ' : '    '}${line}`,
        ),
      );
    for (const { from, to, via } of system.dependsOn.slice(0, 20))
      lines.push(`  ${from} → ${to}  ${style.dim(via)}`);
  }
  if (decoder.length > 0) {
    lines.push('', style.bold('What each artifact said'));
    for (const { artifact, section, revealed, misleading } of decoder.slice(0, 12)) {
      lines.push(...paragraph(`${section === '' ? artifact : section}: ${revealed.join('; ')}`, style, 2));
      if (misleading.length > 0)
        lines.push(
          ...paragraph(`misleading: ${misleading.join('; ')}`, style, 4).map((line) => style.yellow(line)),
        );
    }
  }
  if (missing.length > 0) {
    lines.push('', style.bold('Ask next'));
    for (const { question, command } of missing)
      lines.push(...paragraph(question, style, 2), `    ${command}`);
  }
  if (unread.length > 0) {
    lines.push('', style.bold('Not read'));
    for (const { artifact, why, lines: runs } of unread.slice(0, 10))
      lines.push(
        ...paragraph(
          `${artifact}: ${why}${runs.length === 0 ? '' : ` (lines ${runs.map(({ line, count }) => (count > 1 ? `${line}–${line + count - 1}` : String(line))).join(', ')})`}`,
          style,
          2,
        ),
      );
    if (unread.length > 10) lines.push(`  and ${unread.length - 10} more`);
  }
  return `${lines.join('\n')}\n`;
}

/** The same as Markdown, for a ticket or a chat. */
export function investigationMarkdown(answer: Investigation): string {
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const lines = [`# ${headline(answer)}`, ''];
  if (answer.verdict.consequences.length > 0)
    lines.push(`Consequences: ${answer.verdict.consequences.join(', ')}.`, '');
  for (const finding of answer.findings.slice(0, 5)) {
    lines.push(
      `## ${finding.title}`,
      '',
      `${finding.boundary}, ${finding.kind === 'risk' ? 'risk' : `${Math.round(finding.confidence * 100)}% sure`}. ${finding.explanation.join(' ')}`,
      '',
    );
    for (const { subject, attribute, value, source } of finding.claims.slice(0, CLAIMS))
      lines.push(`- ${subject} ${attribute}: ${cell(value)} (${source.artifact}:${source.line})`);
    for (const { signal, truth } of finding.misleading)
      lines.push(`- Misleading: **${signal}**, but ${truth}.`);
    lines.push(...fixesMarkdown(finding), '');
  }
  lines.push(
    '## Boundaries',
    '',
    '| boundary | state | evidence |',
    '| --- | --- | --- |',
    ...answer.boundaries.map((row) => `| ${row.boundary} | ${row.state} | ${cell(row.evidence)} |`),
    '',
  );
  if (answer.system.components.length > 0)
    lines.push(
      '## System',
      '',
      ...answer.system.components.map(({ name, what }) => `- ${name}${what === '' ? '' : `: ${what}`}`),
      ...answer.system.dependsOn.map(({ from, to, via }) => `- ${from} → ${to} (${via})`),
      '',
    );
  if (answer.decoder.length > 0)
    lines.push(
      '## What each artifact said',
      '',
      '| artifact | revealed | misleading |',
      '| --- | --- | --- |',
      ...answer.decoder.map(
        (row) =>
          `| ${cell(row.section === '' ? row.artifact : row.section)} | ${cell(row.revealed.join('; '))} | ${cell(row.misleading.join('; '))} |`,
      ),
      '',
    );
  if (answer.missing.length > 0)
    lines.push(
      '## Ask next',
      '',
      ...answer.missing.flatMap(({ question, command }) => [
        `- ${question}`,
        '',
        '  ```sh',
        `  ${command}`,
        '  ```',
      ]),
      '',
    );
  if (answer.unread.length > 0)
    lines.push(
      '## Not read',
      '',
      ...answer.unread.slice(0, 20).map(({ artifact, why }) => `- ${artifact}: ${why}`),
      '',
    );
  return `${lines.join('\n').trimEnd()}\n`;
}
