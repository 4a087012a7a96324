import { LandfallError, getArray, getIn, getObject, getString, parseYaml } from '../../../kernel/index.ts';
import type { Clock, JsonObject } from '../../../kernel/index.ts';
import type { FileTree } from '../../../git/index.ts';
import type { KubeClient, KubeObject } from '../../../kube/index.ts';
import { pullSecretCredentials } from '../../../oci/index.ts';
import { resolveChart } from '../../../boundaries/render/index.ts';
import type { HelmAccess, HelmProgram } from '../../../boundaries/render/index.ts';
import { secretValue } from '../../followed.ts';
import type { Turn } from '../../queue.ts';
import { failed } from '../failure.ts';
import { HELM_CHART, HELM_REPOSITORY, intervalOf } from '../kinds.ts';
import { sourceOf } from '../source.ts';
import type { Source } from '../source.ts';

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

export interface ChartOptions {
  readonly client: KubeClient;
  /** Default `helm`. */
  readonly helm?: string;
  readonly files: (source: Source, signal: AbortSignal) => Promise<FileTree>;
  readonly clock: Clock;
  /** The version that a range was found to be, and when, ms since the epoch. */
  readonly versions: Map<string, { readonly version: string; readonly at: number }>;
}

const KEPT = 1000;

/** The chart of a HelmRelease: of a repository of charts, Git, or a registry. Throws the failure that the status says. */
export async function chartOf(
  options: ChartOptions,
  release: KubeObject,
  fresh: boolean,
  turn: Turn,
): Promise<Chart> {
  const reference = getObject(release, 'spec', 'chartRef');
  if (reference === undefined) {
    const template = getObject(release, 'spec', 'chart', 'spec');
    if (template === undefined) {
      throw failed({
        reason: 'ArtifactFailed',
        message: 'spec.chart or spec.chartRef is wanted',
        stalled: true,
      });
    }
    return templated(options, release, template, fresh, turn);
  }
  const kind = getString(reference, 'kind') ?? '';
  if (kind === 'OCIRepository') return packed(options, release, reference, turn);
  const name = getString(reference, 'name') ?? '';
  const namespace = getString(reference, 'namespace') || (release.metadata.namespace ?? 'default');
  if (kind !== 'HelmChart') {
    const message = `spec.chartRef.kind '${kind}' is not known; wanted OCIRepository or HelmChart`;
    throw failed({ reason: 'ArtifactFailed', message, stalled: true });
  }
  const chart = await options.client.get({ ...HELM_CHART, namespace, name }, turn.signal);
  if (chart === undefined) {
    throw failed({
      reason: 'ArtifactFailed',
      message: `helmcharts.source.toolkit.fluxcd.io "${name}" not found`,
    });
  }
  return templated(options, chart, getObject(chart, 'spec') ?? {}, fresh, turn);
}

