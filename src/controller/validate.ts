import type { KubeClient, KubeObject } from '../kube/index.ts';
import { isHook, syncWave } from '../boundaries/sync/index.ts';
import type { ApplicationSpec } from '../boundaries/sync/index.ts';

/** Sync options that this controller honours, or that ask for what it always does. */
const OPTIONS: readonly RegExp[] = [
  /^CreateNamespace=(?:true|false)$/,
  /^ServerSideApply=(?:true|false)$/,
  /^ApplyOutOfSyncOnly=(?:true|false)$/,
  /^PruneLast=(?:true|false)$/,
  /^PrunePropagationPolicy=(?:foreground|background|orphan)$/,
  /^SkipDryRunOnMissingResource=(?:true|false)$/,
  /^RespectIgnoreDifferences=false$/,
  /^Validate=(?:true|false)$/,
  /^(?:Replace|Force|FailOnSharedResource)=false$/,
];

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
  for (const option of spec.policy.options) {
    if (!OPTIONS.some((known) => known.test(option))) {
      problems.push(`spec.syncPolicy.syncOptions: ${option} is not supported by this controller`);
    }
  }
  if (spec.ignoreDifferences.some((rule) => rule.jqPathExpressions.length > 0)) {
    problems.push(
      'spec.ignoreDifferences: jqPathExpressions are not supported by this controller; use jsonPointers',
    );
  }
  return problems;
}

/** What keeps a set from being applied, though it can be compared. */
export function setProblem(objects: readonly KubeObject[]): string | undefined {
  const hook = objects.find(isHook);
  if (hook !== undefined) {
    return `${hook.kind}/${hook.metadata.name} is a hook; hooks are not supported by this controller`;
  }
  const waves = new Set(objects.map(syncWave));
  if (waves.size > 1) {
    return `the set has ${waves.size} sync waves; one is supported by this controller`;
  }
  for (const object of objects) {
    const asked = objectOptions(object).find((option) => /^(?:Replace|Force)=true$/.test(option));
    if (asked !== undefined) {
      return `${object.kind}/${object.metadata.name} asks for ${asked}, which is not supported by this controller`;
    }
  }
  return undefined;
}

/** The sync options that an object sets for itself. */
export function objectOptions(object: KubeObject): readonly string[] {
  const text = object.metadata.annotations?.['argocd.argoproj.io/sync-options'] ?? '';
  return text.split(',').map((option) => option.trim());
}
