import { createHash } from 'node:crypto';
import { getArray, getString } from '../../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { applicationSpec, fluxIgnoreRules } from '../../sync/index.ts';
import type { ApplicationSpec } from '../../sync/index.ts';
import { releaseName } from './render.ts';

/**
 * What a release asks of a sync, in the words of an Application. `objects` are those that its chart renders to: patterns
 * and selectors of `driftDetection.ignore` are about them; without, a target is taken word for word.
 */
export function releaseSpec(release: KubeObject, objects?: readonly KubeObject[]): ApplicationSpec {
  const { namespace } = releaseName(release);
  const rules = getArray(release, 'spec', 'driftDetection', 'ignore');
  const ignoreDifferences = objects === undefined ? wordForWord(rules) : found(rules, objects);
  return applicationSpec({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: release.metadata.name },
    spec: { destination: { namespace }, ignoreDifferences },
  });
}

function found(rules: readonly JsonValue[], objects: readonly KubeObject[]): JsonValue[] {
  return fluxIgnoreRules(rules, objects).map(({ group, kind, name, namespace, jsonPointers }) => ({
    group,
    kind,
    name,
    namespace,
    jsonPointers: [...jsonPointers],
  }));
}

function wordForWord(rules: readonly JsonValue[]): JsonValue[] {
  return rules.map((rule): JsonValue => {
    const text = (field: string) => getString(rule, 'target', field) ?? '';
    return {
      group: text('group'),
      kind: text('kind') || '*',
      name: text('name'),
      namespace: text('namespace'),
      jsonPointers: [...getArray(rule, 'paths')],
    };
  });
}

/** What values come to, as Landfall's controller writes it into the status of a release. */
export function valuesDigest(values: JsonObject): string {
  return `sha256:${createHash('sha256').update(JSON.stringify(values)).digest('hex')}`;
}

/**
 * Whether its next action is an install: nothing of it was ever delivered, or nothing since it was taken away. Under
 * another name, or as another chart (where that is known), it is not the same release.
 */
export function isFirstRelease(release: KubeObject, chartName?: string): boolean {
  const all = getArray(release, 'status', 'history');
  const gone = all.findIndex((item) => getString(item, 'status') === 'uninstalled');
  const last = (gone < 0 ? all : all.slice(0, gone)).find((item) =>
    ['deployed', 'superseded'].includes(getString(item, 'status') ?? ''),
  );
  if (last === undefined) return true;
  const { name, namespace } = releaseName(release);
  if (getString(last, 'name') !== name || getString(last, 'namespace') !== namespace) return true;
  const inPlace = getString(release, 'spec', 'upgrade', 'chartNameChangeStrategy') === 'InPlaceUpdate';
  return !inPlace && chartName !== undefined && getString(last, 'chartName') !== chartName;
}
