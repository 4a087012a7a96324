import { getArray, getIn, getString, isJsonObject, textOf } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { Jq, JqPath } from '../../boundaries/sync/index.ts';
import { templateError } from './template/index.ts';

/** `jq` evaluates expressions, which name fields of the stored and of the wanted Application. */
export interface IgnoringBy {
  readonly jq: Jq;
  readonly signal: AbortSignal;
}

type Path = readonly (string | number)[];

/**
 * The wanted Application with the stored value of every field that `ignoreApplicationDifferences` leaves to others,
 * and without those that only the wanted one has. Throws `invalid-input` for an expression that is none.
 */
export async function withoutIgnored(
  rules: readonly JsonValue[],
  name: string,
  stored: JsonObject,
  wanted: JsonObject,
  by: IgnoringBy,
): Promise<JsonObject> {
  let result = wanted;
  for (const rule of rules) {
    const only = getString(rule, 'name');
    if (only !== undefined && only !== '' && only !== name) continue;
    const named: Path[] = getArray(rule, 'jsonPointers').map((pointer) => pointerPath(textOf(pointer)));
    for (const expression of getArray(rule, 'jqPathExpressions')) {
      for (const object of [stored, wanted]) {
        const found = await by.jq.paths(textOf(expression), object, by.signal);
        named.push(...found.map((path) => plainPath(path, textOf(expression))));
      }
    }
    // From the end: what is taken out of a list moves what comes after it.
    for (const path of named.toReversed()) result = replacedAt(result, path, getIn(stored, ...path));
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

/** jq names a slice (`.[1:3]`) by its bounds, which are no field. */
function plainPath(path: JqPath, expression: string): Path {
  return path.map((step) => {
    if (typeof step === 'string' || typeof step === 'number') return step;
    throw templateError(
      `ignoreApplicationDifferences: the jq expression '${expression}' names a slice of a list, which this controller does not read`,
    );
  });
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
