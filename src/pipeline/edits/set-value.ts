import { LandfallError, jsonEqual, parseYamlDocuments, yamlToJson } from '../../kernel/index.ts';
import type { JsonValue, YamlNode } from '../../kernel/index.ts';
import { applyEdits, inFlow, lineEndingAt, valueSpan, type TextEdit } from '../yaml-edit.ts';
import { insertInto } from './insert-value.ts';
import { itemSpan } from './scalars.ts';
import { pathText, type ValueStep } from './value-path.ts';
import { nested, refuse, valueText, type ValueChange } from './value-text.ts';

/**
 * The edits that give one value of a YAML file another text, with the maps and the list item that are missing on the
 * way to it. Everything else in the file reads as before. Refused with `invalid-input`: aliases and anchors on the
 * way (others would change with it), texts in the place of maps, indexes into what is no list.
 */
export function setValue(change: ValueChange): readonly TextEdit[] {
  const { text, file } = change;
  const documents = parseYamlDocuments(text, { source: file });
  const [root] = documents;
  if (documents.length > 1) throw refuse(change, `the file has ${documents.length} documents`);
  if (root === undefined) return [emptyFile(change)];
  const edits = editsAt(change, root);
  const edited = applyEdits(text, edits);
  const wanted = withValue(yamlToJson(root), change.path, change.value);
  if (!readsAs(edited, file, wanted))
    throw refuse(change, 'the change would have altered more than this value');
  return edits;
}

/** The text at a path; undefined where there is none. Numbers and the like are given as they are written. */
export function valueAt(text: string, file: string, path: readonly ValueStep[]): string | undefined {
  let at: YamlNode | undefined = parseYamlDocuments(text, { source: file })[0];
  for (const step of path) at = at === undefined ? undefined : childOf(at, step)?.value;
  return at?.kind === 'scalar' && !(at.value === '' && at.style === 'plain') ? at.value : undefined;
}

interface Child {
  readonly key: YamlNode | undefined;
  readonly value: YamlNode;
}

function childOf(node: YamlNode, step: ValueStep): Child | undefined {
  if (node.kind === 'seq') {
    const index = indexIn(step);
    const value = index === undefined ? undefined : node.content[index];
    return value && { key: undefined, value };
  }
  if (node.kind !== 'map' || step.kind === 'index') return undefined;
  const at = node.content.findIndex((key, index) => index % 2 === 0 && key.value === step.key);
  const [key, value] = at < 0 ? [] : [node.content[at], node.content[at + 1]];
  return value && { key, value };
}

function indexIn(step: ValueStep): number | undefined {
  if (step.kind === 'index') return step.index;
  return step.kind === 'any' && /^\d+$/.test(step.key) ? Number(step.key) : undefined;
}

function editsAt(change: ValueChange, root: YamlNode): readonly TextEdit[] {
  const { path, text } = change;
  let node = root;
  let flow = false;
  let key: YamlNode | undefined;
  for (const [at, step] of path.entries()) {
    flow ||= inFlow(node);
    if (isEmpty(node)) return [insertInto(change, { node, key, flow, rest: path.slice(at), root })];
    if (node.kind !== 'map' && node.kind !== 'seq') {
      throw refuse(change, `${pathText(path.slice(0, at)) || 'the file'} is a text, and no map`, node);
    }
    checkStep(change, node, step, at);
    const child = childOf(node, step);
    if (child === undefined) return [insertInto(change, { node, key, flow, rest: path.slice(at), root })];
    const begin = child.key?.offset ?? child.value.offset;
    if (begin < node.offset) throw refuse(change, 'it comes from a merge key or an alias', key ?? node);
    if (child.key !== undefined && child.value.offset < child.key.offset) {
      if (at === path.length - 1) return [replaceAlias(change, child.key)];
      throw refuse(
        change,
        `${pathText(path.slice(0, at + 1))} is an alias, and others would change with it`,
        child.key,
      );
    }
    key = child.key;
    node = child.value;
  }
  if (node.kind !== 'scalar') throw refuse(change, 'there is a map or a list in its place', node);
  const span = key === undefined ? itemSpan(text, node) : valueSpan(text, key, node);
  if (span === undefined) {
    throw refuse(change, 'its value has an anchor or a tag, or is written over several lines', node);
  }
  if (node.value === change.value && typeof yamlToJson(node) === 'string' && !span.empty) return [];
  const written = valueText(change.value, flow, node.style);
  return [{ start: span.start, end: span.end, text: `${span.empty ? ' ' : ''}${written}` }];
}

function checkStep(change: ValueChange, node: YamlNode, step: ValueStep, at: number): void {
  const where = pathText(change.path.slice(0, at)) || 'the file';
  if (node.kind === 'map' && step.kind === 'index') {
    throw refuse(change, `${where} is a map, and no list that [${step.index}] could be an item of`, node);
  }
  if (node.kind === 'seq' && indexIn(step) === undefined) {
    throw refuse(
      change,
      `${where} is a list, and '${step.kind === 'index' ? '' : step.key}' is no index`,
      node,
    );
  }
}

/** An alias in the very place of the value: a text takes its place, and what it pointed to stays. */
function replaceAlias(change: ValueChange, key: YamlNode): TextEdit {
  const found = /^[^\r\n]*?:[ \t]+(?<alias>\*[^\s,[\]{}]+)/.exec(
    change.text.slice(key.offset, key.offset + 8192),
  );
  const alias = found?.groups?.['alias'];
  if (found === null || alias === undefined) throw refuse(change, 'it is an alias', key);
  const end = key.offset + found[0].length;
  return { start: end - alias.length, end, text: valueText(change.value, true) };
}

/** Nothing but white space behind a key: what is missing can be put there. */
function isEmpty(node: YamlNode): boolean {
  return (
    node.kind === 'scalar' &&
    node.style === 'plain' &&
    !node.tagged &&
    /^(?:|~|null|Null|NULL)$/.test(node.value)
  );
}

function emptyFile(change: ValueChange): TextEdit {
  const { text } = change;
  const ending = lineEndingAt(text, 0);
  const before = text === '' || text.endsWith('\n') ? '' : ending;
  return {
    start: text.length,
    end: text.length,
    text: `${before}${nested(change.path, change.value, '', '  ', ending)}${ending}`,
  };
}

function withValue(at: JsonValue | undefined, path: readonly ValueStep[], value: string): JsonValue {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  const index = Array.isArray(at) || step.kind === 'index' ? indexIn(step) : undefined;
  if (index !== undefined) {
    const list = Array.isArray(at) ? [...at] : [];
    const place = index < 0 || index > list.length ? list.length : index;
    list[place] = withValue(list[place], rest, value);
    return list;
  }
  const key = step.kind === 'index' ? '' : step.key;
  const map = typeof at === 'object' && at !== null && !Array.isArray(at) ? at : {};
  const below = Object.hasOwn(map, key) ? map[key] : undefined;
  return { ...map, [key]: withValue(below, rest, value) };
}

function readsAs(text: string, file: string, wanted: JsonValue): boolean {
  try {
    const documents = parseYamlDocuments(text, { source: file });
    const [root] = documents;
    return root !== undefined && documents.length === 1 && jsonEqual(yamlToJson(root), wanted);
  } catch (thrown) {
    if (thrown instanceof LandfallError) return false;
    throw thrown;
  }
}
