import type { Value, ValueMap } from './value.ts';

/** Plain `{{ name }}` substitution: what is unknown, or no text, stays as it is written. */
export function fastTemplate(text: string, params: ValueMap): string {
  if (!/\{\{.*\}\}/.test(text)) return text;
  return text.replaceAll(/\{\{([^]*?)\}\}/g, (all, tag: string) => {
    const name = tag.trim();
    const value: Value = name !== '' && Object.hasOwn(params, name) ? params[name] : undefined;
    return typeof value === 'string' ? value : all;
  });
}
