import { isJsonObject, parseQuantity, textOf } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';

/** One field that Git asks for and the cluster does not hold. */
export interface FieldDifference {
  /** Keys, and for list items their index in the desired list. */
  readonly path: readonly (string | number)[];
  readonly desired: JsonValue;
  /** Undefined where the cluster has nothing. */
  readonly live: JsonValue | undefined;
}

/** Lists whose items are told apart by a key, tried in this order. Source: the merge keys of the core API. */
const ITEM_KEYS: readonly (readonly string[])[] = [
  ['name'],
  ['containerPort', 'protocol'],
  ['port', 'protocol'],
  ['mountPath'],
  ['devicePath'],
  ['key'],
  ['topologyKey', 'whenUnsatisfiable'],
  ['ip'],
  ['type'],
  ['uid'],
];

/** Fields below which scalars are quantities: `1000m` and `1` are the same. */
const QUANTITY_PARENTS = new Set([
  'limits',
  'requests',
  'hard',
  'capacity',
  'allocatable',
  'max',
  'min',
  'default',
  'defaultRequest',
  'overhead',
]);
const QUANTITY_FIELDS = new Set(['sizeLimit', 'averageValue', 'divisor']);

const PROTOCOL_DEFAULT = 'TCP';

function keyOf(item: JsonValue, keys: readonly string[]): string | undefined {
  if (!isJsonObject(item)) return undefined;
  const values = keys.map((key) => item[key] ?? (key === 'protocol' ? PROTOCOL_DEFAULT : undefined));
  const scalars = values.filter((value) => value !== undefined && typeof value !== 'object');
  return scalars.length < values.length ? undefined : scalars.map(textOf).join('/');
}

function itemKey(desired: readonly JsonValue[], live: readonly JsonValue[]): readonly string[] | undefined {
  return ITEM_KEYS.find((keys) => {
    const wanted = desired.map((item) => keyOf(item, keys));
    return (
      wanted.every((key) => key !== undefined) &&
      new Set(wanted).size === wanted.length &&
      live.every((item) => keyOf(item, keys) !== undefined)
    );
  });
}

function empty(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return isJsonObject(value) && Object.values(value).every(empty);
}

function sameScalar(desired: JsonValue, live: JsonValue, path: readonly (string | number)[]): boolean {
  if (desired === live) return true;
  const field = path.at(-1);
  const parent = path.at(-2);
  if (field === 'caBundle') return inOneLine(desired) === inOneLine(live);
  const isQuantity =
    (typeof parent === 'string' && QUANTITY_PARENTS.has(parent)) ||
    (typeof field === 'string' && QUANTITY_FIELDS.has(field));
  if (!isQuantity) return false;
  if (
    typeof desired === 'object' ||
    typeof live === 'object' ||
    typeof desired === 'boolean' ||
    typeof live === 'boolean'
  )
    return false;
  const wanted = parseQuantity(desired);
  return wanted !== undefined && wanted === parseQuantity(live);
}

/**
 * Fields whose zero the API server does not store: false or 0 and nothing at all are the same there. Fields where
 * nothing means something else (`automountServiceAccountToken`, `replicas`) are none of these. Source: the fields of
 * the core, apps and apiextensions types that are no pointers and are left out when empty.
 */
const ZERO_LEFT_OUT = new Set([
  'hostNetwork',
  'hostPID',
  'hostIPC',
  'stdin',
  'stdinOnce',
  'tty',
  'readOnly',
  'paused',
  'publishNotReadyAddresses',
  'preserveUnknownFields',
  'minReadySeconds',
  'initialDelaySeconds',
  'hostPort',
  'nodePort',
  'healthCheckNodePort',
]);

function isZeroLeftOut(desired: JsonValue, path: readonly (string | number)[]): boolean {
  const field = path.at(-1);
  return (desired === false || desired === 0) && typeof field === 'string' && ZERO_LEFT_OUT.has(field);
}

/** A map that holds nothing but such fields is left out with them. */
function onlyZeros(desired: JsonObject, path: readonly (string | number)[]): boolean {
  return Object.entries(desired).every(
    ([key, value]) =>
      empty(value) ||
      isZeroLeftOut(value, [...path, key]) ||
      (isJsonObject(value) && onlyZeros(value, [...path, key])),
  );
}

function walk(
  desired: JsonValue,
  live: JsonValue | undefined,
  path: readonly (string | number)[],
  found: FieldDifference[],
): void {
  // A null in a manifest asks for absence; empty maps and lists are dropped by the API server.
  if (empty(desired) && empty(live)) return;
  if (live === undefined && isZeroLeftOut(desired, path)) return;
  if (isJsonObject(desired) && live === undefined && onlyZeros(desired, path)) return;
  if (isJsonObject(desired) && isJsonObject(live)) {
    for (const [key, value] of Object.entries(desired)) walk(value, live[key], [...path, key], found);
    return;
  }
  if (Array.isArray(desired) && Array.isArray(live)) {
    walkList(desired, live, path, found);
    return;
  }
  if (live !== undefined && typeof desired !== 'object' && sameScalar(desired, live, path)) return;
  found.push({ path, desired, live });
}

