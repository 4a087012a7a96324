import { getString, isJsonObject, textOf } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { fieldDifferences, writersOf } from '../live/index.ts';
import type { CompareOptions } from './compare.ts';
import { appliesTo, ignoredPaths, withoutPaths } from './ignore.ts';
import type { JqPath } from './jq.ts';

const NOTHING = new Map<string, readonly JqPath[]>();

/**
 * What Git asks for with the stored values of the fields that are ignored, as `RespectIgnoreDifferences=true` applies
 * it: those fields stay as they are. `status` is never taken along.
 */
export function respectIgnored(desired: KubeObject, live: KubeObject, options: CompareOptions): KubeObject {
  const rules = options.ignore.filter((rule) => appliesTo(rule, desired));
  if (rules.length === 0) return desired;
  const own = ignoredPaths(rules, desired, options.found?.desired ?? NOTHING);
  const stored = ignoredPaths(rules, live, options.found?.live ?? NOTHING).filter(
    (path) => path[0] !== 'status',
  );
  let result: JsonValue = withoutPaths(desired, own);
  for (const path of stored) result = withValueOf(result, live, path) ?? result;
  const managers = new Set(rules.flatMap((rule) => rule.managers));
  if (managers.size === 0) return result as KubeObject;
  for (const { path, live: value } of fieldDifferences(result as KubeObject, live)) {
    if (value === undefined || !writersOf(live, path).some(({ manager }) => managers.has(manager))) continue;
    result = setAt(result, path, value);
  }
  return result as KubeObject;
}

/** `into` with the value that `from` has at `path`; undefined where it has none. Items of lists are found by name. */
function withValueOf(into: JsonValue | undefined, from: JsonValue, path: JqPath): JsonValue | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return from;
  if (Array.isArray(from)) {
    const index = Number(step);
    const item = from[index];
    if (item === undefined) return undefined;
    const list = Array.isArray(into) ? [...into] : [];
    const name = getString(item, 'name');
    const found = name === undefined ? index : list.findIndex((other) => getString(other, 'name') === name);
    // An item that Git does not have is only taken along as a whole.
    if ((found < 0 || found >= list.length) && rest.length > 0) return undefined;
    const value = withValueOf(list[found], item, rest);
    if (value === undefined) return undefined;
    if (found < 0 || found >= list.length) list.push(value);
    else list[found] = value;
    return list;
  }
  if (!isJsonObject(from)) return undefined;
  const key = textOf(step);
  const inner = from[key];
  if (inner === undefined) return undefined;
  const held = isJsonObject(into) ? into : {};
  const value = withValueOf(held[key], inner, rest);
  return value === undefined ? undefined : { ...held, [key]: value };
}

function setAt(value: JsonValue, path: readonly (string | number)[], leaf: JsonValue): JsonValue {
  const [step, ...rest] = path;
  if (step === undefined) return leaf;
  if (Array.isArray(value)) {
    return value.map((item, index) => (index === step ? setAt(item, rest, leaf) : item));
  }
  if (!isJsonObject(value)) return value;
  return { ...value, [step]: setAt(value[String(step)] ?? {}, rest, leaf) };
}
