import { shortDigest } from '../../boundaries/index.ts';
import { getString } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { Decision, Delivery, DeliveryState, Notice } from '../../ledger/index.ts';
import { shownTimes, wrap } from '../output/style.ts';
import type { Style } from '../output/style.ts';
import type { HistoryRow } from './rows.ts';
import { columns } from '../output/columns.ts';

const SHAPES: Readonly<Record<DeliveryState, '✓' | '✗' | '…' | '–'>> = {
  running: '…',
  unproven: '…',
  applied: '…',
  landed: '✓',
  stopped: '✗',
  refused: '✗',
  restored: '✗',
  kept: '✗',
  stuck: '✗',
  superseded: '–',
};

/** Shape and colour of a state; the word beside it says the same. */
export function stateMark(state: DeliveryState, style: Style): string {
  const shape = SHAPES[state];
  const paint = { '✓': style.green, '✗': style.red, '…': style.yellow, '–': style.dim }[shape];
  return paint(shape);
}

/** `landed`, `restored, at sync`; what somebody else delivered is called by its verdict: `moving at rollout`. */
export function stateText({ state, boundary, verdict }: HistoryRow): string {
  if (state === 'stopped' || state === 'unproven') return verdict ?? state;
  return boundary === null ? state : `${state}, at ${boundary}`;
}

const LONGEST_NAME = 16;

function cells(row: HistoryRow, now: number): readonly string[] {
  const { actor, revision, digest } = row;
  return [
    row.id,
    shownTimes(row.startedAt, now),
    shortDigest(revision),
    row.trigger,
    actor.name.length > LONGEST_NAME ? `${actor.name.slice(0, LONGEST_NAME - 1)}…` : actor.name,
    stateText(row),
    digest === null ? '' : shortDigest(digest),
  ];
}

/** `checkout   landed 77aa88bb at 12:00:00Z; 2 attempts since`. */
function headline(rows: readonly HistoryRow[], now: number, style: Style): string {
  const [newest] = rows;
  if (newest === undefined) return '';
  const at = rows.findIndex((row) => row.state === 'landed');
  const last = rows[at];
  const name = style.bold(
    [newest.application, newest.environment].filter((part) => part !== null).join(' → '),
  );
  if (last === undefined)
    return `${name}   ${style.red('✗')} none of the last ${rows.length} deliveries has landed`;
  const since = at === 0 ? 'nothing since' : `${at} ${at === 1 ? 'attempt' : 'attempts'} since`;
  const mark = at === 0 ? style.green('✓') : style.yellow('…');
  return `${name}   ${mark} ${shortDigest(last.revision)} landed ${shownTimes(last.startedAt, now)}; ${since}`;
}

/** Newest first; below those that did not land, why. */
export function historyText(rows: readonly HistoryRow[], now: number, style: Style): string {
  const head = ['DELIVERY', 'TIME', 'REVISION', 'TRIGGER', 'BY', 'STATE', 'IMAGE'];
  const several = new Set(rows.map((row) => `${row.cluster} ${row.namespace}`)).size > 1;
  const table = rows.map((row) => cells(row, now));
  const line = columns(head, table);
  const lines = rows.flatMap((row, index) => [
    `${stateMark(row.state, style)} ${line(table[index] ?? [])}`,
    ...(several
      ? [
          style.dim(
            `    ${row.namespace} at ${row.cluster}${row.environment === null ? '' : `, ${row.environment}`}`,
          ),
        ]
      : []),
    ...(row.state === 'landed' || row.message === ''
      ? []
      : wrap(shownTimes(row.message, now), style.width - 4)
          .slice(0, 2)
          .map((text) => style.dim(`    ${text}`))),
  ]);
  return `${headline(rows, now, style)}\n\n${style.dim(`  ${line(head)}`)}\n${lines.join('\n')}\n`;
}

export function objectName(result: JsonObject): string {
  return [getString(result, 'kind'), getString(result, 'namespace'), getString(result, 'name')]
    .filter((part) => part !== undefined && part !== '')
    .join('/');
}

function resultLines(results: readonly JsonObject[], style: Style): readonly string[] {
  const width = Math.min(50, Math.max(0, ...results.map((result) => objectName(result).length)));
  return results.flatMap((result) => {
    const told = [getString(result, 'action'), getString(result, 'state')].filter(
      (part) => part !== undefined && part !== '',
    );
    const message = getString(result, 'message') ?? '';
    const where = getString(result, 'where');
    return [
      `  ${objectName(result).padEnd(width)}  ${told.join(', ')}`.trimEnd(),
      ...(message === '' ? [] : wrap(message, style.width - 6).map((text) => `      ${text}`)),
      ...(where === undefined ? [] : [`      ${style.dim(where)}`]),
    ];
  });
}

export interface WholeDelivery {
  readonly delivery: Delivery;
  readonly decisions: readonly Decision[];
  readonly notices: readonly Notice[];
}

/** One delivery whole: how it stands, each object, the evidence, what was decided, who was told. */
export function deliveryText(
  { delivery, decisions, notices }: WholeDelivery,
  row: HistoryRow,
  evidence: readonly string[],
  now: number,
  style: Style,
): string {
  const { actor, trigger, results } = delivery;
  const by = actor.attestedBy === 'nobody' ? actor.name : `${actor.name} (known to the ${actor.attestedBy})`;
  const ended = delivery.finishedAt === undefined ? '' : `, ended ${shownTimes(delivery.finishedAt, now)}`;
  const target = delivery.environment ?? delivery.cluster;
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ['', style.bold(title), ...lines];
  const lines = [
    `${stateMark(delivery.state, style)} ${style.bold(stateText(row))}   ${delivery.application} → ${target}   revision ${shortDigest(delivery.revision)}`,
    ...(delivery.message === ''
      ? []
      : wrap(shownTimes(delivery.message, now), style.width - 2).map((text) => `  ${text}`)),
    '',
    `  delivery  ${delivery.id}, ${trigger} by ${by}`,
    `  time      ${shownTimes(delivery.startedAt, now)}${ended}`,
    `  revision  ${delivery.revision}`,
    ...(delivery.digest === undefined ? [] : [`  image     ${delivery.digest}`]),
    `  cluster   ${delivery.cluster}, namespace ${delivery.namespace}`,
    ...section('Objects', resultLines(results, style)),
    ...section('Evidence', evidence),
    ...section(
      'Decisions',
      decisions.flatMap(({ kind, at, actor: who, reason }) =>
        wrap(`${kind} by ${who.name} ${shownTimes(at, now)}: ${reason}`, style.width - 2).map(
          (text) => `  ${text}`,
        ),
      ),
    ),
    ...section(
      'Told',
      notices.map(
        ({ channel, state, at, message }) =>
          `  ${state === 'told' ? style.green('✓') : style.red('✗')} ${channel} ${shownTimes(at, now)}${state === 'told' ? '' : `: ${message}`}`,
      ),
    ),
  ];
  return `${lines.join('\n')}\n`;
}
