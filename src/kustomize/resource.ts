import { LandfallError, isJsonObject, parseYaml } from '../kernel/index.ts';
import type { YamlNode } from '../kernel/index.ts';
import type { Cause } from './nodes.ts';
import { clearField, ensureMap, isEmpty, isNullOrMissing, newScalar, newString, setField } from './nodes.ts';
import type { RenderContext } from './context.ts';
import { idKey, splitApiVersion } from './ids.ts';
import type { Gvk, ResId } from './ids.ts';
import { strategicMerge } from './merge.ts';
import { originKey } from './origin-key.ts';
import type { Origin } from './origin-key.ts';
import { PreviousIds } from './previous-ids.ts';

/** Stands for the original's notes among the annotations while a patch is merged. */
const noteMark = 'internal.config.kubernetes.io/notes';

export type Behavior = 'unspecified' | 'create' | 'replace' | 'merge';

/**
 * One object on its way through a render, with what the steps have to remember about it. The original keeps that
 * in annotations and takes them off at the end; here it stands beside the object.
 * Source: api/resource/resource.go.
 */
export class Resource {
  node: YamlNode;
  readonly context: RenderContext;
  previous = new PreviousIds();
  private knownId: ResId | undefined = undefined;
  private knownKey: string | undefined = undefined;
  prefixes: readonly string[] = [];
  suffixes: readonly string[] = [];
  refVarNames: string[] = [];
  behavior: Behavior = 'unspecified';
  needsHash = false;
  generated = false;
  allowNameChange = false;
  allowKindChange = false;
  /** Set when a patch deleted the object. */
  gone = false;
  /** Of a plugin's configuration: where it comes from, once `liftOrigin` took that off. */
  pluginOrigin: Origin | undefined = undefined;
  /** File and place of the object it was made from, of an object of a file. */
  key: string | undefined = undefined;
  /** Only kind and metadata are here, as others see them: the finished object is at hand already. */
  reused = false;
  /** The line that asks for this object: a `resources:` entry or a generator. */
  cause: Cause | undefined = undefined;

  constructor(node: YamlNode, context: RenderContext) {
    this.node = node;
    this.context = context;
  }

  get kind(): string {
    return this.node.get('kind')?.value ?? '';
  }

  get apiVersion(): string {
    return this.node.get('apiVersion')?.value ?? '';
  }

  get name(): string {
    return this.metaText('name');
  }

  get namespace(): string {
    return this.metaText('namespace');
  }

  private metaText(field: string): string {
    const metadata = this.node.get('metadata');
    if (isEmpty(metadata)) return '';
    const value = metadata?.get(field);
    return value === undefined || isEmpty(value) ? '' : value.value;
  }

  get gvk(): Gvk {
    return { ...splitApiVersion(this.apiVersion), kind: this.kind };
  }

  get id(): ResId {
    const known = this.knownId;
    if (known !== undefined) return known;
    const { apiVersion, kind } = this;
    const { group, version } = splitApiVersion(apiVersion);
    this.knownId = {
      group,
      version,
      kind,
      name: this.name,
      namespace: this.namespace,
      clusterScoped: this.context.openapi.clusterScoped(apiVersion, kind),
    };
    return this.knownId;
  }

  /** The id as a text that two objects share only if they are the same. */
  get idKey(): string {
    this.knownKey ??= idKey(this.id);
    return this.knownKey;
  }

  get previousIds(): ResId[] {
    return this.previous.isEmpty ? [] : this.previous.ids(this.id);
  }

  /** What the object was called in the file it comes from. */
  get originalId(): ResId {
    return this.previousIds[0] ?? this.id;
  }

  get allIds(): ResId[] {
    return [...this.previousIds, this.id];
  }

  rememberId(): void {
    const { name, kind, namespace, clusterScoped } = this.id;
    const effective = clusterScoped ? '_non_namespaceable_' : namespace === '' ? 'default' : namespace;
    this.previous.add(name, effective, kind);
    this.context.idVersion++;
  }

  /** Says that kind, name or namespace may be others now. */
  touch(): void {
    this.forgetId();
    this.context.idVersion++;
  }

