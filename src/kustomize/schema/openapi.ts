import { LandfallError, parseYamlDocuments, tags } from '../../kernel/index.ts';
import type { YamlNode } from '../../kernel/index.ts';
import { mergeDefinitions, mergeKinds } from './merge-keys.ts';
import { schemaComment } from './comments.ts';
import { builtinScope } from './scopes.ts';

/** The part of an OpenAPI schema that a strategic merge asks for. */
export interface MergeSchema {
  /** The schema of a field of an object; undefined where nothing is known. */
  field(name: string): MergeSchema | undefined;
  /** The schema of the items of a list. */
  items(): MergeSchema | undefined;
  /** Whether the list is merged by key, and by which keys; no keys: items are compared whole. */
  readonly merge: readonly string[] | undefined;
}

/** A built-in type below which no list is merged: known, and nothing more to say. */
const plain: MergeSchema = { field: () => plain, items: () => plain, merge: undefined };

function builtinDefinition(name: string): MergeSchema {
  const fields = mergeDefinitions[name];
  if (fields === undefined) return plain;
  return {
    merge: undefined,
    items: () => undefined,
    field(key) {
      const note = Object.hasOwn(fields, key) ? fields[key] : undefined;
      return note === undefined ? plain : builtinNote(note);
    },
  };
}

function builtinNote(note: string): MergeSchema {
  const [head = '', item] = note.split(' ');
  const inner = item === undefined ? plain : builtinDefinition(item);
  if (head.startsWith('merge(')) {
    const keys = head.slice(6, -1);
    return {
      merge: keys === '' ? [] : keys.split(','),
      field: () => undefined,
      items: () => inner,
    };
  }
  if (head === 'each') return { merge: undefined, field: () => undefined, items: () => inner };
  if (head === 'values') return { merge: undefined, field: () => inner, items: () => undefined };
  return builtinDefinition(head);
}

const packages = [
  'io.k8s.api.',
  'io.k8s.apimachinery.pkg.apis.',
  'io.k8s.kube-aggregator.pkg.apis.',
  'io.k8s.apiextensions-apiserver.pkg.apis.',
] as const;

/** The built-in definition of a full name such as `io.k8s.api.core.v1.PodSpec`. */
function builtinNamed(name: string): MergeSchema | undefined {
  const start = packages.find((each) => name.startsWith(each));
  const short = start === undefined ? undefined : name.slice(start.length);
  return short !== undefined && Object.hasOwn(mergeDefinitions, short) ? builtinDefinition(short) : undefined;
}

/** A definition of a schema file somebody gave, with references into the same file. */
class GivenSchema implements MergeSchema {
  private readonly node: YamlNode;
  private readonly definitions: ReadonlyMap<string, YamlNode>;
  /** Whether built-in definitions were loaded after the file's, and so replace those of the same name. */
  private readonly builtin: boolean;

  constructor(node: YamlNode, definitions: ReadonlyMap<string, YamlNode>, builtin: boolean) {
    this.node = node;
    this.definitions = definitions;
    this.builtin = builtin;
  }

  get merge(): readonly string[] | undefined {
    const strategy = this.node.get('x-kubernetes-patch-strategy')?.value;
    if (strategy === undefined || !strategy.split(',').includes('merge')) return undefined;
    const keys = this.node.get('x-kubernetes-list-map-keys');
    if (keys?.kind === 'seq') return keys.content.map((key) => key.value);
    const key = this.node.get('x-kubernetes-patch-merge-key');
    return key === undefined ? [] : [key.value];
  }

  field(name: string): MergeSchema | undefined {
    const property = this.node.get('properties')?.get(name);
    if (property !== undefined) return this.follow(property);
    const additional = this.node.get('additionalProperties');
    return additional?.kind === 'map' ? this.follow(additional) : undefined;
  }

  items(): MergeSchema | undefined {
    if (this.node.get('type')?.value !== 'array') return undefined;
    const items = this.node.get('items');
    return items === undefined ? undefined : this.follow(items);
  }

  /** This one, or the one that it refers to. */
  resolved(): MergeSchema {
    return this.follow(this.node) ?? this;
  }

  private follow(node: YamlNode): MergeSchema | undefined {
    let at: YamlNode | undefined = node;
    for (let hops = 0; hops < 32 && at !== undefined; hops++) {
      const reference: string | undefined = at.get('$ref')?.value;
      if (reference === undefined || reference === '')
        return new GivenSchema(at, this.definitions, this.builtin);
      const name: string = reference.replace(/^#\/definitions\//, '');
      const known = this.builtin ? builtinNamed(name) : undefined;
      if (known !== undefined) return known;
      at = this.definitions.get(name);
    }
    return undefined;
  }
}

/**
 * What is known about kinds in one render. The original keeps this in one place for the whole process: the first
 * kustomization that says `openapi:` decides for everything that is merged after it. Here the place belongs to
 * one render. Source: kyaml/openapi/openapi.go.
 */
export class OpenApi {
  private readonly kinds = new Map<string, MergeSchema>();
  private readonly scopes = new Map<string, boolean>();
  private readonly definitions = new Map<string, YamlNode>();
  private given: YamlNode | undefined;
  private version = '';
  private ready = false;
  private builtinWanted = false;
  private builtin = false;

