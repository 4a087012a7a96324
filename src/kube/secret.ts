import { LandfallError, isJsonObject, parseJson } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import type { KubeObject } from './object.ts';

/** A value of a Secret as text; undefined where it has none. */
export function secretValue(secret: KubeObject, name: string): string | undefined {
  const data = secret['data'];
  const value = isJsonObject(data) ? data[name] : undefined;
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : undefined;
}

/** A value of a Secret that holds JSON. The error names the Secret and never what is in it. */
export function secretJson(secret: KubeObject, name: string): JsonObject {
  const text = secretValue(secret, name);
  if (text === undefined || text === '') return {};
  const where = `Secret ${secret.metadata.namespace ?? ''}/${secret.metadata.name}, data.${name}`;
  try {
    const value = parseJson(text, where);
    if (isJsonObject(value)) return value;
  } catch {
    // What does not parse would be quoted by the error: it is said without it.
  }
  throw new LandfallError(`${where} is no JSON object.`, {
    kind: 'invalid-input',
    code: 'secret-json',
    object: where,
  });
}