function walkList(
  desired: readonly JsonValue[],
  live: readonly JsonValue[],
  path: readonly (string | number)[],
  found: FieldDifference[],
): void {
  const keys = itemKey(desired, live);
  if (keys === undefined) {
    if (desired.length !== live.length) {
      found.push({ path, desired: [...desired], live: [...live] });
      return;
    }
    for (const [index, item] of desired.entries()) walk(item, live[index], [...path, index], found);
    return;
  }
  const byKey = new Map(live.map((item) => [keyOf(item, keys), item]));
  for (const [index, item] of desired.entries())
    walk(item, byKey.get(keyOf(item, keys)), [...path, index], found);
  if (ORDERED.has(String(path.at(-1))) && !inOrder(desired, live, keys))
    found.push({ path, desired: [...desired], live: [...live] });
}

/**
 * Lists of a pod whose order means something: init containers run one after the other, a variable may use those
 * before it, the first container is the one that people get. A server-side apply moves their items.
 */
const ORDERED = new Set(['initContainers', 'containers', 'env']);

/** Whether the wanted items stand in the wanted order, whatever else stands between them. */
function inOrder(
  desired: readonly JsonValue[],
  live: readonly JsonValue[],
  keys: readonly string[],
): boolean {
  const places = new Map(live.map((item, at) => [keyOf(item, keys), at]));
  const wanted = desired.flatMap((item) => places.get(keyOf(item, keys)) ?? []);
  return wanted.every((place, at) => at === 0 || place > (wanted[at - 1] ?? 0));
}

/** Base64 may be broken into lines; the API server stores it without. */
function inOneLine(value: JsonValue): JsonValue {
  return typeof value === 'string' ? value.replaceAll(/\s+/g, '') : value;
}

function withoutLineBreaks(object: KubeObject, field: 'data' | 'binaryData'): KubeObject {
  const map = object[field];
  if (!isJsonObject(map)) return object;
  return {
    ...object,
    [field]: Object.fromEntries(Object.entries(map).map(([key, value]) => [key, inOneLine(value)])),
  };
}

/**
 * A manifest in the form that the API server stores: `stringData` of a Secret is only a way to write its `data`, and
 * base64 has no line breaks.
 */
export function asStored(given: KubeObject): KubeObject {
  if (given.kind === 'ConfigMap') return withoutLineBreaks(given, 'binaryData');
  if (given.kind !== 'Secret') return given;
  const object = withoutLineBreaks(given, 'data');
  if (!isJsonObject(object['stringData'])) return object;
  const { stringData, ...rest } = object;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    Buffer.from(textOf(value)).toString('base64'),
  ]);
  return {
    ...rest,
    data: { ...(isJsonObject(object['data']) ? object['data'] : {}), ...Object.fromEntries(encoded) },
  };
}

/** Labels and annotations, each by itself even where none is left, and finalizers, whatever their order. */
function compareMetadata(desired: KubeObject, live: KubeObject, found: FieldDifference[]): void {
  for (const name of ['labels', 'annotations'] as const) {
    for (const [key, value] of Object.entries(desired.metadata[name] ?? {}))
      walk(value, live.metadata[name]?.[key], ['metadata', name, key], found);
  }
  for (const [index, finalizer] of (desired.metadata.finalizers ?? []).entries()) {
    if (live.metadata.finalizers?.includes(finalizer) !== true)
      found.push({ path: ['metadata', 'finalizers', index], desired: finalizer, live: undefined });
  }
}

/**
 * Every field that `desired` sets and `live` does not hold. What the API server, a controller or a webhook added on
 * top is no difference: only what Git asks for is compared. `status` is never Git's to ask for.
 */
export function fieldDifferences(desired: KubeObject, live: KubeObject): readonly FieldDifference[] {
  const found: FieldDifference[] = [];
  const wanted = asStored(desired);
  const stored = asStored(live);
  for (const [key, value] of Object.entries(wanted)) {
    if (key === 'apiVersion' || key === 'kind' || key === 'status') continue;
    if (key === 'metadata') {
      compareMetadata(desired, live, found);
      continue;
    }
    walk(value, stored[key], [key], found);
  }
  return found;
}

/** `spec.template.spec.containers[0].image`, as people write a path. */
export function fieldPath(path: readonly (string | number)[]): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('');
}
