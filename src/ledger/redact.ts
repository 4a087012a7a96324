import { getString, isJsonObject } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';

const LEFT_OUT = '(left out)';
const CONTENTS = new Set(['data', 'stringData']);
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** `data.password`, `/data/password`, `.stringData`, `data["a.b"]`. */
const PATH_OF_CONTENTS = /^[./]?(?:data|stringData)(?:$|[./[])|last-applied-configuration/;
/** A manifest of a Secret inside of a text, as an annotation holds it. */
const SECRET_IN_TEXT = /["']?kind["']?\s*:\s*["']?Secret["']?\s*[,}\n\r]/;
const CONTENTS_IN_TEXT = /["']?(?:data|stringData)["']?\s*:/;

/** Zero bytes, which PostgreSQL does not store, are made visible. */
export function redactText(text: string): string {
  const manifest = SECRET_IN_TEXT.test(`${text}\n`) && CONTENTS_IN_TEXT.test(text);
  return manifest ? LEFT_OUT : text.replaceAll('\u0000', '\u2400');
}

/** A Secret, or a record about one: `{ kind: 'Secret', … }`, `{ object: { kind: 'Secret', … }, … }`. */
function isAboutSecret(value: JsonObject): boolean {
  return getString(value, 'kind') === 'Secret' || getString(value, 'object', 'kind') === 'Secret';
}

/** What a plan shows of a value instead of it, so that two plans can be compared. */
const HIDDEN = /^\(hidden [0-9a-f]{8}\)$/;
/** Of a changed field of a Secret: which one it is, and where it is asked for. */
const ABOUT_FIELD = new Set(['path', 'field', 'where', 'action']);

/** The same shape and keys, without any value. */
function concealed(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(concealed);
  if (isJsonObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, concealed(each)]));
  return typeof value === 'string' && HIDDEN.test(value) ? value : LEFT_OUT;
}

function withoutContents(value: JsonValue, inSecret: boolean): JsonValue {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) return value.map((item) => withoutContents(item, inSecret));
  if (!isJsonObject(value)) return value;
  const secret = inSecret || isAboutSecret(value);
  const where = getString(value, 'path') ?? getString(value, 'field') ?? '';
  const isField = secret && PATH_OF_CONTENTS.test(where);
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      const hide = isField ? !ABOUT_FIELD.has(key) : secret && (CONTENTS.has(key) || key === LAST_APPLIED);
      return [key, hide ? concealed(each) : withoutContents(each, secret)];
    }),
  );
}

/** A copy without the contents of Secrets, wherever in it they are. Names of keys and of Secrets stay. */
export function redact(value: JsonObject): JsonObject {
  const result = withoutContents(value, false);
  return isJsonObject(result) ? result : {};
}
