import { getObject } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import type { ApplicationSource, ApplicationSpec } from '../boundaries/sync/index.ts';
import { APPLICATION, inspect } from './fields/index.ts';
import type { Condition } from './status.ts';
import { unknownOptions } from './sync/index.ts';

/** What an Application asks for by a field that is known and not honoured. */
export function refusedFields(application: KubeObject): readonly string[] {
  return inspect(getObject(application, 'spec'), APPLICATION, 'spec').refused;
}

/** Fields that nobody here knows, as Argo CD's API server drops them: said, and gone on without. */
export function unknownFields(application: KubeObject, more: readonly string[] = []): readonly Condition[] {
  const unknown = [...inspect(getObject(application, 'spec'), APPLICATION, 'spec').unknown, ...more];
  if (unknown.length === 0) return [];
  const message = `this controller knows no such field, and goes on without it: ${unknown.join(', ')}`;
  return [{ type: 'UnknownFieldWarning', message }];
}

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
    if (source.plugin !== undefined) {
      return [`${where}.plugin: plugins are not supported by this controller; commit what the plugin makes`];
    }
    const renderers = renderersOf(source);
    if (renderers.length > 1) {
      return [`${where}: multiple application sources defined: ${renderers.join(',')}`];
    }
    if (/^oci:/i.test(source.repoURL) && source.chart === undefined) {
      return [
        `${where}.repoURL: manifests in an OCI registry are not read for Applications by this controller; name a chart, or deliver them by a Flux OCIRepository`,
      ];
    }
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

/** The renderers that a source names by their options; one is all that it may. */
function renderersOf({ kustomize, helm, directory }: ApplicationSource): readonly string[] {
  const named = { Kustomize: kustomize, Helm: helm, Directory: directory };
  return Object.entries(named).flatMap(([name, options]) => (options === undefined ? [] : [name]));
}
