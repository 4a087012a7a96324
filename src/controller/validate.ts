import type { KubeClient } from '../kube/index.ts';
import type { ApplicationSpec } from '../boundaries/sync/index.ts';
import { unknownOptions } from './sync/index.ts';

/** What keeps an Application from being compared at all: the messages of its InvalidSpecError. */
export function specProblems(spec: ApplicationSpec, client: KubeClient): readonly string[] {
  const problems: string[] = [];
  const [source] = spec.sources;
  if (source === undefined || source.repoURL === '') problems.push('spec.source.repoURL is required');
  if (spec.multiple) problems.push('spec.sources: several sources are not supported by this controller');
  if (source?.chart !== undefined)
    problems.push('spec.source.chart: Helm repositories are not supported by this controller');
  if (source?.plugin !== undefined)
    problems.push('spec.source.plugin: plugins are not supported by this controller');
  if (source !== undefined && source.chart === undefined && source.path === '') {
    problems.push('spec.source.path is required; . is the whole repository');
  }
  const { server, name, namespace } = spec.destination;
  const here =
    server === undefined
      ? name === undefined || name === 'in-cluster'
      : server === 'https://kubernetes.default.svc' || server === client.server;
  if (!here) {
    problems.push(
      `spec.destination: the cluster ${server ?? name ?? ''} is not the one this controller works on`,
    );
  }
  if (server === undefined && name === undefined)
    problems.push('spec.destination.server or name is required');
  if (namespace === '') problems.push('spec.destination.namespace is required');
  if (spec.project !== 'default') {
    problems.push(
      `spec.project: the limits of the project ${spec.project} cannot be enforced by this controller`,
    );
  }
  for (const option of unknownOptions(spec.policy.options)) {
    problems.push(`spec.syncPolicy.syncOptions: ${option} is not supported by this controller`);
  }
  return problems;
}
