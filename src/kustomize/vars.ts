import { LandfallError, scalarValue, tags } from '../kernel/index.ts';
import type { YamlNode } from '../kernel/index.ts';
import type { RenderContext } from './context.ts';
import type { Fields } from './decode.ts';
import { SpecIndex, applyPath, splitFieldPath } from './field-spec.ts';
import type { FieldSpec } from './field-spec.ts';
import { gvknEquals, idEquals, splitApiVersion } from './ids.ts';
import type { ResId } from './ids.ts';
import { assign, isNullOrMissing, isString, newScalar, place } from './nodes.ts';
import { lookupPath } from './path-lookup.ts';
import type { ResMap } from './res-map.ts';

/** A `vars:` entry. Source: api/types/var.go. */
export interface Var {
  readonly name: string;
  readonly target: {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
    readonly name: string;
    readonly namespace: string;
    readonly apiVersion: string;
  };
  readonly fieldPath: string;
  readonly node: YamlNode;
}

export function readVar(fields: Fields): Var {
  const target = fields.fields('objref');
  const apiVersion = target?.text('apiVersion') ?? '';
  const given = { group: target?.text('group') ?? '', version: target?.text('version') ?? '' };
  const fromApi = apiVersion === '' ? given : { ...given, ...dropEmpty(splitApiVersion(apiVersion)) };
  const result: Var = {
    name: fields.text('name'),
    target: {
      ...fromApi,
      apiVersion,
      kind: target?.text('kind') ?? '',
      name: target?.text('name') ?? '',
      namespace: target?.text('namespace') ?? '',
    },
    fieldPath: fields.fields('fieldref')?.text('fieldPath') || 'metadata.name',
    node: fields.node,
  };
  target?.strict();
  return result;
}

function dropEmpty(gv: { readonly group: string; readonly version: string }) {
  return gv.group === '' ? { version: gv.version } : gv;
}

/** Notes which object each var is about, and refuses a name that is there already. */
export function mergeVars(
  own: Map<string, Var>,
  incoming: Iterable<Var>,
  map: ResMap | undefined,
  context: RenderContext,
): void {
  const vars = [...incoming];
  if (map !== undefined) {
    for (const each of vars) {
      const { target } = each;
      const apiVersion = target.group === '' ? target.version : `${target.group}/${target.version}`;
      const id: ResId = { ...target, clusterScoped: context.openapi.clusterScoped(apiVersion, target.kind) };
      const exact = id.namespace !== '' || id.clusterScoped;
      const found = map.matchingAnyId(id.name, (other) =>
        exact ? idEquals(id, other) : gvknEquals(id, other),
      );
      if (found.length > 1) {
        throw refuse(
          each.node,
          `found ${found.length} resId matches for var ${each.name} (unable to disambiguate)`,
        );
      }
      found[0]?.refVarNames.push(each.name);
    }
  }
  for (const each of vars) {
    const before = own.get(each.name);
    if (before !== undefined)
      throw refuse(each.node, `var '${each.name}' already encountered${place(before.node)}`);
    own.set(each.name, each);
  }
}

interface Resolved {
  readonly node: YamlNode;
  readonly value: string | number | boolean | bigint;
}

/** Replaces `$(NAME)` in the fields where vars are allowed. Source: api/filters/refvar. */
export function resolveVars(
  vars: ReadonlyMap<string, Var>,
  map: ResMap,
  fields: readonly FieldSpec[],
  context: RenderContext,
): void {
  if (vars.size === 0) return;
  const values = new Map<string, Resolved | undefined>();
  for (const name of [...vars.keys()].sort()) {
    const each = vars.get(name);
    if (each !== undefined) values.set(name, valueOf(each, map));
  }
  const used = new Set<string>();
  const index = new SpecIndex(fields);
  for (const resource of map.list) {
    for (const spec of index.ofObject(resource.node)) {
      applyPath(resource.node, spec, { set: (field) => replaceIn(field, values, used) });
    }
    resource.touch();
  }
  const unused = [...values.keys()].filter((name) => !used.has(name));
  if (unused.length > 0)
    context.warnings.push(`well-defined vars that were never replaced: ${unused.join(',')}`);
}

