import { isJsonObject } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';

/** What a field may hold. */
export type Shape =
  /** It is read by its own rules, or changes nothing here. */
  | 'any'
  /** A map of fields that are known. */
  | { readonly fields: Readonly<Record<string, Shape>> }
  | { readonly each: Shape }
  /** It is known, changes what is delivered, and is not done here: the reason, and what to do instead. */
  | { readonly refused: string };

export interface FieldNews {
  /** `PATH: why`, of fields that are set and not honoured. */
  readonly refused: readonly string[];
  /** Paths of fields that nobody here knows. */
  readonly unknown: readonly string[];
}

const MOST = 20;

/** Every field that is set and not honoured, by its path. Pure. */
export function inspect(value: JsonValue | undefined, shape: Shape, path: string): FieldNews {
  const refused: string[] = [];
  const unknown: string[] = [];
  walk(value, shape, path);
  return { refused: refused.slice(0, MOST), unknown: unknown.slice(0, MOST) };

  function walk(at: JsonValue | undefined, form: Shape, where: string): void {
    if (form === 'any' || saysNothing(at)) return;
    if ('refused' in form) {
      refused.push(`${where}: ${form.refused}`);
      return;
    }
    if ('each' in form) {
      if (Array.isArray(at))
        for (const [index, item] of at.entries()) walk(item, form.each, `${where}[${index}]`);
      return;
    }
    if (!isJsonObject(at)) return;
    for (const [name, item] of Object.entries(at)) {
      const inner = Object.hasOwn(form.fields, name) ? form.fields[name] : undefined;
      if (inner === undefined) unknown.push(`${where}.${name}`);
      else walk(item, inner, `${where}.${name}`);
    }
  }
}

/** As Go reads it, where it leaves out what is empty. */
function saysNothing(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isJsonObject(value) && Object.keys(value).length === 0;
}
