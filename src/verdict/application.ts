import { asLandfallError, getObject, getString, LandfallError, nearest } from '../kernel/index.ts';
import {
  APPLICATION_KIND,
  applicationSpec,
  applicationStatus,
  isFlux,
  isRelease,
  syncCounts,
} from '../boundaries/index.ts';
import type { ApplicationSource, OverrideOwner } from '../boundaries/index.ts';
import { instanceName, readHome } from '../boundaries/settings/index.ts';
import type { ArgoSettings } from '../boundaries/settings/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import type { EngineStatus } from './findings/index.ts';
import { fluxStatus, listKustomizations, readKustomization } from './flux.ts';
import { listReleases, readRelease, releaseStatus } from './releases.ts';

/** Where an application comes from and where it goes, as its Argo CD Application says. */
export interface ApplicationSpec {
  readonly object: KubeObject;
  readonly name: string;
  readonly namespace: string;
  readonly repository: string;
  readonly path: string;
  readonly revision: string;
  readonly destination: string;
  /** The source as the Application writes it. */
  readonly source: ApplicationSource;
  /** All of them, where there are several. */
  readonly sources?: readonly ApplicationSource[];
  /** Of a Flux Kustomization: where it comes from. */
  readonly flux?: { readonly source: KubeObject };
  readonly from: ComesFrom;
  /** Of an Argo CD Application: how the Argo CD that delivers it goes about it. */
  readonly argo?: ArgoFacts;
}

/** Whose parameter overrides in Git are meant. */
export function ownerOf({ name, namespace, argo }: ApplicationSpec): OverrideOwner {
  return { name, namespace, ...(argo === undefined ? {} : { instance: argo.instance }) };
}

export interface ArgoFacts {
  /** The name that the Application's objects carry. */
  readonly instance: string;
  readonly settings: ArgoSettings;
}

/** What kind of thing holds what is delivered. Only in a Git repository can a commit change it. */
export type ComesFrom =
  | { readonly kind: 'git' }
  /** Files that a registry holds. */
  | { readonly kind: 'artifact'; readonly source: KubeObject }
  /** A chart of a Helm repository or a registry. */
  | { readonly kind: 'chart' }
  /** A HelmRelease: a chart from wherever, and values. */
  | { readonly kind: 'release' }
  | {
      readonly kind: 'unread';
      readonly why: string;
      readonly code: string;
      readonly hint: string;
      /** It is known not to be there. */
      readonly missing: boolean;
    };

