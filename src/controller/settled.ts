import { splitApiVersion } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import type { ApplicationDestination } from '../boundaries/sync/index.ts';
import type { Cluster, Clusters } from './clusters/index.ts';
import type { Project } from './projects/index.ts';
import { isExcluded } from '../boundaries/settings/index.ts';
import type { ArgoSettings } from '../boundaries/settings/index.ts';
import type { Condition } from './status.ts';
import type { Target } from './target.ts';

/** What Git asks for, but for kinds that the settings leave out, each with Argo CD's warning. */
export function withoutExcluded(
  target: Target,
  settings: ArgoSettings,
  server: string,
): { readonly target: Target; readonly conditions: readonly Condition[] } {
  const excluded = target.objects.filter((object) => isExcluded(object, settings, server));
  if (excluded.length === 0) return { target, conditions: [] };
  return {
    target: { ...target, objects: target.objects.filter((object) => !excluded.includes(object)) },
    conditions: excluded.map((object) => ({
      type: 'ExcludedResourceWarning',
      message: `Resource ${splitApiVersion(object.apiVersion).group}/${object.kind} ${object.metadata.name} is excluded in the settings`,
    })),
  };
}

/** Why an object is not the controller's to look after in that cluster, by the namespaces that its Secret names. */
export function notManaged(
  objects: readonly KubeObject[],
  { namespaces, clusterResources }: Pick<Cluster, 'namespaces' | 'clusterResources'>,
): string | undefined {
  if (namespaces.length === 0) return undefined;
  for (const { kind, metadata } of objects) {
    const { name, namespace } = metadata;
    if (namespace === undefined || namespace === '') {
      if (clusterResources) continue;
      return `cluster level ${kind} "${name}" can not be managed when in namespaced mode`;
    }
    if (!namespaces.includes(namespace))
      return `namespace "${namespace}" for ${kind} "${name}" is not managed`;
  }
  return undefined;
}

/** Settings that are about an application's objects, and that nobody here honours. */
export function unsupportedSettings(
  objects: readonly KubeObject[],
  settings: ArgoSettings,
): readonly Condition[] {
  const scripts = settings.healthScripts.filter(({ isAbout }) =>
    objects.some(({ apiVersion, kind }) => isAbout(splitApiVersion(apiVersion).group, kind)),
  );
  if (scripts.length === 0) return [];
  const keys = scripts.map(({ key }) => key).join(', ');
  return [
    {
      type: 'UnsupportedSettingWarning',
      message: `health is judged by this controller's own rules: it does not run the Lua of argocd-cm, ${keys}`,
    },
  ];
}

/** The renderer of a target that the settings switch off. */
export function switchedOff(target: Target, settings: ArgoSettings): string | undefined {
  const type = settings.disabled.find((disabled) => target.sourceTypes.includes(disabled));
  return type === undefined
    ? undefined
    : `${type} is switched off by ${type.toLowerCase()}.enable of argocd-cm, and the source needs it`;
}

/** The cluster of a destination, where the settings let it be delivered to; in Argo CD's words why not. */
export async function openCluster(
  clusters: Clusters,
  destination: ApplicationDestination,
  settings: Pick<ArgoSettings, 'inCluster'>,
  signal: AbortSignal,
): Promise<Cluster | { readonly problem: string }> {
  const cluster = await clusters.of(destination, signal);
  if ('problem' in cluster || settings.inCluster || cluster !== clusters.home) return cluster;
  const { server } = cluster;
  const why = `cluster "${server}" is disabled by cluster.inClusterEnabled of argocd-cm`;
  return { problem: `error getting cluster by server "${server}": ${why}` };
}

const acting = new WeakMap<KubeClient, Map<string, KubeClient>>();

/**
 * The cluster as an application acts on it: as the service account that its project names for the destination, where
 * the settings ask for that. Watches stay the controller's own. Throws `invalid-input` for an account that is no name.
 */
export function actingOn(
  cluster: Cluster,
  project: Project,
  settings: ArgoSettings,
  place: { readonly namespace: string; readonly home: string },
): Cluster | { readonly problem: string } {
  if (settings.impersonation === 'off') return cluster;
  const { server, client } = cluster;
  const user = project.serviceAccount({ server, ...place });
  if (user === undefined) {
    if (settings.impersonation === 'on') return cluster;
    return {
      problem: `no matching service account found for destination server ${server} and namespace ${place.namespace}`,
    };
  }
  const known = acting.get(client) ?? new Map<string, KubeClient>();
  acting.set(client, known);
  const as = known.get(user) ?? client.as(user);
  known.set(user, as);
  return { ...cluster, client: as };
}