function valueOf(each: Var, map: ResMap): Resolved | undefined {
  for (const resource of map.list) {
    if (!resource.refVarNames.includes(each.name)) continue;
    const node = lookupPath(resource.node, pathSteps(each.fieldPath), each.node);
    if (node === undefined) {
      throw refuse(
        each.node,
        `field specified in var '${each.name}' not found in corresponding resource: ${each.fieldPath}`,
      );
    }
    if (node.kind !== 'scalar') return undefined;
    const value = isString(node) ? node.value : (scalarValue(node, true) ?? node.value);
    return { node, value };
  }
  throw refuse(each.node, `var '${each.name}' cannot be mapped to a field in the set of known resources`);
}

function pathSteps(path: string): string[] {
  return splitFieldPath(path).flatMap((step) => {
    const index = /^(.*)\[(\d+)\]$/.exec(step);
    if (index === null) return [step];
    return [index[1] ?? '', index[2] ?? ''].filter((part) => part !== '');
  });
}

function replaceIn(
  field: YamlNode,
  values: ReadonlyMap<string, Resolved | undefined>,
  used: Set<string>,
): void {
  if (isNullOrMissing(field)) return;
  if (field.kind === 'scalar') {
    if (isString(field)) replaceText(field, values, used);
    return;
  }
  if (field.kind === 'map') {
    for (let i = 0; i < field.content.length; i += 2) {
      const [key, value] = [field.content[i], field.content[i + 1]];
      if (key !== undefined && !isString(key)) {
        throw refuse(key, `invalid map key: value='${key.value}', tag='${key.tag}'`);
      }
      if (value !== undefined && isString(value)) replaceText(value, values, used);
    }
    return;
  }
  for (const item of field.content) {
    if (!isString(item)) throw refuse(item, 'invalid value type expect a string');
    replaceText(item, values, used);
  }
}

function replaceText(
  node: YamlNode,
  values: ReadonlyMap<string, Resolved | undefined>,
  used: Set<string>,
): void {
  let cause: YamlNode | undefined;
  let whole: string | number | boolean | bigint | undefined;
  const take = (name: string): string => {
    const found = values.get(name);
    if (found === undefined) return `$(${name})`;
    used.add(name);
    cause = found.node;
    if (node.value === `$(${name})`) whole = found.value;
    return String(found.value);
  };
  const text = expand(node.value, take);
  const value = whole ?? text;
  if (cause === undefined && text === node.value) {
    // The original writes every text it looks at anew.
    node.tag = tags.str;
    node.style = 'plain';
    node.tagged = false;
    return;
  }
  const tag =
    typeof value === 'string'
      ? tags.str
      : typeof value === 'boolean'
        ? tags.bool
        : typeof value === 'bigint' || Number.isInteger(value)
          ? tags.int
          : tags.float;
  assign(node, newScalar(String(value), tag, cause ?? node, 'vars'));
}

/** `$(NAME)` is a reference and `$$` a dollar; anything else after a dollar stays. Source: refvar/expand.go. */
function expand(text: string, take: (name: string) => string): string {
  let result = '';
  let from = 0;
  for (let at = text.indexOf('$'); at >= 0 && at + 1 < text.length; at = text.indexOf('$', from)) {
    result += text.slice(from, at);
    const next = text.charAt(at + 1);
    const close = next === '(' ? text.indexOf(')', at + 2) : -1;
    if (next === '$') {
      result += '$';
      from = at + 2;
    } else if (close >= 0) {
      result += take(text.slice(at + 2, close));
      from = close + 1;
    } else {
      result += `$${next}`;
      from = at + 2;
    }
  }
  return result + text.slice(from);
}

function refuse(node: YamlNode, problem: string): LandfallError {
  return new LandfallError(node.where === '' ? problem : `${node.where}: ${problem}`, {
    kind: 'invalid-input',
    code: 'var-invalid',
    object: node.where,
  });
}
