import { LandfallError, tags } from '../kernel/index.ts';
import type { Accumulator } from './accumulator.ts';
import { RenderContext } from './context.ts';
import type { RenderFinding } from './findings.ts';
import { parseFieldSpec } from './field-spec.ts';
import { parsedFiles } from './load-objects.ts';
import type { ObjectFiles } from './load-objects.ts';
import { Loader } from './loader.ts';
import type { ReadText, RemoteFetcher, RenderInput } from './loader.ts';
import type { HelmRunner } from './generate/helm.ts';
import { transformationsKey } from './origin.ts';
import { originKey } from './origin-key.ts';
import { RenderedNode } from './rendered-object.ts';
import type { RenderedObject } from './rendered-object.ts';
import { settle } from './settle.ts';
import { Target } from './target.ts';
import { newScalar } from './nodes.ts';
import { findInObjects } from './find.ts';
import { internalAnnotations } from './internal-annotations.ts';
import { labelTransformer } from './transform/labels.ts';
import { legacyOrder, sortObjects } from './transform/sort.ts';
import type { EntryKind, FileTree } from './tree.ts';

/** Part of every cache key: another renderer may give another result for the same files. */
export const rendererVersion = 'kustomize-5.5.0/2';

export interface RenderOptions {
  /** Order of objects where the kustomization does not say: as kubectl does it (`legacy`), or as listed. */
  readonly reorder?: 'legacy' | 'none';
  /** Whether a kustomization may read files outside of its folder (never outside of the tree). Default: no. */
  readonly loadRestrictor?: 'root-only' | 'none';
  /** Fetches what is not in the tree. Without it remote resources are refused. */
  readonly remote?: RemoteFetcher;
  /** Renders charts. Without it charts are refused. */
  readonly helm?: HelmRunner;
  readonly managedByLabel?: boolean;
  readonly signal?: AbortSignal;
}

export interface RenderResult {
  readonly objects: readonly RenderedObject[];
  /** What `kustomize build` prints, byte for byte. Written when it is asked for, and then kept. */
  readonly yaml: string;
  /** The original's warnings, for people. */
  readonly warnings: readonly string[];
  /** What most likely was not meant. */
  readonly findings: readonly RenderFinding[];
  /** Everything that was looked for, in the order of its path, also what was not there. */
  readonly inputs: readonly RenderInput[];
}

/** One read of a render, with what it gave, so that a cache can tell whether it would give the same again. */
export interface ReadRecord {
  readonly path: string;
  readonly kind: 'file' | 'kind';
  readonly value: Uint8Array | EntryKind | undefined;
}

/**
 * Renders the kustomization in `dir` of a tree, as `kustomize build` of release 5.5 does it. Reads nothing outside
 * of the tree, runs nothing unless `helm` is given, and fetches nothing unless `remote` is. Throws LandfallError:
 * `invalid-input` with file and line for what is written wrong, `not-found` for what is missing, `denied` for
 * what is refused.
 */
export async function render(
  tree: FileTree,
  dir: string,
  options: RenderOptions = {},
): Promise<RenderResult> {
  return (await renderRecorded(tree, dir, options)).result;
}

/** A render with what a cache has to know about it. */
export interface RecordedRender {
  readonly result: RenderResult;
  readonly reads: readonly ReadRecord[];
  /** Finished objects by the file and place they were made from, and what they became. */
  readonly finished: ReadonlyMap<string, RenderedNode>;
  readonly mixes: boolean;
  readonly early: readonly RenderFinding[];
}

/** What an earlier render lends to this one. */
interface Reuse {
  readonly objects: ObjectFiles;
  /** Undefined: there is no such object, and the render cannot be made this way. */
  readonly finished?: ReadonlyMap<string, RenderedNode>;
  readonly early?: readonly RenderFinding[];
  readonly texts?: Map<string, ReadText>;
}

