import { asLandfallError, getObject, getString, LandfallError, nearest } from '../kernel/index.ts';
import {
  APPLICATION_KIND,
  applicationSpec,
  applicationStatus,
  isFlux,
  syncCounts,
} from '../boundaries/index.ts';
import type { ApplicationSource } from '../boundaries/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import type { EngineStatus } from './findings/index.ts';
import { fluxStatus, listKustomizations, readKustomization } from './flux.ts';

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
}

/** Reads the spec of an Application; refuses what this first passage cannot judge, with the field that says so. */
export function readApplication(object: KubeObject): ApplicationSpec {
  const { name, namespace = '' } = object.metadata;
  const where = `Application/${namespace}/${name}`;
  const spec = applicationSpec(object);
  // The first that renders something is the one that is asked about; the others have to fit to it.
  const source = spec.sources.find((item) => item.chart === undefined && item.path !== '') ?? spec.sources[0];
  if (source === undefined || source.repoURL === '' || source.chart !== undefined) {
    const found =
      source?.chart === undefined ? 'names no Git repository' : `comes from the chart ${source.chart}`;
    throw new LandfallError(
      `${where} ${found}; spec.source.repoURL and spec.source.path of a Git repository are needed.`,
      {
        kind: 'invalid-input',
        code: 'application-source',
        object: where,
        hint: 'Set spec.source.repoURL and spec.source.path; charts from a Helm repository cannot be proven.',
      },
    );
  }
  return {
    object,
    name,
    namespace,
    repository: source.repoURL,
    path: source.path.replace(/^\.\//, '').replace(/\/+$/, '') || '.',
    revision: source.targetRevision,
    destination: spec.destination.namespace || 'default',
    source,
    ...(spec.multiple ? { sources: spec.sources } : {}),
  };
}

/** Every Application and Flux Kustomization that can be seen. */
export async function listApplications(
  kube: KubeClient,
  namespace: string | undefined,
  signal?: AbortSignal,
): Promise<readonly KubeObject[]> {
  const flux = await listKustomizations(kube, namespace, signal);
  try {
    const { items } = await kube.list(APPLICATION_KIND, namespace === undefined ? {} : { namespace }, signal);
    return [...items, ...flux];
  } catch (thrown) {
    // A cluster that only Flux delivers to does not know the kind.
    if (asLandfallError(thrown).code !== 'kind-unknown' || flux.length === 0) throw thrown;
    return flux;
  }
}

/** The Application of that name; `not-found` names the nearest ones, a name that stands in two namespaces asks which. */
export async function findApplication(
  kube: KubeClient,
  name: string,
  namespace: string | undefined,
  signal?: AbortSignal,
): Promise<ApplicationSpec> {
  const all = await listApplications(kube, namespace, signal);
  const found = all.filter((object) => object.metadata.name === name);
  const first = found[0];
  if (first === undefined) {
    await refuseRelease(kube, name, namespace, signal);
    const near = nearest(
      name,
      all.map((object) => object.metadata.name),
    );
    const known = all.length === 0 ? 'The cluster has no Application' : `The cluster has ${all.length}`;
    throw new LandfallError(
      `There is no Application '${name}' in ${kube.server}${namespace === undefined ? '' : `, namespace ${namespace}`}. ${known}.`,
      {
        kind: 'not-found',
        code: 'application-not-found',
        object: name,
        hint: near.length > 0 ? `Did you mean ${near.join(', ')}?` : 'landfall status lists what is there.',
      },
    );
  }
  if (found.length > 1) {
    const namespaces = found.map((object) => object.metadata.namespace ?? '').join(', ');
    throw new LandfallError(`There are ${found.length} Applications '${name}', in ${namespaces}.`, {
      kind: 'invalid-input',
      code: 'application-ambiguous',
      object: name,
      hint: 'Name the namespace: --namespace NAMESPACE.',
    });
  }
  return isFlux(first) ? readKustomization(kube, first, signal) : readApplication(first);
}

const HELM_RELEASES = { apiVersion: 'helm.toolkit.fluxcd.io/v2', kind: 'HelmRelease' };

/** A HelmRelease is delivered and not proven yet: that is said, instead of that it is not there. */
async function refuseRelease(
  kube: KubeClient,
  name: string,
  namespace: string | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  let found: KubeObject | undefined;
  try {
    const { items } = await kube.list(HELM_RELEASES, namespace === undefined ? {} : { namespace }, signal);
    found = items.find(({ metadata }) => metadata.name === name);
  } catch (thrown) {
    // Not served, or not ours to read: then nothing is known of one.
    if (asLandfallError(thrown).kind === 'cancelled') throw thrown;
  }
  if (found === undefined) return;
  const where = `HelmRelease/${found.metadata.namespace ?? ''}/${name}`;
  throw new LandfallError(
    `${where} cannot be proven: what its chart renders is not read here. Applications and Kustomizations can be.`,
    {
      kind: 'invalid-input',
      code: 'helm-release-unproven',
      object: where,
      hint: `Its controller's own view: kubectl describe helmrelease ${name} -n ${found.metadata.namespace ?? 'default'}`,
    },
  );
}

/** Who wrote the status, by managed fields: Argo CD itself, or Landfall's controller in its place. */
function engineName(object: KubeObject): string {
  const managers = (object.metadata.managedFields ?? []).map((entry) => getString(entry, 'manager') ?? '');
  return managers.some((manager) => manager.startsWith('argocd')) ? 'Argo CD' : 'Application';
}

/** What the delivery engine says of the application; undefined where it has said nothing yet. */
export function engineStatus(object: KubeObject): EngineStatus | undefined {
  if (isFlux(object)) return fluxStatus(object);
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
