import { asLandfallError } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import type { ApplicationSpec } from '../boundaries/sync/index.ts';
import type { Clusters } from './clusters/index.ts';
import { failurePolicyProblems } from './failure-policy.ts';
import type { Subject } from './look.ts';
import type { Projects } from './projects/index.ts';
import { actingOn, openCluster } from './settled.ts';
import type { Settings } from './settings/index.ts';
import { refusedFields, specProblems } from './validate.ts';

export interface PermitOptions {
  readonly clusters: Clusters;
  readonly projects: Projects;
  readonly settings: Settings;
  /** Applications of other namespaces need their project's leave. */
  readonly homeNamespace: string;
}

/** Where the application goes and whose limits it has, or what its spec cannot be honoured for. */
export async function permit(
  options: PermitOptions,
  application: KubeObject,
  spec: ApplicationSpec,
  signal: AbortSignal,
): Promise<Pick<Subject, 'cluster' | 'project' | 'settings'> | { readonly problems: readonly string[] }> {
  const refused = refusedFields(application);
  if (refused.length > 0) return { problems: refused };
  const problems = [...specProblems(spec), ...failurePolicyProblems(application)];
  if (problems.length > 0) return { problems };
  const settings = await options.settings.get(signal);
  if (settings.problems.length > 0) return { problems: settings.problems };
  const project = await options.projects.get(spec.project, signal);
  if (project === undefined) {
    return { problems: [`Application referencing project ${spec.project} which does not exist`] };
  }
  const { name, namespace = options.homeNamespace } = application.metadata;
  if (!project.admits(namespace, options.homeNamespace)) {
    return {
      problems: [
        `application '${name}' in namespace '${namespace}' is not permitted to use project '${project.name}'`,
      ],
    };
  }
  const cluster = await openCluster(options.clusters, spec.destination, settings, signal);
  if ('problem' in cluster) return { problems: [cluster.problem] };
  const limits = project.problems(spec, cluster);
  if (limits.length > 0) return { problems: limits };
  try {
    const place = { namespace: spec.destination.namespace, home: namespace };
    const acting = actingOn(cluster, project, settings, place);
    return 'problem' in acting ? { problems: [acting.problem] } : { cluster: acting, project, settings };
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind !== 'invalid-input') throw error;
    return { problems: [error.message] };
  }
}
