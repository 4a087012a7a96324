import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import { ApiStatusError } from '../api/contract.ts';

/** The resource that an error speaks of: `deployments.apps`. */
export interface ErrorSubject {
  readonly group: string;
  readonly resource: string;
}

function qualified(subject: ErrorSubject): string {
  return subject.group === '' ? subject.resource : `${subject.resource}.${subject.group}`;
}

function details(subject: ErrorSubject, name: string, extra: JsonObject = {}): JsonObject {
  return {
    ...(name === '' ? {} : { name }),
    ...(subject.group === '' ? {} : { group: subject.group }),
    kind: subject.resource,
    ...extra,
  };
}

export function notFound(subject: ErrorSubject, name: string): ApiStatusError {
  return new ApiStatusError(
    404,
    'NotFound',
    `${qualified(subject)} "${name}" not found`,
    details(subject, name),
  );
}

export function alreadyExists(subject: ErrorSubject, name: string): ApiStatusError {
  return new ApiStatusError(
    409,
    'AlreadyExists',
    `${qualified(subject)} "${name}" already exists`,
    details(subject, name),
  );
}

export function conflict(subject: ErrorSubject, name: string, why: string): ApiStatusError {
  return new ApiStatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(subject)} "${name}": ${why}`,
    details(subject, name),
  );
}

export function staleWrite(subject: ErrorSubject, name: string): ApiStatusError {
  return conflict(
    subject,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  );
}

export function badRequest(message: string): ApiStatusError {
  return new ApiStatusError(400, 'BadRequest', message);
}

export function forbidden(
  subject: ErrorSubject,
  name: string,
  why: string,
  extra?: JsonObject,
): ApiStatusError {
  return new ApiStatusError(
    403,
    'Forbidden',
    `${qualified(subject)}${name === '' ? '' : ` "${name}"`} is forbidden: ${why}`,
    details(subject, name, extra),
  );
}

export function methodNotAllowed(subject: ErrorSubject, verb: string): ApiStatusError {
  return new ApiStatusError(
    405,
    'MethodNotAllowed',
    `${verb} is not supported on resources of kind "${qualified(subject)}"`,
    details(subject, ''),
  );
}

export function expired(message: string): ApiStatusError {
  return new ApiStatusError(410, 'Expired', message);
}

/** One thing that validation found, as `field.Error` prints it. */
export interface FieldError {
  readonly type:
    | 'required'
    | 'invalid'
    | 'unsupported'
    | 'duplicate'
    | 'not-found'
    | 'forbidden'
    | 'too-long'
    | 'too-many'
    | 'type';
  readonly field: string;
  readonly detail: string;
  /** What is printed as the bad value; absent for required and forbidden. */
  readonly value?: unknown;
}

const REASONS: Readonly<Record<FieldError['type'], readonly [string, string]>> = {
  required: ['FieldValueRequired', 'Required value'],
  invalid: ['FieldValueInvalid', 'Invalid value'],
  unsupported: ['FieldValueNotSupported', 'Unsupported value'],
  duplicate: ['FieldValueDuplicate', 'Duplicate value'],
  'not-found': ['FieldValueNotFound', 'Not found'],
  forbidden: ['FieldValueForbidden', 'Forbidden'],
  'too-long': ['FieldValueTooLong', 'Too long'],
  'too-many': ['FieldValueTooMany', 'Too many'],
  type: ['FieldValueTypeInvalid', 'Invalid value'],
};

/** A value as Go's `%#v` prints it, for types that cannot be told from the JSON. */
export class GoText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A count or a percentage, as Go prints one. */
export function goIntOrString(value: JsonValue | undefined): GoText {
  const isText = typeof value === 'string';
  const number = typeof value === 'number' ? value : 0;
  return new GoText(
    `intstr.IntOrString{Type:${isText ? 1 : 0}, IntVal:${number}, StrVal:${JSON.stringify(isText ? value : '')}}`,
  );
}

function isStrings(list: readonly unknown[]): list is readonly string[] {
  return list.every((item) => typeof item === 'string');
}

function goMap(map: object): string {
  const entries = Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `map[string]string{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(', ')}}`;
}

function goList(type: string, list: JsonValue | undefined): string {
  if (!Array.isArray(list)) return `[]${type}(nil)`;
  return `[]${type}{${list.map(goRequirement).join(', ')}}`;
}

function goStrings(list: unknown): string {
  if (!Array.isArray(list) || !isStrings(list)) return '[]string(nil)';
  return `[]string{${list.map((item) => JSON.stringify(item)).join(', ')}}`;
}

function goRequirement(requirement: JsonValue): string {
  if (!isJsonObject(requirement)) return 'v1.LabelSelectorRequirement{}';
  const { key, operator, values } = requirement;
  return `v1.LabelSelectorRequirement{Key:${JSON.stringify(key ?? '')}, Operator:${JSON.stringify(operator ?? '')}, Values:${goStrings(values)}}`;
}

/** A LabelSelector and no other map. */
function isSelector(value: object): boolean {
  return Object.keys(value).every((key) => key === 'matchLabels' || key === 'matchExpressions');
}

/**
 * A value as Go's `%#v` prints it, as far as its type can be told from the JSON: text, numbers, lists and maps of
 * text, label selectors. Others are JSON.
 */
function printed(value: unknown, field: string): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === undefined || value === null) return 'null';
  if (value instanceof GoText) return value.text;
  if (Array.isArray(value) && isStrings(value)) return goStrings(value);
  if (typeof value === 'object' && !Array.isArray(value)) {
    if (isSelector(value) && !field.endsWith('abels')) {
      const { matchLabels, matchExpressions } = value as JsonObject;
      const labels = isJsonObject(matchLabels) ? goMap(matchLabels) : 'map[string]string(nil)';
      return `v1.LabelSelector{MatchLabels:${labels}, MatchExpressions:${goList('v1.LabelSelectorRequirement', matchExpressions)}}`;
    }
    if (isStrings(Object.values(value))) return goMap(value);
  }
  return JSON.stringify(value);
}

function sentence(error: FieldError): string {
  const [, words] = REASONS[error.type];
  const shown =
    error.type === 'required' || error.type === 'forbidden' || error.type === 'too-long'
      ? words
      : `${words}: ${printed(error.value, error.field)}`;
  return error.detail === '' ? shown : `${shown}: ${error.detail}`;
}

/** 422 with a cause per finding, worded as Kubernetes words it. */
export function invalid(
  group: string,
  kind: string,
  name: string,
  errors: readonly FieldError[],
): ApiStatusError {
  const lines = [...new Set(errors.map((error) => `${error.field}: ${sentence(error)}`))];
  const subject = group === '' ? kind : `${kind}.${group}`;
  const text = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`;
  return new ApiStatusError(422, 'Invalid', `${subject} "${name}" is invalid: ${text ?? ''}`, {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    ...(kind === '' ? {} : { kind }),
    causes: errors.map((error) => ({
      reason: REASONS[error.type][0],
      message: sentence(error),
      field: error.field,
    })),
  });
}

/** The Status object that is written over HTTP for a failure. */
export function statusBody(error: ApiStatusError): JsonObject {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: error.message,
    ...(error.reason === '' ? {} : { reason: error.reason }),
    ...(error.details === undefined ? {} : { details: error.details }),
    code: error.code,
  };
}
