import { getArray, getIn, getObject, getString, isJsonObject, parseYaml } from '../../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../../kernel/index.ts';
import { secretValue } from '../../../kube/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { fluxFailure } from './failure.ts';

/** The values of a release, and the texts among them that nobody may read in a message. */
export interface ReleaseValues {
  readonly values: JsonObject;
  readonly secrets: readonly string[];
}

const DEFAULT_KEY = 'values.yaml';
const MAX_DEPTH = 64;

/**
 * `spec.valuesFrom` in its order, then `spec.values`, each laid over what came before: maps are merged, everything
 * else replaces. Source: helm-controller, fluxcd/pkg/chartutil. Throws the failure that the status then says.
 */
export async function composeValues(
  release: KubeObject,
  read: (kind: 'ConfigMap' | 'Secret', name: string) => Promise<KubeObject | undefined>,
): Promise<ReleaseValues> {
  let values: JsonObject = {};
  const secrets: string[] = [];
  for (const from of getArray(release, 'spec', 'valuesFrom')) {
    const kind = getString(from, 'kind') ?? '';
    const name = getString(from, 'name') ?? '';
    const key = getString(from, 'valuesKey') || DEFAULT_KEY;
    const where = `${kind} '${release.metadata.namespace ?? 'default'}/${name}'`;
    if (kind !== 'ConfigMap' && kind !== 'Secret') throw unusable(`unsupported kind '${kind}' in valuesFrom`);
    const holder = await read(kind, name);
    const text =
      holder === undefined
        ? undefined
        : kind === 'Secret'
          ? secretValue(holder, key)
          : getString(holder, 'data', key);
    if (text === undefined) {
      if (getIn(from, 'optional') === true) continue;
      const what = holder === undefined ? `could not find ${where}` : `missing key '${key}' in ${where}`;
      throw unusable(what);
    }
    const target = getString(from, 'targetPath') || undefined;
    const isLiteral = getIn(from, 'literal') === true;
    const part =
      target === undefined
        ? parsed(text, where)
        : withValue({}, target, isLiteral ? text : scalar(text.trim()), where);
    if (kind === 'Secret') secrets.push(...textsIn(part));
    values = merged(values, part);
  }
  return { values: merged(values, getObject(release, 'spec', 'values') ?? {}), secrets };
}

function unusable(why: string) {
  return fluxFailure({ reason: 'ValuesError', message: `could not resolve values: ${why}` });
}

/** What does not parse would be quoted by the parser, and may be secret. */
function parsed(text: string, where: string): JsonObject {
  let value: JsonValue | undefined;
  try {
    [value = {}] = parseYaml(text, where);
  } catch {
    throw unusable(`unable to read values from ${where}: it is no YAML`);
  }
  if (isJsonObject(value)) return value;
  if (value === null) return {};
  throw unusable(`unable to read values from ${where}: it is no map`);
}

function merged(under: JsonObject, over: JsonObject, depth = 0): JsonObject {
  const result: JsonObject = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const had = result[key];
    result[key] =
      isJsonObject(had) && isJsonObject(value) && depth < MAX_DEPTH ? merged(had, value, depth + 1) : value;
  }
  return result;
}

/** `a.b[0].c` as Helm's --set reads it; a dot that is part of a name is written `\.`. */
function withValue(values: JsonObject, path: string, leaf: JsonValue, where: string): JsonObject {
  const keys = path.match(/(?:\\.|[^.[\]\\])+|\[\d+\]/g) ?? [];
  if (
    keys.length === 0 ||
    keys.length > MAX_DEPTH ||
    keys.join('').length < path.replaceAll('.', '').length
  ) {
    throw unusable(`unable to merge value from ${where}: '${path}' is no path`);
  }
  let value: JsonValue = leaf;
  for (const key of keys.toReversed()) {
    const index = /^\[(\d+)\]$/.exec(key)?.[1];
    if (index === undefined) {
      value = { [key.replaceAll(/\\(.)/g, '$1')]: value };
      continue;
    }
    if (Number(index) > 1000) throw unusable(`unable to merge value from ${where}: '${path}' is no path`);
    value = [...Array.from({ length: Number(index) }, () => null), value];
  }
  return merged(values, isJsonObject(value) ? value : {});
}

/** As strvals types what is not quoted: booleans, null and whole numbers are no texts. */
function scalar(text: string): JsonValue {
  const quoted = /^"(.*)"$/s.exec(text)?.[1] ?? /^'(.*)'$/s.exec(text)?.[1];
  if (quoted !== undefined) return quoted;
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === 'null') return null;
  return /^(?:0|-?[1-9]\d{0,14})$/.test(text) ? Number(text) : text;
}

/** Every text and number of at least four characters; shorter ones stand everywhere. */
function textsIn(value: JsonValue): readonly string[] {
  if (typeof value === 'string') return value.length < 4 ? [] : [value];
  if (typeof value === 'number') return textsIn(String(value));
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isJsonObject(value) ? Object.values(value).flatMap((item) => textsIn(item ?? null)) : [];
}

/** A message of helm without what came from Secrets. */
export function withoutSecrets(message: string, secrets: readonly string[]): string {
  const sorted = secrets.flatMap((text) => [text, ...text.split('\n')]).filter((text) => text.length >= 4);
  return sorted
    .toSorted((a, b) => b.length - a.length)
    .reduce((text, secret) => text.replaceAll(secret, '***'), message);
}
