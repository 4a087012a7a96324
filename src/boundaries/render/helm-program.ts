import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LandfallError, asLandfallError, runProgram, stringifyYaml } from '../../kernel/index.ts';
import type { FileTree } from '../../git/index.ts';
import type { LookupCluster } from './lookups.ts';

/** How charts are rendered: which program, and what it is told of the cluster. */
export interface HelmProgram {
  /** Default `helm`. */
  readonly command?: string;
  /** Of the destination, without the `v`; left out: what the program assumes. */
  readonly kubeVersion?: string;
  /** `group/version` and `group/version/Kind` of everything that the destination serves. */
  readonly apiVersions?: readonly string[];
  /** Files that give the program access to repositories and registries; their content is secret. */
  readonly access?: HelmAccess;
  /** What `lookup` of a chart reads; left out: nothing, as where Argo CD renders. */
  readonly cluster?: LookupCluster;
}

export interface HelmAccess {
  readonly username?: string;
  readonly password?: string;
  /** PEM. */
  readonly ca?: string;
  readonly insecure?: boolean;
  readonly passCredentials?: boolean;
}

/** Where a chart comes from. */
export type ChartPlace =
  | { readonly kind: 'tree'; readonly tree: FileTree; readonly folder: string }
  | { readonly kind: 'repository'; readonly url: string; readonly chart: string; readonly version: string };

const TIMEOUT = 90_000;

/** Runs helm with a home of its own in `folder`. Throws `unavailable`, code `helm-missing`, where it is not installed. */
export async function runHelm(
  folder: string,
  program: HelmProgram,
  args: readonly string[],
  cwd: string,
  signal: AbortSignal | undefined,
  kubeconfig = '/dev/null',
): Promise<string> {
  const command = program.command ?? 'helm';
  const { HELM_NAMESPACE: _, HELM_KUBETOKEN: __, KUBECONFIG: ___, ...environment } = process.env;
  try {
    const result = await runProgram(command, args, {
      cwd,
      timeoutMs: TIMEOUT,
      env: {
        ...environment,
        HELM_CONFIG_HOME: join(folder, 'helm'),
        HELM_CACHE_HOME: join(folder, 'helm/cache'),
        HELM_DATA_HOME: join(folder, 'helm/data'),
        HELM_REPOSITORY_CONFIG: join(folder, 'helm/repositories.yaml'),
        HELM_REGISTRY_CONFIG: join(folder, 'helm/registry.json'),
        // A chart may look things up in a cluster only where its renderer has one: Argo CD's has none.
        KUBECONFIG: kubeconfig,
      },
      ...(signal === undefined ? {} : { signal }),
    });
    if (result.code === 0) return result.stdout.toString('utf8');
    throw failureOf(command, args[0] ?? '', result.stderr.trim().slice(0, 4000));
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.code !== 'program-missing') throw error;
    throw new LandfallError(
      'The source is a Helm chart, and the helm program is not installed where it would be rendered.',
      {
        kind: 'unavailable',
        code: 'helm-missing',
        object: command,
        hint: 'Install helm beside Landfall, or commit the output of helm template.',
        cause: error,
      },
    );
  }
}

/** What fetches charts; everything else works on one that is there. */
const FETCHES = new Set(['pull', 'show', 'repo', 'dependency']);
/** A repository that answered, and has no such chart or version. Source: helm pkg/repo, pkg/registry, pkg/downloader. */
const NO_CHART =
  /chart "[^"]*"(?: version "[^"]*"| matching \S+)? not found|no chart (?:version|name) found|could not locate a version|unable to locate any tags|improper constraint|: not found$/i;

/** A chart that is wrong is somebody's mistake; one that could not be had is no evidence at all. */
function failureOf(command: string, action: string, said: string): LandfallError {
  const message = `\`${command} ${action}\` failed: ${said}`;
  if (!FETCHES.has(action)) {
    return new LandfallError(message, {
      kind: 'invalid-input',
      code: 'template-failed',
      hint: 'Mend the chart or its values.',
    });
  }
  if (NO_CHART.test(said)) {
    return new LandfallError(message, {
      kind: 'not-found',
      code: 'chart-not-found',
      hint: 'Push that version, or ask for one that is there.',
    });
  }
  return new LandfallError(message, {
    kind: 'unavailable',
    code: 'chart-unreachable',
    hint: 'Check that the repository can be reached from here, and its credentials.',
  });
}

/** How helm is told of a repository; its credentials stand in files that only this user can read. */
export async function repositoryArgs(
  folder: string,
  place: Extract<ChartPlace, { kind: 'repository' }>,
  program: HelmProgram,
  signal: AbortSignal | undefined,
): Promise<{ readonly reference: string; readonly options: readonly string[] }> {
  const { chart, url } = place;
  const access = program.access ?? {};
  await mkdir(join(folder, 'helm'), { recursive: true, mode: 0o700 });
  const options: string[] = [];
  if (access.ca !== undefined) {
    const file = join(folder, 'helm/ca.pem');
    await writeFile(file, access.ca, { mode: 0o600 });
    options.push('--ca-file', file);
  }
  if (access.insecure === true) options.push('--insecure-skip-tls-verify');
  // Argo CD writes OCI registries without a scheme.
  if (!/^https?:\/\//.test(url)) {
    const registry = url.replace(/^oci:\/\//, '').replace(/\/+$/, '');
    if (access.username !== undefined || access.password !== undefined) {
      const auth = Buffer.from(`${access.username ?? ''}:${access.password ?? ''}`).toString('base64');
      const config = { auths: { [registry.split('/')[0] ?? registry]: { auth } } };
      await writeFile(join(folder, 'helm/registry.json'), JSON.stringify(config), { mode: 0o600 });
    }
    return { reference: `oci://${registry}/${chart}`, options };
  }
  if (access.username === undefined && access.password === undefined) {
    return { reference: chart, options: ['--repo', url, ...options] };
  }
  await fetchIndex(folder, url, program, signal);
  return { reference: `source/${chart}`, options };
}

/** Fetches the index of a repository into helm's own cache in `folder`, and gives the file that it is in. */
export async function fetchIndex(
  folder: string,
  url: string,
  program: HelmProgram,
  signal: AbortSignal | undefined,
): Promise<string> {
  const access = program.access ?? {};
  const entry = {
    name: 'source',
    url,
    username: access.username ?? '',
    password: access.password ?? '',
    ...(access.ca === undefined ? {} : { caFile: join(folder, 'helm/ca.pem') }),
    insecure_skip_tls_verify: access.insecure === true,
    pass_credentials_all: access.passCredentials === true,
  };
  await writeFile(
    join(folder, 'helm/repositories.yaml'),
    stringifyYaml({ apiVersion: '', generated: '0001-01-01T00:00:00Z', repositories: [entry] }),
    { mode: 0o600 },
  );
  await runHelm(folder, program, ['repo', 'update', 'source'], folder, signal);
  return join(folder, 'helm/cache/repository/source-index.yaml');
}
