import type { FieldError } from '../machinery/status-errors.ts';

/** The findings of validation, named as Kubernetes' own helpers are. Source: util/validation/field/errors.go. */
export const required = (field: string, detail = ''): FieldError => ({ type: 'required', field, detail });

export const bad = (field: string, value: unknown, detail: string): FieldError => ({
  type: 'invalid',
  field,
  value,
  detail,
});

export const duplicate = (field: string, value: unknown): FieldError => ({
  type: 'duplicate',
  field,
  value,
  detail: '',
});

export const notFoundIn = (field: string, value: unknown): FieldError => ({
  type: 'not-found',
  field,
  value,
  detail: '',
});

export const forbiddenField = (field: string, detail: string): FieldError => ({
  type: 'forbidden',
  field,
  detail,
});

export const unsupported = (field: string, value: unknown, values: readonly string[]): FieldError => ({
  type: 'unsupported',
  field,
  value: value ?? '',
  detail: `supported values: ${values.map((known) => JSON.stringify(known)).join(', ')}`,
});

/** Unsupported unless it is one of `values`. */
export function oneOf(field: string, value: unknown, values: readonly string[]): FieldError[] {
  return typeof value === 'string' && values.includes(value) ? [] : [unsupported(field, value, values)];
}

/** Required when it is empty, unsupported unless it is one of `values`. */
export function requiredOneOf(field: string, value: unknown, values: readonly string[]): FieldError[] {
  return value === undefined || value === '' ? [required(field)] : oneOf(field, value, values);
}

export function nonNegative(field: string, value: unknown): FieldError[] {
  return typeof value === 'number' && value < 0
    ? [bad(field, value, 'must be greater than or equal to 0')]
    : [];
}

export function portNumber(field: string, value: unknown): FieldError[] {
  return typeof value === 'number' && (value < 1 || value > 65_535)
    ? [bad(field, value, 'must be between 1 and 65535, inclusive')]
    : [];
}

/** What a name check says, as a finding. */
export function named(field: string, value: string, problem: string | undefined): FieldError[] {
  return problem === undefined ? [] : [bad(field, value, problem)];
}

/** A count or a percentage. */
export function countOrPercent(field: string, value: unknown): FieldError[] {
  if (typeof value === 'string' && !/^\d+%$/.test(value)) {
    const detail =
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
    return [bad(field, value, detail)];
  }
  if (typeof value === 'string' && Number.parseInt(value, 10) > 100) {
    return [bad(field, value, 'must not be greater than 100%')];
  }
  return nonNegative(field, value);
}
