import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { isJsonObject, jsonEqual } from '../../kernel/index.ts';
import type { FieldError } from '../machinery/status-errors.ts';
import { itemsOf, preservesUnknown, propertyOf, type Structural } from './schema.ts';

const MAX_ERRORS = 64;

function typeName(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function hasType(value: JsonValue, type: string): boolean {
  switch (type) {
    case 'object':
      return isJsonObject(value);
    case 'array':
      return Array.isArray(value);
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value);
    case 'number':
      return typeof value === 'number';
    default:
      return true;
  }
}

function typeOf(schema: Structural): string {
  return typeof schema.type === 'string' ? schema.type : '';
}

function limit(schema: Structural, name: string): number | undefined {
  const value = schema[name];
  return typeof value === 'number' ? value : undefined;
}

const patterns = new Map<string, RegExp | undefined>();

/** A pattern of RE2's as JavaScript has it; undefined when it has no form here. */
function compiled(pattern: string): RegExp | undefined {
  if (patterns.has(pattern)) return patterns.get(pattern);
  let made: RegExp | undefined;
  try {
    made = new RegExp(pattern, 'u');
  } catch {
    try {
      made = new RegExp(pattern);
    } catch {
      made = undefined;
    }
  }
  if (patterns.size > 2_000) patterns.clear();
  patterns.set(pattern, made);
  return made;
}

const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  'date-time': (text) => /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d/.test(text) && !Number.isNaN(Date.parse(text)),
  date: (text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)),
  uuid: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
  ipv4: (text) => /^(\d{1,3}\.){3}\d{1,3}$/.test(text) && text.split('.').every((part) => Number(part) < 256),
};

/** What the schema finds wrong, worded as the API server words it. */
export function validateStructural(value: JsonValue, schema: Structural, path: string): FieldError[] {
  const errors: FieldError[] = [];
  check(value, schema, path, errors);
  return errors;
}

function check(value: JsonValue, schema: Structural, path: string, errors: FieldError[]): void {
  if (errors.length >= MAX_ERRORS) return;
  const where = path === '' ? '' : path;
  if (value === null && schema.nullable === true) return;
  if (schema['x-kubernetes-int-or-string'] === true) {
    if (typeof value !== 'string' && !(typeof value === 'number' && Number.isInteger(value))) {
      mismatch(value, 'integer,string', where, errors);
      return;
    }
  } else if (!hasType(value, typeOf(schema))) {
    mismatch(value, typeOf(schema), where, errors);
    return;
  }
  if (Array.isArray(schema.enum) && !schema.enum.some((allowed) => jsonEqual(allowed, value))) {
    errors.push({
      type: 'unsupported',
      field: where,
      value,
      detail: `supported values: ${schema.enum.map((allowed) => JSON.stringify(allowed)).join(', ')}`,
    });
  }
  if (typeof value === 'string') checkString(value, schema, where, errors);
  else if (typeof value === 'number') checkNumber(value, schema, where, errors);
  else if (Array.isArray(value)) checkList(value, schema, where, errors);
  else if (isJsonObject(value)) checkMap(value, schema, where, errors);
  checkCombined(value, schema, where, errors);
}

function mismatch(value: JsonValue, wanted: string, field: string, errors: FieldError[]): void {
  const found = typeName(value);
  errors.push({
    type: 'type',
    field,
    value: found,
    detail: `${field} in body must be of type ${wanted}: "${found}"`,
  });
}

function complain(value: JsonValue, field: string, detail: string, errors: FieldError[]): void {
  errors.push({ type: 'invalid', field, value, detail: `${field} in body ${detail}` });
}

function checkString(value: string, schema: Structural, field: string, errors: FieldError[]): void {
  const length = Array.from(value).length;
  const max = limit(schema, 'maxLength');
  const min = limit(schema, 'minLength');
  if (max !== undefined && length > max) {
    errors.push({ type: 'too-long', field, detail: `may not be more than ${max} bytes` });
  }
  if (min !== undefined && length < min)
    complain(value, field, `should be at least ${min} chars long`, errors);
  if (typeof schema.pattern === 'string') {
    const pattern = compiled(schema.pattern);
    if (pattern !== undefined && !pattern.test(value)) {
      complain(value, field, `should match '${schema.pattern}'`, errors);
    }
  }
  const format =
    typeof schema.format === 'string' && Object.hasOwn(FORMATS, schema.format)
      ? FORMATS[schema.format]
      : undefined;
  if (format !== undefined && !format(value)) {
    complain(
      value,
      field,
      `must be of type ${typeof schema.format === 'string' ? schema.format : ''}: ${JSON.stringify(value)}`,
      errors,
    );
  }
}

