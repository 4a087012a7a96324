import { LandfallError, yamlToJson } from '../kernel/index.ts';
import type { YamlNode, YamlSource } from '../kernel/index.ts';
import { loadObjects } from './load-objects.ts';
import type { ObjectFiles } from './load-objects.ts';
import type { ReadText } from './loader.ts';
import { newMap } from './nodes.ts';
import { renderRecorded } from './render.ts';
import type { ReadRecord, RecordedRender, RenderOptions } from './render.ts';
import { splitImage } from './transform/images.ts';
import type { FileTree } from './tree.ts';

/** A file of objects as it was read. */
export interface KeptFile {
  readonly text: string;
  readonly nodes: readonly YamlNode[];
}

interface KeptRender extends RecordedRender {
  readonly files: ReadonlyMap<string, KeptFile>;
  readonly texts: Map<string, ReadText>;
}

/** Renders everything; files whose text is known are copied and not parsed. */
export async function renderWhole(
  tree: FileTree,
  dir: string,
  options: RenderOptions,
  kept: KeptRender | undefined,
): Promise<KeptRender> {
  const files = new Map<string, KeptFile>();
  const objects: ObjectFiles = {
    load(source) {
      const file = known(kept, source) ?? { text: source.text, nodes: loadObjects(source) };
      files.set(source.name, file);
      return { nodes: file.nodes.map((node) => node.clone()), reused: false };
    },
  };
  const texts = new Map(kept?.texts);
  return { ...(await renderRecorded(tree, dir, options, { objects, texts })), files, texts };
}

function known(kept: KeptRender | undefined, source: YamlSource): KeptFile | undefined {
  const file = kept?.files.get(source.name);
  return file?.text === source.text ? file : undefined;
}

/**
 * Renders what changed and takes the rest from the last render. That is right as long as objects know of each
 * other only by name and label: the pipeline runs over all of them, but those of unchanged files are there with
 * their metadata only, and what becomes of them is thrown away. Undefined where it is not possible: something
 * copies content between objects, a file that is not one of objects changed, or names, labels, containers or
 * images in a changed file did.
 */
export async function renderChanged(
  tree: FileTree,
  dir: string,
  options: RenderOptions,
  kept: KeptRender,
): Promise<KeptRender | undefined> {
  if (kept.mixes) return undefined;
  const files = new Map<string, KeptFile>();
  const changed = new Set<string>();
  const objects: ObjectFiles = {
    load(source) {
      const same = known(kept, source);
      if (same !== undefined) {
        files.set(source.name, same);
        return { nodes: same.nodes.map(skeleton), reused: true };
      }
      const before = kept.files.get(source.name);
      const nodes = loadObjects(source);
      if (before === undefined || shape(before.nodes) !== shape(nodes)) throw impossible();
      changed.add(source.name);
      files.set(source.name, { text: source.text, nodes });
      return { nodes: nodes.map((node) => node.clone()), reused: false };
    },
  };
  try {
    const texts = new Map(kept.texts);
    const reuse = { objects, finished: kept.finished, early: kept.early, texts };
    const made = await renderRecorded(tree, dir, options, reuse);
    return sameReads(kept.reads, made.reads, changed) ? { ...made, files, texts } : undefined;
  } catch (error) {
    // Whatever it is, rendering the whole says it better.
    if (error instanceof LandfallError) return undefined;
    throw error;
  }
}

function impossible(): LandfallError {
  return new LandfallError('More than values changed.', { kind: 'bug', code: 'reuse-impossible' });
}

/** Kind, version and metadata of an object. */
function skeleton(node: YamlNode): YamlNode {
  const bare = newMap(node);
  const { content } = node;
  for (let i = 0; i < content.length; i += 2) {
    const [key, value] = [content[i], content[i + 1]];
    if (key === undefined || value === undefined) continue;
    if (key.value !== 'apiVersion' && key.value !== 'kind' && key.value !== 'metadata') continue;
    bare.content.push(key.clone(), value.clone());
  }
  return bare;
}

/** What other objects, selectors and findings see of objects. */
function shape(nodes: readonly YamlNode[]): string {
  return JSON.stringify(nodes.map((node) => [yamlToJson(skeleton(node)), containersOf(node)]));
}

function containersOf(node: YamlNode): string[] {
  const found: string[] = [];
  for (let i = 0; i < node.content.length; i++) {
    const child = node.content[i];
    if (child === undefined) continue;
    const key = node.kind === 'map' ? node.content[i - 1]?.value : undefined;
    if (key === 'image' && i % 2 === 1) found.push(splitImage(child.value).name);
    if (child.kind !== 'scalar') found.push(...containersOf(child));
    else if (key === 'name' && node.get('image') !== undefined) found.push(child.value);
  }
  return found;
}

function sameReads(
  before: readonly ReadRecord[],
  after: readonly ReadRecord[],
  changed: ReadonlySet<string>,
): boolean {
  if (before.length !== after.length) return false;
  const old = new Map(before.map((read) => [`${read.kind}:${read.path}`, read]));
  return after.every((read) => {
    const was = old.get(`${read.kind}:${read.path}`);
    if (was === undefined) return false;
    return (read.kind === 'file' && changed.has(read.path)) || sameContent(read.value, was.value);
  });
}

/** The same bytes, the same kind of entry, or both not there. */
export function sameContent(a: ReadRecord['value'], b: ReadRecord['value']): boolean {
  if (a === undefined || b === undefined || typeof a === 'string' || typeof b === 'string') return a === b;
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