  private forgetId(): void {
    this.knownId = undefined;
    this.knownKey = undefined;
  }

  setName(name: string, cause?: Cause, by?: string): void {
    setField(ensureMap(this.node, 'metadata'), 'name', newScalar(name, '', cause, by));
    this.touch();
  }

  setNamespace(namespace: string): void {
    const metadata = ensureMap(this.node, 'metadata');
    if (namespace === '') clearField(metadata, 'namespace');
    else setField(metadata, 'namespace', newScalar(namespace));
    this.touch();
  }

  setKind(kind: string): void {
    setField(this.node, 'kind', newScalar(kind));
    this.touch();
  }

  textMap(field: 'labels' | 'annotations'): Map<string, string> {
    const texts = new Map<string, string>();
    for (const [key, value] of this.metaEntries(field)) texts.set(key, value.value);
    return texts;
  }

  *metaEntries(field: 'labels' | 'annotations'): Generator<readonly [string, YamlNode]> {
    const map = this.node.get('metadata')?.get(field);
    if (map === undefined || map.kind !== 'map') return;
    for (let i = 0; i < map.content.length; i += 2) {
      const [key, value] = [map.content[i], map.content[i + 1]];
      if (key !== undefined && value !== undefined) yield [key.value, value];
    }
  }

  /** Replaces a whole map of metadata by strings, as every change of it does in the original. */
  setTextMap(field: 'labels' | 'annotations', entries: ReadonlyMap<string, YamlNode | string>): void {
    const metadata = ensureMap(this.node, 'metadata');
    clearField(metadata, field);
    if (entries.size === 0) return;
    const map = ensureMap(metadata, field);
    for (const key of [...entries.keys()].sort()) {
      const value = entries.get(key) ?? '';
      const node = typeof value === 'string' ? newString(value) : asString(value);
      setField(map, key, node);
    }
  }

  /**
   * The original keeps its notes in annotations, so an object that has some has a map of annotations, and a JSON
   * patch can add to it.
   */
  makeRoomForNotes(): void {
    if (this.hasNotes) ensureMap(this.node, 'metadata', 'annotations');
  }

  private get hasNotes(): boolean {
    return (
      this.generated ||
      !this.previous.isEmpty ||
      this.prefixes.length > 0 ||
      this.suffixes.length > 0 ||
      this.needsHash
    );
  }

  /** A patch that removes or replaces all annotations takes the original's notes with them. */
  private takeNotesBack(): void {
    const annotations = this.node.get('metadata')?.get('annotations');
    if (annotations?.kind === 'map' && clearField(annotations, noteMark) !== undefined) return;
    this.previous = new PreviousIds();
    this.prefixes = [];
    this.suffixes = [];
    this.behavior = 'unspecified';
    this.needsHash = false;
    this.generated = false;
  }

  /** Annotations as strings: what becomes of them after a JSON patch, whatever it put there. */
  settleAnnotations(): void {
    this.setTextMap('annotations', new Map(this.metaEntries('annotations')));
  }

  /** Labels and annotations as strings, and no empty namespace: what becomes of a patch for selected objects. */
  settleMetadata(): void {
    this.setTextMap('labels', new Map(this.metaEntries('labels')));
    this.setTextMap('annotations', new Map(this.metaEntries('annotations')));
    this.setName(this.name, this.node.get('metadata')?.get('name'));
    this.setNamespace(this.namespace);
  }

  setAnnotation(key: string, value: string, by: string): void {
    const entries = new Map<string, YamlNode | string>(this.metaEntries('annotations'));
    entries.set(key, newString(value, this.node, by));
    this.setTextMap('annotations', entries);
  }

  deleteAnnotation(key: string): void {
    const entries = new Map<string, YamlNode | string>(this.metaEntries('annotations'));
    if (entries.delete(key)) this.setTextMap('annotations', entries);
  }

  liftOrigin(): void {
    const text = this.textMap('annotations').get(originKey);
    if (text === undefined) return;
    const [origin] = parseYaml(text, originKey);
    this.deleteAnnotation(originKey);
    if (!isJsonObject(origin)) return;
    const read = (key: 'path' | 'repo' | 'ref') => {
      const value = origin[key];
      return typeof value === 'string' ? { [key]: value } : {};
    };
    this.pluginOrigin = { ...read('path'), ...read('repo'), ...read('ref') };
  }

