import {
  LandfallError,
  asLandfallError,
  getIn,
  getObject,
  getString,
  isJsonObject,
  parseYaml,
} from '../../kernel/index.ts';
import type { FileTree } from '../../git/index.ts';
import { render } from '../../kustomize/index.ts';
import type { RenderCache, RenderOptions } from '../../kustomize/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { applicationSource } from '../sync/index.ts';
import type { ApplicationSource } from '../sync/index.ts';
import { renderDirectory } from './directory.ts';
import { renderHelm } from './helm.ts';
import type { HelmProgram } from './helm-program.ts';
import { kustomizationFile, withKustomization } from './kustomization-edit.ts';
import { editedByOptions, hasKustomizeOptions, unknownKustomizeOption } from './kustomize-options.ts';
import { imageOverrides, locatedOverrides } from './override-lists.ts';
import type { RenderFailure, RenderedSet, SourceType } from './rendered-set.ts';
import { buildEnvironment } from './source-environment.ts';
import type { RenderedFor } from './source-environment.ts';
import { KUSTOMIZE_OPTIONS, withSourceOverrides } from './source-overrides.ts';
import type { OverrideOwner } from './source-overrides.ts';
import { detectSourceType } from './source-type.ts';

export interface RenderApplicationOptions {
  /** The source as the Application writes it, where there is one: it may name its renderer and its options. */
  readonly source?: ApplicationSource;
  /** Whose it is; names overrides and build variables. Without it a release is called after its folder. */
  readonly application?: RenderedFor;
  /** Trees of the other sources that value files name, by `$name`. */
  readonly refs?: ReadonlyMap<string, FileTree>;
  /** Asked for only where there is a chart. Default: the `helm` on PATH, told nothing of the cluster. */
  readonly helm?: HelmProgram | (() => Promise<HelmProgram>);
  readonly signal?: AbortSignal;
  /** How kustomizations are built beyond what the source says. Default: within their folder, without charts. */
  readonly kustomize?: Pick<RenderOptions, 'loadRestrictor' | 'helm' | 'managedByLabel'>;
  /** Schemes of URLs that value files of charts may have. Default: https and http. */
  readonly valuesFileSchemes?: readonly string[];
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
  const { signal } = options;
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
  let source = options.source;
  let sourceType = sourceTypeOf(source) ?? (await detectSourceType(tree, folder));
  try {
    if (source !== undefined) {
      source = await withSourceOverrides(tree, folder, source, ownerIn(options));
      sourceType = sourceTypeOf(source) ?? sourceType;
    }
    refuseOptions(sourceType, source, path);
    if (sourceType === 'Helm') return await renderChart(tree, folder, source, options);
    if (sourceType === 'Kustomize') return await renderEdited(tree, folder, source, options);
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

/** Build variables of a render that nobody's Application asked for. */
function application(options: RenderApplicationOptions, folder: string): RenderedFor {
  const name = folder.split('/').at(-1) || 'release';
  return options.application ?? { name, namespace: '', project: 'default', revision: '' };
}

/** Whose overrides lie beside the manifests. */
function ownerIn({ application }: RenderApplicationOptions): OverrideOwner | undefined {
  if (application === undefined) return undefined;
  const { name, home, instance } = application;
  return {
    name,
    ...(home === undefined ? {} : { namespace: home }),
    ...(instance === undefined ? {} : { instance }),
  };
}

async function renderChart(
  tree: FileTree,
  folder: string,
  source: ApplicationSource | undefined,
  options: RenderApplicationOptions,
): Promise<RenderedSet> {
  const wanted = source ?? applicationSource({ path: folder });
  const target = application(options, folder);
  const objects = await renderHelm({
    place: { kind: 'tree', tree, folder },
    source: wanted,
    application: target,
    environment: buildEnvironment(target, wanted),
    refs: options.refs ?? new Map(),
    program: typeof options.helm === 'function' ? await options.helm() : (options.helm ?? {}),
    ...(options.valuesFileSchemes === undefined ? {} : { valuesFileSchemes: options.valuesFileSchemes }),
    signal: options.signal,
  });
  return { sourceType: 'Helm', objects, findings: [], warnings: [] };
}

/** A kustomization, as the options of its source change it. */
async function renderEdited(
  tree: FileTree,
  folder: string,
  source: ApplicationSource | undefined,
  options: RenderApplicationOptions,
): Promise<RenderedSet> {
  const { cache = { render } } = options;
  const given = source?.kustomize;
  if (source === undefined || given === undefined || !hasKustomizeOptions(source)) {
    return renderKustomize(tree, folder, cache, options);
  }
  const file = await kustomizationFile(tree, folder);
  if (file === undefined) {
    return failed('Kustomize', {
      code: 'kustomization-missing',
      message: `Missing kustomization file 'kustomization.yaml' in ${source.path}, which spec.source.kustomize would change.`,
      where: source.path,
    });
  }
  const bytes = await tree.readFile(file);
  const [root] = parseYaml(Buffer.from(bytes ?? []).toString('utf8'), file);
  const environment = buildEnvironment(application(options, folder), source);
  const next = await editedByOptions(tree, folder, isJsonObject(root) ? root : {}, given, environment);
  const edited = await withKustomization(tree, folder, KUSTOMIZE_OPTIONS, () => next);
  const overrides = await imageOverrides({
    async read(path) {
      const content = await tree.readFile(path);
      return content === undefined ? undefined : Buffer.from(content).toString('utf8');
    },
    folder,
    owner: ownerIn(options),
  });
  const set = await renderKustomize(edited.tree, folder, cache, options);
  return {
    ...set,
    objects: set.objects.map(({ object, why }) => ({
      object,
      why: (field) => locatedOverrides(overrides, why(field).map(edited.sourceOf)),
    })),
  };
}

async function renderKustomize(
  tree: FileTree,
  folder: string,
  cache: Pick<RenderCache, 'render'>,
  { signal, kustomize }: Pick<RenderApplicationOptions, 'signal' | 'kustomize'>,
): Promise<RenderedSet> {
  const result = await cache.render(tree, folder, {
    reorder: 'none',
    ...kustomize,
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
  if (sourceType === 'Plugin') {
    throw refuse(
      'plugin-unsupported',
      `${path} is rendered by a plugin, which is not run here.`,
      'Commit its output.',
    );
  }
  const option = unknownKustomizeOption(source);
  if (option !== undefined) {
    throw refuse(
      'source-options-unsupported',
      `spec.source.kustomize.${option} of the Application changes what ${path} renders to, and is not applied here.`,
      'Move it into the kustomization.yaml.',
    );
  }
  const jsonnet = getObject(source?.directory, 'jsonnet') ?? {};
  if (Object.values(jsonnet).some((list) => Array.isArray(list) && list.length > 0)) {
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
    anyExtension: getIn(source?.directory, 'disableExtensionFilter') === true,
  };
}
