import { LandfallError } from '../../kernel/index.ts';
import type { YamlNode } from '../../kernel/index.ts';
import { idEquals, idText } from '../ids.ts';
import { clearField, ensureMap, newString, place, setField } from '../nodes.ts';
import { originKey } from '../origin.ts';
import type { ResMap } from '../res-map.ts';
import type { Resource } from '../resource.ts';

/** Adds a generated object, or merges it into one that is there. Source: appendReplaceOrMerge of reswrangler.go. */
export function absorbGenerated(map: ResMap, made: Resource): void {
  const { id } = made;
  const matches = map.byAnyId(id);
  const [old, another] = matches;
  if (another !== undefined) {
    throw refuse(
      made,
      `found multiple objects ${matches.map((each) => idText(each.id)).join(', ')} that could accept merge of ${idText(id)}`,
    );
  }
  if (old === undefined) {
    if (made.behavior === 'merge' || made.behavior === 'replace') {
      throw refuse(made, `id ${idText(id)} does not exist; cannot merge or replace`);
    }
    map.append(made);
    return;
  }
  if (made.behavior !== 'merge' && made.behavior !== 'replace') {
    throw refuse(made, `id ${idText(id)} exists${place(old.node)}; behavior must be merge or replace`);
  }
  const merging = made.behavior === 'merge';
  made.key = old.key;
  made.reused = old.reused;
  takeMetadata(made, old);
  if (merging) {
    mergeData(made, old, 'data');
    mergeData(made, old, 'binaryData');
    const origin = old.textMap('annotations').get(originKey);
    if (origin !== undefined) made.setAnnotation(originKey, origin, 'buildMetadata');
  }
  const list = map.list.map((each) => (each === old ? made : each));
  const now = list.filter((each) => idEquals(each.id, made.id));
  if (now.length > 1) throw refuse(made, `id matched ${now.length} resources`);
  made.touch();
  map.replaceAll(list);
}

/** Labels and annotations of both, the new ones winning; name, namespace and history of the old one. */
function takeMetadata(made: Resource, old: Resource): void {
  for (const field of ['labels', 'annotations'] as const) {
    const merged = new Map<string, YamlNode | string>(old.metaEntries(field));
    for (const [key, value] of made.metaEntries(field)) {
      const before = merged.get(key);
      if (before !== undefined && typeof before !== 'string') value.over ??= before;
      merged.set(key, value);
    }
    made.setTextMap(field, merged);
  }
  const hashed = made.needsHash;
  made.copyBuildState(old);
  made.needsHash = hashed && old.needsHash;
  const metadata = ensureMap(made.node, 'metadata');
  const name = old.node.get('metadata')?.get('name');
  const namespace = old.node.get('metadata')?.get('namespace');
  if (name !== undefined) placeClone(metadata, 'name', name);
  if (namespace === undefined || old.namespace === '') clearField(metadata, 'namespace');
  else placeClone(metadata, 'namespace', namespace);
}

function placeClone(map: YamlNode, key: string, node: YamlNode): void {
  clearField(map, key);
  const copy = node.clone();
  copy.tag = '';
  setField(map, key, copy);
}

function mergeData(made: Resource, old: Resource, field: 'data' | 'binaryData'): void {
  const merged = new Map<string, YamlNode>();
  for (const resource of [old, made]) {
    const data = resource.node.get(field);
    if (data?.kind !== 'map') continue;
    for (let i = 0; i < data.content.length; i += 2) {
      const [key, value] = [data.content[i], data.content[i + 1]];
      if (key === undefined || value === undefined) continue;
      const before = merged.get(key.value);
      const text = newString(value.tag === '!!null' ? '' : value.value, value, value.by);
      text.over = before ?? value.over;
      merged.set(key.value, text);
    }
  }
  clearField(made.node, field);
  if (merged.size === 0) return;
  const map = ensureMap(made.node, field);
  for (const key of [...merged.keys()].sort()) setField(map, key, merged.get(key));
}

function refuse(made: Resource, problem: string): LandfallError {
  const where = made.node.where;
  return new LandfallError(`${where}: merging from generator: ${problem}`, {
    kind: 'invalid-input',
    code: 'generator-conflict',
    object: where,
  });
}
