import { randomInt } from 'node:crypto';
import type { JsonObject } from '../../kernel/index.ts';
import { jsonEqual } from '../../kernel/index.ts';
import type { FieldError } from '../machinery/status-errors.ts';
import { asJson, copyJson, mapAt, mapsAt, maybeMap, stringAt } from './json-access.ts';
import type { KindRules } from './kind.ts';
import { podDefaults, podSpecDefaults } from './pod-defaults.ts';
import { validatePodSpec } from './pod-validation.ts';

const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

/** Five letters that never spell anything, as Kubernetes appends to generated names. */
export function randomSuffix(length = 5): string {
  let suffix = '';
  for (let count = 0; count < length; count++)
    suffix += SUFFIX_LETTERS[randomInt(SUFFIX_LETTERS.length)] ?? '';
  return suffix;
}

/** Source: pkg/apis/core/v1/helper/qos. */
export function qosClass(spec: JsonObject): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  let any = false;
  let guaranteed = true;
  for (const container of [...mapsAt(spec, 'containers'), ...mapsAt(spec, 'initContainers')]) {
    const resources = maybeMap(container, 'resources');
    const limits = maybeMap(resources, 'limits') ?? {};
    const requests = maybeMap(resources, 'requests') ?? {};
    for (const name of ['cpu', 'memory']) {
      const limit = limits[name] ?? '0';
      const request = requests[name] ?? limit;
      if (limit !== '0' || request !== '0') any = true;
      if (limit === '0' || limit !== request) guaranteed = false;
    }
  }
  if (!any) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

/** The fields of a pod's spec that may change once it exists. */
function withoutMutable(spec: JsonObject): JsonObject {
  const copy = copyJson(spec);
  for (const list of ['containers', 'initContainers', 'ephemeralContainers']) {
    for (const container of mapsAt(copy, list)) delete container.image;
  }
  delete copy.activeDeadlineSeconds;
  delete copy.tolerations;
  delete copy.ephemeralContainers;
  delete copy.schedulingGates;
  if (typeof copy.terminationGracePeriodSeconds === 'number' && copy.terminationGracePeriodSeconds === 1) {
    delete copy.terminationGracePeriodSeconds;
  }
  return copy;
}

export const podRules: KindRules = {
  defaults(object) {
    podDefaults(mapAt(asJson(object), 'spec'));
  },
  prepareCreate(object) {
    const spec = mapAt(asJson(object), 'spec');
    asJson(object).status = { phase: 'Pending', qosClass: qosClass(spec) };
  },
  validate: (object) => validatePodSpec(maybeMap(asJson(object), 'spec') ?? {}, 'spec'),
  validateUpdate(object, old, trusted) {
    const now = maybeMap(asJson(object), 'spec') ?? {};
    const stored = maybeMap(asJson(old), 'spec') ?? {};
    const binds = trusted && stringAt(stored, 'nodeName') === '' && stringAt(now, 'nodeName') !== '';
    const before = binds ? { ...stored, nodeName: stringAt(now, 'nodeName') } : stored;
    const errors: FieldError[] = [];
    if (!jsonEqual(withoutMutable(now), withoutMutable(before))) {
      errors.push({
        type: 'forbidden',
        field: 'spec',
        detail:
          'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
      });
    }
    return errors;
  },
  selectableFields: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
    'status.podIPs',
    'status.nominatedNodeName',
  ],
  selectField(object, field) {
    const [part = '', name = ''] = field.split('.');
    const value = maybeMap(asJson(object), part)?.[name];
    if (field === 'spec.hostNetwork') return value === true ? 'true' : 'false';
    return typeof value === 'string' ? value : '';
  },
};

export const podTemplateRules: KindRules = {
  defaults(object) {
    const template = maybeMap(asJson(object), 'template');
    if (template !== undefined) podSpecDefaults(mapAt(template, 'spec'));
  },
};
