import type { JsonObject } from '../../kernel/index.ts';
import { mapsAt, maybeMap } from '../kinds/json-access.ts';
import type { Labels } from './selectors.ts';

/** Whether a LabelSelector object selects these labels. An empty one selects everything, an absent one nothing. */
export function selectorMatchesLabels(selector: JsonObject | undefined, labels: Labels): boolean {
  if (selector === undefined) return false;
  const valueOf = (key: string) => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  for (const [key, value] of Object.entries(maybeMap(selector, 'matchLabels') ?? {})) {
    if (valueOf(key) !== value) return false;
  }
  for (const { key, operator, values } of mapsAt(selector, 'matchExpressions')) {
    const value = typeof key === 'string' ? valueOf(key) : undefined;
    const listed = Array.isArray(values) && value !== undefined && values.includes(value);
    if (operator === 'In' && !listed) return false;
    if (operator === 'NotIn' && listed) return false;
    if (operator === 'Exists' && value === undefined) return false;
    if (operator === 'DoesNotExist' && value !== undefined) return false;
  }
  return true;
}
