import { LandfallError } from '../../kernel/index.ts';

/**
 * One step of a path into YAML values. `key` is a key whatever it looks like, `index` an item of a list (-1: one more
 * at its end), `any` is an index where there is a list and a key where there is a map.
 */
export type ValueStep =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'any'; readonly key: string };

const MAX_STEPS = 50;

/**
 * Reads a path as people write it for values: `image.tag`, `images[0].tag`, `"a.b/c".tag`, `a\.b.tag`, `a["b.c"]`,
 * and `array.-1`, `array.[2]`, `map.:0` as Kargo does. Throws `invalid-input` with what is wrong with it.
 */
export function parseValuePath(text: string): readonly ValueStep[] {
  const steps: ValueStep[] = [];
  let at = 0;
  const refuse = (why: string) => badPath(text, why);
  if (text === '') throw refuse('it is empty');
  while (at < text.length) {
    const bracket = /^\[(?:(?<index>-?\d+)|"(?<double>(?:[^"\\]|\\.)*)"|'(?<single>[^']*)')\]/.exec(
      text.slice(at),
    );
    const quoted = /^(?:"(?<double>(?:[^"\\]|\\.)*)"|'(?<single>[^']*)')(?=[.[]|$)/.exec(text.slice(at));
    const found = bracket ?? quoted;
    if (found?.groups !== undefined) {
      const { index, double, single } = found.groups;
      if (index === undefined)
        steps.push({ kind: 'key', key: double?.replaceAll(/\\(.)/g, '$1') ?? single ?? '' });
      else steps.push({ kind: 'index', index: indexOf(index, refuse) });
      at += found[0].length;
    } else {
      const plain = /^(?:\\.|[^.[\\])+/.exec(text.slice(at))?.[0];
      if (plain === undefined) {
        throw refuse(
          text[at] === '.'
            ? 'there is an empty part in it'
            : `'${text.slice(at, at + 20)}' is no index and no quoted key`,
        );
      }
      steps.push(plainStep(plain, refuse));
      at += plain.length;
    }
    if (steps.length > MAX_STEPS) throw refuse(`it has more than ${MAX_STEPS} parts`);
    if (text[at] === '.') {
      at += 1;
      if (at === text.length) throw refuse('there is an empty part at its end');
    } else if (at < text.length && text[at] !== '[')
      throw refuse(`a dot was wanted before '${text.slice(at, at + 20)}'`);
  }
  return steps;
}

function plainStep(written: string, refuse: (why: string) => LandfallError): ValueStep {
  const text = written.replaceAll(/\\(.)/g, '$1');
  if (/^-\d+$/.test(text)) return { kind: 'index', index: indexOf(text, refuse) };
  if (/^:\d+$/.test(text)) return { kind: 'key', key: text.slice(1) };
  return { kind: 'any', key: text };
}

function indexOf(text: string, refuse: (why: string) => LandfallError): number {
  const index = Number(text);
  if (index < -1 || index > 100_000) throw refuse(`${text} cannot be an index`);
  return index;
}

function badPath(text: string, why: string): LandfallError {
  return new LandfallError(`'${text.slice(0, 200)}' is not a path to a value: ${why}.`, {
    kind: 'invalid-input',
    code: 'value-path',
    object: text.slice(0, 200),
    hint: 'Write it like image.tag, images[0].tag or "a.key/with.dots".tag.',
  });
}

/** The path as it is read: for messages. */
export function pathText(steps: readonly ValueStep[]): string {
  return steps
    .map((step, at) =>
      step.kind === 'index'
        ? `[${step.index}]`
        : `${at === 0 ? '' : '.'}${/^[\w-]+$/.test(step.key) ? step.key : JSON.stringify(step.key)}`,
    )
    .join('');
}
