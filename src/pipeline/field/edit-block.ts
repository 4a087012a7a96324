import { parseYamlDocuments } from '../../kernel/index.ts';
import type { YamlNode } from '../../kernel/index.ts';
import { lineEndingAt } from '../yaml-edit.ts';

/** The block texts (`|`, `>`) that begin on that line and read as `old`. */
function blocksOn(text: string, file: string, line: number, old: string): readonly YamlNode[] {
  const found: YamlNode[] = [];
  const visit = (node: YamlNode) => {
    for (const [index, item] of node.content.entries()) {
      const isValue = node.kind === 'map' && index % 2 === 1;
      const isBlock = item.style === 'literal' || item.style === 'folded';
      if (isValue && isBlock && item.line === line && item.value === old) found.push(item);
      visit(item);
    }
  };
  for (const document of parseYamlDocuments(text, { source: file })) visit(document);
  return found;
}

/** `|`, `|-` or `|+`, by how the text ends. */
function header(text: string): string {
  if (!text.endsWith('\n')) return '|-';
  return text.endsWith('\n\n') ? '|+' : '|';
}

/**
 * The text with the block text that begins on that line replaced, indented as it was. Undefined when there is none of
 * that value, or the new one cannot be written as a block (it is empty, begins with a space, or has no printable lines).
 */
export function editBlock(
  text: string,
  file: string,
  line: number,
  change: { readonly from: string; readonly to: string },
): string | undefined {
  const { from, to } = change;
  if (!/^[^\s]/.test(to) || /[^\t\n\x20-\x7E\u00A0-\uD7FF\uE000-\uFFFD]/.test(to)) return undefined;
  const [only, another] = blocksOn(text, file, line, from);
  if (only === undefined || another !== undefined) return undefined;
  const ending = lineEndingAt(text, only.offset);
  const lines = text.split(/(?<=\n)/);
  const first = lines[line] ?? '';
  const indent = /^ */.exec(first)?.[0] ?? '';
  if (indent === '' || first.trim() === '') return undefined;
  const after = lines.slice(line).findIndex((each) => each.trim() !== '' && !each.startsWith(indent));
  let end = after < 0 ? lines.length : line + after;
  // Blank lines behind a text that does not keep them belong to what follows.
  while (end > line && lines[end - 1]?.trim() === '') end -= 1;
  const head = (lines[line - 1] ?? '').replace(/[|>][-+0-9]*(?=[ \t]*(?:#.*)?\r?\n$)/, header(to));
  const body = to
    .replace(/\n$/, '')
    .split('\n')
    .map((each) => (each === '' ? ending : `${indent}${each}${ending}`));
  return [...lines.slice(0, line - 1), head, ...body, ...lines.slice(end)].join('');
}
