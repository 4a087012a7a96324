import { shortDigest } from '../../boundaries/index.ts';
import { mark, shownTimes, wrap } from '../output/style.ts';
import type { Style } from '../output/style.ts';
import type { RecordNote } from './note.ts';

const LABEL = 11;
/** Objects that a note names; the history of the delivery has all. */
const NAMED = 12;
/** Verdicts and states that are neither good nor bad yet. */
const OPEN = /^(?:moving|unproven|running|applied|superseded)/;
const FINE = new Set(['done', 'unchanged', 'skipped', 'not-reached']);

function title(note: RecordNote): string {
  const target = note.environment ?? note.cluster;
  const revision = note.revision === null ? 'revision unknown' : `revision ${shortDigest(note.revision)}`;
  const image = note.digest === null ? '' : `   image ${shortDigest(note.digest)}`;
  return `${note.application} → ${target}   ${revision}${image}`;
}

function originText({ from, at, delivery }: RecordNote, now: number): string {
  if (delivery === null) return `as it stands at ${shownTimes(at, now)}; the ledger holds no delivery of it`;
  const { id, trigger, actor, startedAt } = delivery;
  const how = trigger === 'observed' ? 'first seen' : `${trigger} by ${actor.name}`;
  const seen = from === 'cluster' ? `as it stands at ${shownTimes(at, now)}; ` : '';
  return `${seen}delivery ${id}, ${how} ${shownTimes(startedAt, now)}`;
}

function rollbackText({ rollback }: RecordNote, now: number): string {
  return rollback === null
    ? 'not known: the ledger holds none that landed before'
    : `${shortDigest(rollback.revision)}, landed ${shownTimes(rollback.landedAt, now)} (delivery ${rollback.delivery})`;
}

function troubled(note: RecordNote): RecordNote['objects'] {
  return note.objects.filter(({ state }) => !FINE.has(state));
}

/** The answer, then each state with its evidence, then what did not work and what to go back to. */
export function noteText(note: RecordNote, now: number, style: Style): string {
  const [shape, paint] = note.landed
    ? ['✓', style.green]
    : OPEN.test(note.verdict)
      ? ['…', style.yellow]
      : ['✗', style.red];
  // A cause that says no more than the reason above it.
  const causes = note.causes.filter((cause) => !note.reason.includes(cause.title));
  const fixes = note.causes.filter((cause) => note.reason.includes(cause.title));
  const valueWidth = Math.min(22, Math.max(8, ...note.states.map(({ value }) => value.length)));
  const indent = 2 + LABEL + 2 + valueWidth + 2;
  const row = (label: string, text: string): readonly string[] =>
    wrap(text, style.width - LABEL - 2).map(
      (line, index) => `  ${(index === 0 ? label : '').padEnd(LABEL)}${line}`,
    );
  const states = note.states.flatMap(({ name, state, value, evidence, where }) => {
    const told = [shownTimes(evidence, now), where ?? ''].filter((part) => part !== '').join('  ');
    const [first = '', ...rest] = wrap(told, Math.max(30, style.width - indent));
    return [
      `  ${name.padEnd(LABEL)}${mark(style, state)} ${value.padEnd(valueWidth)}  ${first}`.trimEnd(),
      ...rest.map((line) => ' '.repeat(indent) + line),
    ];
  });
  const bad = troubled(note);
  const objects = bad
    .slice(0, NAMED)
    .flatMap(({ object, state, message, where }) => [
      `  ${style.red('✗')} ${object}  ${state}`,
      ...wrap(message, style.width - 6).map((line) => `      ${line}`),
      ...(where === null ? [] : [`      ${style.dim(where)}`]),
    ]);
  const lines = [
    `${style.bold(paint(`${shape} ${note.verdict}`))}   ${title(note)}`,
    `  ${style.dim(originText(note, now))}`,
    '',
    ...(note.boundary === null ? [] : row('boundary', style.bold(note.boundary))),
    ...(note.reason === '' ? [] : row('why', shownTimes(note.reason, now))),
    ...(states.length === 0 ? row('states', 'no proof was made of this delivery') : ['', ...states]),
    '',
    ...objects,
    ...(bad.length > NAMED ? [`  and ${bad.length - NAMED} more objects`] : []),
    ...(bad.length > 0 ? [''] : []),
    ...causes.flatMap((cause) => [...row('cause', cause.title), ...row('', cause.now)]),
    ...fixes.flatMap((cause) => row('mend', cause.now)),
    ...row('roll back', rollbackText(note, now)),
    ...note.next.map((command, index) => `  ${(index === 0 ? 'Next:' : '').padEnd(LABEL)}${command}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** The same as Markdown, for a ticket or a pull request. */
export function recordMarkdown(note: RecordNote, now: number): string {
  const cell = (text: string) => shownTimes(text, now).replaceAll('|', '\\|').replaceAll('\n', ' ');
  const code = (text: string) => `\`${text.replaceAll('`', "'")}\``;
  const bad = troubled(note);
  const lines = [
    `# ${note.verdict}: ${note.application} → ${note.environment ?? note.cluster}`,
    '',
    `${title(note)}, ${originText(note, now)}.`,
    '',
    `- **Boundary:** ${note.boundary ?? 'none: it landed'}`,
    ...(note.reason === '' ? [] : [`- **Why:** ${cell(note.reason)}`]),
    `- **Roll back to:** ${rollbackText(note, now)}`,
    '',
    '## States',
    '',
    ...(note.states.length === 0
      ? ['No proof was made of this delivery.']
      : [
          '| state | is | value | evidence | where |',
          '| --- | --- | --- | --- | --- |',
          ...note.states.map(
            (row) =>
              `| ${row.name} | ${row.state} | ${cell(row.value)} | ${cell(row.evidence)} | ${cell(row.where ?? '')} |`,
          ),
        ]),
  ];
  if (bad.length > 0)
    lines.push(
      '',
      '## Objects',
      '',
      ...bad.map(
        ({ object, state, message, where }) =>
          `- ${code(object)} ${state}: ${cell(message)}${where === null ? '' : ` (${code(where)})`}`,
      ),
    );
  for (const cause of note.causes) {
    lines.push('', `## ${cause.title}`, '', cause.now);
    if (cause.commands.length > 0) lines.push('', '```sh', ...cause.commands, '```');
  }
  if (note.next.length > 0) lines.push('', '## Next', '', '```sh', ...note.next, '```');
  return `${lines.join('\n')}\n`;
}
