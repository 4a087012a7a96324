import { getIn, isJsonObject } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import type { FieldSource, RenderedFacts } from '../../boundaries/index.ts';

/** Shorter texts stand everywhere. */
const SHORTEST = 3;
const MOST = 2000;

interface Leaf {
  readonly path: readonly (string | number)[];
  readonly text: string;
}

/**
 * Which line of a HelmRelease's own values an image comes from: templates say nothing of it, but a tag or digest that
 * exactly one value spells is that value's. Nothing for a value that two of them could have set.
 */
export function valueLines(release: RenderedFacts): (value: JsonValue | undefined) => readonly FieldSource[] {
  const leaves = leavesOf(getIn(release.object, 'spec', 'values'), ['spec', 'values']).slice(0, MOST);
  return (value) => {
    if (typeof value !== 'string') return [];
    const tagged = leaves.filter(({ text }) => value.endsWith(`:${text}`) || value.endsWith(`@${text}`));
    const whole = leaves.filter(({ text }) => text === value && /[:@]/.test(text));
    const [leaf, other] = whole.length > 0 ? whole : tagged;
    return leaf === undefined || other !== undefined ? [] : release.why(leaf.path).slice(0, 1);
  };
}

function leavesOf(value: JsonValue | undefined, path: readonly (string | number)[]): readonly Leaf[] {
  if (typeof value === 'string' || typeof value === 'number') {
    const text = String(value);
    return text.length < SHORTEST ? [] : [{ path, text }];
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => leavesOf(item, [...path, index]));
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => leavesOf(item, [...path, key]));
}
