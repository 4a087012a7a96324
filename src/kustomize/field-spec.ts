import { LandfallError, YamlNode, tags } from '../kernel/index.ts';
import { compareGvk, gvkSelected, gvkText, idText, splitApiVersion } from './ids.ts';
import type { Gvk } from './ids.ts';
import { expectKind, newScalar, place } from './nodes.ts';

/** A field of some kinds of objects. Source: api/types/fieldspec.go and api/filters/fieldspec. */
export interface FieldSpec extends Gvk {
  readonly path: string;
  readonly create: boolean;
  /** The path, split. */
  readonly steps: readonly string[];
}

export function parseFieldSpec(text: string): FieldSpec {
  const create = text.startsWith('+');
  const [path = '', gvk = '//'] = (create ? text.slice(1) : text).split(' ');
  const [group = '', version = '', kind = ''] = gvk.split('/');
  return { path, create, group, version, kind, steps: splitPath(path) };
}

export function sortSpecs<T extends Gvk>(specs: readonly T[]): T[] {
  return specs.toSorted(compareGvk);
}

/** Adds what is not there; the same field with another `create` is a conflict. */
export function mergeSpecs(
  own: readonly FieldSpec[],
  more: readonly FieldSpec[],
  where: string,
): FieldSpec[] {
  const merged = [...own];
  for (const spec of more) {
    const same = merged.find((each) => each.path === spec.path && gvkSelected(each, spec));
    if (same === undefined) merged.push(spec);
    else if (same.create !== spec.create) {
      throw new LandfallError(
        `${where}: conflicting fieldspecs: ${spec.path} of ${gvkText(spec)} is there with create: ${same.create} and given with create: ${spec.create}.`,
        { kind: 'invalid-input', code: 'field-spec-conflict', object: where },
      );
    }
  }
  return merged;
}

/** Splits at `/`; `\\/` is a slash in a name. */
export function splitPath(path: string, delimiter = '/'): readonly string[] {
  let parts = path.split(delimiter);
  if (parts.length > 1 && parts[0] === '') parts = parts.slice(1);
  const [head = '', ...rest] = parts;
  const result = [head];
  for (const part of rest) {
    const last = result.at(-1) ?? '';
    if (last.endsWith('\\')) result[result.length - 1] = last.slice(0, -1) + delimiter + part;
    else result.push(part);
  }
  return result;
}

/** Like `splitPath`, where a part in brackets may hold the delimiter: `[name=a.b]`. */
export function splitFieldPath(path: string, delimiter = '.'): string[] {
  const parts = splitPath(path, delimiter);
  const result: string[] = [];
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] ?? '';
    if (!part.startsWith('[') || part.endsWith(']')) {
      result.push(part);
      continue;
    }
    const bracketed = [part];
    while (i < parts.length - 1) {
      i++;
      bracketed.push(parts[i] ?? '');
      if (parts[i]?.endsWith(']') === true) break;
    }
    const joined = bracketed.join(delimiter);
    result.push(joined.includes('=') ? joined : joined.replace(/^[[\]]+|[[\]]+$/g, ''));
  }
  return result;
}

interface FieldAction {
  readonly set: (field: YamlNode) => void;
  /** What to make of a field that is missing, where the spec says `create`. Undefined: nothing. */
  readonly create?: 'scalar' | 'map' | 'seq';
  readonly createTag?: string;
}

/** The specs that are for an object of a kind, found once for each kind. */
export class SpecIndex<T extends Gvk> {
  private readonly specs: readonly T[];
  private readonly byKind = new Map<string, readonly T[]>();

  constructor(specs: readonly T[]) {
    this.specs = specs;
  }

  of(apiVersion: string, kind: string): readonly T[] {
    const key = `${apiVersion} ${kind}`;
    let found = this.byKind.get(key);
    if (found === undefined) {
      const gvk = { ...splitApiVersion(apiVersion), kind };
      found = this.specs.filter((spec) => gvkSelected(gvk, spec));
      this.byKind.set(key, found);
    }
    return found;
  }

