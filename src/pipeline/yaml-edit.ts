import { readsAsOther, type YamlNode, type YamlStyle } from '../kernel/index.ts';

/** Replaces `start` to `end` (offsets into the old text) by `text`. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** All edits at once; they may not overlap. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  let result = text;
  for (const edit of [...edits].sort((a, b) => b.start - a.start)) {
    result = result.slice(0, edit.start) + edit.text + result.slice(edit.end);
  }
  return result;
}

/**
 * Where a map's value is written, when that is one line right behind its key. Undefined for an alias (whose node
 * points to somewhere else), an anchor or tag before the value, a block text, and everything that is no scalar.
 */
export function valueSpan(
  text: string,
  key: YamlNode,
  value: YamlNode,
): { readonly start: number; readonly end: number; readonly empty: boolean } | undefined {
  const keyEnd = endOfScalar(text, key);
  if (keyEnd === undefined || value.kind !== 'scalar') return undefined;
  const colon = /^[ \t]*:/.exec(text.slice(keyEnd, keyEnd + 200))?.[0];
  if (colon === undefined) return undefined;
  const after = keyEnd + colon.length;
  if (value.style === 'plain' && value.value === '') {
    const rest = /^[ \t]*(?=\r?\n|$|#|[,}])/.exec(text.slice(after))?.[0];
    return rest === undefined ? undefined : { start: after, end: after, empty: true };
  }
  // In JSON nothing has to stand between a quoted key's colon and its value.
  const gap = key.style === 'plain' ? /^[ \t]+$/ : /^[ \t]*$/;
  if (value.offset < after || !gap.test(text.slice(after, value.offset))) return undefined;
  const end = endOfScalar(text, value);
  return end === undefined ? undefined : { start: value.offset, end, empty: false };
}

/** The offset behind a scalar that is written on one line; undefined for others. */
export function endOfScalar(text: string, node: YamlNode): number | undefined {
  const { offset, style, value } = node;
  if (style === 'plain') {
    return text.startsWith(value, offset) ? offset + value.length : undefined;
  }
  const pattern =
    style === 'single' ? /^'(?:[^'\r\n]|'')*'/ : style === 'double' ? /^"(?:[^"\\\r\n]|\\.)*"/ : undefined;
  const found = pattern?.exec(text.slice(offset, offset + 8192))?.[0];
  return found === undefined ? undefined : offset + found.length;
}

/** A value without quotes and backslashes in it, in the style of the one it replaces; quoted where it must be. */
export function scalarText(value: string, style?: YamlStyle): string {
  if (style === 'single') return `'${value}'`;
  if (style === 'double') return `"${value}"`;
  return readsAsOther(value) ? `"${value}"` : value;
}

/** The end of the line that `offset` is in, before its line break: behind a comment, too. */
export function tailOf(text: string, offset: number): number {
  const newline = text.indexOf('\n', offset);
  if (newline < 0) return text.length;
  return newline > 0 && text[newline - 1] === '\r' && newline - 1 >= offset ? newline - 1 : newline;
}

/** How the line that `offset` is in ends; for the last line, how the first one does. */
export function lineEndingAt(text: string, offset: number): string {
  const here = text.indexOf('\n', offset);
  const newline = here < 0 ? text.indexOf('\n') : here;
  return newline > 0 && text[newline - 1] === '\r' ? '\r\n' : '\n';
}

export function inFlow(node: YamlNode): boolean {
  return node.style === 'flow';
}
