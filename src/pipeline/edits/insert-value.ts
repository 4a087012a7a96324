import type { YamlNode } from '../../kernel/index.ts';
import { lineEndingAt, tailOf, type TextEdit } from '../yaml-edit.ts';
import type { ValueStep } from './value-path.ts';
import { nested, nestedFlow, refuse, valueText, type ValueChange } from './value-text.ts';

/** A map, list or empty value that lacks what the rest of the path names. */
interface Gap {
  readonly node: YamlNode;
  /** The key that `node` is the value of; undefined for the root and for items of lists. */
  readonly key: YamlNode | undefined;
  /** Whether it lies in braces or brackets. */
  readonly flow: boolean;
  readonly rest: readonly ValueStep[];
  readonly root: YamlNode;
}

/** The edit that brings in what is missing, behind what is there and written like it. */
export function insertInto(change: ValueChange, gap: Gap): TextEdit {
  const { node, flow } = gap;
  if (node.kind === 'scalar') return flow ? intoEmptyFlow(change, gap) : intoEmpty(change, gap);
  if (flow || node.style === 'flow') return intoFlow(change, gap);
  return intoBlock(change, gap);
}

/** `key:` with nothing behind it, in a block. */
function intoEmpty(change: ValueChange, { node, key, rest, root }: Gap): TextEdit {
  const { text, value } = change;
  if (node.value !== '') {
    return { start: node.offset, end: node.offset + node.value.length, text: nestedFlow(rest, value) };
  }
  if (key === undefined) throw refuse(change, 'it is an empty item of a list', node);
  const colon = text.indexOf(':', key.offset + key.value.length);
  if (!/^[ \t]*(?:#[^\n]*)?\r?(?:\n|$)/.test(text.slice(colon + 1))) {
    throw refuse(change, 'its value has an anchor or a tag', key);
  }
  const at = tailOf(text, colon + 1);
  const ending = lineEndingAt(text, at);
  const unit = unitOf(root);
  const indent = ' '.repeat(key.column - 1) + (rest[0]?.kind === 'index' ? '' : unit);
  return { start: at, end: at, text: `${ending}${nested(rest, value, indent, unit, ending)}` };
}

function intoEmptyFlow(change: ValueChange, { node, key, rest }: Gap): TextEdit {
  const written = nestedFlow(rest, change.value);
  if (node.value !== '') return { start: node.offset, end: node.offset + node.value.length, text: written };
  if (key === undefined) throw refuse(change, 'it is an empty item of a list', node);
  const colon = change.text.indexOf(':', key.offset + key.value.length);
  if (colon < 0) throw refuse(change, 'its key has no colon', key);
  return { start: colon + 1, end: colon + 1, text: ` ${written}` };
}

/** Before the closing brace or bracket. */
function intoFlow(change: ValueChange, { node, rest }: Gap): TextEdit {
  const { text, value } = change;
  const close = closing(text, node.offset);
  if (close === undefined) throw refuse(change, 'its closing bracket is not where it was looked for', node);
  const at = text.slice(0, close).trimEnd().length;
  const comma = node.content.length === 0 || text[at - 1] === ',' ? '' : ', ';
  const [step, ...below] = rest;
  const inside = nestedFlow(below, value);
  const written =
    node.kind === 'seq' || step === undefined || step.kind === 'index'
      ? inside
      : `${valueText(step.key, true)}: ${inside}`;
  return { start: at, end: at, text: `${comma}${text[at - 1] === ',' ? ' ' : ''}${written}` };
}

/** Where the bracket that opens at `from` closes; quotes and comments inside of it are stepped over. */
function closing(text: string, from: number): number | undefined {
  let depth = 0;
  const tokens = /"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|(?<=\s)#[^\n]*|[[\]{}]/g;
  tokens.lastIndex = from;
  for (let found = tokens.exec(text); found !== null; found = tokens.exec(text)) {
    if (found[0] === '[' || found[0] === '{') depth += 1;
    else if (found[0] === ']' || found[0] === '}') depth -= 1;
    if (depth === 0) return found.index;
  }
  return undefined;
}

/** On lines of its own behind the last field or item. */
function intoBlock(change: ValueChange, { node, rest, root }: Gap): TextEdit {
  const { text, value } = change;
  const [first] = node.content;
  if (first === undefined) throw refuse(change, 'it is empty in a way that is not understood', node);
  const lineStart = text.lastIndexOf('\n', first.offset - 1) + 1;
  const lead = text.slice(lineStart, first.offset);
  let indent: string;
  if (node.kind === 'seq') {
    const found = /^(?<indent> *)(?:- +)*- +$/.exec(lead);
    if (found === null) throw refuse(change, 'its items have anchors, or dashes on lines of their own', node);
    indent = ' '.repeat(lead.lastIndexOf('-'));
  } else indent = ' '.repeat(first.column - 1);
  const at = endOfBlock(text, node, root, indent.length);
  const ending = lineEndingAt(text, 0);
  const path = node.kind === 'seq' ? [{ kind: 'index', index: -1 } as const, ...rest.slice(1)] : rest;
  const lines = nested(path, value, indent, unitOf(root), ending);
  return text.slice(0, at).endsWith('\n')
    ? { start: at, end: at, text: `${lines}${ending}` }
    : { start: at, end: at, text: `${ending}${lines}` };
}

/** The start of the line behind a block: before what follows it, and before blank lines and comments that lead there. */
function endOfBlock(text: string, node: YamlNode, root: YamlNode, indent: number): number {
  const inside = new Set(offsetsIn(node));
  const last = Math.max(...inside);
  const next = Math.min(
    text.length,
    ...offsetsIn(root).filter((offset) => offset > last && !inside.has(offset)),
  );
  const marker = /^(?:---|\.\.\.)(?:\s|$)/m.exec(text.slice(last));
  let end = next === text.length ? next : text.lastIndexOf('\n', next - 1) + 1;
  if (marker !== null) end = Math.min(end, last + marker.index);
  for (;;) {
    const before = text.lastIndexOf('\n', end - 2) + 1;
    const line = text.slice(before, end);
    const skipped = /^\s*$/.test(line) || (/^ *#/.test(line) && line.search(/#/) <= indent);
    if (!skipped || before <= last || end === 0) return end;
    end = before;
  }
}

function offsetsIn(node: YamlNode): readonly number[] {
  return [node.offset, ...node.content.flatMap(offsetsIn)];
}

/** How far this file indents maps in maps. */
function unitOf(root: YamlNode): string {
  for (let at = 0; at < root.content.length; at += 2) {
    const [key, value] = [root.content[at], root.content[at + 1]];
    const inner = value?.kind === 'map' && value.style !== 'flow' ? value.content[0] : undefined;
    if (key !== undefined && inner !== undefined && inner.line > key.line && inner.column > key.column) {
      return ' '.repeat(inner.column - key.column);
    }
  }
  return '  ';
}
