import { LandfallError, nearest } from '../../kernel/index.ts';
import type { YamlNode, YamlSource } from '../../kernel/index.ts';
import type { RenderContext } from '../context.ts';
import { whereOf } from '../context.ts';
import { idLabel } from '../ids.ts';
import { applyJsonPatch, parseJsonPatch } from '../json-patch.ts';
import type { PatchOperation } from '../json-patch.ts';
import { loadObjects } from '../load-objects.ts';
import { markTree } from '../nodes.ts';
import type { ResMap } from '../res-map.ts';
import { Resource } from '../resource.ts';
import { select, selectorText } from '../selector.ts';
import type { Selector } from '../selector.ts';
import type { Transformer } from './transformer.ts';

/** Patches of a text, ready to be applied. Source: plugin/builtin/patchtransformer. */
interface PatchEntry {
  readonly source: YamlSource;
  readonly target: Selector | undefined;
  readonly allowNameChange: boolean;
  readonly allowKindChange: boolean;
  /** The entry in the kustomization, for messages. */
  readonly node: YamlNode;
}

/** The objects a strategic merge patch is made of. */
export function parseMergePatches(source: YamlSource, context: RenderContext): Resource[] {
  return loadObjects(source).map((node) => new Resource(node, context));
}

/** One entry of `patches:`, which may be either kind of patch. */
export function patchTransformer(entry: PatchEntry, context: RenderContext): Transformer {
  const parsed = parseEither(entry, context);
  return {
    type: 'PatchTransformer',
    transform(map) {
      if ('operations' in parsed) applyOperations(map, entry, parsed.operations, context);
      else applyMergePatches(map, entry, parsed.patches, context);
    },
  };
}

type Parsed = { readonly patches: readonly Resource[] } | { readonly operations: readonly PatchOperation[] };

function parseEither(entry: PatchEntry, context: RenderContext): Parsed {
  const { source } = entry;
  let patches: Resource[] | undefined;
  let mergeError: unknown;
  try {
    patches = parseMergePatches(source, context);
  } catch (error) {
    mergeError = error;
  }
  let operations: PatchOperation[] | undefined;
  let jsonError: unknown;
  try {
    operations = parseJsonPatch(source);
  } catch (error) {
    jsonError = error;
  }
  if (patches !== undefined && operations !== undefined) {
    throw refuse(entry, 'illegally qualifies as both an SM and JSON patch');
  }
  if (patches !== undefined) {
    for (const patch of patches) {
      patch.allowNameChange = entry.allowNameChange;
      patch.allowKindChange = entry.allowKindChange;
    }
    return { patches };
  }
  if (operations !== undefined) return { operations };
  const reasons = [mergeError, jsonError].map((error) =>
    error instanceof Error ? error.message : String(error),
  );
  throw refuse(
    entry,
    `unable to parse SM or JSON patch: as an object: ${reasons[0] ?? ''}; as a list of operations: ${reasons[1] ?? ''}`,
  );
}

function applyMergePatches(
  map: ResMap,
  entry: PatchEntry,
  patches: readonly Resource[],
  context: RenderContext,
): void {
  if (entry.target === undefined) {
    for (const patch of patches) {
      const target = map.demand(patch.id);
      applyOne(target, patch, context);
    }
    map.dropGone();
    return;
  }
  const [patch, another] = patches;
  if (patch === undefined) throw refuse(entry, 'the patch is empty');
  if (another !== undefined) {
    throw refuse(
      entry,
      'Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field',
    );
  }
  applyToSelected(map, select(map.list, entry.target, entry.node.where), patch, context);
  noteUnmatched(map, entry, context);
}

/** Applies a patch to objects that were chosen; its own name and kind do not matter then. */
function applyToSelected(
  map: ResMap,
  selected: readonly Resource[],
  patch: Resource,
  context: RenderContext,
): void {
  for (const target of selected) {
    const settled = patch.clone();
    settled.settleMetadata();
    const copy = settled.node;
    const apiVersion = copy.get('apiVersion');
    if (apiVersion !== undefined) apiVersion.value = target.apiVersion;
    else {
      const own = target.node.get('apiVersion');
      if (own !== undefined) copy.content.push(own.clone(), own.clone());
      const key = copy.content.at(-2);
      if (key !== undefined && own !== undefined) key.value = 'apiVersion';
    }
    applyNode(target, patch, copy, context);
  }
  map.dropGone();
  checkIds(map);
}

