import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  LandfallError,
  asLandfallError,
  getArray,
  getIn,
  getObject,
  getString,
  parseYaml,
  stringifyYaml,
} from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { FileTree } from '../../git/index.ts';
import type { ApplicationSource } from '../sync/index.ts';
import { globPattern, manifestsOf } from './directory.ts';
import { joined } from './kustomization-edit.ts';
import { repositoryArgs, runHelm } from './helm-program.ts';
import type { ChartPlace, HelmProgram } from './helm-program.ts';
import { startLookups } from './lookups.ts';
import type { RenderedFacts } from '../rendered.ts';
import { withoutInvented } from './invented.ts';
import { expandEnvironment } from './source-environment.ts';
import type { RenderedFor } from './source-environment.ts';

interface HelmRequest {
  readonly place: ChartPlace;
  readonly source: ApplicationSource;
  readonly application: RenderedFor;
  readonly environment: Readonly<Record<string, string>>;
  /** Trees that `$name/...` of value files names, by `$name`. */
  readonly refs: ReadonlyMap<string, FileTree>;
  readonly program: HelmProgram;
  /**
   * Renders twice, and leaves out what is another value each time: passwords and certificates that a chart makes up
   * are no statement about what is stored.
   */
  readonly stable?: boolean;
  /** Of URLs that value files may have. Default: https and http. */
  readonly valuesFileSchemes?: readonly string[];
  readonly signal: AbortSignal | undefined;
}

const LIMIT = { files: 5000, bytes: 64 * 1024 * 1024 };
/** Argo CD, IsMissingDependencyErr. */
const MISSING_DEPENDENCY =
  /found in requirements\.yaml, but missing in charts|found in Chart\.yaml, but missing in charts/;

/** A folder of its own for one run, with helm's own state inside, gone afterwards. */
interface Work {
  readonly folder: string;
  readonly request: HelmRequest;
  readonly copied: { files: number; bytes: number };
}

/**
 * The objects of a chart as `helm template` prints them, with the flags that Argo CD uses. Throws `unavailable`, code
 * `helm-missing`, where the program is not installed. Source: Argo CD util/helm/cmd.go, reposerver/repository.
 */
