import { LandfallError, YamlNode, readsAsOther, stringifyYaml, tags, yamlToExact } from '../kernel/index.ts';
import type { YamlSource, YamlStyle } from '../kernel/index.ts';

/** Tells a tag of null, which the original takes for "nothing" nearly everywhere. */
export function isNullOrMissing(node: YamlNode | undefined): boolean {
  return node === undefined || node.tag === tags.null;
}

/** Nothing, null, `{}` or `[]`. */
export function isEmpty(node: YamlNode | undefined): boolean {
  return (
    node === undefined || node.tag === tags.null || (node.kind !== 'scalar' && node.content.length === 0)
  );
}

export function isString(node: YamlNode): boolean {
  return node.kind === 'scalar' && (node.tag === tags.str || node.tag === '');
}

/** Where a new node comes from: the node of a configuration that asked for it. */
export interface Cause {
  readonly source: YamlSource | undefined;
  readonly offset: number;
}

const nowhere: Cause = { source: undefined, offset: -1 };

export function newScalar(value: string, tag = '', cause: Cause = nowhere, by?: string): YamlNode {
  const node = new YamlNode('scalar', tag, value, 'plain', cause.source, cause.offset);
  node.by = by;
  return node;
}

export function newMap(cause: Cause = nowhere): YamlNode {
  return new YamlNode('map', tags.map, '', 'block', cause.source, cause.offset);
}

export function newSequence(cause: Cause = nowhere): YamlNode {
  return new YamlNode('seq', tags.seq, '', 'block', cause.source, cause.offset);
}

/** A string as the original makes one: tagged, and as a block where it has lines. */
export function newString(value: string, cause: Cause = nowhere, by?: string): YamlNode {
  const node = newScalar(value, tags.str, cause, by);
  if (value.includes('\n')) node.style = 'literal';
  return node;
}

const kindNames = {
  map: 'MappingNode',
  seq: 'SequenceNode',
  scalar: 'ScalarNode',
  alias: 'AliasNode',
} as const;

/** Null passes as any kind. Source: ErrorIfInvalid of kyaml's fns.go. */
export function expectKind(node: YamlNode | undefined, kind: 'map' | 'seq' | 'scalar'): void {
  if (node === undefined || node.tag === tags.null || node.kind === kind) return;
  throw new LandfallError(
    `wrong node kind: expected ${kindNames[kind]} but got ${kindNames[node.kind]}${place(node)}: node contents:\n${preview(node)}`,
    { kind: 'invalid-input', code: 'wrong-node-kind', object: node.where },
  );
}

/** ` at file:line:column` where that is known. */
export function place(node: YamlNode): string {
  return node.where === '' ? '' : ` at ${node.where}`;
}

function preview(node: YamlNode): string {
  const text = stringifyYaml(yamlToExact(node));
  return text.length > 500 ? `${text.slice(0, 500)}…` : text;
}

/** Puts `value` under `key`, keeping the style of what it replaces. Null removes the field, unless `keepNull`. */
export function setField(
  map: YamlNode,
  key: string,
  value: YamlNode | undefined,
  options: {
    readonly keyStyle?: YamlStyle | undefined;
    readonly keepNull?: boolean;
    readonly key?: YamlNode;
  } = {},
): void {
  if (value !== undefined) quoteLookalike(value);
  if (value === undefined || (value.tag === tags.null && options.keepNull !== true)) {
    clearField(map, key);
    return;
  }
  expectKind(map, 'map');
  // Where a null stands in for a map it stays one: the original adds to it, and prints the null.
  if (map.kind !== 'map') return;
  const { content } = map;
  for (let i = 0; i < content.length; i += 2) {
    if (content[i]?.value !== key) continue;
    const old = content[i + 1];
    if (old === value) return;
    if (old === undefined) content[i + 1] = value;
    else {
      value.style = old.style;
      value.tagged = old.tagged;
      assign(old, value);
    }
    return;
  }
  const name = options.key ?? newScalar(key, '', value);
  if (options.keyStyle !== undefined) name.style = options.keyStyle;
  content.push(name, value);
}

/** A string that would read as something else gets quotes. */
export function quoteLookalike(value: YamlNode): void {
  if (isString(value) && value.style === 'plain' && !value.tagged && isOldNonString(value.value)) {
    value.style = 'double';
  }
}

function isOldNonString(text: string): boolean {
  return text !== '' && !text.includes('\n') && readsAsOther(text);
}

/**
 * Overwrites a node in place and keeps what it was in `over`. In place, because the original's labels and
 * annotations share one node between all fields of an object that they were added to, and a later change of one
 * changes all of them; outputs depend on it.
 */
export function assign(node: YamlNode, value: YamlNode): void {
  if (node === value) return;
  const made = node.source === undefined && node.offset < 0 && node.value === '' && node.content.length === 0;
  const old = made ? undefined : snapshot(node);
  node.kind = value.kind;
  node.tag = value.tag;
  node.value = value.value;
  node.style = value.style;
  node.tagged = value.tagged;
  node.content = value.content;
  node.source = value.source;
  node.offset = value.offset;
  node.by = value.by;
  node.over = old ?? value.over;
}

/** Notes what `value` stands in for. */
export function remember(value: YamlNode, old: YamlNode): void {
  if (value !== old) value.over ??= old;
}

function snapshot(node: YamlNode): YamlNode {
  const old = new YamlNode(
    node.kind,
    node.tag,
    node.value,
    node.style,
    node.source,
    node.offset,
    node.content,
  );
  old.tagged = node.tagged;
  old.by = node.by;
  old.over = node.over;
  return old;
}

export function clearField(map: YamlNode, key: string): YamlNode | undefined {
  expectKind(map, 'map');
  const { content } = map;
  for (let i = 0; i < content.length; i += 2) {
    if (content[i]?.value !== key) continue;
    const [, removed] = content.splice(i, 2);
    return removed;
  }
  return undefined;
}

/** Sets a scalar the way every transformer does: the style of the old value stays. Null changes nothing. */
export function overwriteScalar(node: YamlNode, value: YamlNode): void {
  expectKind(node, 'scalar');
  if (value.tag === tags.null || isSame(node, value)) return;
  value.style = node.style;
  value.tagged = node.tagged;
  assign(node, value);
}

/** The same value by the same line: some fields are reached by two paths. */
function isSame(node: YamlNode, value: YamlNode): boolean {
  return (
    value.by !== undefined &&
    node.by === value.by &&
    node.source === value.source &&
    node.offset === value.offset &&
    node.value === value.value &&
    node.tag === value.tag
  );
}

/** Follows map fields; undefined where the path ends early or meets null on the way. */
export function getPath(node: YamlNode | undefined, ...path: readonly string[]): YamlNode | undefined {
  let at = node;
  for (const step of path) {
    if (at === undefined || isNullOrMissing(at)) return undefined;
    expectKind(at, 'map');
    at = at.get(step);
  }
  return at;
}

/** The map at `path`, created where it is missing. */
export function ensureMap(node: YamlNode, ...path: readonly string[]): YamlNode {
  let at = node;
  for (const step of path) {
    expectKind(at, 'map');
    if (at.kind !== 'map') return at;
    let next = at.get(step);
    if (next === undefined) {
      next = newMap();
      at.content.push(newScalar(step), next);
    }
    at = next;
  }
  return at;
}

/** Marks every scalar of a tree with the step that brings it in. */
export function markTree(node: YamlNode, by: string): YamlNode {
  if (node.kind === 'scalar') node.by ??= by;
  for (const child of node.content) markTree(child, by);
  return node;
}