function applyOne(target: Resource, patch: Resource, context: RenderContext): void {
  applyNode(target, patch, patch.node.clone(), context);
}

function applyNode(target: Resource, patch: Resource, node: YamlNode, context: RenderContext): void {
  noteNewContainers(target, node, context);
  target.applyPatch(patch, markTree(node, 'patch'));
}

/** After a patch two objects may be the same. */
function checkIds(map: ResMap): void {
  const items = map.list;
  map.replaceAll([]);
  map.appendAll(items);
}

function applyOperations(
  map: ResMap,
  entry: PatchEntry,
  operations: readonly PatchOperation[],
  context: RenderContext,
): void {
  if (entry.target === undefined) throw refuse(entry, 'must specify a target for JSON patch');
  for (const target of select(map.list, entry.target, entry.node.where)) {
    target.rememberId();
    target.makeRoomForNotes();
    target.node = applyJsonPatch(target.node, operations);
    target.settleAnnotations();
    target.touch();
  }
  noteUnmatched(map, entry, context);
}

function noteUnmatched(map: ResMap, entry: PatchEntry, context: RenderContext): void {
  if (entry.target === undefined || select(map.list, entry.target, entry.node.where).length > 0) return;
  const [near] = nearest(
    entry.target.name,
    map.list.map((resource) => resource.name),
  );
  context.find({
    kind: 'no-match',
    message: `The patch for ${selectorText(entry.target)} changes nothing: no object matches${near === undefined ? '' : `; there is ${near}`}.`,
    ...whereOf(entry.node),
  });
}

/** One transformer for all `patchesStrategicMerge`. Source: plugin/builtin/patchstrategicmergetransformer. */
export function mergePatchTransformer(patches: readonly Resource[], context: RenderContext): Transformer {
  return {
    type: 'PatchStrategicMergeTransformer',
    transform(map) {
      for (const patch of patches) applyToSelected(map, [map.demand(patch.id)], patch, context);
    },
  };
}

/** One entry of `patchesJson6902`. Source: plugin/builtin/patchjson6902transformer. */
export function jsonPatchTransformer(
  entry: PatchEntry & { readonly target: Selector },
  context: RenderContext,
): Transformer {
  const operations = parseJsonPatch(entry.source);
  if (operations.length === 0) throw refuse(entry, 'patch appears to be empty');
  return {
    type: 'PatchJson6902Transformer',
    transform(map) {
      const targets = select(map.list, entry.target, entry.node.where);
      for (const target of targets) {
        target.makeRoomForNotes();
        target.node = applyJsonPatch(target.node, operations);
        target.settleAnnotations();
        target.touch();
      }
      if (targets.length === 0) noteUnmatched(map, entry, context);
    },
  };
}

/** A container of a patch that the target does not have, while it has one with nearly that name. */
function noteNewContainers(target: Resource, patch: YamlNode, context: RenderContext): void {
  for (const path of podPaths) {
    for (const list of ['containers', 'initContainers']) {
      const own = names(target.node, [...path, list]);
      if (own.size === 0) continue;
      for (const [name, node] of names(patch, [...path, list])) {
        if (own.has(name) || node.get('$patch') !== undefined || node.get('image') !== undefined) continue;
        const near = nearest(name, [...own.keys()])[0] ?? [...own.keys()][0];
        context.find({
          kind: 'container-added',
          message: `The patch adds a container ${name} to ${idLabel(target.id)} that has no image; there is ${near ?? 'none'}.`,
          ...whereOf(node.get('name') ?? node),
          object: idLabel(target.id),
          path: [...path, list, name].join('.'),
        });
      }
    }
  }
}

const podPaths: readonly (readonly string[])[] = [
  ['spec'],
  ['spec', 'template', 'spec'],
  ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
];

function names(node: YamlNode, path: readonly string[]): Map<string, YamlNode> {
  let at: YamlNode | undefined = node;
  for (const step of path) at = at?.get(step);
  const found = new Map<string, YamlNode>();
  if (at?.kind !== 'seq') return found;
  for (const item of at.content) {
    const name = item.get('name');
    if (name !== undefined) found.set(name.value, item);
  }
  return found;
}

function refuse(entry: PatchEntry, problem: string): LandfallError {
  return new LandfallError(`${entry.node.where}: the patch ${entry.source.name}: ${problem}`, {
    kind: 'invalid-input',
    code: 'patch-invalid',
    object: entry.node.where,
  });
}
