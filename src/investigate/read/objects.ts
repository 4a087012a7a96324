import type { ClaimSource } from '../../boundaries/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { WorldObject } from '../../verdict/index.ts';

export function artifactSource(artifact: string, line: number): ClaimSource {
  return { type: 'artifact', artifact, line };
}

export interface PartialObject {
  readonly artifact: string;
  readonly line: number;
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly value?: JsonObject;
  readonly apiVersion?: string | undefined;
  /** The AGE that is shown beside it. */
  readonly ageMs?: number | undefined;
}

/** An object of which one line shows some fields. */
export function partialObject({
  artifact,
  line,
  kind,
  namespace,
  name,
  value = {},
  apiVersion,
  ageMs: age,
}: PartialObject): WorldObject {
  const source = artifactSource(artifact, line);
  return {
    apiVersion,
    kind,
    namespace,
    name,
    value,
    whole: false,
    cite: () => source,
    ...(age === undefined ? {} : { ageMs: age }),
  };
}

/** `{spec: {replicas: 3}}` from pairs of paths and values; undefined values are left out. */
export function fields(
  ...pairs: readonly (readonly [path: readonly string[], value: JsonValue | undefined])[]
): JsonObject {
  let all: JsonObject = {};
  for (const [path, value] of pairs) if (value !== undefined) all = withField(all, path, value);
  return all;
}

function withField(at: JsonObject, path: readonly string[], value: JsonValue): JsonObject {
  const [step, ...rest] = path;
  if (step === undefined) return at;
  const below = at[step];
  return {
    ...at,
    [step]: rest.length === 0 ? value : withField(isJsonObject(below) ? below : {}, rest, value),
  };
}

/** A whole number, or nothing for `<none>`, `<unknown>` and words. */
export function count(text: string | undefined): number | undefined {
  const found = /^\d+$/.exec((text ?? '').trim())?.[0];
  return found === undefined ? undefined : Number(found);
}

/** `<none>`, `<unset>` and an empty cell are nothing. */
export function shown(text: string | undefined): string | undefined {
  const trimmed = (text ?? '').trim();
  return trimmed === '' || /^<(?:none|unset|unknown|pending|no value|nil)>$/.test(trimmed)
    ? undefined
    : trimmed;
}

/** `app=web,tier=a` as a map; undefined where it is something else. */
export function pairsOf(text: string | undefined): JsonObject | undefined {
  const found = shown(text);
  if (found === undefined) return undefined;
  const parts = found.split(',').map((part) => part.trim());
  if (!parts.every((part) => /^[^=\s]+=[^=]*$/.test(part))) return undefined;
  return Object.fromEntries(
    parts.map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
  );
}

/** `45d`, `3m12s`, `2y34d` in ms. */
export function ageMs(text: string | undefined): number | undefined {
  const found = /^(?:(\d+)y)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?$/.exec((text ?? '').trim());
  if (found === null || found[0] === '') return undefined;
  const [, years, days, hours, minutes, seconds] = found.map((part) => Number(part ?? 0));
  return (
    ((((years ?? 0) * 365 + (days ?? 0)) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60_000 +
    (seconds ?? 0) * 1000
  );
}