async function templated(
  options: ChartOptions,
  owner: KubeObject,
  template: JsonObject,
  fresh: boolean,
  turn: Turn,
): Promise<Chart> {
  if (getObject(template, 'verify') !== undefined) {
    const message =
      'the verification of charts is not supported by this controller; nothing is taken without it';
    throw failed({ reason: 'ArtifactFailed', message, stalled: true });
  }
  const listed = getArray(template, 'valuesFiles').filter((item): item is string => typeof item === 'string');
  const ignoreMissing = getIn(template, 'ignoreMissingValuesFiles') === true;
  const ref = getObject(template, 'sourceRef');
  if (getString(ref, 'kind') === 'HelmRepository') {
    const place = await inRepository(options, owner, template, fresh, turn);
    return { ...place, valueFiles: listed, ignoreMissing };
  }
  const source = await sourceOf(options.client, owner, ref, turn);
  const tree = await options.files(source, turn.signal);
  const folder = plain(getString(template, 'chart') ?? '');
  const described = await chartFile(tree, folder);
  const follows = getString(template, 'reconcileStrategy') === 'Revision';
  return {
    place: { kind: 'tree', tree, folder },
    name: described.name,
    version: follows ? `${described.version}+${source.content.slice(0, 12)}` : described.version,
    identity: JSON.stringify([folder, source.content]),
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
  turn: Turn,
): Promise<Chart> {
  const source = await sourceOf(options.client, release, reference, turn);
  const tree = await options.files(source, turn.signal);
  const [folder = ''] = (await tree.list('')) ?? [];
  const { name, version } = await chartFile(tree, folder);
  return {
    place: { kind: 'tree', tree, folder },
    name,
    version: `${version}+${source.content.replace('sha256:', '').slice(0, 12)}`,
    identity: JSON.stringify([folder, source.content]),
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
  turn: Turn,
): Promise<Omit<Chart, 'valueFiles' | 'ignoreMissing'>> {
  const ref = getObject(template, 'sourceRef');
  const name = getString(ref, 'name') ?? '';
  const namespace = getString(ref, 'namespace') || (owner.metadata.namespace ?? 'default');
  const repository = await options.client.get({ ...HELM_REPOSITORY, namespace, name }, turn.signal);
  if (repository === undefined) {
    const message = `helmrepositories.source.toolkit.fluxcd.io "${name}" not found`;
    throw failed({ reason: 'ArtifactFailed', message });
  }
  const address = getString(repository, 'spec', 'url') ?? '';
  const isOci = getString(repository, 'spec', 'type') === 'oci' || address.startsWith('oci://');
  const chart = getString(template, 'chart') ?? '';
  const url = isOci ? address.replace(/^oci:\/\//, '').replace(/\/+$/, '') : address;
  const access = await accessOf(
    options.client,
    repository,
    isOci ? `${url}/${chart}` : undefined,
    turn.signal,
  );
  const wanted = getString(template, 'version') || '*';
  const place = { kind: 'repository', url, chart, version: wanted === '*' ? '' : wanted } as const;
  const key = JSON.stringify([url, chart, wanted]);
  const program: HelmProgram = {
    ...(options.helm === undefined ? {} : { command: options.helm }),
    access,
  };
  const now = options.clock.now();
  const last = options.versions.get(key);
  const isDue = fresh || last === undefined || now - last.at >= intervalOf(owner);
  const version = isDue ? await turn.outside(() => resolveChart(place, program, turn.signal)) : last.version;
  options.versions.delete(key);
  options.versions.set(key, isDue ? { version, at: now } : last);
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

async function accessOf(
  client: KubeClient,
  repository: KubeObject,
  image: string | undefined,
  signal: AbortSignal,
): Promise<HelmAccess> {
  const read = async (field: 'secretRef' | 'certSecretRef') => {
    const name = getString(repository, 'spec', field, 'name') ?? '';
    if (name === '') return undefined;
    const { namespace = 'default' } = repository.metadata;
    const secret = await client.get({ apiVersion: 'v1', kind: 'Secret', namespace, name }, signal);
    if (secret !== undefined) return secret;
    throw failed({
      reason: 'ArtifactFailed',
      message: `failed to get secret '${namespace}/${name}': not found`,
    });
  };
  const secret = await read('secretRef');
  const certificates = await read('certSecretRef');
  const ca = certificates === undefined ? undefined : secretValue(certificates, 'ca.crt');
  const login = secret === undefined ? {} : await loginOf(secret, image, signal);
  return {
    ...login,
    ...(ca === undefined ? {} : { ca }),
    ...(getIn(repository, 'spec', 'insecure') === true ? { insecure: true } : {}),
    ...(getIn(repository, 'spec', 'passCredentials') === true ? { passCredentials: true } : {}),
  };
}

async function loginOf(
  secret: KubeObject,
  image: string | undefined,
  signal: AbortSignal,
): Promise<Pick<HelmAccess, 'username' | 'password'>> {
  const [username, password] = [secretValue(secret, 'username'), secretValue(secret, 'password')];
  if (username !== undefined || password !== undefined) {
    return {
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
    };
  }
  if (image === undefined) return {};
  const data = Object.entries(getObject(secret, 'data') ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  const credentials = pullSecretCredentials([
    { type: getString(secret, 'type') ?? '', name: secret.metadata.name, data: Object.fromEntries(data) },
  ]);
  const slash = image.indexOf('/');
  const found = await credentials(image.slice(0, slash), image.slice(slash + 1), signal);
  return found?.type === 'basic' ? { username: found.username, password: found.password } : {};
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
