import {
  jsonEqual,
  isJsonObject,
  LandfallError,
  parseYamlDocuments,
  yamlToJson,
} from '../../kernel/index.ts';
import type { JsonValue, YamlNode, YamlStyle } from '../../kernel/index.ts';
import { applyEdits, endOfScalar, scalarText, valueSpan, type TextEdit } from '../yaml-edit.ts';

/** A scalar value as it is written: `key: value` or `- value`. */
export interface ScalarPlace {
  readonly key: string | undefined;
  readonly value: string;
  readonly style: YamlStyle;
  readonly line: number;
  /** Undefined where it cannot be replaced alone: an alias, an anchor, a tag, several lines. */
  readonly span: { readonly start: number; readonly end: number; readonly empty: boolean } | undefined;
}

/** Every scalar value of a text without byte order mark, once, in the order of the text. */
export function scalarPlaces(text: string, file: string): readonly ScalarPlace[] {
  const found = new Map<string, ScalarPlace>();
  const visit = (node: YamlNode): void => {
    for (const [index, item] of node.content.entries()) {
      if (node.kind === 'map' && index % 2 === 0) continue;
      if (item.kind !== 'scalar') {
        visit(item);
        continue;
      }
      const key = node.kind === 'map' ? node.content[index - 1] : undefined;
      const span = key === undefined ? itemSpan(text, item) : valueSpan(text, key, item);
      const { value, style, line } = item;
      // An alias stands for what was written elsewhere, and is visited once more as that.
      const place = `${key?.offset ?? ''} ${item.offset}`;
      if (!found.has(place)) found.set(place, { key: key?.value, value, style, line, span });
    }
  };
  for (const document of parseYamlDocuments(text, { source: file })) visit(document);
  return [...found.values()];
}

/** An item of a list, where nothing but its dash, bracket or comma stands before it. */
export function itemSpan(text: string, item: YamlNode): ScalarPlace['span'] {
  const end = endOfScalar(text, item);
  const before = text.slice(Math.max(0, item.offset - 200), item.offset);
  return end === undefined || (item.value === '' && item.style === 'plain') || !/[-[,][ \t]*$/.test(before)
    ? undefined
    : { start: item.offset, end, empty: false };
}

/** The edit that gives a place another value, in the quotes it has. */
export function replaceScalar(place: ScalarPlace, value: string): TextEdit | undefined {
  const { span } = place;
  if (span === undefined) return undefined;
  const { start, end, empty } = span;
  return { start, end, text: `${empty ? ' ' : ''}${scalarText(value, place.style)}` };
}

const NAME_CHARACTER = '[A-Za-z0-9_./:@-]';

/**
 * The edits that make the image reference `from` on that line another one: the value of a field, or a word in an
 * inline patch, which is a text inside of the file. Undefined when it is not written there in a way that can be
 * replaced alone. Read again: nothing else in the file reads differently.
 */
export function replaceReference(
  text: string,
  file: string,
  line: number,
  from: string,
  to: string,
): readonly TextEdit[] | undefined {
  const places = readOr(() => scalarPlaces(text, file), undefined);
  if (places === undefined || from === '') return undefined;
  const edits = asValue(places, line, from, to) ?? asWord(text, places, line, from, to);
  if (edits === undefined) return undefined;
  const before = values(text, file);
  const after = readOr(() => values(applyEdits(text, edits), file), undefined);
  return after !== undefined && onlyReplaced(before, after, from, to) ? edits : undefined;
}

function asValue(
  places: readonly ScalarPlace[],
  line: number,
  from: string,
  to: string,
): readonly TextEdit[] | undefined {
  const here = places.filter((place) => place.line === line && place.value === from);
  if (here.length === 0) return undefined;
  const named = here.filter(({ key }) => key === 'image');
  const edits = (named.length > 0 ? named : here).map((place) => replaceScalar(place, to));
  return edits.every((edit) => edit !== undefined) ? edits : undefined;
}

/** A word of a longer text: of the line that is known; else of the file, where it is there only once. */
function asWord(
  text: string,
  places: readonly ScalarPlace[],
  line: number,
  from: string,
  to: string,
): readonly TextEdit[] | undefined {
  const word = new RegExp(
    `(?<!${NAME_CHARACTER})${from.replaceAll(/[.*+?^$()|[\]{}\\]/g, String.raw`\$&`)}(?!${NAME_CHARACTER})`,
    'g',
  );
  if (!places.some(({ value }) => value !== from && value.search(word) >= 0)) return undefined;
  const found = [...text.matchAll(word)]
    .map(({ index }) => index)
    // What stands behind a # is a comment, inside of a text as well.
    .filter((index) => !/(?:^|\s)#/.test(text.slice(text.lastIndexOf('\n', index) + 1, index)));
  const onLine = found.filter((index) => text.slice(0, index).split('\n').length === line);
  const chosen = onLine.length > 0 ? onLine : found.length === 1 ? found : [];
  return chosen.length === 0
    ? undefined
    : chosen.map((start) => ({ start, end: start + from.length, text: to }));
}

function values(text: string, file: string): readonly JsonValue[] {
  return parseYamlDocuments(text, { source: file }).map(yamlToJson);
}

/** Whether two values differ in nothing but that texts have `to` where they had `from`. */
function onlyReplaced(
  before: JsonValue | readonly JsonValue[] | undefined,
  after: JsonValue | readonly JsonValue[] | undefined,
  from: string,
  to: string,
): boolean {
  if (typeof before === 'string' && typeof after === 'string') {
    return before === after || before.split(from).join(to) === after || after.split(to).join(from) === before;
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const now: readonly JsonValue[] = after;
    return before.length === now.length && before.every((item, at) => onlyReplaced(item, now[at], from, to));
  }
  if (isJsonObject(before) && isJsonObject(after)) {
    const keys = Object.keys(before);
    return (
      jsonEqual(keys, Object.keys(after)) &&
      keys.every((key) => onlyReplaced(before[key], after[key], from, to))
    );
  }
  return before === after;
}

/** What is not YAML cannot be edited as such; that is an answer here, and no fault. */
function readOr<T, U>(read: () => T, otherwise: U): T | U {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof LandfallError) return otherwise;
    throw thrown;
  }
}
