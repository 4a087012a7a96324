import { isJsonObject } from '../kernel/index.ts';
import type { KubeObject } from './object.ts';

/** A value of a Secret as text; undefined where it has none. */
export function secretValue(secret: KubeObject, name: string): string | undefined {
  const data = secret['data'];
  const value = isJsonObject(data) ? data[name] : undefined;
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : undefined;
}
