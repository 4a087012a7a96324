import type { YamlNode } from '../../kernel/index.ts';
import { inFlow, lineEndingAt, scalarText, tailOf, valueSpan, type TextEdit } from '../yaml-edit.ts';
import { refuse, type ImagePin, type PinField } from './pin-request.ts';

/** Adds an entry behind the last one of the list, written like it. */
export function appendEntry(
  text: string,
  images: YamlNode,
  fields: readonly PinField[],
  pin: ImagePin,
): TextEdit {
  const last = images.content.at(-1);
  if (inFlow(images)) {
    const quoted = last?.content[0]?.style === 'double';
    const close = closingBracket(text, images, last, pin);
    return {
      start: close,
      end: close,
      text: `${last === undefined ? '' : ', '}${flowEntry(fields, pin, quoted)}`,
    };
  }
  if (last === undefined) throw refuse(pin, images, 'the list is empty in a way that is not understood');
  const lineStart = text.lastIndexOf('\n', last.offset - 1) + 1;
  const lead = /^(?<indent> *)-(?<gap> +)$/.exec(text.slice(lineStart, last.offset))?.groups;
  if (lead === undefined || last.kind !== 'map') {
    throw refuse(
      pin,
      last,
      'the last entry of the list is an alias, has an anchor, or starts on a line of its own',
    );
  }
  const indent = lead['indent'] ?? '';
  const gap = inFlow(last) ? ' ' : (lead['gap'] ?? ' ');
  const at = tailOf(text, endOf(text, last, pin));
  const ending = lineEndingAt(text, at);
  return { start: at, end: at, text: ending + entryLines(pin, fields, indent, gap).join(ending) };
}

/** `images:` with nothing behind it. */
export function emptyImages(
  text: string,
  root: YamlNode,
  key: YamlNode,
  fields: readonly PinField[],
  pin: ImagePin,
): TextEdit {
  const colon = text.indexOf(':', key.offset);
  if (inFlow(root) || colon < 0) throw refuse(pin, key, 'the list is empty in a way that is not understood');
  const at = tailOf(text, colon + 1);
  const ending = lineEndingAt(text, at);
  return {
    start: at,
    end: at,
    text: ending + entryLines(pin, fields, listIndent(text, root), ' ').join(ending),
  };
}

/** A file that has no list of images yet: one at its end. */
export function appendImages(
  text: string,
  root: YamlNode,
  fields: readonly PinField[],
  pin: ImagePin,
): TextEdit {
  if (inFlow(root)) return flowImages(text, root, fields, pin);
  if (/^\.\.\.(?:\s|$)/m.test(text)) {
    throw refuse(
      pin,
      root,
      "there is no 'images' list, and this way of writing YAML leaves no safe place for one",
    );
  }
  const ending = lineEndingAt(text, 0);
  const before = text.endsWith('\n') ? '' : ending;
  const lines = ['images:', ...entryLines(pin, fields, listIndent(text, root), ' ')];
  return { start: text.length, end: text.length, text: `${before}${lines.join(ending)}${ending}` };
}

/** The same where the whole file is in braces. */
function flowImages(text: string, root: YamlNode, fields: readonly PinField[], pin: ImagePin): TextEdit {
  const close = /\}\s*(?:#[^\n]*\s*)*$/.exec(text)?.index ?? -1;
  const at = text.slice(0, Math.max(0, close)).trimEnd().length;
  if (close < 0 || at <= root.offset) {
    throw refuse(pin, root, 'the end of the file is not where it was looked for');
  }
  const quoted = root.content[0]?.style === 'double';
  const comma = root.content.length === 0 ? '' : text[at - 1] === ',' ? ' ' : ', ';
  const name = quoted ? '"images"' : 'images';
  return { start: at, end: at, text: `${comma}${name}: [${flowEntry(fields, pin, quoted)}]` };
}

function entryLines(
  pin: ImagePin,
  fields: readonly PinField[],
  indent: string,
  gap: string,
): readonly string[] {
  const inner = indent + ' '.repeat(gap.length + 1);
  return [
    `${indent}-${gap}name: ${scalarText(pin.image)}`,
    ...fields.map(([field, value]) => `${inner}${field}: ${scalarText(value)}`),
  ];
}

function flowEntry(fields: readonly PinField[], pin: ImagePin, quoted: boolean): string {
  const inside = [['name', pin.image] as const, ...fields];
  return `{${inside.map(([field, value]) => flowField(field, value, quoted)).join(', ')}}`;
}

/** With the quotes of JSON where the file has them. */
export function flowField(field: string, value: string, quoted: boolean): string {
  return quoted ? `"${field}": "${value}"` : `${field}: ${scalarText(value)}`;
}

/** How far this file indents the dashes of its lists. */
function listIndent(text: string, root: YamlNode): string {
  for (const value of root.content.filter((_, index) => index % 2 === 1)) {
    const [first] = value.content;
    if (value.kind !== 'seq' || inFlow(value) || first === undefined) continue;
    const lineStart = text.lastIndexOf('\n', first.offset - 1) + 1;
    const found = /^ *(?=- )/.exec(text.slice(lineStart, first.offset))?.[0];
    if (found !== undefined) return found;
  }
  return '  ';
}

function closingBracket(text: string, images: YamlNode, last: YamlNode | undefined, pin: ImagePin): number {
  const from = last === undefined ? images.offset + 1 : endOf(text, last, pin);
  const rest = /^(?<inner>\s*)(?<close>\})?(?<outer>[ \t]*\r?\n?\s*)\]/.exec(text.slice(from));
  if (rest?.groups === undefined || (last !== undefined && rest.groups['close'] === undefined)) {
    throw refuse(pin, images, 'the end of the list is not where it was looked for');
  }
  return last === undefined ? from : from + (rest.groups['inner']?.length ?? 0) + 1;
}

/** Where the last value inside of a node ends. */
function endOf(text: string, node: YamlNode, pin: ImagePin): number {
  const value = node.content.at(-1);
  const key = node.content.at(-2);
  const span = key && value && key.offset >= node.offset ? valueSpan(text, key, value) : undefined;
  if (span !== undefined) return span.end;
  throw refuse(
    pin,
    node,
    'the last entry of the list has an alias, an anchor, or a value over several lines',
  );
}
