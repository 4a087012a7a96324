import { LandfallError, YamlNode, tags } from '../../kernel/index.ts';
import type { TextAt } from '../decode.ts';
import { applyFieldSpec } from '../field-spec.ts';
import type { FieldSpec } from '../field-spec.ts';
import { idLabel } from '../ids.ts';
import { expectKind, getPath, isEmpty, newScalar, overwriteScalar, place } from '../nodes.ts';
import type { ResMap } from '../res-map.ts';
import type { Resource } from '../resource.ts';
import type { Transformer } from './transformer.ts';

export type SubjectMode = 'defaultOnly' | 'allServiceAccounts' | 'none';

interface NamespaceConfig {
  readonly namespace: TextAt;
  readonly fields: readonly FieldSpec[];
  readonly unsetOnly?: boolean;
  readonly subjects?: SubjectMode;
}

/** Puts every namespaced object into one namespace. Source: api/filters/namespace. */
export function namespaceTransformer(config: NamespaceConfig): Transformer {
  return {
    type: 'NamespaceTransformer',
    transform(map) {
      if (config.namespace.text === '') return;
      transform(map, config);
    },
  };
}

function transform(map: ResMap, config: NamespaceConfig): void {
  const counts = new Map<string, number>();
  const add = (key: string, by: number) => counts.set(key, (counts.get(key) ?? 0) + by);
  for (const resource of map.list) add(resource.idKey, 1);
  for (const resource of map.list) {
    add(resource.idKey, -1);
    resource.rememberId();
    setNamespace(resource, config);
    const key = resource.idKey;
    add(key, 1);
    if (counts.get(key) === 1) continue;
    const others = map.list.filter((other) => other.idKey === key);
    throw new LandfallError(
      `namespace transformation produces ID conflict: ${others.map((other) => `${idLabel(other.originalId)}${place(other.node)}`).join(' and ')} would both become ${idLabel(resource.id)}.`,
      { kind: 'invalid-input', code: 'namespace-conflict', object: idLabel(resource.id) },
    );
  }
}

function setNamespace(resource: Resource, config: NamespaceConfig): void {
  const { node, kind } = resource;
  const value = () => newScalar(config.namespace.text, tags.str, config.namespace.node, 'namespace');
  const set = (field: YamlNode) => {
    if (config.unsetOnly === true && !isEmpty(field) && field.kind === 'scalar' && field.value !== '') return;
    overwriteScalar(field, value());
  };
  if (!resource.id.clusterScoped) {
    applyFieldSpec(node, metadataNamespace, { set, create: 'scalar' });
  }
  const isBinding = kind === 'RoleBinding' || kind === 'ClusterRoleBinding';
  if (isBinding) setSubjects(node, config.subjects ?? 'defaultOnly', set);
  for (const spec of config.fields) {
    if (spec.path === 'metadata/namespace') continue;
    if (spec.path === 'metadata/name' && resource.apiVersion !== 'v1') continue;
    if (isBinding && spec.path === 'subjects/namespace' && spec.kind.endsWith('RoleBinding')) continue;
    applyFieldSpec(node, spec, { set, create: 'scalar', createTag: tags.str });
  }
  resource.touch();
}

const metadataNamespace: FieldSpec = {
  path: 'metadata/namespace',
  steps: ['metadata', 'namespace'],
  create: true,
  group: '',
  version: '',
  kind: '',
};

function setSubjects(node: YamlNode, mode: SubjectMode, set: (field: YamlNode) => void): void {
  if (mode === 'none') return;
  const subjects = getPath(node, 'subjects');
  if (subjects === undefined || subjects.tag === tags.null) return;
  expectKind(subjects, 'seq');
  for (const subject of subjects.content) {
    expectKind(subject, 'map');
    const wanted =
      mode === 'defaultOnly'
        ? subject.get('name')?.value === 'default'
        : subject.get('kind')?.value === 'ServiceAccount';
    if (!wanted) continue;
    let field = subject.get('namespace');
    if (field === undefined) {
      field = new YamlNode('scalar', '', '', 'plain');
      subject.content.push(newScalar('namespace'), field);
    }
    set(field);
  }
}
