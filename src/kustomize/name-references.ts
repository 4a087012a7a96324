import { LandfallError, tags } from '../kernel/index.ts';
import type { YamlNode } from '../kernel/index.ts';
import type { NameReference } from './config/transformer-config.ts';
import { SpecIndex, applyPath, concerns } from './field-spec.ts';
import type { FieldSpec } from './field-spec.ts';
import { apiVersionOf, effectiveNamespace, gvkSelected, idLabel } from './ids.ts';
import type { Gvk, ResId } from './ids.ts';
import { getPath, isNullOrMissing, newScalar, overwriteScalar, place, setField } from './nodes.ts';
import type { ResMap } from './res-map.ts';
import type { Resource } from './resource.ts';

/**
 * Names of objects that were changed are changed wherever they are mentioned. Done once, at the root, from the
 * names that every object had on its way. Source: api/filters/nameref.
 */
export function fixNameReferences(map: ResMap, references: readonly NameReference[]): void {
  const originals = new Map(map.list.map((resource) => [resource, resource.originalId]));
  const lookups = new Candidates(map);
  const index = new SpecIndex(
    references.flatMap((reference) =>
      reference.fields.map(({ group, version, kind, ...spec }) => ({
        group,
        version,
        kind,
        reference,
        spec: { ...spec, group: '', version: '', kind: '' },
      })),
    ),
  );
  for (const resource of map.list) {
    const original = originals.get(resource);
    if (original === undefined) continue;
    const scope = new Scope(resource, lookups);
    for (const { spec, reference } of index.of(apiVersionOf(original), original.kind)) {
      if (concerns(spec, resource)) new Referral(resource, spec, reference, scope).fix();
    }
    resource.touch();
  }
}

/** Objects by the names they had. */
class Candidates {
  private readonly byName = new Map<string, Resource[]>();
  private byOriginalNamespace: Map<string, Resource[]> | undefined;
  private readonly ids = new Map<
    Resource,
    { readonly current: ResId; readonly previous: readonly ResId[] }
  >();

  constructor(map: ResMap) {
    for (const resource of map.list) {
      const previous = resource.previousIds;
      this.ids.set(resource, { current: resource.id, previous });
      for (const name of new Set(previous.map((id) => id.name))) {
        const list = this.byName.get(name);
        if (list === undefined) this.byName.set(name, [resource]);
        else list.push(resource);
      }
    }
  }

  /** Objects that were called `name` before, in their order. */
  called(name: string): readonly Resource[] {
    return this.byName.get(name) ?? [];
  }

  /** Whether some object that `allowed` accepts came from `namespace`. */
  hasOriginal(namespace: string, allowed: (resource: Resource) => boolean): boolean {
    if (namespace === '_non_namespaceable_') return false;
    if (this.byOriginalNamespace === undefined) {
      this.byOriginalNamespace = new Map();
      for (const resource of this.ids.keys()) {
        const key = effectiveNamespace(resource.originalId);
        const list = this.byOriginalNamespace.get(key);
        if (list === undefined) this.byOriginalNamespace.set(key, [resource]);
        else list.push(resource);
      }
    }
    return (this.byOriginalNamespace.get(namespace) ?? []).some(allowed);
  }

  current(resource: Resource): ResId {
    return this.ids.get(resource)?.current ?? resource.id;
  }

  previous(resource: Resource): readonly ResId[] {
    return this.ids.get(resource)?.previous ?? [];
  }
}

/** Which objects a referrer can mean at all. */
class Scope {
  readonly lookups: Candidates;
  private readonly id: ResId;
  private readonly bindingNamespaces: ReadonlySet<string>;

  constructor(referrer: Resource, lookups: Candidates) {
    this.lookups = lookups;
    this.id = lookups.current(referrer);
    this.bindingNamespaces = subjectNamespaces(referrer);
  }

  holds(candidate: Resource): boolean {
    if (this.id.clusterScoped) return true;
    const id = this.lookups.current(candidate);
    if (id.clusterScoped) return true;
    if (effectiveNamespace(id) === effectiveNamespace(this.id)) return true;
    return this.bindingNamespaces.has(candidate.namespace);
  }

  /** The referrer's own namespace, where that is asked for. */
  sameNamespace(candidate: Resource): boolean {
    if (this.id.clusterScoped) return true;
    const id = this.lookups.current(candidate);
    if (id.clusterScoped || candidate.kind === 'ServiceAccount') return true;
    return effectiveNamespace(id) === effectiveNamespace(this.id);
  }
}

function subjectNamespaces(resource: Resource): ReadonlySet<string> {
  const namespaces = new Set<string>();
  const subjects = resource.kind === 'RoleBinding' ? resource.node.get('subjects') : undefined;
  if (subjects?.kind !== 'seq') return namespaces;
  for (const subject of subjects.content) {
    const namespace = subject.get('namespace');
    if (namespace === undefined || subject.get('kind')?.value !== 'ServiceAccount') continue;
    if (namespace.kind !== 'scalar' || (namespace.tag !== tags.str && namespace.tag !== '')) {
      throw new LandfallError(
        `Invalid Input: namespace is blank for resource "${idLabel(resource.id)}"${place(namespace)}`,
        { kind: 'invalid-input', code: 'subject-namespace', object: namespace.where },
      );
    }
    namespaces.add(namespace.value);
  }
  return namespaces;
}

/** One field of one object, and the kind of object it names. */
class Referral {
  private readonly referrer: Resource;
  private readonly spec: FieldSpec;
  private readonly target: Gvk;
  private readonly scope: Scope;

