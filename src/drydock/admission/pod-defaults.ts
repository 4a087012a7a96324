import type { JsonObject } from '../../kernel/index.ts';
import { asJson, mapAt, mapsAt, setDefault } from '../kinds/json-access.ts';
import type { AdmissionPlugin } from '../machinery/admission.ts';

function defaultTolerations(spec: JsonObject): void {
  const tolerations = mapsAt(spec, 'tolerations');
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    const covered = tolerations.some(
      ({ key: named, effect }) =>
        (named === key || named === undefined || named === '') &&
        (effect === undefined || effect === '' || effect === 'NoExecute'),
    );
    if (!covered) tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 });
  }
  spec.tolerations = tolerations;
}

/**
 * What admission puts into every pod: an account, a priority, tolerations. Not defaults of the type: whoever makes a
 * pod does not come to own them, or it could never be applied from the server again without them. Source: plugins
 * serviceaccount, priority and defaulttolerationseconds.
 */
export const podAdmission: AdmissionPlugin = {
  name: 'PodDefaults',
  mutate(operation, object, _old, { kind, subresource }) {
    if (operation !== 'CREATE' || kind.table !== '/pods' || subresource !== undefined) return;
    const spec = mapAt(asJson(object), 'spec');
    setDefault(spec, 'serviceAccountName', 'default');
    spec.serviceAccount = spec.serviceAccountName ?? 'default';
    if (spec.priority === undefined) spec.priority = 0;
    setDefault(spec, 'preemptionPolicy', 'PreemptLowerPriority');
    defaultTolerations(spec);
  },
};
