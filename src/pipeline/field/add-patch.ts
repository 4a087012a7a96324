import {
  getString,
  isJsonObject,
  jsonEqual,
  parseYamlDocuments,
  stringifyYaml,
  yamlToJson,
} from '../../kernel/index.ts';
import type { JsonObject, JsonValue, YamlNode } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { lineEndingAt } from '../yaml-edit.ts';

type Path = readonly (string | number)[];

/**
 * A strategic merge patch that sets one field of `object`. Items of lists are named by their `name`; undefined where
 * one has none, because an index means nothing to a merge.
 */
export function mergePatch(
  object: KubeObject,
  name: string,
  path: Path,
  value: JsonValue,
): JsonObject | undefined {
  const body = nested(object, path, value);
  if (!isJsonObject(body)) return undefined;
  const metadata = isJsonObject(body['metadata']) ? body['metadata'] : {};
  return { apiVersion: object.apiVersion, kind: object.kind, ...body, metadata: { name, ...metadata } };
}

function nested(at: JsonValue | undefined, path: Path, value: JsonValue): JsonValue | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (typeof step === 'string') {
    const below = nested(isJsonObject(at) ? at[step] : undefined, rest, value);
    return below === undefined ? undefined : { [step]: below };
  }
  const item = Array.isArray(at) ? at[step] : undefined;
  const name = getString(item, 'name');
  const below = nested(item, rest, value);
  if (name === undefined || !isJsonObject(below)) return undefined;
  return [{ name, ...below }];
}

/** A JSON patch that sets one field by its path, or takes it out, with the target it belongs to. */
export function jsonPatch(
  object: KubeObject,
  name: string,
  path: Path,
  value: JsonValue | undefined,
): JsonObject {
  const pointer = path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  return {
    target: { kind: object.kind, name },
    patch: stringifyYaml([
      value === undefined ? { op: 'remove', path: pointer } : { op: 'add', path: pointer, value },
    ]),
  };
}

function block(text: string, indent: string, ending: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '' : `${indent}${line}`))
    .join(ending);
}

function entry(patch: JsonObject, indent: string, ending: string): string {
  const target = patch['target'];
  const text = isJsonObject(target) ? (getString(patch, 'patch') ?? '') : stringifyYaml(patch);
  const inner = `${indent}  `;
  const lead = isJsonObject(target)
    ? `${indent}- target:${ending}${block(stringifyYaml(target), `${inner}  `, ending)}${ending}${inner}patch: |-`
    : `${indent}- patch: |-`;
  return `${lead}${ending}${block(text, `${inner}  `, ending)}${ending}`;
}

/** Where the value of a key of the root ends: before the next key, and before comments and blank lines that lead to it. */
function endOfValue(text: string, root: YamlNode, key: YamlNode): number {
  const next = root.content
    .filter((node, index) => index % 2 === 0 && node.offset > key.offset)
    .toSorted((a, b) => a.offset - b.offset)[0];
  const end = next === undefined ? text.length : text.lastIndexOf('\n', next.offset - 1) + 1;
  const tail = /(?:^[ \t]*(?:#[^\n]*)?\r?(?:\n|$))+$/m.exec(text.slice(key.offset, end));
  return tail === null ? end : key.offset + tail.index;
}

/**
 * The kustomization with one more inline patch behind those it has. Undefined when its `patches` are written in a way
 * that has no safe place for another (a flow list, an alias, several documents). Read again before it is given back.
 */
export function addPatch(text: string, file: string, patch: JsonObject): string | undefined {
  const documents = parseYamlDocuments(text, { source: file });
  const [root] = documents;
  if (
    root?.kind !== 'map' ||
    documents.length !== 1 ||
    root.style === 'flow' ||
    /^\.\.\.(?:\s|$)/m.test(text)
  )
    return undefined;
  const ending = lineEndingAt(text, 0);
  const patches = root.get('patches');
  const key = root.content.find((node, index) => index % 2 === 0 && node.value === 'patches');
  let edited: string;
  if (patches === undefined || key === undefined) {
    const before = text === '' || text.endsWith('\n') ? '' : ending;
    edited = `${text}${before}patches:${ending}${entry(patch, '  ', ending)}`;
  } else {
    const [first] = patches.content;
    if (
      patches.kind !== 'seq' ||
      patches.style === 'flow' ||
      first === undefined ||
      patches.offset < key.offset
    )
      return undefined;
    const lineStart = text.lastIndexOf('\n', first.offset - 1) + 1;
    const indent = /^ *(?=- )/.exec(text.slice(lineStart, first.offset))?.[0];
    if (indent === undefined) return undefined;
    const at = endOfValue(text, root, key);
    const before = text.slice(0, at).endsWith('\n') ? '' : ending;
    edited = `${text.slice(0, at)}${before}${entry(patch, indent, ending)}${text.slice(at)}`;
  }
  const [after] = parseYamlDocuments(edited, { source: file });
  const [was, is] = [yamlToJson(root), after === undefined ? null : yamlToJson(after)];
  if (!isJsonObject(was) || !isJsonObject(is) || !Array.isArray(is['patches'])) return undefined;
  const kept = Array.isArray(was['patches']) ? was['patches'] : [];
  return jsonEqual({ ...is, patches: is['patches'].slice(0, -1) }, { ...was, patches: kept }) &&
    is['patches'].length === kept.length + 1
    ? edited
    : undefined;
}
