import { shortDigest } from '../../boundaries/index.ts';
import { membersOf, releasesOf } from '../../pipeline/index.ts';
import type { NextPromotion, ReleaseRow } from '../../pipeline/index.ts';
import { codeOf } from '../answers/prove.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';
import { holdLines } from '../output/holds.ts';
import { shownTimes, wrap } from '../output/style.ts';
import type { Style } from '../output/style.ts';
import { withPlaces } from './open.ts';
import type { PlacesOptions } from './open.ts';
import { columns } from '../output/columns.ts';

const HEAD = ['ENVIRONMENT', 'RELEASE', 'COMMIT', 'DIGEST', 'REVISION', 'VERDICT', 'SINCE'];

function cells(row: ReleaseRow, now: number): readonly string[] {
  const { environment, release, commit, digest, revision, verdict, since } = row;
  const short = (text: string | null) => (text === null ? '' : shortDigest(text));
  return [
    environment,
    release,
    short(commit),
    short(digest),
    short(revision),
    verdict,
    since === null ? '' : shownTimes(since, now),
  ];
}

const ARROWS: Readonly<Record<NextPromotion['state'], string>> = {
  same: '=',
  ready: '→',
  waits: '…',
  held: '✗',
};

function below(row: ReleaseRow, now: number, style: Style): readonly string[] {
  const lines: string[] = [];
  const indent = (text: string) => wrap(text, style.width - 4).map((line) => `    ${line}`);
  if (row.problem !== null) lines.push(...indent(row.problem));
  lines.push(...holdLines(row.holds, now, style).map((line) => `    ${line}`));
  if (row.underWay !== null) {
    const { id, kind, state, message, release } = row.underWay;
    lines.push(
      ...indent(
        `${kind} ${id} of ${release} ${state}${message === '' ? '' : `: ${shownTimes(message, now)}`}`,
      ),
    );
  }
  for (const next of row.next) {
    if (next.state === 'same') continue;
    const command =
      next.state === 'ready'
        ? `landfall promote ${row.family} --from ${row.environment} --to ${next.environment}`
        : next.text;
    const paint = next.state === 'ready' ? style.green : style.dim;
    lines.push(
      ...indent(shownTimes(`${ARROWS[next.state]} ${next.environment}: ${command}`, now)).map((line) =>
        paint(line),
      ),
    );
  }
  return lines;
}

/** The graph of what is where: one block for each workload, its environments in order. */
export function releasesText(rows: readonly ReleaseRow[], now: number, style: Style): string {
  if (rows.length === 0)
    return 'There is no application in this cluster. landfall init writes a first one.\n';
  const table = rows.map((row) => cells(row, now));
  const line = columns(HEAD, table);
  const shapes = {
    landed: style.green('✓'),
    broken: style.red('✗'),
    moving: style.yellow('…'),
    unproven: style.yellow('?'),
  };
  const families = [...new Set(rows.map(({ family }) => family))];
  const clusters = new Set(rows.map(({ cluster }) => cluster)).size > 1;
  const blocks = families.map((family) => {
    const lines = rows.flatMap((row, index) => {
      if (row.family !== family) return [];
      const where = clusters ? [style.dim(`    ${row.application} at ${row.context || row.cluster}`)] : [];
      return [`${shapes[row.state]} ${line(table[index] ?? [])}`, ...where, ...below(row, now, style)];
    });
    return `${style.bold(family)}\n${style.dim(`  ${line(HEAD)}`)}\n${lines.join('\n')}\n`;
  });
  return blocks.join('\n');
}

/** Prints what is where, and gives the exit code for all of it. */
export async function answerReleases(
  app: string | undefined,
  options: PlacesOptions,
  io: CliIo,
): Promise<number> {
  return withPlaces(options, io, async ({ survey, deps }) => {
    const members = app === undefined ? survey.applications : membersOf(survey, app);
    const rows = await releasesOf(survey, members, deps, io.signal);
    io.out(
      formatAnswer(options.output, { releases: rows, problems: survey.problems }, () =>
        [
          releasesText(rows, io.clock.now(), outStyle(io)),
          ...survey.problems.map(({ application, why }) => `? ${application} cannot be placed: ${why}\n`),
        ].join(''),
      ),
    );
    return codeOf(rows.map(({ state }) => state));
  });
}