export async function renderHelm(request: HelmRequest): Promise<readonly RenderedFacts[]> {
  const folder = await mkdtemp(join(tmpdir(), 'landfall-helm-'));
  const work: Work = { folder, request, copied: { files: 0, bytes: 0 } };
  try {
    const chart = await placeChart(work);
    const args = await templateArgs(work);
    let text: string;
    try {
      text = await template(work, args, chart);
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (error.code !== 'template-failed' || !MISSING_DEPENDENCY.test(error.message)) throw error;
      await helm(work, ['dependency', 'build'], chart);
      text = await template(work, args, chart);
    }
    const what = `helm template ${request.source.chart ?? request.source.path}`;
    const objects = manifestsOf(text, what).map(({ object }) => object);
    const again =
      request.stable === true
        ? manifestsOf(await template(work, args, chart), what).map(({ object }) => object)
        : [];
    return (request.stable === true ? withoutInvented(objects, again) : objects).map((object) => ({
      object,
      why: () => [],
    }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The version that a constraint names in a repository now, by what `helm show chart` says of it. */
export async function resolveChart(
  place: Extract<ChartPlace, { kind: 'repository' }>,
  program: HelmProgram,
  signal?: AbortSignal,
): Promise<string> {
  const { version, chart } = place;
  // A whole version is what it is; anything else is a constraint.
  if (/^v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$/.test(version)) return version;
  const folder = await mkdtemp(join(tmpdir(), 'landfall-helm-'));
  try {
    const wanted = version === '' || version === 'HEAD' ? [] : ['--version', version];
    const { reference, options } = await repositoryArgs(folder, place, program, signal);
    const text = await runHelm(
      folder,
      program,
      ['show', 'chart', ...options, ...wanted, '--', reference],
      folder,
      signal,
    );
    const [found] = parseYaml(text, `helm show chart ${chart}`);
    const resolved = getString(found, 'version');
    if (resolved !== undefined && resolved !== '') return resolved;
    throw new LandfallError(`helm show chart ${chart} named no version.`, {
      kind: 'unavailable',
      code: 'helm-version',
      object: chart,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The manifests; a chart that looks things up in the cluster gets to see it where there is one. */
async function template(work: Work, args: readonly string[], chart: string): Promise<string> {
  const { program, signal, source } = work.request;
  if (program.cluster === undefined || !(await looksUp(chart))) return helm(work, args, chart);
  await using lookups = await startLookups(program.cluster, signal);
  const kubeconfig = join(work.folder, 'kubeconfig');
  await writeFile(kubeconfig, lookups.kubeconfig, { mode: 0o600 });
  const refused = (): LandfallError | undefined => {
    const cause = lookups.refused();
    if (cause === undefined) return undefined;
    return new LandfallError(
      `What the chart ${source.chart ?? source.path} looks up in the cluster could not be read: ${cause.message}`,
      {
        kind: 'unavailable',
        code: 'chart-lookup',
        hint: 'Ask with an account that may read what the chart looks up.',
        cause,
      },
    );
  };
  try {
    const text = await helm(work, [...args, '--dry-run=server'], chart, kubeconfig);
    const problem = refused();
    if (problem !== undefined) throw problem;
    return text;
  } catch (thrown) {
    throw refused() ?? thrown;
  }
}

/** True for a chart that may call `lookup`; what is packed inside of it is not opened. */
async function looksUp(folder: string): Promise<boolean> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    if (/\.t(?:ar\.)?gz$/.test(entry.name)) return true;
    if (!/\.(?:ya?ml|tpl|txt)$/.test(entry.name)) continue;
    if (/\blookup\b/.test(await readFile(join(entry.parentPath, entry.name), 'utf8'))) return true;
  }
  return false;
}

async function helm(work: Work, args: readonly string[], cwd: string, kubeconfig?: string): Promise<string> {
  const { program, signal } = work.request;
  try {
    return await runHelm(work.folder, program, args, cwd, signal, kubeconfig);
  } catch (thrown) {
    // Folders of this run mean nothing to anybody.
    throw withoutFolder(asLandfallError(thrown), work.folder);
  }
}

function withoutFolder(error: LandfallError, folder: string): LandfallError {
  if (!error.message.includes(folder)) return error;
  return new LandfallError(error.message.replaceAll(`${folder}/`, ''), {
    kind: error.kind,
    code: error.code,
    ...(error.object === undefined ? {} : { object: error.object }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  });
}

/** Puts the chart on disk and gives the folder that holds its Chart.yaml. */
async function placeChart(work: Work): Promise<string> {
  const { place, program, signal } = work.request;
  if (place.kind === 'tree') {
    const folder = join(work.folder, 'repo', place.folder);
    await copyOut(work, place.tree, place.folder, folder);
    await copyNeighbours(work, place.tree, place.folder);
    return folder;
  }
  const target = join(work.folder, 'chart');
  const { reference, options } = await repositoryArgs(work.folder, place, program, signal);
  await helm(
    work,
    ['pull', '--untar', '--untardir', target, ...options, '--version', place.version, '--', reference],
    work.folder,
  );
  return join(target, place.chart.split('/').at(-1) ?? place.chart);
}

async function copyOut(work: Work, tree: FileTree, from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of (await tree.list(from)) ?? []) {
    const path = joined(from, name);
    if ((await tree.kind(path)) === 'directory') {
      await copyOut(work, tree, path, join(to, name));
      continue;
    }
    const content = await tree.readFile(path);
    if (content === undefined) continue;
    await keep(work, join(to, name), content);
  }
}

async function keep(work: Work, file: string, content: Uint8Array): Promise<void> {
  work.copied.files += 1;
  work.copied.bytes += content.length;
  if (work.copied.files > LIMIT.files || work.copied.bytes > LIMIT.bytes) {
    throw new LandfallError(`The chart has more than ${LIMIT.files} files or ${LIMIT.bytes} bytes.`, {
      kind: 'invalid-input',
      code: 'source-too-large',
      object: work.request.source.path,
    });
  }
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content, { mode: 0o600 });
}

/** Charts that `file://` dependencies name, where they stay inside of the repository. */
async function copyNeighbours(work: Work, tree: FileTree, folder: string, depth = 0): Promise<void> {
  const bytes = await tree.readFile(joined(folder, 'Chart.yaml'));
  if (bytes === undefined || depth > 5) return;
  const [chart] = parseYaml(Buffer.from(bytes).toString('utf8'), joined(folder, 'Chart.yaml'));
  for (const dependency of getArray(chart, 'dependencies')) {
    const repository = getString(dependency, 'repository') ?? '';
    if (!repository.startsWith('file://')) continue;
    const path = inside(folder, repository.slice('file://'.length));
    if (path === undefined || (await tree.kind(path)) !== 'directory') continue;
    await copyOut(work, tree, path, join(work.folder, 'repo', path));
    await copyNeighbours(work, tree, path, depth + 1);
  }
}

/** A path below the root, or undefined where it leads out. `/x` starts at the root, as Argo CD reads it. */
function inside(folder: string, path: string): string | undefined {
  const parts = path.startsWith('/') ? [] : folder.split('/').filter((part) => part !== '');
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}

function problem(message: string, object: string): LandfallError {
  return new LandfallError(message, {
    kind: 'invalid-input',
    code: 'values-file',
    object,
    hint: 'Check spec.source.helm of the Application.',
  });
}

async function templateArgs(work: Work): Promise<readonly string[]> {
  const { source, application, environment, program } = work.request;
  const options: JsonObject = source.helm ?? {};
  const expand = (text: string) => expandEnvironment(text, environment);
  const args = ['template', '.', '--name-template', getString(options, 'releaseName') || application.name];
  const namespace = getString(options, 'namespace') || application.namespace;
  if (namespace !== '') args.push('--namespace', namespace);
  const kubeVersion = (getString(options, 'kubeVersion') || program.kubeVersion)?.replace(/^v/, '');
  if (kubeVersion !== undefined && kubeVersion !== '') args.push('--kube-version', kubeVersion);
  const parameters = getArray(options, 'parameters');
  for (const forced of [false, true]) {
    for (const parameter of parameters) {
      if ((getIn(parameter, 'forceString') === true) !== forced) continue;
      const value = setValue(expand(getString(parameter, 'value') ?? ''));
      args.push(forced ? '--set-string' : '--set', `${getString(parameter, 'name') ?? ''}=${value}`);
    }
  }
  for (const parameter of getArray(options, 'fileParameters')) {
    const path = getString(parameter, 'path') ?? '';
    const [file] = await filesOf(work, path, false);
    args.push('--set-file', `${getString(parameter, 'name') ?? ''}=${setValue(file ?? path)}`);
  }
  for (const file of await valueFiles(work, options)) args.push('--values', file);
  const values = valuesText(options);
  if (values !== undefined) {
    const file = join(work.folder, 'values.yaml');
    await writeFile(file, values, { mode: 0o600 });
    args.push('--values', file);
  }
  const listed = getArray(options, 'apiVersions').filter((item): item is string => typeof item === 'string');
  for (const version of listed.length > 0 ? listed : (program.apiVersions ?? []))
    args.push('--api-versions', version);
  if (getIn(options, 'skipCrds') !== true) args.push('--include-crds');
  if (getIn(options, 'skipSchemaValidation') === true) args.push('--skip-schema-validation');
  if (getIn(options, 'skipTests') === true) args.push('--skip-tests');
  return args;
}

/** `valuesObject` wins over `values`, as in Argo CD. */
function valuesText(options: JsonObject): string | undefined {
  const object = getObject(options, 'valuesObject');
  if (object !== undefined) return stringifyYaml(object);
  const text = getString(options, 'values');
  return text === undefined || text === '' ? undefined : text;
}

/** Commas that are not escaped yet would start another value; `{a,b}` is a list. */
function setValue(value: string): string {
  if (value.startsWith('{') && value.endsWith('}')) return value;
  return value.replaceAll(/(?<!\\),/g, String.raw`\,`);
}

async function valueFiles(work: Work, options: JsonObject): Promise<readonly string[]> {
  const listed = getArray(options, 'valueFiles').filter((item): item is string => typeof item === 'string');
  const ignoreMissing = getIn(options, 'ignoreMissingValueFiles') === true;
  const explicit = new Set<string>();
  for (const file of listed) {
    if (!isGlob(file)) for (const found of await filesOf(work, file, true)) explicit.add(found);
  }
  const files = new Set<string>();
  for (const file of listed) {
    const found = await filesOf(work, file, ignoreMissing);
    for (const path of found) if (!isGlob(file) || !explicit.has(path)) files.add(path);
  }
  return [...files];
}

function isGlob(path: string): boolean {
  return !/^[a-z][a-z0-9+.-]*:\/\//i.test(path) && /[*?[{]/.test(path);
}

/** The files that one entry names, on disk: a path of the chart's repository, `$ref/path`, or a URL for helm itself. */
async function filesOf(work: Work, entry: string, ignoreMissing: boolean): Promise<readonly string[]> {
  const { place, refs, environment, valuesFileSchemes = ['https', 'http'] } = work.request;
  const name = entry.startsWith('$')
    ? entry.slice(0, entry.includes('/') ? entry.indexOf('/') : undefined)
    : undefined;
  const ref = name === undefined ? undefined : refs.get(name);
  if (name !== undefined && ref === undefined && refs.size > 0 && !/^\$(?:\{|ARGOCD_)/.test(entry)) {
    throw problem(
      `source referenced "${name}", which is not one of the available sources (${[...refs.keys()].join(', ')})`,
      entry,
    );
  }
  const path = expandEnvironment(
    ref === undefined ? entry : `/${entry.slice((name ?? '').length + 1)}`,
    environment,
  );
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(path)?.[1];
  if (scheme !== undefined) {
    if (valuesFileSchemes.includes(scheme.toLowerCase())) return [path];
    throw problem(`the URL scheme '${scheme}' is not allowed for value files`, entry);
  }
  if (ref === undefined && place.kind === 'repository') {
    const found = inside('', path);
    if (found === undefined)
      throw problem(`value file '${entry}' resolved to outside repository root`, entry);
    return [join(work.folder, 'chart', place.chart.split('/').at(-1) ?? '', found)];
  }
  const tree = ref ?? (place.kind === 'tree' ? place.tree : undefined);
  const folder = ref === undefined && place.kind === 'tree' ? place.folder : '';
  const found = inside(folder, path);
  if (tree === undefined || found === undefined) {
    throw problem(`value file '${entry}' resolved to outside repository root`, entry);
  }
  const matches = isGlob(path) ? await matching(tree, found) : [found];
  if (isGlob(path) && matches.length === 0 && !ignoreMissing) {
    throw problem(`values file glob "${entry}" matched no files`, entry);
  }
  const files: string[] = [];
  for (const match of matches) {
    const content = await tree.readFile(match);
    const file = join(
      work.folder,
      name === undefined || ref === undefined ? 'repo' : `ref-${name.slice(1)}`,
      match,
    );
    if (content === undefined) {
      if (ignoreMissing) continue;
      throw problem(`open ${match}: no such file or directory (value file '${entry}')`, entry);
    }
    await keep(work, file, content);
    files.push(file);
  }
  return files;
}

async function matching(tree: FileTree, glob: string): Promise<readonly string[]> {
  const pattern = globPattern(glob.replaceAll('**/', '{,**/}'));
  const found: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for (const name of (await tree.list(folder)) ?? []) {
      const path = joined(folder, name);
      if ((await tree.kind(path)) === 'directory') await walk(path);
      else if (pattern.test(path)) found.push(path);
      if (found.length > LIMIT.files) return;
    }
  };
  const start = glob.slice(0, glob.search(/[*?[{]/));
  await walk(start.includes('/') ? start.slice(0, start.lastIndexOf('/')) : '');
  return found.toSorted();
}