export async function renderRecorded(
  tree: FileTree,
  dir: string,
  options: RenderOptions,
  reuse: Reuse = { objects: parsedFiles },
): Promise<RecordedRender> {
  const reads = new Map<string, ReadRecord>();
  const loader = await Loader.open(tree, dir, {
    restrict: options.loadRestrictor !== 'none',
    remote: options.remote,
    signal: options.signal,
    texts: reuse.texts ?? new Map(),
    log: { note: (path, kind, value) => reads.set(`${kind}:${path}`, { path, kind, value }) },
  });
  const context = new RenderContext();
  const help = { loader, context, helm: options.helm, objects: reuse.objects };
  const target = await guard(() => Target.root(help));
  const accumulator = await guard(() => target.build());
  const { kustomization } = target;
  if (kustomization.sort !== undefined) sortObjects(accumulator.map, kustomization.sort);
  else if (options.reorder !== 'none') sortObjects(accumulator.map, legacyOrder);
  finish(accumulator, kustomization.buildMetadata, options.managedByLabel === true);
  const finished = new Map<string, RenderedNode>();
  const objects = accumulator.map.list.map((resource) => {
    const key = `${resource.key ?? ''} ${resource.idKey}`;
    const known = resource.reused ? reuse.finished?.get(key) : undefined;
    if (resource.reused && known === undefined) throw lost(key);
    if (known === undefined) settle(resource.node);
    const object = known ?? new RenderedNode(resource.node);
    if (resource.key !== undefined) finished.set(key, object);
    return object;
  });
  const early = reuse.early ?? context.findings;
  const result = resultOf(objects, context.warnings, early, inputsOf(reads.values()));
  return { result, reads: [...reads.values()], finished, mixes: context.mixes, early };
}

/** Apart from the render, so that a result that is kept holds on to nothing else of it, nor of the one before. */
function resultOf(
  objects: readonly RenderedObject[],
  warnings: readonly string[],
  early: readonly RenderFinding[],
  inputs: readonly RenderInput[],
): RenderResult {
  let late: readonly RenderFinding[] | undefined;
  let text: string | undefined;
  return {
    objects,
    get yaml() {
      text ??= objects.map((object) => object.yaml).join('---\n');
      return text;
    },
    warnings,
    get findings() {
      late ??= [...early, ...findInObjects(objects)];
      return late;
    },
    inputs,
  };
}

function lost(key: string): LandfallError {
  return new LandfallError(`The finished object ${key} of the last render is not at hand.`, {
    kind: 'bug',
    code: 'reuse-impossible',
  });
}

/** A stack that ran out is hostile nesting, not a bug. */
async function guard<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new LandfallError('The kustomization is nested too deeply to be rendered.', {
      kind: 'invalid-input',
      code: 'nesting',
      cause: error,
    });
  }
}

function inputsOf(reads: Iterable<ReadRecord>): RenderInput[] {
  const inputs = new Map<string, boolean>();
  for (const { path, value } of reads) {
    const name = path === '' ? '.' : path;
    inputs.set(name, (inputs.get(name) ?? false) || value !== undefined);
  }
  return [...inputs]
    .map(([path, present]) => ({ path, present }))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

const managedBy = 'app.kubernetes.io/managed-by';
/** What `kubectl kustomize` writes: its copy of kustomize does not know its version. */
const managedByValue = 'kustomize-(devel)';

function finish(accumulator: Accumulator, buildMetadata: readonly string[], managedByLabel: boolean): void {
  const { map } = accumulator;
  if (managedByLabel || buildMetadata.includes('managedByLabel')) {
    const value = newScalar(managedByValue, tags.str);
    const pairs = new Map([[managedBy, { text: managedByValue, node: value }]]);
    labelTransformer(pairs, [parseFieldSpec('+metadata/labels')]).transform(map);
  }
  const keepOrigins = buildMetadata.includes('originAnnotations');
  const keepTransformations = buildMetadata.includes('transformerAnnotations');
  for (const resource of map.list) {
    if (resource.reused) continue;
    const annotations = new Map(resource.metaEntries('annotations'));
    if (!keepOrigins) annotations.delete(originKey);
    if (!keepTransformations) annotations.delete(transformationsKey);
    for (const key of internalAnnotations) annotations.delete(key);
    resource.setTextMap('annotations', annotations);
  }
}