  ofObject(object: YamlNode): readonly T[] {
    return this.of(object.get('apiVersion')?.value ?? '', object.get('kind')?.value ?? '');
  }
}

/** Whether a spec leads to something of an object of which only the metadata may be there. */
export function concerns(spec: FieldSpec, resource: { readonly reused: boolean }): boolean {
  return !resource.reused || spec.steps[0] === 'metadata';
}

/** Calls `set` for every node the spec leads to, where it is for this kind of object. */
export function applyFieldSpec(object: YamlNode, spec: FieldSpec, action: FieldAction): void {
  if (spec.kind !== '' && spec.kind !== (object.get('kind')?.value ?? '')) return;
  if (spec.group !== '' || spec.version !== '') {
    const { group, version } = splitApiVersion(object.get('apiVersion')?.value ?? '');
    if (spec.group !== '' && spec.group !== group) return;
    if (spec.version !== '' && spec.version !== version) return;
  }
  applyPath(object, spec, action);
}

/** The same for a spec that is known to be for the object; lists on the way are walked through silently. */
export function applyPath(object: YamlNode, spec: FieldSpec, action: FieldAction): void {
  try {
    descend(object, spec.steps, 0, spec.create, action);
  } catch (error) {
    if (!(error instanceof LandfallError)) throw error;
    throw new LandfallError(
      `considering field '${spec.path}' of object ${objectText(object)}: ${error.message}`,
      {
        kind: error.kind,
        code: error.code,
        ...(error.object === undefined ? {} : { object: error.object }),
        ...(error.hint === undefined ? {} : { hint: error.hint }),
        cause: error,
      },
    );
  }
}

function objectText(object: YamlNode): string {
  const metadata = object.get('metadata');
  return idText({
    ...splitApiVersion(object.get('apiVersion')?.value ?? ''),
    kind: object.get('kind')?.value ?? '',
    name: metadata?.get('name')?.value ?? '',
    namespace: metadata?.get('namespace')?.value ?? '',
    clusterScoped: false,
  });
}

function descend(
  node: YamlNode,
  path: readonly string[],
  at: number,
  create: boolean,
  action: FieldAction,
): void {
  const step = path[at];
  if (step === undefined) {
    action.set(node);
    return;
  }
  if (node.tag === tags.null) return;
  if (node.kind === 'seq') {
    for (const item of node.content) descend(item, path, at, create, action);
    return;
  }
  if (node.kind !== 'map') {
    throw new LandfallError(`expected sequence or mapping node${place(node)}`, {
      kind: 'invalid-input',
      code: 'wrong-node-kind',
      object: node.where,
    });
  }
  const isList = step.endsWith('[]');
  const name = isList ? step.slice(0, -2) : step;
  if (name === '') {
    throw new LandfallError('cannot set or create an empty field name', {
      kind: 'invalid-input',
      code: 'field-spec-path',
    });
  }
  const last = at === path.length - 1;
  const creates = create && action.create !== undefined && !isList;
  const made = creates ? (last ? action.create : 'map') : undefined;
  const field = lookup(node, name) ?? (made === undefined ? undefined : makeField(node, name, made));
  if (field === undefined) return;
  const retag = isList ? 'seq' : made;
  if (field.tag === tags.null && retag !== undefined) {
    field.kind = retag;
    if (retag !== 'scalar') field.content = [];
    field.tag = isList ? '' : last ? (action.createTag ?? '') : tags.map;
    if (retag !== 'scalar') field.style = 'block';
  }
  descend(field, path, at + 1, create, action);
}

/** A path step as the original's Lookup takes it: a field, or an item of a list. */
function lookup(node: YamlNode, step: string): YamlNode | undefined {
  expectKind(node, 'map');
  return node.get(step);
}

function makeField(map: YamlNode, name: string, kind: 'scalar' | 'map' | 'seq'): YamlNode {
  // A text, if nothing is written into it: an empty prefix leaves it like that.
  const field =
    kind === 'scalar' ? new YamlNode('scalar', tags.str, '', 'plain') : new YamlNode(kind, '', '', 'block');
  map.content.push(newScalar(name), field);
  return field;
}
