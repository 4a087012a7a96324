import type { DeliveryNote, Finding } from '../../verdict/index.ts';
import { fixesMarkdown } from './fixes.ts';
import { shownTimes, paragraph, wrap } from './style.ts';
import type { Style } from './style.ts';

function commands(list: readonly string[]): string[] {
  return list.map((command) => `    ${command}`);
}

function findingLines(finding: Finding, style: Style, now: number): string[] {
  const sure = finding.kind === 'risk' ? 'risk' : `${Math.round(finding.confidence * 100)}% sure`;
  const lines = [
    style.bold(`${finding.kind === 'risk' ? style.yellow('!') : style.red('✗')} ${finding.title}`) +
      style.dim(`   ${finding.boundary}, ${sure}`),
  ];
  for (const sentence of finding.explanation) lines.push(...paragraph(shownTimes(sentence, now), style));
  if (finding.misleading.length > 0) {
    lines.push('', `  ${style.bold('What misled')}`);
    for (const item of finding.misleading)
      lines.push(...paragraph(`${item.signal}: ${item.truth}.`, style, 4));
  }
  lines.push(
    '',
    `  ${style.bold('Now')}`,
    ...paragraph(finding.immediateFix.text, style, 4),
    ...commands(finding.immediateFix.commands),
  );
  lines.push(
    '',
    `  ${style.bold('For good')}`,
    ...paragraph(finding.durableFix.text, style, 4),
    ...commands(finding.durableFix.commands),
  );
  if (finding.verify.length > 0) lines.push('', `  ${style.bold('Verify')}`, ...commands(finding.verify));
  return lines;
}

function labelText(labels: Readonly<Record<string, readonly string[]>>): string {
  const parts = Object.entries(labels).map(([name, values]) => `${name} ${values.slice(0, 6).join(' | ')}`);
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`;
}

/** The delivery note as text: what it is, where it stopped, why, what to do, how to see that it worked. */
export function renderNote(note: DeliveryNote, style: Style): string {
  const now = Date.parse(note.at);
  const lines = [
    `${style.bold(note.verdict)}   ${note.application} → ${note.environment}   ${note.release}`,
    '',
    style.bold('System'),
    `  ${note.deliveredBy}`,
  ];
  const nameWidth = Math.min(
    44,
    Math.max(0, ...note.system.components.map((component) => component.name.length)),
  );
  for (const component of note.system.components)
    lines.push(`  ${component.name.padEnd(nameWidth)}  ${component.what}`);
  for (const { from, to, via } of note.system.dependsOn) lines.push(`  ${from} → ${to}  ${style.dim(via)}`);
  for (const { metric, labels } of note.system.tells)
    lines.push(
      ...wrap(`tells ${metric}${labelText(labels)}`, style.width - 4).map(
        (line, index) => `${index === 0 ? '  ' : '    '}${line}`,
      ),
    );
  for (const finding of note.findings) lines.push('', ...findingLines(finding, style, now));
  lines.push('', style.bold('What each source said'));
  for (const { source, revealed, misleading } of note.sources) {
    lines.push(
      ...wrap(`${source}: ${shownTimes(revealed, now)}`, style.width - 4).map((line, index) =>
        index === 0 ? `  ${line}` : `    ${line}`,
      ),
    );
    if (misleading !== '')
      lines.push(
        ...wrap(`misleading: ${misleading}`, style.width - 6).map((line) => `    ${style.yellow(line)}`),
      );
  }
  return `${lines.join('\n')}\n`;
}

/** The same as Markdown, for a ticket or a chat. */
export function noteMarkdown(note: DeliveryNote): string {
  const now = Date.parse(note.at);
  const cell = (text: string) => shownTimes(text, now).replaceAll('|', '\\|').replaceAll('\n', ' ');
  const lines = [
    `# ${note.verdict}: ${note.application} → ${note.environment}`,
    '',
    `Release ${note.release}, ${note.at}.`,
    '',
    '## System',
    '',
  ];
  for (const component of note.system.components) lines.push(`- ${component.name}: ${component.what}`);
  for (const { from, to, via } of note.system.dependsOn) lines.push(`- ${from} → ${to} (${via})`);
  for (const { metric, labels } of note.system.tells) lines.push(`- tells ${metric}${labelText(labels)}`);
  for (const finding of note.findings) {
    lines.push(
      '',
      `## ${finding.title}`,
      '',
      finding.explanation.map((sentence) => shownTimes(sentence, now)).join(' '),
    );
    for (const item of finding.misleading)
      lines.push('', `- Misleading: **${item.signal}**, but ${item.truth}.`);
    lines.push(...fixesMarkdown(finding));
  }
  lines.push(
    '',
    '## Boundaries',
    '',
    '| boundary | state | evidence |',
    '| --- | --- | --- |',
    ...note.states.map((row) => `| ${row.boundary} | ${row.state} | ${cell(row.evidence)} |`),
  );
  lines.push(
    '',
    '## What each source said',
    '',
    '| source | revealed | misleading |',
    '| --- | --- | --- |',
    ...note.sources.map((row) => `| ${row.source} | ${cell(row.revealed)} | ${cell(row.misleading)} |`),
  );
  return `${lines.join('\n')}\n`;
}
