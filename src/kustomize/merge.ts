import { LandfallError, tags } from '../kernel/index.ts';
import type { YamlNode, YamlStyle } from '../kernel/index.ts';
import { clearField, expectKind, isNullOrMissing, newScalar, quoteLookalike, setField } from './nodes.ts';
import {
  appendElements,
  completeKey,
  elementValues,
  emptyList,
  findElement,
  mergeKeyValues,
  setElement,
  validKeys,
} from './merge-lists.ts';
import type { MergeSchema, OpenApi } from './schema/openapi.ts';

interface MergeOptions {
  readonly openapi: OpenApi;
  /** Lists of maps without a schema are merged by `name` where every item has one. Kustomize never does. */
  readonly infer?: boolean;
  /** Where items of a patch go in a list: kustomize puts them in front. */
  readonly direction?: 'prepend' | 'append';
}

interface Merged {
  readonly node: YamlNode;
  /** A null that stays. */
  readonly keep?: boolean;
}

type Directive = 'merge' | 'replace' | 'delete';

/**
 * A strategic merge of `patch` into `target`, in place. The result is undefined when the patch deletes the
 * object. `patch` is used up. Source: kyaml's merge2 and walk.
 */
export function strategicMerge(
  target: YamlNode,
  patch: YamlNode,
  options: MergeOptions,
): YamlNode | undefined {
  return new Merger(options).walk(target, patch, undefined, [])?.node;
}

class Merger {
  private readonly options: MergeOptions;

  constructor(options: MergeOptions) {
    this.options = options;
  }

  walk(
    target: YamlNode | undefined,
    patch: YamlNode | undefined,
    known: MergeSchema | undefined,
    path: readonly string[],
  ): Merged | undefined {
    const schema = known ?? this.schemaOf(target) ?? this.schemaOf(patch);
    const kind = isNullOrMissing(target) ? (isNullOrMissing(patch) ? undefined : patch?.kind) : target?.kind;
    switch (kind) {
      case undefined:
        return this.walkMap(target, patch, schema, path);
      case 'map':
        this.expectBoth(target, patch, 'map', path);
        return this.walkMap(target, patch, schema, path);
      case 'seq':
        this.expectBoth(target, patch, 'seq', path);
        return this.isAssociative(target, patch, schema)
          ? this.walkAssociative(target, patch, schema, path)
          : either(patch, target);
      case 'scalar':
        this.expectBoth(target, patch, 'scalar', path);
        return either(patch, target);
      case 'alias':
        return undefined;
    }
    return undefined;
  }

  private expectBoth(
    target: YamlNode | undefined,
    patch: YamlNode | undefined,
    kind: 'map' | 'seq' | 'scalar',
    path: readonly string[],
  ): void {
    try {
      expectKind(target, kind);
      expectKind(patch, kind);
    } catch (error) {
      if (!(error instanceof LandfallError)) throw error;
      throw new LandfallError(
        `The patch${patch === undefined ? '' : ` ${patch.where}`} does not fit the field ${path.join('.')}: ${error.message}`,
        { kind: 'invalid-input', code: 'patch-kind', object: patch?.where ?? '', cause: error },
      );
    }
  }

  private schemaOf(node: YamlNode | undefined): MergeSchema | undefined {
    if (node === undefined || isNullOrMissing(node) || node.kind !== 'map') return undefined;
    const [apiVersion, kind] = [node.get('apiVersion'), node.get('kind')];
    if (apiVersion === undefined || kind === undefined) return undefined;
    return this.options.openapi.schemaOf(apiVersion.value, kind.value);
  }

  private isAssociative(
    target: YamlNode | undefined,
    patch: YamlNode | undefined,
    schema: MergeSchema | undefined,
  ): boolean {
    if (schema !== undefined) return schema.merge !== undefined;
    if (this.options.infer !== true) return false;
    return [target, patch].some((list) => list !== undefined && !isNullOrMissing(list) && hasNames(list));
  }

