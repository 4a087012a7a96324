import { LandfallError, getArray, getObject, getString } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';

/** A label selector over any names and values; none at all selects everything. Throws for an operator that is none. */
export function selects(selector: JsonObject | undefined, labels: Readonly<Record<string, string>>): boolean {
  if (selector === undefined) return true;
  const equal = Object.entries(getObject(selector, 'matchLabels') ?? {}).every(
    ([key, value]) => labels[key] === value,
  );
  return equal && getArray(selector, 'matchExpressions').every((rule) => fits(rule, labels));
}

function fits(rule: JsonValue, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[getString(rule, 'key') ?? ''];
  const values = getArray(rule, 'values');
  const operator = getString(rule, 'operator') ?? '';
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      throw new LandfallError(`"${operator}" is not a valid label selector operator`, {
        kind: 'invalid-input',
        code: 'label-selector',
        hint: 'Use In, NotIn, Exists or DoesNotExist.',
      });
  }
}