  /** What a kustomization says about `openapi:`. Only the first one counts, apart from a render's root. */
  use(version: string | undefined, schema: YamlNode | undefined, where: string): void {
    if (this.version !== '' || this.given !== undefined) return;
    if (schema !== undefined) {
      if (version !== undefined) {
        throw new LandfallError(
          `${where}: openapi names a built-in version (${version}) and a schema file; it can be only one of them: ` +
            'builtin version and custom schema provided, cannot use both.',
          { kind: 'invalid-input', code: 'openapi-both', object: where },
        );
      }
      this.given = schema;
      this.version = 'custom';
      this.ready = false;
      return;
    }
    if (version === undefined || version === '') return;
    if (version !== 'v1.21.2') {
      throw new LandfallError(
        `${where}: the specified OpenAPI version ${version} is not built in; v1.21.2 is.`,
        { kind: 'invalid-input', code: 'openapi-version', object: where },
      );
    }
    this.version = version;
    this.ready = false;
  }

  /** Whether objects of this kind surely belong to the cluster. Unknown kinds are taken to be namespaced. */
  clusterScoped(apiVersion: string, kind: string): boolean {
    const known = builtinScope(apiVersion, kind);
    if (known !== undefined) return !known;
    if (!this.ready) {
      if (this.given !== undefined) this.prepare();
      else this.builtinWanted = true;
    }
    return this.scopes.get(`${apiVersion} ${kind}`) === false;
  }

  schemaOf(apiVersion: string, kind: string): MergeSchema | undefined {
    if (apiVersion === '' || kind === '') return undefined;
    this.prepare();
    const given = this.kinds.get(`${apiVersion} ${kind}`);
    if (given !== undefined) return given;
    if (!this.builtin) return undefined;
    const name = mergeKinds[`${apiVersion} ${kind}`];
    if (name !== undefined) return builtinDefinition(name);
    return builtinScope(apiVersion, kind) === undefined ? undefined : plain;
  }

  /** The schema that a comment at a field is; it stands in for what is known of the field's kind. */
  commented(key: YamlNode | undefined, value: YamlNode | undefined): MergeSchema | undefined {
    const json = key === undefined || value === undefined ? undefined : schemaComment(key, value);
    if (json === undefined) return undefined;
    const [node] = parseYamlDocuments(json, { source: 'comment', duplicateKeys: 'last' });
    if (node === undefined || !isSchema(node)) return undefined;
    this.prepare();
    return new GivenSchema(node, this.definitions, this.builtin).resolved();
  }

  private prepare(): void {
    if (this.ready) return;
    this.ready = true;
    if (this.given === undefined || this.builtinWanted) this.builtin = true;
    if (this.given === undefined) return;
    const { definitions } = this;
    for (const [name, definition] of entries(this.given.get('definitions')))
      definitions.set(name, definition);
    for (const definition of definitions.values()) {
      const kinds = definition.get('x-kubernetes-group-version-kind');
      if (kinds?.kind !== 'seq') continue;
      for (const kind of kinds.content) {
        this.kinds.set(kindKey(kind), new GivenSchema(definition, definitions, this.builtin));
      }
    }
    for (const [path, item] of entries(this.given.get('paths'))) {
      const kind = item.get('get')?.get('x-kubernetes-group-version-kind');
      if (kind?.kind !== 'map') continue;
      const key = kindKey(kind);
      if (path.includes('namespaces/{namespace}')) this.scopes.set(key, true);
      else if (!this.scopes.has(key)) this.scopes.set(key, false);
    }
  }
}

/** Something that says anything, and says its type in words. */
function isSchema(node: YamlNode): boolean {
  const type = node.get('type');
  const words = type === undefined ? [] : type.kind === 'scalar' ? [type] : type.content;
  return node.content.length > 0 && words.every((word) => word.kind === 'scalar' && word.tag === tags.str);
}

function kindKey(node: YamlNode): string {
  const group = node.get('group')?.value ?? '';
  const version = node.get('version')?.value ?? '';
  return `${group === '' ? version : `${group}/${version}`} ${node.get('kind')?.value ?? ''}`;
}

function* entries(map: YamlNode | undefined): Generator<readonly [string, YamlNode]> {
  if (map?.kind !== 'map') return;
  for (let i = 0; i < map.content.length; i += 2) {
    const [key, value] = [map.content[i], map.content[i + 1]];
    if (key !== undefined && value !== undefined) yield [key.value, value];
  }
}