  private walkMap(
    target: YamlNode | undefined,
    patch: YamlNode | undefined,
    schema: MergeSchema | undefined,
    path: readonly string[],
  ): Merged | undefined {
    adoptStyle(target, patch);
    let result: Merged | undefined;
    if (isNullOrMissing(target)) {
      if (directiveOrMerge(patch) === 'delete') return undefined;
      if (patch === undefined && target !== undefined && target.value !== '') {
        return { node: target, keep: true };
      }
      result = patch === undefined ? undefined : { node: patch };
    } else if (patch?.tag === tags.null) {
      return undefined;
    } else {
      const directive = patch === undefined ? 'merge' : directiveOf(patch);
      if (directive === 'delete') return undefined;
      result = directive === 'replace' ? one(patch) : one(target);
      if (directive === 'replace' && patch !== undefined && target !== undefined) patch.over ??= target;
    }
    const into = result?.node;
    if (into === undefined) return undefined;
    if (into.kind === 'scalar') return result;

    for (const key of fieldNames(into, patch)) {
      const [own, ownKey] = fieldOf(into, key);
      const [given, givenKey] = patch === into ? [own, ownKey] : fieldOf(patch, key);
      const { openapi } = this.options;
      const commented = openapi.commented(ownKey, own) ?? openapi.commented(givenKey, given);
      const merged = this.walk(own, given, commented ?? schema?.field(key), [...path, key]);
      const style: YamlStyle | undefined =
        merged === undefined ? undefined : (merged.node === given ? givenKey : ownKey)?.style;
      if (merged !== undefined && merged.node === own && (own.tag !== tags.null || merged.keep === true)) {
        quoteLookalike(own);
        continue;
      }
      setField(into, key, merged?.node, {
        keyStyle: style,
        keepNull: merged?.keep === true,
        ...(given === undefined ? {} : { key: newScalar(key, '', given) }),
      });
    }
    return result;
  }

  private walkAssociative(
    target: YamlNode | undefined,
    patch: YamlNode | undefined,
    schema: MergeSchema | undefined,
    path: readonly string[],
  ): Merged | undefined {
    adoptStyle(target, patch);
    let into: YamlNode | undefined;
    if (isNullOrMissing(target)) into = patch;
    else if (patch?.tag === tags.null) return undefined;
    else {
      const directive = patch === undefined ? 'merge' : directiveOf(patch);
      if (directive === 'delete') return undefined;
      into = directive === 'replace' ? patch : target;
    }
    if (into === undefined) return undefined;

    const sources = [into, patch];
    let keys = schema?.merge ?? [];
    if (schema?.merge === undefined) keys = [inferredKey(sources, path)];
    const rows = keys.length > 0 ? this.keyedRows(sources, keys) : this.primitiveRows(sources);
    return this.mergeElements(rows, keys.length > 0 ? keys : [''], into, patch, schema?.items(), path);
  }

  /** Rows of keys, of the patch first where its items go in front. */
  private inOrder(sources: readonly (YamlNode | undefined)[]): readonly (YamlNode | undefined)[] {
    return (this.options.direction ?? 'prepend') === 'prepend' ? [sources[1], sources[0]] : sources;
  }

  private keyedRows(sources: readonly (YamlNode | undefined)[], keys: readonly string[]): string[][] {
    const rows: string[][] = [];
    const seen = new Set<string>();
    for (const list of this.inOrder(sources)) {
      if (list === undefined || isNullOrMissing(list)) continue;
      for (const row of elementValues(list, keys)) {
        const key = row.toSorted().join('\u0000');
        if (row.length === 0 || seen.has(key)) continue;
        seen.add(key);
        rows.push(row);
      }
    }
    return rows;
  }

  private primitiveRows(sources: readonly (YamlNode | undefined)[]): string[][] {
    const values = new Set<string>();
    for (const list of this.inOrder(sources)) {
      for (const item of list?.content ?? []) values.add(item.value);
    }
    return [...values].map((value) => [value]);
  }

  private mergeElements(
    rows: string[][],
    keys: readonly string[],
    into: YamlNode,
    patch: YamlNode | undefined,
    schema: MergeSchema | undefined,
    path: readonly string[],
  ): Merged | undefined {
    const added = emptyList();
    const all = keys.length > 1 ? mergeKeyValues(rows) : rows;
    let used: readonly string[] = [];
    for (const row of all) {
      if (row.length === 0) continue;
      const valid = validKeys(all, row, keys);
      used = valid.keys;
      const own = elementOf(into, valid.keys, valid.values);
      const given = patch === undefined ? undefined : elementOf(patch, valid.keys, valid.values);
      const merged = this.walk(own, given, schema, path)?.node;
      let skip = false;
      for (const [index, key] of valid.keys.entries()) {
        const value = valid.values[index] ?? '';
        if (
          merged === undefined ||
          isNullOrMissing(merged) ||
          (merged.kind === 'map' && merged.content.length === 0)
        ) {
          setElement(into, undefined, valid.keys, valid.values);
          skip = true;
        } else if (merged.kind === 'map' && merged.get(key) === undefined && value !== '') {
          completeKey(merged, key, value);
        } else if (merged.kind !== 'map' && key !== '' && value !== '') {
          expectKind(merged, 'map');
        }
      }
      if (!skip && merged !== undefined) setElement(added, merged, valid.keys, valid.values);
    }
    if (all.length === 0) return { node: into };
    if ((this.options.direction ?? 'prepend') === 'append')
      return { node: appendElements(into, added, used) };
    const result = appendElements(added, into, used);
    result.source = into.source;
    result.offset = into.offset;
    result.by = into.by;
    return { node: result };
  }
}

