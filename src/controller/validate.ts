import type { ApplicationSpec } from '../boundaries/sync/index.ts';
import { unknownOptions } from './sync/index.ts';

/** What keeps an Application from being compared at all: the messages of its InvalidSpecError. */
export function specProblems(spec: ApplicationSpec): readonly string[] {
  const problems = [...sourceProblems(spec)];
  for (const option of unknownOptions(spec.policy.options)) {
    problems.push(`spec.syncPolicy.syncOptions: ${option} is not supported by this controller`);
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
