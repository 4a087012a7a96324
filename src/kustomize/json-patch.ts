import {
  LandfallError,
  YamlNode,
  jsonEqual,
  parseJson,
  parseYamlSource,
  tags,
  yamlToJson,
} from '../kernel/index.ts';
import type { YamlSource } from '../kernel/index.ts';
import { markTree, remember } from './nodes.ts';
import { normalizeJson } from './normalize.ts';

export interface PatchOperation {
  readonly op: string;
  readonly path: string;
  readonly from: string | undefined;
  readonly value: YamlNode | undefined;
  readonly node: YamlNode;
}

/** The operations of a JSON patch (RFC 6902), written as JSON or YAML. */
export function parseJsonPatch(source: YamlSource): PatchOperation[] {
  // What begins like JSON is read as JSON, and not as YAML in brackets.
  if (source.text.startsWith('[')) parseJson(source.text, source.name);
  const [document] = parseYamlSource(source, { words: 'yaml-1.1', duplicateKeys: 'last' });
  // Nothing is a list without operations, as for Go's decoder.
  if (document === undefined || document.tag === tags.null) return [];
  if (document.kind !== 'seq') {
    throw new LandfallError(`${source.name}: a JSON patch is a list of operations.`, {
      kind: 'invalid-input',
      code: 'json-patch',
      object: source.name,
    });
  }
  return document.content.map((node) => {
    if (node.kind !== 'map') throw refuse(node, 'an operation of a JSON patch is a map with op and path');
    return {
      op: node.get('op')?.value ?? '',
      path: node.get('path')?.value ?? '',
      from: node.get('from')?.value,
      value: node.get('value'),
      node,
    };
  });
}

/**
 * The object after the operations, one after the other. What the original's library allows beyond the RFC is
 * allowed: negative indexes. Source: evanphx/json-patch v4 and api/filters/patchjson6902.
 */
export function applyJsonPatch(object: YamlNode, operations: readonly PatchOperation[]): YamlNode {
  const root = { node: object.clone() };
  normalizeJson(root.node);
  for (const operation of operations) apply(root, operation);
  return root.node;
}

interface Root {
  node: YamlNode;
}

function apply(root: Root, operation: PatchOperation): void {
  const value = () => {
    const copy = (operation.value ?? nullNode(operation.node)).clone();
    return markTree(copy, 'patch');
  };
  switch (operation.op) {
    case 'add':
      add(root, operation, value());
      return;
    case 'remove':
      remove(root, operation, operation.path);
      return;
    case 'replace':
      replace(root, operation, value());
      return;
    case 'move': {
      const moved = remove(root, operation, operation.from ?? '');
      add(root, operation, moved);
      return;
    }
    case 'copy':
      add(root, operation, markTree(get(root, operation, operation.from ?? '').clone(), 'patch'));
      return;
    case 'test':
      test(root, operation);
      return;
    default:
      throw refuse(operation.node, `Unexpected kind: '${operation.op}' is not an operation of a JSON patch`);
  }
}

function nullNode(at: YamlNode): YamlNode {
  return new YamlNode('scalar', tags.null, 'null', 'plain', at.source, at.offset);
}

function steps(path: string): string[] {
  return path
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The collection a path ends in, and its last step. */
function parentOf(root: Root, operation: PatchOperation, path: string): readonly [YamlNode, string] {
  const parts = steps(path);
  const last = parts.pop();
  if (last === undefined) throw missing(operation, path);
  let at = root.node;
  for (const step of parts) {
    const next = child(at, step);
    if (next === undefined || next.kind === 'scalar') throw missing(operation, path);
    at = next;
  }
  return [at, last];
}

function child(node: YamlNode, step: string): YamlNode | undefined {
  if (node.kind === 'map') return node.get(step);
  if (node.kind !== 'seq') return undefined;
  const index = indexIn(node, step);
  return index === undefined ? undefined : node.content[index];
}

function indexIn(list: YamlNode, step: string): number | undefined {
  if (!/^-?\d+$/.test(step)) return undefined;
  const index = Number(step);
  const real = index < 0 ? index + list.content.length : index;
  return real >= 0 && real < list.content.length ? real : undefined;
}

function add(root: Root, operation: PatchOperation, value: YamlNode): void {
  if (operation.path === '') throw missing(operation, operation.path);
  const [parent, step] = parentOf(root, operation, operation.path);
  if (parent.kind === 'map') {
    put(parent, step, value);
    return;
  }
  if (step === '-') {
    parent.content.push(value);
    return;
  }
  const length = parent.content.length + 1;
  const index = /^-?\d+$/.test(step) ? Number(step) : Number.NaN;
  const real = index < 0 ? index + length : index;
  if (!(real >= 0 && real < length)) throw missing(operation, operation.path);
  parent.content.splice(real, 0, value);
}

function put(map: YamlNode, key: string, value: YamlNode): void {
  const { content } = map;
  for (let i = 0; i < content.length; i += 2) {
    if (content[i]?.value !== key) continue;
    const old = content[i + 1];
    if (old !== undefined) remember(value, old);
    content[i + 1] = value;
    return;
  }
  content.push(new YamlNode('scalar', tags.str, key, 'plain', value.source, value.offset), value);
}

function remove(root: Root, operation: PatchOperation, path: string): YamlNode {
  const [parent, step] = parentOf(root, operation, path);
  if (parent.kind === 'map') {
    const { content } = parent;
    for (let i = 0; i < content.length; i += 2) {
      if (content[i]?.value !== step) continue;
      const [, removed] = content.splice(i, 2);
      if (removed !== undefined) return removed;
    }
    throw missing(operation, path);
  }
  const index = indexIn(parent, step);
  const [removed] = index === undefined ? [] : parent.content.splice(index, 1);
  if (removed === undefined) throw missing(operation, path);
  return removed;
}

function replace(root: Root, operation: PatchOperation, value: YamlNode): void {
  if (operation.path === '') {
    remember(value, root.node);
    root.node = value;
    return;
  }
  const [parent, step] = parentOf(root, operation, operation.path);
  if (parent.kind === 'map') {
    // Of a field that is not there the original's library makes one, against the RFC.
    put(parent, step, value);
    return;
  }
  const index = indexIn(parent, step);
  const old = index === undefined ? undefined : parent.content[index];
  if (index === undefined || old === undefined) throw missing(operation, operation.path);
  remember(value, old);
  parent.content[index] = value;
}

function get(root: Root, operation: PatchOperation, path: string): YamlNode {
  if (path === '') return root.node;
  const [parent, step] = parentOf(root, operation, path);
  const found = child(parent, step);
  if (found === undefined) throw missing(operation, path);
  return found;
}

function test(root: Root, operation: PatchOperation): void {
  const wanted = operation.value === undefined ? null : yamlToJson(operation.value);
  let found: YamlNode | undefined;
  try {
    found = get(root, operation, operation.path);
  } catch (error) {
    if (!(error instanceof LandfallError) || wanted !== null) throw error;
  }
  if (jsonEqual(found === undefined ? null : yamlToJson(found), wanted)) return;
  throw refuse(operation.node, `testing value ${operation.path} failed: it is not what the patch expects`);
}

function missing(operation: PatchOperation, path: string): LandfallError {
  return refuse(
    operation.node,
    `${operation.op} operation does not apply: doc is missing path: "${path}": missing value`,
  );
}

function refuse(node: YamlNode, problem: string): LandfallError {
  return new LandfallError(`${node.where}: ${problem}`, {
    kind: 'invalid-input',
    code: 'json-patch',
    object: node.where,
  });
}
