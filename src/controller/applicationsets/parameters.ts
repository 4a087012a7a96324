import { getArray, getIn, isJsonObject, textOf } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { isList, isMap, renderTemplate, show, templateError } from './template/index.ts';
import { copyOf, fastTemplate } from './template/index.ts';
import type { MissingKey, Value, ValueMap } from './template/index.ts';

/** How the templates of one ApplicationSet are read. */
export interface Templating {
  readonly go: boolean;
  readonly missing: MissingKey;
}

/** Throws for options that Go's templates do not have. */
export function templatingOf(spec: JsonObject): Templating {
  let missing: MissingKey = 'default';
  for (const option of getArray(spec, 'goTemplateOptions')) {
    if (option === 'missingkey=error') missing = 'error';
    else if (option === 'missingkey=zero') missing = 'zero';
    else if (option === 'missingkey=default' || option === 'missingkey=invalid') missing = 'default';
    else throw templateError(`unrecognized option: ${textOf(option)}`);
  }
  return { go: getIn(spec, 'goTemplate') === true, missing };
}

export function substitute(text: string, params: ValueMap, templating: Templating): string {
  return templating.go ? renderTemplate(text, params, templating.missing) : fastTemplate(text, params);
}

/** Every text of a value, keys of its maps too. */
export function substituteDeeply(value: JsonValue, params: ValueMap, templating: Templating): JsonValue {
  if (typeof value === 'string') return substitute(value, params, templating);
  if (Array.isArray(value)) return value.map((item) => substituteDeeply(item, params, templating));
  if (!isJsonObject(value)) return value;
  const made: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    made[substitute(key, params, templating)] = substituteDeeply(item, params, templating);
  }
  return made;
}

/** A generator as it is for one set of another generator's parameters; `values` keep what only their own know. */
export function interpolate(generator: JsonObject, params: ValueMap, templating: Templating): JsonObject {
  if (Object.keys(params).length === 0) return generator;
  const strict: Templating = { ...templating, missing: 'error' };
  const walk = (value: JsonValue, field: string): JsonValue => {
    if (field === 'values' && isJsonObject(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, typeof item === 'string' ? tolerant(item) : item]),
      );
    }
    if (Array.isArray(value)) return value.map((item) => walk(item, ''));
    if (isJsonObject(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [substitute(key, params, templating), walk(item, key)]),
      );
    }
    return typeof value === 'string' ? substitute(value, params, templating) : value;
  };
  const tolerant = (text: string): string => {
    try {
      return substitute(text, params, strict);
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : '';
      if (/map has no entry for key|can't evaluate field/.test(message)) return text;
      throw thrown;
    }
  };
  const walked: JsonObject = {};
  for (const [kind, body] of Object.entries(generator)) {
    // Only these generators have values; a list's elements may hold anything.
    walked[kind] = kind === 'list' ? substituteDeeply(body, params, templating) : walk(body, '');
  }
  return walked;
}

/** The generator's own `values`, each a template over the parameters so far. */
export function withValues(
  values: JsonObject | undefined,
  params: ValueMap,
  templating: Templating,
): ValueMap {
  const entries = Object.entries(values ?? {}).map(
    ([key, value]) => [key, substitute(textOf(value), params, templating)] as const,
  );
  if (entries.length === 0) return params;
  if (templating.go) return { ...params, values: Object.fromEntries(entries) };
  return { ...params, ...Object.fromEntries(entries.map(([key, value]) => [`values.${key}`, value])) };
}

/** Nested parameters as dotted names with texts: what selectors match, and plain templates see. */
export function flattened(value: Value, prefix = ''): Record<string, string> {
  const flat: Record<string, string> = {};
  const put = (key: string, item: Value) => {
    const name = prefix === '' ? key : `${prefix}.${key}`;
    if (isMap(item) || isList(item)) Object.assign(flat, flattened(item, name));
    else flat[name] = show(item);
  };
  if (isList(value)) for (const [at, item] of value.entries()) put(String(at), item);
  else if (isMap(value)) for (const [key, item] of Object.entries(value)) put(key, item);
  return flat;
}

/** mergo with override: maps into each other, everything else replaced unless the new value is empty. */
export function mergedOver(target: ValueMap, source: ValueMap): ValueMap {
  const merged: Record<string, Value> = { ...target };
  for (const [key, value] of Object.entries(source)) {
    const had = merged[key];
    if (isMap(had) && isMap(value)) merged[key] = mergedOver(had, value);
    else if (had === undefined || !isEmpty(value)) merged[key] = copyOf(value);
  }
  return merged;
}

function isEmpty(value: Value): boolean {
  if (value === undefined || value === null || value === '' || value === false || value === 0) return true;
  return isList(value) ? value.length === 0 : isMap(value) && Object.keys(value).length === 0;
}

/** Both sets of plain parameters; one name with two values is an error. */
export function combined(a: ValueMap, b: ValueMap): ValueMap {
  const result: Record<string, Value> = {};
  for (const [key, value] of Object.entries(a)) result[key] = show(value);
  for (const [key, value] of Object.entries(b)) {
    const had = result[key];
    if (had !== undefined && had !== show(value)) {
      throw templateError(
        `found duplicate key ${key} with different value, a: ${show(had)} ,b: ${show(value)}`,
      );
    }
    result[key] = show(value);
  }
  return result;
}
