import { getArray, getString } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { splitApiVersion } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { isSelected } from '../../kustomize/index.ts';
import type { IgnoreRule } from './application.ts';

const FIELDS = [
  'group',
  'version',
  'kind',
  'name',
  'namespace',
  'labelSelector',
  'annotationSelector',
] as const;

/**
 * Rules of Flux (`paths`, and a `target` as patches have it) for the objects that they are for, one by one, in the
 * words of a comparison. Throws `invalid-input` for a pattern or selector that is none.
 */
export function fluxIgnoreRules(
  rules: readonly JsonValue[],
  objects: readonly KubeObject[],
): readonly IgnoreRule[] {
  return rules.flatMap((rule) => {
    const selector = Object.fromEntries(
      FIELDS.map((field) => [field, getString(rule, 'target', field) ?? '']),
    );
    const jsonPointers = getArray(rule, 'paths').filter((path): path is string => typeof path === 'string');
    return objects.flatMap((object): IgnoreRule[] => {
      const { group, version } = splitApiVersion(object.apiVersion);
      const { name, namespace = '', labels = {}, annotations = {} } = object.metadata;
      const { kind } = object;
      const selected = { group, version, kind, name, namespace, labels, annotations };
      if (!isSelected(selector, selected, `the target of an ignore rule`)) return [];
      return [{ group, kind, name, namespace, jsonPointers, managers: [], jqPathExpressions: [] }];
    });
  });
}
