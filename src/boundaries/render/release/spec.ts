import { createHash } from 'node:crypto';
import { getArray, getString } from '../../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { applicationSpec } from '../../sync/index.ts';
import type { ApplicationSpec } from '../../sync/index.ts';
import { releaseName } from './render.ts';

/** What a release asks of a sync, in the words of an Application. */
export function releaseSpec(release: KubeObject): ApplicationSpec {
  const { namespace } = releaseName(release);
  const ignoreDifferences = getArray(release, 'spec', 'driftDetection', 'ignore').map((rule): JsonValue => {
    const text = (field: string) => getString(rule, 'target', field) ?? '';
    return {
      group: text('group'),
      kind: text('kind') || '*',
      name: text('name'),
      namespace: text('namespace'),
      jsonPointers: [...getArray(rule, 'paths')],
    };
  });
  return applicationSpec({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: release.metadata.name },
    spec: { destination: { namespace }, ignoreDifferences },
  });
}

/** What values come to, as Landfall's controller writes it into the status of a release. */
export function valuesDigest(values: JsonObject): string {
  return `sha256:${createHash('sha256').update(JSON.stringify(values)).digest('hex')}`;
}

/** Whether nothing of it was ever delivered: then its next action is an install. */
export function isFirstRelease(release: KubeObject): boolean {
  return !getArray(release, 'status', 'history').some((item) =>
    ['deployed', 'superseded'].includes(getString(item, 'status') ?? ''),
  );
}
