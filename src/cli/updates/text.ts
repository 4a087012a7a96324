import { originOf } from '../../pipeline/index.ts';
import type { ImageDecision, RefusedRule, UpdateReport } from '../../pipeline/index.ts';
import { shortDigest, shortReference } from '../../boundaries/index.ts';
import { holdLines } from '../output/holds.ts';
import { mark, shownTimes, wrap } from '../output/style.ts';
import type { Style } from '../output/style.ts';
import type { UpdatesAnswer } from './look.ts';

type State = Parameters<typeof mark>[1];

const OUTCOMES: Readonly<Record<UpdateReport['outcome'], State>> = {
  current: 'proven',
  committed: 'proven',
  proposed: 'proven',
  'would-commit': 'moving',
  held: 'moving',
  limited: 'moving',
  suspended: 'not-applicable',
  failed: 'broken',
};

const STATES: Readonly<Record<ImageDecision['state'], State>> = {
  current: 'proven',
  update: 'moving',
  nothing: 'broken',
  unused: 'not-applicable',
  refused: 'broken',
  unknown: 'unknown',
};

const WORDS: Readonly<Record<UpdateReport['outcome'], string>> = {
  current: 'up to date',
  committed: 'committed',
  proposed: 'proposed',
  'would-commit': 'behind',
  held: 'held',
  limited: 'limited',
  suspended: 'suspended',
  failed: 'failed',
};

/** Whether something of it should not be called up to date. */
function stands(report: UpdateReport): { readonly state: State; readonly word: string } {
  const refused = report.images.some(({ state }) => state === 'refused' || state === 'nothing');
  if (report.outcome === 'current' && refused) return { state: 'broken', word: 'refused' };
  return { state: OUTCOMES[report.outcome], word: WORDS[report.outcome] };
}

function imageLines(image: ImageDecision, full: boolean, style: Style): readonly string[] {
  const { rule, current, chosen, state, why, passedOver, seen, hint } = image;
  const now =
    [...new Set(current.map(({ reference }) => shortReference(reference)))].join(', ') || 'not named';
  const wants =
    chosen === undefined || state === 'current'
      ? ''
      : ` → ${chosen.tag}${chosen.digest === undefined ? '' : ` (${shortDigest(chosen.digest)})`}`;
  const reason = state === 'update' && chosen !== undefined ? chosen.why : why;
  const head = `  ${mark(style, STATES[state])} ${rule.name}   ${now}${wants}`;
  const places = [...new Set(current.map(({ where }) => where))];
  const lines = [head, ...wrap(reason, style.width - 6).map((line) => style.dim(`      ${line}`))];
  if (hint !== undefined) lines.push(style.dim(`      ${hint}`));
  if (!full) return lines;
  if (places.length > 0) lines.push(style.dim(`      asked for in ${places.join(', ')}`));
  if (seen > 0) lines.push(style.dim(`      ${seen} tags in ${rule.repository}`));
  for (const { tag, why: because } of passedOver) lines.push(style.dim(`        ${tag}   ${because}`));
  return lines;
}

function reportLines(report: UpdateReport, full: boolean, now: number, style: Style): readonly string[] {
  const { updater, outcome, why, hint, holds, images, edits, warnings, last, commit } = report;
  const { state, word } = stands(report);
  const { namespace, name } = updater.application;
  // Holds are told in their own words.
  const quiet = outcome === 'current' || outcome === 'held' ? '' : `   ${shownTimes(why, now)}`;
  return [
    `${mark(style, state)} ${style.bold(word)}   ${namespace}/${name}   ${style.dim(originOf(updater))}${quiet}`,
    ...(hint === undefined || outcome === 'held' ? [] : [style.dim(`    ${hint}`)]),
    ...holdLines(holds, now, style).map((line) => `    ${line}`),
    ...images.flatMap((image) => imageLines(image, full, style)),
    ...edits.map(({ file, line, from, to }) => `    ${file}:${line}   ${from || 'nothing'} → ${to}`),
    ...warnings.map((text) => `  ${mark(style, 'unknown')} ${text}`),
    ...(commit === undefined ? [] : [`    committed as ${commit.slice(0, 12)}`]),
    ...(last === undefined || commit !== undefined
      ? []
      : [style.dim(`    last: ${last.commit.slice(0, 12)} ${shownTimes(last.time, now)} ${last.subject}`)]),
  ];
}

function refusedLines({ application, name, problem }: RefusedRule, style: Style): readonly string[] {
  return [
    `${mark(style, 'broken')} ${style.bold('not acted on')}   ${application.namespace}/${application.name}   ${name}`,
    ...wrap(problem.message, style.width - 4).map((line) => `    ${line}`),
    ...(problem.hint === undefined ? [] : [style.dim(`    ${problem.hint}`)]),
  ];
}

/** One paragraph for each application. */
export function renderUpdates(answer: UpdatesAnswer, full: boolean, now: number, style: Style): string {
  const { reports, refused } = answer;
  if (reports.length + refused.length === 0) {
    return `${mark(style, 'not-applicable')} no image is kept up to date here\n  Say which in updates of landfall.yaml: landfall help updates\n`;
  }
  const paragraphs = [
    ...reports.map((report) => reportLines(report, full, now, style)),
    ...refused.map((rule) => refusedLines(rule, style)),
  ];
  return `${paragraphs.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}
