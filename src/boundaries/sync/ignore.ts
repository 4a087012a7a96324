import { getNumber, getObject, isJsonObject, mapBounded, textOf } from '../../kernel/index.ts';
import type { Clock, JsonValue } from '../../kernel/index.ts';
import { splitApiVersion } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { objectKey } from '../live/index.ts';
import type { IgnoreRule } from './application.ts';
import { createJq } from './jq.ts';
import type { Jq, JqPath } from './jq.ts';

/** What jq expressions name in an object, by `objectKey`; an object without such a rule is not in it. */
export type JqFindings = ReadonlyMap<string, readonly JqPath[]>;

const AT_ONCE = 4;

/** `*` is any text, `?` any character, as in Argo CD's globs. */
function fits(pattern: string, value: string): boolean {
  if (!/[*?[{]/.test(pattern)) return pattern === value;
  const source = pattern
    .replaceAll(/[.+^$()|\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
    .replaceAll(/\{([^}]*)\}/g, (_all, list: string) => `(?:${list.replaceAll(',', '|')})`);
  try {
    return new RegExp(`^${source}$`, 's').test(value);
  } catch {
    return false;
  }
}

/** Whether a rule is about an object: group and kind may be globs; a name or namespace that is left out is any. */
export function appliesTo(rule: IgnoreRule, object: KubeObject): boolean {
  const { group } = splitApiVersion(object.apiVersion);
  const { name, namespace } = object.metadata;
  return (
    fits(rule.group, group) &&
    fits(rule.kind, object.kind) &&
    (rule.name === '' || fits(rule.name, name)) &&
    (rule.namespace === '' || fits(rule.namespace, namespace ?? ''))
  );
}

/** Asks jq what the rules' expressions name in each object. Throws `invalid-input` for an expression that is none. */
export async function findIgnored(
  rules: readonly IgnoreRule[],
  objects: readonly KubeObject[],
  jq: Jq,
  signal?: AbortSignal,
): Promise<JqFindings> {
  const found = new Map<string, readonly JqPath[]>();
  if (rules.every((rule) => rule.jqPathExpressions.length === 0)) return found;
  await mapBounded(objects, AT_ONCE, async (object) => {
    const expressions = rules
      .filter((rule) => appliesTo(rule, object))
      .flatMap((rule) => rule.jqPathExpressions);
    if (expressions.length === 0) return;
    const paths: JqPath[] = [];
    for (const expression of expressions) paths.push(...(await jq.paths(expression, object, signal)));
    found.set(objectKey(object), paths);
  });
  return found;
}

/** As `findIgnored`, for who asks once: starts jq only where a rule needs it, and ends it. */
export async function ignoredByJq(
  rules: readonly IgnoreRule[],
  objects: readonly KubeObject[],
  clock: Clock,
  signal?: AbortSignal,
): Promise<JqFindings> {
  const jq = createJq(clock);
  try {
    return await findIgnored(rules, objects, jq, signal);
  } finally {
    await jq.close();
  }
}

/** RFC 6901. */
function pointerPath(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Every path of an object that its rules ignore, whoever wrote it. */
export function ignoredPaths(
  rules: readonly IgnoreRule[],
  object: KubeObject,
  found: JqFindings,
): readonly JqPath[] {
  const pointers = rules
    .filter((rule) => appliesTo(rule, object))
    .flatMap((rule) => rule.jsonPointers)
    .map(pointerPath)
    .filter((path) => path.length > 0);
  return [...pointers, ...(found.get(objectKey(object)) ?? [])];
}

function meets(step: JsonValue | undefined, key: string, index: number | undefined): boolean {
  if (isJsonObject(step)) {
    const { from, to } = { from: getNumber(step, 'start') ?? 0, to: getNumber(step, 'end') };
    return index !== undefined && index >= from && (to === undefined || index < to);
  }
  return step !== undefined && textOf(step) === key;
}

function strip(value: JsonValue, paths: readonly JqPath[]): JsonValue | undefined {
  if (paths.some((path) => path.length === 0)) return undefined;
  const below = (key: string, index?: number) =>
    paths.filter((path) => meets(path[0], key, index)).map((path) => path.slice(1));
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => {
      const inner = below(String(index), index);
      const kept = inner.length === 0 ? item : strip(item, inner);
      return kept === undefined ? [] : [kept];
    });
  }
  if (!isJsonObject(value)) return value;
  const result: Record<string, JsonValue> = {};
  for (const [key, item] of Object.entries(value)) {
    const inner = below(key);
    const kept = inner.length === 0 ? item : strip(item, inner);
    if (kept !== undefined) result[key] = kept;
  }
  return result;
}

/** The object without these fields; the same object when there are none. */
export function withoutPaths(object: KubeObject, paths: readonly JqPath[]): KubeObject {
  if (paths.length === 0) return object;
  const rest = strip(object, paths);
  // An object whose name is ignored is still the object that it is.
  const { apiVersion, kind, metadata } = object;
  const left = getObject(rest, 'metadata') ?? {};
  return {
    ...(isJsonObject(rest) ? rest : {}),
    apiVersion,
    kind,
    metadata: { ...left, name: metadata.name },
  };
}