/** Reads the spec of an Application, and how Argo CD is set up for it; refuses one that names no source. */
export async function readApplication(
  kube: KubeClient,
  object: KubeObject,
  signal?: AbortSignal,
): Promise<ApplicationSpec> {
  const { name, namespace = '' } = object.metadata;
  const where = `Application/${namespace}/${name}`;
  const spec = applicationSpec(object);
  // The first that renders something is the one that is asked about; the others have to fit to it.
  const source =
    spec.sources.find((item) => item.chart === undefined && item.path !== '') ??
    spec.sources.find((item) => item.chart !== undefined) ??
    spec.sources[0];
  if (source === undefined || source.repoURL === '') {
    throw new LandfallError(`${where} names no repository; spec.source.repoURL is needed.`, {
      kind: 'invalid-input',
      code: 'application-source',
      object: where,
      hint: 'Set spec.source.repoURL, and spec.source.path or spec.source.chart.',
    });
  }
  const { chart } = source;
  const home = await readHome(kube, namespace, signal);
  return {
    object,
    name,
    namespace,
    repository: source.repoURL,
    path: chart ?? (source.path.replace(/^\.\//, '').replace(/\/+$/, '') || '.'),
    revision: chart !== undefined && source.targetRevision === 'HEAD' ? '*' : source.targetRevision,
    destination: spec.destination.namespace || 'default',
    source,
    ...(spec.multiple ? { sources: spec.sources } : {}),
    from: { kind: chart === undefined ? 'git' : 'chart' },
    argo: { instance: instanceName(object, home.namespace), settings: home.settings },
  };
}

/**
 * The application where a commit can change it. Throws `invalid-input`, code `not-from-git`, for one whose files no
 * Git repository holds that is known here.
 */
export function fromGit(spec: ApplicationSpec): ApplicationSpec {
  const { from, name, object, repository, path } = spec;
  if (from.kind === 'git') return spec;
  const what =
    from.kind === 'artifact'
      ? `the artifact ${repository}`
      : from.kind === 'unread'
        ? `the ${repository}`
        : `the chart ${path} of ${repository}`;
  throw new LandfallError(`${name} comes from ${what}: no commit can change what it renders.`, {
    kind: 'invalid-input',
    code: 'not-from-git',
    object: name,
    hint:
      from.kind === 'artifact'
        ? 'Commit where the artifact is made, and push it.'
        : `Change spec of the ${object.kind} where it is kept: its values, or the version of its chart.`,
  });
}

/** Every Application, Flux Kustomization and HelmRelease that can be seen. */
export async function listApplications(
  kube: KubeClient,
  namespace: string | undefined,
  signal?: AbortSignal,
): Promise<readonly KubeObject[]> {
  const flux = [
    ...(await listKustomizations(kube, namespace, signal)),
    ...(await listReleases(kube, namespace, signal)),
  ];
  try {
    const { items } = await kube.list(APPLICATION_KIND, namespace === undefined ? {} : { namespace }, signal);
    return [...items, ...flux];
  } catch (thrown) {
    // A cluster that only Flux delivers to does not know the kind.
    if (asLandfallError(thrown).code !== 'kind-unknown' || flux.length === 0) throw thrown;
    return flux;
  }
}

/** How kinds are written in front of a name, as kubectl writes them. */
const KINDS: Readonly<Record<string, string>> = {
  application: 'Application',
  applications: 'Application',
  app: 'Application',
  kustomization: 'Kustomization',
  kustomizations: 'Kustomization',
  ks: 'Kustomization',
  helmrelease: 'HelmRelease',
  helmreleases: 'HelmRelease',
  hr: 'HelmRelease',
};

/** `HelmRelease/shop` is that one; a bare name is whatever has it. */
function parseName(text: string): { readonly kind: string | undefined; readonly name: string } {
  const slash = text.indexOf('/');
  const kind = slash < 0 ? undefined : KINDS[text.slice(0, slash).toLowerCase()];
  return kind === undefined ? { kind, name: text } : { kind, name: text.slice(slash + 1) };
}

/** An application so that it is found again, where a Kustomization and a HelmRelease share a name. */
export function qualifiedName({
  kind = 'Application',
  name,
}: {
  readonly kind?: string | undefined;
  readonly name: string;
}): string {
  return `${kind}/${name}`;
}

/**
 * The application of that name, or of that kind and name (`HelmRelease/shop`). `not-found` names the nearest ones; a
 * name that stands twice asks which is meant.
 */
export async function findApplication(
  kube: KubeClient,
  asked: string,
  namespace: string | undefined,
  signal?: AbortSignal,
): Promise<ApplicationSpec> {
  const all = await listApplications(kube, namespace, signal);
  const { kind, name } = parseName(asked);
  const found = all.filter(
    (object) => object.metadata.name === name && (kind === undefined || object.kind === kind),
  );
  const [first] = found;
  if (first === undefined) {
    const near = nearest(
      name,
      all.map((object) => object.metadata.name),
    );
    const known = all.length === 0 ? 'The cluster has no Application' : `The cluster has ${all.length}`;
    throw new LandfallError(
      `There is no ${kind ?? 'Application'} '${name}' in ${kube.server}${namespace === undefined ? '' : `, namespace ${namespace}`}. ${known}.`,
      {
        kind: 'not-found',
        code: 'application-not-found',
        object: name,
        hint: near.length > 0 ? `Did you mean ${near.join(', ')}?` : 'landfall status lists what is there.',
      },
    );
  }
  if (found.length > 1) throw ambiguous(name, found);
  return readDelivered(kube, first, signal);
}

function ambiguous(name: string, found: readonly KubeObject[]): LandfallError {
  const namespaces = [...new Set(found.map(({ metadata }) => metadata.namespace ?? ''))];
  const kinds = [...new Set(found.map(({ kind }) => kind))];
  const places = found.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${name}`);
  return new LandfallError(`There are ${found.length} Applications '${name}': ${places.join(', ')}.`, {
    kind: 'invalid-input',
    code: 'application-ambiguous',
    object: name,
    hint:
      namespaces.length === found.length
        ? 'Name the namespace: --namespace NAMESPACE.'
        : `Say which: ${kinds.map((kind) => `${kind}/${name}`).join(' or ')}${namespaces.length > 1 ? ', and --namespace NAMESPACE' : ''}.`,
  });
}

/** An Application, Kustomization or HelmRelease, by what it is. */
export async function readDelivered(
  kube: KubeClient,
  object: KubeObject,
  signal?: AbortSignal,
): Promise<ApplicationSpec> {
  if (isRelease(object)) return readRelease(kube, object, signal);
  return isFlux(object) ? readKustomization(kube, object, signal) : readApplication(kube, object, signal);
}

/** Who wrote the status, by managed fields: Argo CD itself, or Landfall's controller in its place. */
function engineName(object: KubeObject): string {
  const managers = (object.metadata.managedFields ?? []).map((entry) => getString(entry, 'manager') ?? '');
  return managers.some((manager) => manager.startsWith('argocd')) ? 'Argo CD' : 'Application';
}

/** What the delivery engine says of the application; undefined where it has said nothing yet. */
export function engineStatus(object: KubeObject): EngineStatus | undefined {
  if (isFlux(object)) return fluxStatus(object);
  if (isRelease(object)) return releaseStatus(object);
  if (getObject(object, 'status') === undefined) return undefined;
  const status = applicationStatus(object);
  const { operation } = status;
  const counts = syncCounts(operation?.results ?? []);
  return {
    engine: engineName(object),
    sync: status.sync || undefined,
    health: status.health || undefined,
    revision: status.revisions[0],
    operation: operation && {
      phase: operation.phase,
      message: operation.message,
      finishedAt:
        operation.finishedAt === undefined ? undefined : new Date(operation.finishedAt).toISOString(),
      changed: counts.created + counts.changed + counts.pruned + counts.unsaid,
      unchanged: counts.unchanged,
    },
  };
}
