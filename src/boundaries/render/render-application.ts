import { LandfallError, asLandfallError } from '../../kernel/index.ts';
import { getIn, getString } from '../../kernel/index.ts';
import type { FileTree } from '../../git/index.ts';
import { render } from '../../kustomize/index.ts';
import type { RenderCache } from '../../kustomize/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { ApplicationSource } from '../sync/index.ts';
import { renderDirectory } from './directory.ts';
import type { RenderFailure, RenderedSet, SourceType } from './rendered-set.ts';
import { detectSourceType } from './source-type.ts';

export interface RenderApplicationOptions {
  /** The source as the Application writes it, where there is one: it may name its renderer and its options. */
  readonly source?: ApplicationSource;
  readonly signal?: AbortSignal;
  /** Renders of this repository that were made before. Without it everything is rendered anew. */
  readonly cache?: Pick<RenderCache, 'render'>;
}

/** What the renderer is not given here, though the engine may have it: no evidence, and nobody's mistake. */
const NOT_RENDERED_HERE = /^(?:remote-|helm-|chart)/;

/**
 * The objects that a folder of a commit stands for, by the renderer that Argo CD would choose. Files that are wrong
 * are an answer (`failure`, with file and line). Throws `unavailable` for what cannot be rendered here: charts,
 * remote resources, plugins, options of the Application that would change the result.
 */
export async function renderApplication(
  tree: FileTree,
  path: string,
  options: RenderApplicationOptions = {},
): Promise<RenderedSet> {
  const { source, signal, cache = { render } } = options;
  const folder = normalised(path);
  const kind = await tree.kind(folder);
  if (kind !== 'directory') {
    const found = kind === undefined ? 'does not exist' : 'is a file';
    return failed('Directory', {
      code: 'path-missing',
      message: `${path}: app path ${found} at this commit`,
      where: path,
      hint: 'Check spec.source.path of the Application.',
    });
  }
  const sourceType = sourceTypeOf(source) ?? (await detectSourceType(tree, folder));
  refuseOptions(sourceType, source, path);
  try {
    if (sourceType === 'Kustomize') return await renderKustomize(tree, folder, cache, signal);
    const objects = await renderDirectory(tree, folder, directoryOptions(source), signal);
    return { sourceType, objects, findings: [], warnings: [] };
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (NOT_RENDERED_HERE.test(error.code)) {
      throw new LandfallError(error.message, {
        kind: 'unavailable',
        code: error.code,
        ...(error.object === undefined ? {} : { object: error.object }),
        ...(error.hint === undefined ? {} : { hint: error.hint }),
        cause: error,
      });
    }
    if (error.kind !== 'invalid-input' && error.kind !== 'not-found' && error.kind !== 'denied') throw error;
    return failed(sourceType, failureOf(error));
  }
}

/** Paths of a tree start at its root, which is ''. */
function normalised(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

async function renderKustomize(
  tree: FileTree,
  folder: string,
  cache: Pick<RenderCache, 'render'>,
  signal: AbortSignal | undefined,
): Promise<RenderedSet> {
  const result = await cache.render(tree, folder, {
    reorder: 'none',
    ...(signal === undefined ? {} : { signal }),
  });
  return {
    sourceType: 'Kustomize',
    objects: result.objects.map((rendered) => ({
      object: rendered.value as KubeObject,
      why: (path) => rendered.why(path).filter((origin) => origin.file !== ''),
    })),
    findings: result.findings,
    warnings: result.warnings,
  };
}

function failed(sourceType: SourceType, failure: RenderFailure): RenderedSet {
  return { sourceType, objects: [], findings: [], warnings: [], failure };
}

function failureOf(error: LandfallError): RenderFailure {
  const where = error.object;
  return {
    code: error.code,
    message: error.message,
    ...(where === undefined ? {} : { where }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
}

/** The renderer that the Application itself names. */
function sourceTypeOf(source: ApplicationSource | undefined): SourceType | undefined {
  if (source === undefined) return undefined;
  if (source.plugin !== undefined) return 'Plugin';
  if (source.helm !== undefined || source.chart !== undefined) return 'Helm';
  if (source.kustomize !== undefined) return 'Kustomize';
  return source.directory === undefined ? undefined : 'Directory';
}

function refuseOptions(sourceType: SourceType, source: ApplicationSource | undefined, path: string): void {
  const refuse = (code: string, message: string, hint: string) =>
    new LandfallError(message, { kind: 'unavailable', code, object: path, hint });
  if (sourceType === 'Helm') {
    throw refuse(
      'helm-unsupported',
      `${path} is a Helm chart, and charts are not rendered.`,
      'Commit the output of helm template, or deliver it with Kustomize.',
    );
  }
  if (sourceType === 'Plugin') {
    throw refuse(
      'plugin-unsupported',
      `${path} is rendered by a plugin, which is not run here.`,
      'Commit its output.',
    );
  }
  const options = Object.keys(source?.kustomize ?? {}).filter((name) => name !== 'version');
  if (options.length > 0) {
    throw refuse(
      'source-options-unsupported',
      `spec.source.kustomize.${options[0] ?? ''} of the Application changes what ${path} renders to, and is not applied here.`,
      'Move it into the kustomization.yaml.',
    );
  }
  if (getIn(source?.directory, 'jsonnet') !== undefined) {
    throw refuse(
      'jsonnet-unsupported',
      `${path} is rendered by Jsonnet, which is not run here.`,
      'Commit its output.',
    );
  }
}

function directoryOptions(source: ApplicationSource | undefined) {
  return {
    recurse: getIn(source?.directory, 'recurse') === true,
    include: getString(source?.directory, 'include') ?? '',
    exclude: getString(source?.directory, 'exclude') ?? '',
  };
}
