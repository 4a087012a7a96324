import {
  getArray,
  getIn,
  getNumber,
  getObject,
  getString,
  isJsonObject,
  jsonEqual,
} from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';
import { splitApiVersion } from '../kube/index.ts';
import type { KubeObject } from '../kube/index.ts';

const SHOWN = 10;

/**
 * What an object does wrong by the schema of its definition, each with its field; for objects whose definition comes
 * with them, so that the API server cannot be asked yet. Rules in CEL and formats are left to the server.
 * Source: the structural schemas of apiextensions.k8s.io/v1.
 */
export function schemaProblems(
  object: KubeObject,
  definition: KubeObject,
): readonly { readonly path: readonly (string | number)[]; readonly message: string }[] {
  const { version } = splitApiVersion(object.apiVersion);
  const served = getArray(definition, 'spec', 'versions').find((item) => getString(item, 'name') === version);
  if (served === undefined || getIn(served, 'served') !== true) {
    return [{ path: ['apiVersion'], message: `its definition does not serve the version ${version}` }];
  }
  const schema = getObject(served, 'schema', 'openAPIV3Schema');
  if (schema === undefined) return [];
  const problems: Problem[] = [];
  const { metadata: _metadata, apiVersion: _apiVersion, kind: _kind, ...rest } = object;
  checkMap(rest, schema, [], problems, true);
  return problems.slice(0, SHOWN);
}

interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

function check(
  value: JsonValue,
  schema: JsonObject,
  path: readonly (string | number)[],
  problems: Problem[],
): void {
  const say = (message: string) => problems.push({ path, message });
  if (value === null) {
    if (schema['nullable'] !== true) say('it must not be null');
    return;
  }
  const type = getString(schema, 'type');
  if (schema['x-kubernetes-int-or-string'] === true) {
    if (typeof value !== 'string' && !Number.isInteger(value)) say('a number or a text is wanted');
    return;
  }
  if (type !== undefined && !isType(value, type)) {
    say(`${type === 'integer' ? 'a whole number' : `a value of type ${type}`} is wanted`);
    return;
  }
  const allowed = getArray(schema, 'enum');
  if (allowed.length > 0 && !allowed.some((item) => jsonEqual(item, value))) {
    say(`it must be one of ${allowed.map((item) => JSON.stringify(item)).join(', ')}`);
  }
  if (typeof value === 'string') checkText(value, schema, say);
  if (typeof value === 'number') checkNumber(value, schema, say);
  if (Array.isArray(value)) {
    const [least, most] = [getNumber(schema, 'minItems'), getNumber(schema, 'maxItems')];
    if (least !== undefined && value.length < least) say(`at least ${least} items are wanted`);
    if (most !== undefined && value.length > most) say(`at most ${most} items are allowed`);
    const items = getObject(schema, 'items');
    if (items !== undefined)
      for (const [index, item] of value.entries()) check(item, items, [...path, index], problems);
  }
  if (isJsonObject(value)) checkMap(value, schema, path, problems, false);
}

function isType(value: JsonValue, type: string): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(value);
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isJsonObject(value);
    default:
      return typeof value === type;
  }
}

function checkText(value: string, schema: JsonObject, say: (message: string) => void): void {
  const [least, most] = [getNumber(schema, 'minLength'), getNumber(schema, 'maxLength')];
  if (least !== undefined && value.length < least) say(`at least ${least} characters are wanted`);
  if (most !== undefined && value.length > most) say(`at most ${most} characters are allowed`);
  const pattern = getString(schema, 'pattern');
  if (pattern !== undefined && matches(pattern, value) === false) say(`it does not match ${pattern}`);
}

/** Undefined for a pattern of RE2 that is none of ours: the server will say. */
function matches(pattern: string, value: string): boolean | undefined {
  try {
    return new RegExp(pattern, 'u').test(value);
  } catch {
    return undefined;
  }
}

function checkNumber(value: number, schema: JsonObject, say: (message: string) => void): void {
  const [least, most] = [getNumber(schema, 'minimum'), getNumber(schema, 'maximum')];
  if (least !== undefined && (schema['exclusiveMinimum'] === true ? value <= least : value < least))
    say(`it must not be less than ${least}`);
  if (most !== undefined && (schema['exclusiveMaximum'] === true ? value >= most : value > most))
    say(`it must not be greater than ${most}`);
}

function checkMap(
  value: JsonObject,
  schema: JsonObject,
  path: readonly (string | number)[],
  problems: Problem[],
  root: boolean,
): void {
  const properties = getObject(schema, 'properties') ?? {};
  const rest = schema['additionalProperties'];
  for (const name of getArray(schema, 'required')) {
    if (typeof name === 'string' && !Object.hasOwn(value, name) && !(root && name === 'metadata'))
      problems.push({ path: [...path, name], message: 'it is required' });
  }
  for (const [name, inner] of Object.entries(value)) {
    const own = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (isJsonObject(own)) check(inner, own, [...path, name], problems);
    else if (isJsonObject(rest)) check(inner, rest, [...path, name], problems);
    else if (
      rest !== true &&
      schema['x-kubernetes-preserve-unknown-fields'] !== true &&
      schema['x-kubernetes-embedded-resource'] !== true
    )
      problems.push({ path: [...path, name], message: 'the definition has no such field' });
  }
}