  /** Name, namespace and kind stay what they are, unless the patch is allowed to change them. */
  applyPatch(patch: Resource, patchNode: YamlNode): void {
    const { name, namespace, kind } = this;
    const nodes = {
      name: this.node.get('metadata')?.get('name')?.clone(),
      namespace: this.node.get('metadata')?.get('namespace')?.clone(),
      kind: this.node.get('kind')?.clone(),
    };
    if (patch.allowNameChange || patch.allowKindChange) this.rememberId();
    const marked = this.hasNotes;
    if (marked) setField(ensureMap(this.node, 'metadata', 'annotations'), noteMark, newString('there'));
    const merged = strategicMerge(this.node, patchNode, { openapi: this.context.openapi });
    if (merged === undefined || isEmpty(merged)) {
      this.gone = true;
      this.touch();
      return;
    }
    // What stands in for the whole object is not taken up: the original merges in place.
    if (marked) this.takeNotesBack();
    if (patch.allowNameChange || patch.allowKindChange) this.touch();
    else this.forgetId();
    if (!patch.allowKindChange) this.restore(this.node, 'kind', kind, nodes.kind);
    const metadata = ensureMap(this.node, 'metadata');
    if (!patch.allowNameChange) this.restore(metadata, 'name', name, nodes.name);
    this.restore(metadata, 'namespace', namespace, nodes.namespace);
  }

  private restore(map: YamlNode, field: string, value: string, node: YamlNode | undefined): void {
    const now = map.get(field);
    if (field === 'namespace' && value === '') {
      clearField(map, field);
      return;
    }
    if (now !== undefined && now.value === value) {
      // The original sets the text anew, without a tag.
      now.tag = '';
      if (node !== undefined) {
        now.source = node.source;
        now.offset = node.offset;
        now.by = node.by;
        now.over = node.over;
      }
      return;
    }
    const restored = newScalar(value, '', node);
    restored.by = node?.by;
    setField(map, field, restored);
    const placed = map.get(field);
    if (placed !== undefined) placed.over = node?.over;
  }

  clone(): Resource {
    const copy = new Resource(this.node.clone(), this.context);
    copy.copyBuildState(this);
    copy.allowNameChange = this.allowNameChange;
    copy.allowKindChange = this.allowKindChange;
    copy.cause = this.cause;
    return copy;
  }

  /** What a generated object takes over from the one it replaces. */
  copyBuildState(other: Resource): void {
    this.previous = other.previous.copy();
    this.prefixes = other.prefixes;
    this.suffixes = other.suffixes;
    this.refVarNames = [...other.refVarNames];
    this.behavior = other.behavior;
    this.needsHash = other.needsHash;
    this.generated ||= other.generated;
  }
}

/** A new node, so that what was shared with other fields no longer is. */
function asString(node: YamlNode): YamlNode {
  const text = newString(node.value, node, node.by);
  text.over = node.over;
  return text;
}

/** Refuses what is not an object of Kubernetes: a kind, and a name unless it is a list. */
export function validate(node: YamlNode): void {
  const kind = node.kind === 'map' ? node.get('kind') : undefined;
  if (kind === undefined || isEmpty(kind) || kind.value === '') {
    const known =
      node.kind === 'map' && (node.get('apiVersion') !== undefined || node.get('metadata') !== undefined);
    throw invalid(
      node,
      known ? 'missing kind in this object' : 'missing Resource metadata: this is not a Kubernetes object',
    );
  }
  if (kind.value.endsWith('List')) return;
  const metadata = node.get('metadata');
  const name = isNullOrMissing(metadata) ? undefined : metadata?.get('name');
  if (name === undefined || isEmpty(name) || name.value === '') {
    throw invalid(node, `missing metadata.name in this ${kind.value}`);
  }
}

function invalid(node: YamlNode, problem: string): LandfallError {
  return new LandfallError(node.where === '' ? problem : `${node.where}: ${problem}`, {
    kind: 'invalid-input',
    code: 'not-an-object',
    object: node.where,
  });
}
