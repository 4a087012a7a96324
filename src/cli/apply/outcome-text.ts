import type { DeliveryOutcome, Forgotten, ObjectResult, Recovered, UndoneStep } from '../../apply/index.ts';
import { shortDigest } from '../../boundaries/index.ts';
import { duration } from '../output/style.ts';
import type { Style } from '../output/style.ts';
import { line, objectText, under } from './plan-text.ts';
import type { Planned } from './session.ts';
import type { Told } from './tell.ts';

/** What was found half done and ended first. */
export function recoveredLines(recovered: readonly Recovered[], style: Style): readonly string[] {
  return recovered.flatMap(({ outcome, message, revision, startedAt, restored, giveUp }) => {
    const mark = {
      finished: style.green('✓'),
      restored: style.green('✓'),
      stuck: style.red('✗'),
      held: style.yellow('…'),
      refused: style.red('✗'),
    };
    const told = `${mark[outcome]} ${shortDigest(revision)} of ${startedAt}: ${message}`;
    const [first = '', ...rest] = under(told, style).map((text) => text.trimStart());
    return [
      line('recovered', first),
      ...rest.flatMap((text) => under(text, style)),
      // In one piece, to be pasted.
      ...(giveUp === undefined ? [] : [line('', style.bold(giveUp))]),
      ...undoneLines(restored?.steps ?? [], style),
    ];
  });
}

/** What was given up half done, and how far each of its objects had come. */
export function forgottenLines(forgotten: Forgotten, style: Style): readonly string[] {
  const { subject, revision, startedAt, message, by, objects } = forgotten;
  const told = `${style.yellow('!')} ${shortDigest(revision)} of ${startedAt}: ${message}`;
  const [first = '', ...rest] = under(told, style).map((text) => text.trimStart());
  return [
    `  ${subject.application}`,
    line('given up', first),
    ...rest.flatMap((text) => under(text, style)),
    ...objects.flatMap((object) => under(`${objectText(object)}  ${FAR[object.state]}`, style)),
    line('recorded', `as decided by ${by}`),
  ];
}

const FAR: Readonly<Record<Forgotten['objects'][number]['state'], string>> = {
  planned: 'not reached',
  begun: 'may have been written',
  done: 'written',
  failed: 'failed',
  undone: 'taken back',
  left: 'left as it is',
};

/** What was not simply taken back, each with the reason. */
function undoneLines(steps: readonly UndoneStep[], style: Style): readonly string[] {
  return steps.flatMap((step) => {
    const name = objectText(step);
    const fields = step.leftFields.flatMap(({ field, by }) =>
      under(`${name}  ${field} stays as ${by} wrote it meanwhile`, style),
    );
    if (step.state === 'left' || step.state === 'pending')
      return [...under(`${name}  ${step.message}`, style), ...fields];
    return fields;
  });
}

function failureLines(
  results: readonly ObjectResult[],
  state: ObjectResult['state'],
  style: Style,
): readonly string[] {
  return results
    .filter((result) => result.state === state)
    .flatMap((result) => [
      ...under(`${style.bold(objectText(result))}  ${result.message}`, style),
      ...(result.where === undefined ? [] : under(style.dim(result.where), style)),
    ]);
}

function applyLines(outcome: DeliveryOutcome, style: Style): readonly string[] {
  const written = outcome.results.filter(({ action }) => action !== 'unchanged' && action !== 'skip');
  const failed = written.filter(({ state }) => state === 'failed');
  const unreached = written.filter(({ state }) => state === 'not-reached').length;
  const done = written.length - failed.length - unreached;
  const bad = failed.length > 0 || unreached > 0;
  const lines = [
    line('apply', `${bad ? style.red('✗') : style.green('✓')} ${done} of ${written.length} written`),
  ];
  if (failed.length > 0) lines.push(...failureLines(outcome.results, 'failed', style));
  else if (unreached > 0) lines.push(...under(outcome.message, style));
  if (bad) return lines;
  const sick = outcome.results.filter(({ state }) => state === 'unhealthy');
  const shape =
    sick.length === 0 ? style.green('✓') : outcome.state === 'applied' ? style.yellow('?') : style.red('✗');
  const healthy = outcome.results.filter(
    ({ action, state }) => state === 'done' && action !== 'prune' && action !== 'skip',
  );
  lines.push(line('health', `${shape} ${healthy.length} of ${healthy.length + sick.length} healthy`));
  lines.push(...failureLines(outcome.results, 'unhealthy', style));
  return lines;
}

