import { LandfallError } from '../../kernel/index.ts';
import type { Hold } from '../../ledger/index.ts';
import type { Proof, VerdictState } from '../../verdict/index.ts';
import { holdLines } from './holds.ts';
import type { Style } from './style.ts';
import { columns } from './columns.ts';

export interface StatusRow {
  readonly application: string;
  readonly environment: string;
  readonly state: VerdictState;
  readonly verdict: string;
  readonly release: string;
  /** What the delivery engine says: `Synced, Healthy`. */
  readonly engine: string;
  readonly detail: string;
  /** What must not go on by itself there. */
  readonly holds: readonly Hold[];
}

/** One Application on one line; an Application that cannot be judged is unproven, with the reason. */
export function statusRow(
  application: string,
  found: Proof | LandfallError,
  holds: readonly Hold[] = [],
): StatusRow {
  if (found instanceof LandfallError) {
    return {
      application,
      environment: '',
      state: 'unproven',
      verdict: 'unproven',
      release: '',
      engine: '',
      detail: found.message,
      holds,
    };
  }
  const decisive = found.boundaries.find((report) => report.boundary === found.verdict.boundary);
  return {
    application,
    environment: found.subject.environment ?? found.subject.destination,
    state: found.verdict.state,
    verdict: found.verdict.summary,
    release: found.release.version ?? found.release.commit?.slice(0, 8) ?? '',
    engine:
      found.engine === undefined
        ? ''
        : [found.engine.sync, found.engine.health].filter((text) => text !== undefined).join(', '),
    detail: decisive?.detail ?? '',
    holds,
  };
}

export function renderStatus(rows: readonly StatusRow[], now: number, style: Style): string {
  if (rows.length === 0)
    return 'There is no Application in this cluster. landfall init writes a first one.\n';
  const head = ['APPLICATION', 'ENVIRONMENT', 'VERDICT', 'RELEASE', 'ENGINE'];
  const cells = rows.map((row) => [row.application, row.environment, row.verdict, row.release, row.engine]);
  const line = columns(head, cells);
  const shapes = {
    landed: style.green('✓'),
    broken: style.red('✗'),
    moving: style.yellow('…'),
    unproven: style.yellow('?'),
  };
  const lines = rows.flatMap((row, index) => {
    const text = `${shapes[row.state]} ${line(cells[index] ?? [])}`;
    return [
      text,
      ...(row.state === 'landed' || row.detail === '' ? [] : [style.dim(`    ${row.detail}`)]),
      ...holdLines(row.holds, now, style).map((held) => `    ${held}`),
    ];
  });
  return `${style.dim(`  ${line(head)}`)}\n${lines.join('\n')}\n`;
}
