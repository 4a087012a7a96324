import { LandfallError, getArray, getIn, getObject, getString, parseYaml } from '../../../kernel/index.ts';
import type { Clock, JsonObject } from '../../../kernel/index.ts';
import type { FileTree } from '../../../git/index.ts';
import type { KubeClient, KubeObject } from '../../../kube/index.ts';
import { durationMs, HELM_CHART, HELM_REPOSITORY } from '../../sync/index.ts';
import { resolveChart } from '../helm.ts';
import type { HelmAccess, HelmProgram } from '../helm-program.ts';
import { accessOf } from './chart-access.ts';
import { fluxFailure } from './failure.ts';

/** A chart at one version, and how it is reached. */
export interface Chart {
  readonly place:
    | { readonly kind: 'tree'; readonly tree: FileTree; readonly folder: string }
    | { readonly kind: 'repository'; readonly url: string; readonly chart: string; readonly version: string };
  readonly name: string;
  /** As Flux writes it into `lastAttemptedRevision`. */
  readonly version: string;
  /** Everything that its content depends on. */
  readonly identity: string;
  readonly access: HelmAccess;
  readonly valueFiles: readonly string[];
  readonly ignoreMissing: boolean;
}

/** A GitRepository, OCIRepository or Bucket as it is to be read. */
export interface ChartSource {
  /** The commit of a repository, the digest of an artifact. */
  readonly content: string;
  readonly tree: FileTree;
  /** Of everything that the files depend on. Default: the content. */
  readonly identity?: string;
}

/** Which version a constraint was found to be. */
export interface KnownVersion {
  readonly version: string;
  /** ms since the epoch. */
  readonly at: number;
  /** Of the repository's index then, where somebody keeps that in its status. */
  readonly index?: string | undefined;
}

export interface ChartOptions {
  readonly client: KubeClient;
  /** Default `helm`. */
  readonly helm?: string;
  /** What a reference of `owner` names; which revision of it, is for who asks to say. */
  readonly source: (
    owner: KubeObject,
    ref: JsonObject | undefined,
    signal: AbortSignal,
  ) => Promise<ChartSource>;
  readonly clock: Clock;
  readonly versions: Map<string, KnownVersion>;
  /** Takes a chart whose signature would have to be checked: what reads takes it as it is, what applies must not. */
  readonly unverified?: boolean;
  /** Runs what waits for somebody else. Default: as it is. */
  readonly outside?: <T>(work: () => Promise<T>) => Promise<T>;
}

const KEPT = 1000;
const STANDARD_INTERVAL = 300_000;

/** The chart of a HelmRelease: of a repository of charts, Git, or a registry. Throws the failure that the status says. */
export async function chartOf(
  options: ChartOptions,
  release: KubeObject,
  fresh: boolean,
  signal: AbortSignal,
): Promise<Chart> {
  const reference = getObject(release, 'spec', 'chartRef');
  if (reference === undefined) {
    const template = getObject(release, 'spec', 'chart', 'spec');
    if (template === undefined) {
      throw fluxFailure({
        reason: 'ArtifactFailed',
        message: 'spec.chart or spec.chartRef is wanted',
        stalled: true,
      });
    }
    return templated(options, release, template, fresh, signal);
  }
  const kind = getString(reference, 'kind') ?? '';
  if (kind === 'OCIRepository') return packed(options, release, reference, signal);
  const name = getString(reference, 'name') ?? '';
  const namespace = getString(reference, 'namespace') || (release.metadata.namespace ?? 'default');
  if (kind !== 'HelmChart') {
    const message = `spec.chartRef.kind '${kind}' is not known; wanted OCIRepository or HelmChart`;
    throw fluxFailure({ reason: 'ArtifactFailed', message, stalled: true });
  }
  const chart = await options.client.get({ ...HELM_CHART, namespace, name }, signal);
  if (chart === undefined) {
    throw fluxFailure({
      reason: 'ArtifactFailed',
      message: `helmcharts.source.toolkit.fluxcd.io "${name}" not found`,
    });
  }
  return chartOfHelmChart(options, chart, fresh, signal);
}

/** The chart of a HelmChart; a suspended one stays at the version that its status says was taken. */
export async function chartOfHelmChart(
  options: ChartOptions,
  chart: KubeObject,
  fresh: boolean,
  signal: AbortSignal,
): Promise<Chart> {
  const spec = getObject(chart, 'spec') ?? {};
  const taken =
    getIn(spec, 'suspend') === true && getString(spec, 'sourceRef', 'kind') === 'HelmRepository'
      ? getString(chart, 'status', 'artifact', 'revision')
      : undefined;
  return templated(options, chart, taken === undefined ? spec : { ...spec, version: taken }, fresh, signal);
}

