import type { JsonObject } from '../../kernel/index.ts';
import { isLabelKey, isLabelValue, LABEL_KEY_MESSAGE, LABEL_VALUE_MESSAGE } from '../machinery/selectors.ts';
import type { FieldError } from '../machinery/status-errors.ts';
import { bad, forbiddenField, required } from './field-errors.ts';
import { mapsAt, maybeMap, stringAt } from './json-access.ts';

function valueProblem(value: string): string | undefined {
  if (value.length > 63) return 'must be no more than 63 characters';
  return isLabelValue(value) ? undefined : LABEL_VALUE_MESSAGE;
}

export function validateLabels(labels: JsonObject | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    if (!isLabelKey(key)) errors.push(bad(field, key, LABEL_KEY_MESSAGE));
    const problem = typeof value === 'string' ? valueProblem(value) : undefined;
    if (problem !== undefined) errors.push(bad(field, value, problem));
  }
  return errors;
}

export function validateLabelKey(key: string, field: string): FieldError[] {
  return isLabelKey(key) ? [] : [bad(field, key, LABEL_KEY_MESSAGE)];
}

export function validateLabelSelector(selector: JsonObject | undefined, field: string): FieldError[] {
  const errors = validateLabels(maybeMap(selector, 'matchLabels'), `${field}.matchLabels`);
  mapsAt(selector, 'matchExpressions').forEach((expression, index) => {
    const at = `${field}.matchExpressions[${index}]`;
    const values = Array.isArray(expression.values) ? expression.values.length : 0;
    const { operator } = expression;
    if (operator === 'In' || operator === 'NotIn') {
      if (values === 0) {
        errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      }
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values > 0) {
        const detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
        errors.push(forbiddenField(`${at}.values`, detail));
      }
    } else {
      errors.push(bad(`${at}.operator`, operator, 'not a valid selector operator'));
    }
    errors.push(...validateLabelKey(stringAt(expression, 'key'), `${at}.key`));
  });
  return errors;
}

function selectorMatches(selector: JsonObject, labels: JsonObject): boolean {
  for (const [key, value] of Object.entries(maybeMap(selector, 'matchLabels') ?? {})) {
    if (labels[key] !== value) return false;
  }
  for (const { key, operator, values } of mapsAt(selector, 'matchExpressions')) {
    const value = typeof key === 'string' ? labels[key] : undefined;
    const listed = Array.isArray(values) && value !== undefined && values.includes(value);
    if (operator === 'In' && !listed) return false;
    if (operator === 'NotIn' && listed) return false;
    if (operator === 'Exists' && value === undefined) return false;
    if (operator === 'DoesNotExist' && value !== undefined) return false;
  }
  return true;
}

export function isEmptySelector(selector: JsonObject | undefined): boolean {
  return (
    Object.keys(maybeMap(selector, 'matchLabels') ?? {}).length === 0 &&
    mapsAt(selector, 'matchExpressions').length === 0
  );
}

/** The selector of a workload must be there, be well-formed, and select its own template. */
export function validateTemplateSelector(spec: JsonObject, kind: string): FieldError[] {
  const selector = maybeMap(spec, 'selector');
  if (selector === undefined) return [required('spec.selector')];
  const errors = validateLabelSelector(selector, 'spec.selector');
  if (isEmptySelector(selector)) {
    return [...errors, bad('spec.selector', selector, `empty selector is invalid for ${kind}`)];
  }
  const labels = maybeMap(maybeMap(maybeMap(spec, 'template'), 'metadata'), 'labels') ?? {};
  if (errors.length === 0 && !selectorMatches(selector, labels)) {
    const detail = '`selector` does not match template `labels`';
    errors.push(bad('spec.template.metadata.labels', labels, detail));
  }
  return errors;
}