function restoredLines(outcome: DeliveryOutcome, style: Style): readonly string[] {
  const { restored } = outcome;
  if (restored === undefined) return [];
  const undone = restored.steps.filter(({ state }) => state === 'undone');
  const shape = restored.complete ? style.green('✓') : style.red('✗');
  const pending = restored.steps.filter(({ state }) => state === 'pending').length;
  const rest = pending === 0 ? '' : `, ${pending} not yet: landfall recover goes on with it`;
  return [
    line('restored', `${shape} ${undone.length} taken back${rest}`),
    ...undoneLines(restored.steps, style),
  ];
}

/** `staging was told: #deploys-staging`, or that it has nobody to tell. */
function toldText(told: Told | undefined, style: Style): string {
  if (told === undefined) return '';
  const { environment, channels, failed } = told;
  if (channels.length === 0 && failed.length === 0) {
    return `\n  ${style.yellow('!')} ${environment} has no channel in landfall.yaml: nobody was told`;
  }
  const good = channels.length === 0 ? '' : `. ${environment} was told: ${channels.join(', ')}`;
  const bad =
    failed.length === 0 ? '' : `\n  ${style.red('✗')} ${environment} could not be told: ${failed.join(', ')}`;
  return `${good}${bad}`;
}

/** The same on a line of its own, for a run that ended before it had anything to say. */
export function toldLine(told: Told, style: Style): string {
  return `${toldText(told, style).replace(/^\. /, '  ').replace(/^\n/, '')}\n`;
}

/** How a run ended, from the apply on; the last line says whether anything stands. */
export function outcomeLines(
  planned: Planned,
  outcome: DeliveryOutcome | undefined,
  told: Told | undefined,
  tookMs: number,
  dryRun: boolean,
  style: Style,
): readonly string[] {
  const { target, environment, plan } = planned;
  const notice = toldText(told, style);
  if (outcome === undefined) {
    if (plan.problems.length === 0) return [`  ${style.green('✓')} it would be applied; nothing was changed`];
    const what = dryRun ? 'it would be refused; nothing was changed' : 'nothing was changed';
    return [`  ${style.red(`✗ ${what}`)}${notice}`];
  }
  const to = environment === undefined ? '' : ` → ${environment}`;
  const which = `${target.display}${to}   ${shortDigest(target.revision)}   ${duration(tookMs)}`;
  const steps = [...applyLines(outcome, style), ...restoredLines(outcome, style)];
  switch (outcome.state) {
    case 'applied': {
      const sure = outcome.unproven
        ? style.yellow('? applied, not proven healthy')
        : style.green('✓ applied');
      return [...steps, `  ${sure}   ${which}${notice}`];
    }
    case 'restored': {
      const held = outcome.held
        ? `; ${shortDigest(target.revision)} is held until a new commit or --again`
        : '';
      return [...steps, `  ${style.red('✗ what was there before is there again')}${held}${notice}`];
    }
    case 'kept':
      return [...steps, `  ${style.red('✗ failed, and left as it is')}   ${which}${notice}`];
    case 'stuck':
      return [...steps, `  ${style.red('✗ not all of it could be taken back')}: landfall recover${notice}`];
    case 'refused':
      return [...steps, `  ${style.red('✗ nothing was changed')}${notice}`];
    default:
      return outcome.state satisfies never;
  }
}
