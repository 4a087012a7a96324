import type { HealthAnswer, ObjectAnswer } from '../answers/health.ts';
import { mark, shownTimes, wrap } from './style.ts';
import type { Style } from './style.ts';

const WORDS = {
  proven: 'healthy',
  moving: 'on its way',
  broken: 'broken',
  unknown: 'not known',
  'not-applicable': 'nothing to wait for',
} as const;

const ENGINE_NAMES = { argocd: 'Argo CD', kstatus: 'kstatus' } as const;

/** What each engine calls healthy. */
const GOOD = new Set(['Healthy', 'Current']);

function summary({ subject, state, objects }: HealthAnswer): string {
  if (state === 'proven' || state === 'not-applicable')
    return `${state === 'proven' ? 'healthy' : 'nothing to wait for'}   ${subject}   ${objects.length} ${objects.length === 1 ? 'object' : 'objects'}`;
  const count = objects.filter((object) => object.state === state).length;
  return `${WORDS[state]}   ${subject}   ${count} of ${objects.length} ${objects.length === 1 ? 'object' : 'objects'}`;
}

function isGood(object: ObjectAnswer): boolean {
  return object.state === 'proven' || object.state === 'not-applicable';
}

/** The sentence without the name that stands before it. */
function told(object: ObjectAnswer): string {
  const text = object.text.startsWith(`${object.name} `)
    ? object.text.slice(object.name.length + 1)
    : object.text;
  return text.startsWith(`${object.name}: `) ? text.slice(object.name.length + 2) : text;
}

/** One line for each object, with the engine's answer beside it; a second line says what is wrong. */
export function renderHealth(
  answer: HealthAnswer,
  engine: 'argocd' | 'kstatus' | undefined,
  now: number,
  style: Style,
): string {
  const names = answer.objects.map(({ name }) => name);
  const width = Math.min(52, Math.max(...names.map((name) => name.length)));
  const lines = answer.objects.flatMap((object) => {
    const said = engine === undefined ? undefined : object.engines[engine];
    const differs = said !== undefined && said !== null && GOOD.has(said.status) !== isGood(object);
    const beside =
      engine === undefined
        ? ''
        : `${ENGINE_NAMES[engine]}: ${said?.status ?? 'no opinion'}${differs ? style.red('  ≠') : ''}`;
    const state = WORDS[object.state].padEnd(beside === '' ? 0 : 19);
    const line = `  ${mark(style, object.state)} ${object.name.padEnd(width)}  ${state}  ${beside}`.trimEnd();
    if (object.state === 'not-applicable' && object.reason === 'passive') return [line];
    return [
      line,
      ...wrap(shownTimes(told(object), now), style.width - 6).map((part) => style.dim(`      ${part}`)),
    ];
  });
  return `${mark(style, answer.state)} ${summary(answer)}\n\n${lines.join('\n')}\n`;
}