function one(node: YamlNode | undefined): Merged | undefined {
  return node === undefined ? undefined : { node };
}

/** What the patch says, else what is there. */
function either(patch: YamlNode | undefined, target: YamlNode | undefined): Merged | undefined {
  return one(patch ?? target);
}

function fieldOf(
  map: YamlNode | undefined,
  key: string,
): readonly [YamlNode | undefined, YamlNode | undefined] {
  if (map?.kind !== 'map') return [undefined, undefined];
  const { content } = map;
  for (let i = 0; i < content.length; i += 2) {
    if (content[i]?.value === key) return [content[i + 1], content[i]];
  }
  return [undefined, undefined];
}

/** Names of all fields, sorted: the order in which new fields are appended. */
function fieldNames(a: YamlNode, b: YamlNode | undefined): string[] {
  const names = new Set<string>();
  for (const map of a === b ? [a] : [a, b]) {
    if (map === undefined || isNullOrMissing(map)) continue;
    for (let i = 0; i < map.content.length; i += 2) names.add(map.content[i]?.value ?? '');
  }
  return [...names].sort();
}

function elementOf(list: YamlNode, keys: readonly string[], values: readonly string[]): YamlNode | undefined {
  const valid = validKeys([values], values, keys);
  return findElement(list, valid.keys, valid.values);
}

function hasNames(list: YamlNode): boolean {
  return list.content.every((item) => item.kind === 'map' && item.get('name') !== undefined);
}

function inferredKey(lists: readonly (YamlNode | undefined)[], path: readonly string[]): string {
  let key: string | undefined;
  for (const list of lists) {
    if (list === undefined || list.content.length === 0) continue;
    const found = hasNames(list) ? 'name' : '';
    if (key !== undefined && key !== '' && key !== found) {
      throw refuse(list, `conflicting merge keys [${key},${found}] for field ${path.join('.')}`);
    }
    key = found;
  }
  if (key === undefined || key === '') {
    const list = lists.find((each) => each !== undefined);
    throw refuse(list, `no merge key found for field ${path.join('.')}`);
  }
  return key;
}

/** An empty map or list takes the style of what is merged into it. */
function adoptStyle(target: YamlNode | undefined, patch: YamlNode | undefined): void {
  if (target === undefined || patch === undefined) return;
  if (target.kind !== 'scalar' && target.content.length === 0) target.style = patch.style;
}

function directiveOrMerge(patch: YamlNode | undefined): Directive {
  if (patch === undefined || patch.kind === 'scalar' || isNullOrMissing(patch)) return 'merge';
  try {
    return directiveOf(patch);
  } catch {
    return 'merge';
  }
}

/** Reads `$patch` and takes it out of the patch. */
function directiveOf(patch: YamlNode): Directive {
  if (patch.kind === 'map') {
    const value = patch.get('$patch');
    if (value === undefined) return 'merge';
    const directive = directiveNamed(value);
    clearField(patch, '$patch');
    return directive;
  }
  if (patch.kind === 'seq') {
    const item = patch.content.find((each) => each.kind === 'map' && each.get('$patch') !== undefined);
    const value = item?.get('$patch');
    if (item === undefined || value === undefined || item.content.length > 2) return 'merge';
    const directive = directiveNamed(value);
    setElement(patch, undefined, ['$patch'], [value.value]);
    return directive;
  }
  throw refuse(patch, `no strategic merge patch strategy for a ${patch.tag} here`);
}

function directiveNamed(node: YamlNode): Directive {
  const { value } = node;
  if (value === 'merge' || value === 'replace' || value === 'delete') return value;
  throw refuse(node, `unknown patch strategy '${value}'; it is one of merge, replace and delete`);
}

function refuse(node: YamlNode | undefined, problem: string): LandfallError {
  const where = node?.where ?? '';
  return new LandfallError(where === '' ? problem : `${where}: ${problem}`, {
    kind: 'invalid-input',
    code: 'patch-invalid',
    object: where,
  });
}
