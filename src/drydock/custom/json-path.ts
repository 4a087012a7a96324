import type { JsonValue } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';

type Step =
  | { readonly field: string }
  | { readonly index: number }
  | { readonly all: true }
  | { readonly where: readonly string[]; readonly equals: string };

const STEP =
  /\.((?:\\.|[^.[\\])+)|\[(-?\d+)\]|\[\*\]|\[['"]([^'"]+)['"]\]|\[\?\(\s*@\.([\w.-]+)\s*==\s*['"]([^'"]*)['"]\s*\)\]/y;

/**
 * A path of a printer column: `.spec.size`, `.status.conditions[?(@.type=="Ready")].status`, `.items[0].name`.
 * Undefined for forms beyond these.
 */
export function parseJsonPath(text: string): readonly Step[] | undefined {
  const trimmed = text.trim().replace(/^\$/, '');
  const path = /^[.[]/.test(trimmed) ? trimmed : `.${trimmed}`;
  const steps: Step[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < path.length) {
    const match = STEP.exec(path);
    if (match === null) return undefined;
    const [whole, plain, index, quoted, where, equals] = match;
    if (plain !== undefined) steps.push({ field: plain.replaceAll(/\\(.)/g, '$1') });
    else if (index !== undefined) steps.push({ index: Number(index) });
    else if (quoted !== undefined) steps.push({ field: quoted });
    else if (where !== undefined) steps.push({ where: where.split('.'), equals: equals ?? '' });
    else if (whole === '[*]') steps.push({ all: true });
  }
  return steps;
}

function advance(value: JsonValue, step: Step): JsonValue[] {
  if ('field' in step) {
    if (!isJsonObject(value) || !Object.hasOwn(value, step.field)) return [];
    const found = value[step.field];
    return found === undefined ? [] : [found];
  }
  if ('index' in step) {
    const found = Array.isArray(value) ? value.at(step.index) : undefined;
    return found === undefined ? [] : [found];
  }
  const items = Array.isArray(value)
    ? value
    : isJsonObject(value) && 'all' in step
      ? Object.values(value)
      : [];
  if ('all' in step) return items;
  return items.filter((item) => {
    let at: JsonValue | undefined = item;
    for (const field of step.where) at = isJsonObject(at) && Object.hasOwn(at, field) ? at[field] : undefined;
    return at !== undefined && (typeof at === 'string' ? at : JSON.stringify(at)) === step.equals;
  });
}

/** Everything that the path leads to. */
export function followJsonPath(value: JsonValue, steps: readonly Step[]): readonly JsonValue[] {
  let found: JsonValue[] = [value];
  for (const step of steps) found = found.flatMap((item) => advance(item, step));
  return found;
}
