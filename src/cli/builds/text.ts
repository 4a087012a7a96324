import { shortDigest } from '../../boundaries/index.ts';
import { getString } from '../../kernel/index.ts';
import type { Build, BuildReview, BuildState, BuildStep } from '../../ledger/index.ts';
import { approvalOf, lastLines, shortRef } from '../../pipeline/index.ts';
import type { BuildGate } from '../../pipeline/index.ts';
import { duration, shownTimes, wrap } from '../output/style.ts';
import type { Style } from '../output/style.ts';
import { columns } from '../output/columns.ts';

const SHAPES: Readonly<Record<BuildState, '✓' | '✗' | '…' | '–'>> = {
  PENDING: '…',
  QUEUED: '…',
  WORKING: '…',
  SUCCESS: '✓',
  FAILURE: '✗',
  CANCELLED: '✗',
  TIMEOUT: '✗',
  SUPERSEDED: '–',
  REJECTED: '✗',
  EXPIRED: '✗',
};

/** Shape and colour of a state; the word beside it says the same. */
export function buildMark(state: BuildState, style: Style): string {
  const shape = SHAPES[state];
  const paint = { '✓': style.green, '✗': style.red, '…': style.yellow, '–': style.dim }[shape];
  return paint(shape);
}

/** The command that comes next, where there is one. */
export function nextCommand({ id, state }: Build): string | undefined {
  if (state === 'PENDING') return `landfall builds approve ${id}`;
  if (state === 'FAILURE' || state === 'TIMEOUT') return `landfall builds logs ${id}`;
  return state === 'WORKING' ? `landfall builds logs ${id} -f` : undefined;
}

/** What a script gets of a build: everything but the definition, which show has. */
export function buildRow(build: Build) {
  const { definition: _definition, ...row } = build;
  return row;
}

function cells(build: Build, now: number): readonly string[] {
  return [
    build.id,
    shownTimes(build.createdAt, now),
    build.trigger,
    shortRef(build.ref),
    build.commit.slice(0, 8),
    build.state,
    getString(build.record, 'digest') === undefined
      ? ''
      : shortDigest(getString(build.record, 'digest') ?? ''),
  ];
}

/** Newest first; below those that are not done, why, and what to do. */
export function listText(builds: readonly Build[], now: number, style: Style): string {
  if (builds.length === 0) return 'no builds yet\n';
  const head = ['BUILD', 'TIME', 'TRIGGER', 'REF', 'COMMIT', 'STATE', 'IMAGE'];
  const table = builds.map((build) => cells(build, now));
  const line = columns(head, table);
  const lines = builds.flatMap((build, index) => {
    const next = build.state === 'PENDING' ? nextCommand(build) : undefined;
    return [
      `${buildMark(build.state, style)} ${line(table[index] ?? [])}`,
      ...(build.state === 'SUCCESS'
        ? []
        : wrap(shownTimes(build.message, now), style.width - 4)
            .slice(0, 3)
            .map((text) => style.dim(`    ${text}`))),
      ...(next === undefined ? [] : [`    ${next}`]),
    ];
  });
  return `${style.dim(`  ${line(head)}`)}\n${lines.join('\n')}\n`;
}

export interface WholeBuild {
  readonly build: Build;
  readonly reviews: readonly BuildReview[];
  readonly steps: readonly BuildStep[];
  /** What its gate makes of the reviews; undefined where it has none. */
  readonly gate: BuildGate | undefined;
}

function stepLines(step: BuildStep): readonly string[] {
  const mark = { running: '…', done: '✓', failed: '✗', timeout: '✗', cancelled: '✗' }[step.state];
  const took =
    step.finishedAt === undefined ? '' : duration(Date.parse(step.finishedAt) - Date.parse(step.startedAt));
  const exit = step.exitCode === undefined || step.exitCode === 0 ? '' : `  exit ${step.exitCode}`;
  const last = step.state === 'done' ? [] : lastLines(step, 5).map((text) => `      ${text}`);
  return [`  ${mark} ${step.name}  ${step.state}  ${took}${exit}`.trimEnd(), ...last];
}

function reviewLine({ actor, kind, at, comment, url, cluster }: BuildReview, now: number): string {
  const known =
    actor.attestedBy === 'nobody' ? 'nobody attests it' : `known to ${cluster || actor.attestedBy}`;
  const words = [comment, url].filter((part) => part !== undefined && part !== '').join(' ');
  return `  ${kind} by ${actor.name} (${known}) ${shownTimes(at, now)}${words === '' ? '' : `: ${words}`}`;
}

/** One build whole. */
export function buildText(whole: WholeBuild, now: number, style: Style): string {
  const { build, reviews, steps, gate } = whole;
  const { people, record } = build;
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ['', style.bold(title), ...lines];
  const next = nextCommand(build);
  const policy = approvalOf(build);
  const who =
    policy === undefined
      ? 'none'
      : `${policy.count ?? 1} of ${policy.by?.join(', ') ?? 'whoever may approve builds.landfall.dev in the cluster'}${policy.notAuthor === true ? ', not the author' : ''}`;
  const lines = [
    `${buildMark(build.state, style)} ${style.bold(build.state)}   ${build.trigger}   commit ${build.commit.slice(0, 12)} of ${shortRef(build.ref)}`,
    ...wrap(shownTimes(build.message, now), style.width - 2).map((text) => `  ${text}`),
    ...build.notes.flatMap((note) =>
      wrap(note, style.width - 4).map((text) => `  ${style.yellow('!')} ${text}`),
    ),
    '',
    `  build       ${build.id}, attempt ${build.attempt}, ${build.origin}${build.holder === '' ? '' : `, ${build.holder}`}`,
    `  source      ${build.repository} ${build.ref} ${build.commit}`,
    ...(people === undefined
      ? []
      : [
          `  commit by   ${people.author.name} <${people.author.email}>, committed by ${people.committer.name} <${people.committer.email}>`,
        ]),
    `  declared    ${build.declaredIn}${build.declaredAt === '' ? '' : ` at ${build.declaredAt.slice(0, 12)}`}`,
    `  approval    ${who}`,
    `  image       ${build.image}`,
    ...(record === undefined ? [] : [`  digest      ${getString(record, 'digest') ?? ''}`]),
    `  time        ${shownTimes(build.createdAt, now)}${build.finishedAt === undefined ? '' : `, ended ${shownTimes(build.finishedAt, now)}`}`,
    ...(build.url === undefined ? [] : [`  shown at    ${build.url}`]),
    ...section(
      'Decisions',
      reviews.map((review) => reviewLine(review, now)),
    ),
    ...section(
      'Not counted',
      (gate?.leftOut ?? []).map(({ review, why }) => `  ${review.kind} by ${review.actor.name}: ${why}`),
    ),
    ...section('Steps', steps.flatMap(stepLines)),
    ...(next === undefined ? [] : ['', `Next: ${next}`]),
  ];
  return `${lines.join('\n')}\n`;
}