async function templated(
  options: ChartOptions,
  owner: KubeObject,
  template: JsonObject,
  fresh: boolean,
  signal: AbortSignal,
): Promise<Chart> {
  if (options.unverified !== true && getObject(template, 'verify') !== undefined) {
    const message =
      'the verification of charts is not supported by this controller; nothing is taken without it';
    throw fluxFailure({ reason: 'ArtifactFailed', message, stalled: true });
  }
  const listed = getArray(template, 'valuesFiles').filter((item): item is string => typeof item === 'string');
  const ignoreMissing = getIn(template, 'ignoreMissingValuesFiles') === true;
  const ref = getObject(template, 'sourceRef');
  if (getString(ref, 'kind') === 'HelmRepository') {
    const place = await inRepository(options, owner, template, fresh, signal);
    return { ...place, valueFiles: listed, ignoreMissing };
  }
  const { content, tree, identity = content } = await options.source(owner, ref, signal);
  const folder = plain(getString(template, 'chart') ?? '');
  const described = await chartFile(tree, folder);
  const follows = getString(template, 'reconcileStrategy') === 'Revision';
  return {
    place: { kind: 'tree', tree, folder },
    name: described.name,
    version: follows ? `${described.version}+${content.slice(0, 12)}` : described.version,
    identity: JSON.stringify([folder, identity]),
    access: {},
    valueFiles: listed.map((file) => `/${plain(file)}`),
    ignoreMissing,
  };
}

/** A chart that a registry holds as an artifact: one folder, named after the chart. */
async function packed(
  options: ChartOptions,
  release: KubeObject,
  reference: JsonObject,
  signal: AbortSignal,
): Promise<Chart> {
  const { content, tree, identity = content } = await options.source(release, reference, signal);
  const [folder = ''] = (await tree.list('')) ?? [];
  const { name, version } = await chartFile(tree, folder);
  return {
    place: { kind: 'tree', tree, folder },
    name,
    version: `${version}+${content.replace('sha256:', '').slice(0, 12)}`,
    identity: JSON.stringify([folder, identity]),
    access: {},
    valueFiles: [],
    ignoreMissing: false,
  };
}

async function inRepository(
  options: ChartOptions,
  owner: KubeObject,
  template: JsonObject,
  fresh: boolean,
  signal: AbortSignal,
): Promise<Omit<Chart, 'valueFiles' | 'ignoreMissing'>> {
  const ref = getObject(template, 'sourceRef');
  const name = getString(ref, 'name') ?? '';
  const namespace = getString(ref, 'namespace') || (owner.metadata.namespace ?? 'default');
  const repository = await options.client.get({ ...HELM_REPOSITORY, namespace, name }, signal);
  if (repository === undefined) {
    const message = `helmrepositories.source.toolkit.fluxcd.io "${name}" not found`;
    throw fluxFailure({ reason: 'ArtifactFailed', message });
  }
  const address = getString(repository, 'spec', 'url') ?? '';
  const isOci = getString(repository, 'spec', 'type') === 'oci' || address.startsWith('oci://');
  const chart = getString(template, 'chart') ?? '';
  const url = isOci ? address.replace(/^oci:\/\//, '').replace(/\/+$/, '') : address;
  const access = await accessOf(options.client, repository, isOci ? `${url}/${chart}` : undefined, signal);
  const wanted = getString(template, 'version') || '*';
  const place = { kind: 'repository', url, chart, version: wanted === '*' ? '' : wanted } as const;
  const key = JSON.stringify([url, chart, wanted]);
  const program: HelmProgram = {
    ...(options.helm === undefined ? {} : { command: options.helm }),
    access,
  };
  const outside = options.outside ?? ((work) => work());
  const now = options.clock.now();
  const index = getString(repository, 'status', 'artifact', 'revision');
  const last = options.versions.get(key);
  const isDue =
    fresh ||
    last === undefined ||
    last.index !== index ||
    now - last.at >=
      (durationMs(getString(template, 'interval') ?? getString(owner, 'spec', 'interval')) ??
        STANDARD_INTERVAL);
  const version = isDue ? await outside(() => resolveChart(place, program, signal)) : last.version;
  options.versions.delete(key);
  options.versions.set(key, isDue ? { version, at: now, index } : last);
  for (const oldest of options.versions.keys()) {
    if (options.versions.size <= KEPT) break;
    options.versions.delete(oldest);
  }
  return {
    place: { ...place, version },
    name: chart.split('/').at(-1) ?? chart,
    version,
    identity: JSON.stringify([url, chart, version]),
    access,
  };
}

async function chartFile(
  tree: FileTree,
  folder: string,
): Promise<{ readonly name: string; readonly version: string }> {
  const path = folder === '' ? 'Chart.yaml' : `${folder}/Chart.yaml`;
  const bytes = await tree.readFile(path);
  const [chart] = bytes === undefined ? [] : parseYaml(Buffer.from(bytes).toString('utf8'), path);
  const [name, version] = [getString(chart, 'name'), getString(chart, 'version')];
  if (name !== undefined && version !== undefined) return { name, version };
  throw new LandfallError(`There is no chart in '${folder}': ${path} names no chart and version.`, {
    kind: 'invalid-input',
    code: 'chart-missing',
    object: path,
    hint: 'Mend spec.chart.spec.chart.',
  });
}

function plain(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}
