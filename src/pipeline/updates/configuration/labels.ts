import { getArray, getObject, getString } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';

/** Whether labels fit a LabelSelector of Kubernetes; undefined selects everything, what is no rule nothing. */
export function fitsSelector(
  selector: JsonObject | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (selector === undefined) return true;
  const equal = Object.entries(getObject(selector, 'matchLabels') ?? {}).every(
    ([key, value]) => labels[key] === value,
  );
  return (
    equal &&
    getArray(selector, 'matchExpressions').every((rule) => {
      const value = labels[getString(rule, 'key') ?? ''];
      const listed = value !== undefined && getArray(rule, 'values').includes(value);
      switch (getString(rule, 'operator') ?? '') {
        case 'In':
          return listed;
        case 'NotIn':
          return !listed;
        case 'Exists':
          return value !== undefined;
        case 'DoesNotExist':
          return value === undefined;
        default:
          return false;
      }
    })
  );
}