function checkNumber(value: number, schema: Structural, field: string, errors: FieldError[]): void {
  const max = limit(schema, 'maximum');
  const min = limit(schema, 'minimum');
  const multiple = limit(schema, 'multipleOf');
  if (min !== undefined) {
    if (schema.exclusiveMinimum === true ? value <= min : value < min) {
      complain(
        value,
        field,
        `should be greater than${schema.exclusiveMinimum === true ? '' : ' or equal to'} ${min}`,
        errors,
      );
    }
  }
  if (max !== undefined) {
    if (schema.exclusiveMaximum === true ? value >= max : value > max) {
      complain(
        value,
        field,
        `should be less than${schema.exclusiveMaximum === true ? '' : ' or equal to'} ${max}`,
        errors,
      );
    }
  }
  if (multiple !== undefined && multiple > 0 && value % multiple !== 0) {
    complain(value, field, `should be a multiple of ${multiple}`, errors);
  }
}

function checkList(value: JsonValue[], schema: Structural, field: string, errors: FieldError[]): void {
  const max = limit(schema, 'maxItems');
  const min = limit(schema, 'minItems');
  if (max !== undefined && value.length > max) {
    errors.push({ type: 'too-many', field, value: value.length, detail: `must have at most ${max} items` });
  }
  if (min !== undefined && value.length < min)
    complain(value.length, field, `should have at least ${min} items`, errors);
  const items = itemsOf(schema);
  if (items !== undefined)
    for (const [index, item] of value.entries()) check(item, items, `${field}[${index}]`, errors);
  const listType = schema['x-kubernetes-list-type'];
  if (listType !== 'set' && listType !== 'map') return;
  const keys = schema['x-kubernetes-list-map-keys'];
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    let identity: JsonValue = item;
    if (listType === 'map' && isJsonObject(item) && Array.isArray(keys)) {
      const picked: JsonObject = {};
      for (const key of keys) if (typeof key === 'string') picked[key] = item[key] ?? null;
      identity = picked;
    }
    const text = JSON.stringify(identity);
    if (seen.has(text))
      errors.push({ type: 'duplicate', field: `${field}[${index}]`, value: identity, detail: '' });
    seen.add(text);
  }
}

function checkMap(value: JsonObject, schema: Structural, field: string, errors: FieldError[]): void {
  const below = (name: string) => (field === '' ? name : `${field}.${name}`);
  if (Array.isArray(schema.required)) {
    for (const name of schema.required) {
      if (typeof name !== 'string' || Object.hasOwn(value, name)) continue;
      errors.push({ type: 'required', field: below(name), detail: '' });
    }
  }
  const max = limit(schema, 'maxProperties');
  const min = limit(schema, 'minProperties');
  const count = Object.keys(value).length;
  if (max !== undefined && count > max) {
    errors.push({ type: 'too-many', field, value: count, detail: `must have at most ${max} items` });
  }
  if (min !== undefined && count < min)
    complain(value, field, `should have at least ${min} properties`, errors);
  for (const [name, inner] of Object.entries(value)) {
    const property = propertyOf(schema, name);
    if (property !== undefined) check(inner, property, below(name), errors);
  }
}

function schemasOf(value: JsonValue | undefined): Structural[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function checkCombined(value: JsonValue, schema: Structural, field: string, errors: FieldError[]): void {
  const passes = (inner: Structural) => validateStructural(value, inner, field).length === 0;
  for (const inner of schemasOf(schema.allOf)) check(value, inner, field, errors);
  const any = schemasOf(schema.anyOf);
  if (any.length > 0 && !any.some(passes)) {
    complainCombined(value, field, `"${field}" must validate at least one schema (anyOf)`, errors);
  }
  const one = schemasOf(schema.oneOf);
  const count = one.filter(passes).length;
  if (one.length > 0 && count !== 1) {
    const found = count === 0 ? 'none valid' : `${count} valid alternatives`;
    complainCombined(
      value,
      field,
      `"${field}" must validate one and only one schema (oneOf). Found ${found}`,
      errors,
    );
  }
  if (isJsonObject(schema.not) && !preservesUnknown(schema) && passes(schema.not)) {
    complainCombined(value, field, `"${field}" must not validate the schema (not)`, errors);
  }
}

function complainCombined(value: JsonValue, field: string, detail: string, errors: FieldError[]): void {
  errors.push({ type: 'invalid', field, value, detail });
}
