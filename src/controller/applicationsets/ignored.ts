import { getArray, getIn, getString, isJsonObject } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { templateError } from './template/index.ts';

/**
 * The wanted Application with the stored value of every field that `ignoreApplicationDifferences` leaves to others.
 * JSON pointers, and jq expressions that are a plain path; anything else is refused.
 */
export function withoutIgnored(
  rules: readonly JsonValue[],
  name: string,
  stored: JsonObject,
  wanted: JsonObject,
): JsonObject {
  let result = wanted;
  for (const rule of rules) {
    const only = getString(rule, 'name');
    if (only !== undefined && only !== '' && only !== name) continue;
    for (const path of [
      ...getArray(rule, 'jsonPointers').map((pointer) => pointerPath(String(pointer))),
      ...getArray(rule, 'jqPathExpressions').map((expression) => plainPath(String(expression))),
    ]) {
      const value = getIn(stored, ...path);
      result = replacedAt(result, path, value);
    }
  }
  return result;
}

function pointerPath(pointer: string): readonly (string | number)[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

/** `.spec.source.targetRevision`, `.metadata.annotations["a/b"]`, `.spec.sources[0].path`. */
function plainPath(expression: string): readonly (string | number)[] {
  const steps: (string | number)[] = [];
  let rest = expression.trim();
  while (rest !== '') {
    const step = /^\.?\["((?:[^"\\]|\\.)*)"\]|^\.([A-Za-z_][A-Za-z0-9_]*)|^\.?\[(\d+)\]/.exec(rest);
    if (step === null) {
      throw templateError(
        `ignoreApplicationDifferences: the jq expression '${expression}' is more than a path, which this controller does not read; use jsonPointers`,
      );
    }
    const [all, quoted, plain, index] = step;
    steps.push(index === undefined ? (quoted ?? plain ?? '') : Number(index));
    rest = rest.slice(all.length);
  }
  return steps;
}

function replacedAt(
  target: JsonObject,
  path: readonly (string | number)[],
  value: JsonValue | undefined,
): JsonObject {
  const changed = at(target, path, value);
  return isJsonObject(changed) ? changed : target;
}

function at(
  target: JsonValue | undefined,
  path: readonly (string | number)[],
  value: JsonValue | undefined,
): JsonValue | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (Array.isArray(target)) {
    if (typeof step !== 'number' || step >= target.length) return target;
    const changed = at(target[step], rest, value);
    return changed === undefined ? target.toSpliced(step, 1) : target.with(step, changed);
  }
  const map: JsonObject = isJsonObject(target) ? { ...target } : {};
  if (!isJsonObject(target) && value === undefined) return target;
  const key = String(step);
  const changed = at(map[key], rest, value);
  if (changed === undefined) delete map[key];
  else map[key] = changed;
  return map;
}