  constructor(referrer: Resource, spec: FieldSpec, target: Gvk, scope: Scope) {
    this.referrer = referrer;
    this.spec = spec;
    this.target = target;
    this.scope = scope;
  }

  fix(): void {
    applyPath(this.referrer.node, this.spec, { set: (field) => this.set(field) });
  }

  private set(field: YamlNode): void {
    if (isNullOrMissing(field)) return;
    if (field.kind === 'scalar') this.setScalar(field);
    else if (field.kind === 'map') this.setMap(field);
    else {
      for (const item of field.content) {
        if (isNullOrMissing(item)) continue;
        if (item.kind === 'scalar') this.setScalar(item);
        else if (item.kind === 'map') this.setMap(item);
        else throw this.refuse(item, 'a list of names holds a list');
      }
    }
  }

  private setScalar(field: YamlNode): void {
    const found = this.select(field.value, () => true, sameNames);
    if (found === undefined || found.name === field.value) return;
    overwriteScalar(field, newScalar(found.name, '', nameCause(found), 'nameReference'));
  }

  private setMap(field: YamlNode): void {
    const name = field.get('name');
    if (name === undefined) throw this.refuse(field, "path config error; no 'name' field in node");
    const namespace = field.get('namespace')?.value;
    const found = this.select(name.value, this.inNamespace(namespace), sameNamesAndNamespaces);
    if (found === undefined) return;
    if (found.name === name.value && found.namespace === '') return;
    setField(field, 'name', newScalar(found.name, '', nameCause(found), 'nameReference'));
    if (found.namespace === '') return;
    setField(field, 'namespace', newScalar(found.namespace, '', namespaceCause(found), 'nameReference'));
  }

  /** By the namespace the objects came from, and only where none came from it by the one they have now. */
  private inNamespace(namespace: string | undefined): (resource: Resource) => boolean {
    if (namespace === undefined) return () => true;
    const original = (resource: Resource) => effectiveNamespace(resource.originalId) === namespace;
    if (this.scope.lookups.hasOriginal(namespace, (resource) => this.scope.holds(resource))) {
      return (resource) => !this.scope.lookups.current(resource).clusterScoped && original(resource);
    }
    return (resource) => effectiveNamespace(this.scope.lookups.current(resource)) === namespace;
  }

  private select(
    name: string,
    allowed: (resource: Resource) => boolean,
    identical: (list: readonly Resource[]) => boolean,
  ): Resource | undefined {
    const { scope, target } = this;
    const role = this.roleGvk();
    let list = scope.lookups
      .called(name)
      .filter(
        (candidate) =>
          scope.holds(candidate) &&
          allowed(candidate) &&
          scope.lookups.previous(candidate).some((id) => gvkSelected(id, target)) &&
          (role === undefined || scope.lookups.previous(candidate).some((id) => gvkSelected(id, role))) &&
          scope.sameNamespace(candidate),
      );
    if (list.length === 1) return list[0];
    list = list.filter((candidate) => affixesAgree(candidate, this.referrer, true));
    if (list.length > 1) list = list.filter((candidate) => affixesAgree(candidate, this.referrer, false));
    if (list.length < 2 || identical(list)) return list[0];
    throw this.refuse(
      this.referrer.node,
      `found multiple possible referrals for ${name}: ${list.map((each) => `${idLabel(each.id)}${place(each.node)}`).join(', ')}`,
    );
  }

  private roleGvk(): Gvk | undefined {
    if (!this.spec.path.endsWith('roleRef/name')) return undefined;
    const role = getPath(this.referrer.node, 'roleRef');
    const [group, kind] = [role?.get('apiGroup'), role?.get('kind')];
    return group === undefined || kind === undefined
      ? undefined
      : { group: group.value, version: '', kind: kind.value };
  }

  private refuse(node: YamlNode, problem: string): LandfallError {
    return new LandfallError(
      `updating name reference in '${this.spec.path}' field of '${idLabel(this.referrer.id)}'${place(node)}: ${problem}`,
      {
        kind: 'invalid-input',
        code: 'name-reference',
        object: idLabel(this.referrer.id),
      },
    );
  }
}

function nameCause(resource: Resource): YamlNode {
  return resource.node.get('metadata')?.get('name') ?? resource.node;
}

function namespaceCause(resource: Resource): YamlNode {
  return resource.node.get('metadata')?.get('namespace') ?? resource.node;
}

function sameNames(list: readonly Resource[]): boolean {
  return list.every((each) => each.name === list[0]?.name);
}

function sameNamesAndNamespaces(list: readonly Resource[]): boolean {
  return list.every((each) => each.name === list[0]?.name && each.namespace === list[0].namespace);
}

/** Objects of the same layer carry the same prefixes and suffixes at their end. */
function affixesAgree(a: Resource, b: Resource, allowEmpty: boolean): boolean {
  const agree = (left: readonly string[], right: readonly string[]) =>
    (allowEmpty && (left.length === 0 || right.length === 0)) || sameEnding(left, right);
  return agree(a.prefixes, b.prefixes) && agree(a.suffixes, b.suffixes);
}

/** Whether the shorter list is the end of the longer one. Source: SameEndingSubSlice of api/internal/utils. */
function sameEnding(left: readonly string[], right: readonly string[]): boolean {
  const [short, long] = left.length < right.length ? [left, right] : [right, left];
  if (short.length === 0) return long.length === 0;
  return short.every((each, index) => each === long[long.length - short.length + index]);
}
