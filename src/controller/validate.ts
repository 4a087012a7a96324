import type { KubeObject } from '../kube/index.ts';
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
export function specProblems(spec: ApplicationSpec): readonly string[] {
  const problems = [...sourceProblems(spec)];
  if (spec.destination.namespace === '') problems.push('spec.destination.namespace is required');
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

function sourceProblems(spec: ApplicationSpec): readonly string[] {
  if (spec.sources.length === 0) {
    return ['spec.source.repoURL and either spec.source.path or spec.source.chart are required'];
  }
  return spec.sources.flatMap((source, index) => {
    const where = spec.multiple ? `spec.sources[${index}]` : 'spec.source';
    const reference = spec.multiple && source.raw['ref'] !== undefined;
    if (source.plugin !== undefined) return [`${where}.plugin: plugins are not supported by this controller`];
    if (source.repoURL === '' || (source.path === '' && source.chart === undefined && !reference)) {
      return [
        spec.multiple
          ? `spec.source.repoURL and either source.path, source.chart, or source.ref are required for source ${where}`
          : 'spec.source.repoURL and either spec.source.path or spec.source.chart are required',
      ];
    }
    if (source.chart !== undefined && (source.raw['targetRevision'] ?? '') === '') {
      return ['spec.source.targetRevision is required if the manifest source is a helm chart'];
    }
    return [];
  });
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
