import { getString, isJsonObject } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';

const LEFT_OUT = '(left out)';
const CONTENTS = new Set(['data', 'stringData']);
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** `data.password`, `/data/password`, `.stringData`, `data["a.b"]`. */
const PATH_OF_CONTENTS = /^[./]?(?:data|stringData)(?:$|[./[])|last-applied-configuration/;
/** A manifest of a Secret inside of a text, as an annotation holds it. */
const SECRET_IN_TEXT = /["']?kind["']?\s*:\s*["']?Secret["']?\s*[,}\n\r]/;

/** Zero bytes, which PostgreSQL does not store, are made visible. */
export function redactText(text: string): string {
  return SECRET_IN_TEXT.test(`${text}\n`) ? LEFT_OUT : text.replaceAll('\u0000', '\u2400');
}

/** A Secret, or a record about one: `{ kind: 'Secret', … }`, `{ object: { kind: 'Secret', … }, … }`. */
function isAboutSecret(value: JsonObject): boolean {
  return getString(value, 'kind') === 'Secret' || getString(value, 'object', 'kind') === 'Secret';
}

function withoutContents(value: JsonValue, inSecret: boolean): JsonValue {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) return value.map((item) => withoutContents(item, inSecret));
  if (!isJsonObject(value)) return value;
  const secret = inSecret || isAboutSecret(value);
  if (secret) {
    // One changed field of a Secret: which one it was may be told, nothing else.
    const where = getString(value, 'path') ?? getString(value, 'field');
    if (where !== undefined && PATH_OF_CONTENTS.test(where)) {
      const kept = Object.entries(value).filter(([key]) => key === 'path' || key === 'field');
      return Object.fromEntries(kept);
    }
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      secret && (CONTENTS.has(key) || key === LAST_APPLIED) ? LEFT_OUT : withoutContents(each, secret),
    ]),
  );
}

/** A copy without the contents of Secrets, wherever in it they are. Names of keys and of Secrets stay. */
export function redact(value: JsonObject): JsonObject {
  const result = withoutContents(value, false);
  return isJsonObject(result) ? result : {};
}
