import type { JsonObject } from '../../kernel/index.ts';
import { jsonEqual } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { goIntOrString, GoText, type FieldError } from '../machinery/status-errors.ts';
import { asJson, mapAt, mapsAt, maybeMap, numberAt, setDefault } from './json-access.ts';
import type { KindRules } from './kind.ts';
import { podSpecDefaults } from './pod-defaults.ts';
import { bad, countOrPercent, oneOf, required } from './field-errors.ts';
import { validateTemplateSelector } from './label-validation.ts';
import { validateLastingTemplate, validateReplicas } from './pod-validation.ts';

function specOf(object: KubeObject): JsonObject {
  return mapAt(asJson(object), 'spec');
}

function templateDefaults(spec: JsonObject): void {
  podSpecDefaults(mapAt(mapAt(spec, 'template'), 'spec'));
}

function dropStatus(object: KubeObject): void {
  asJson(object).status = {};
}

function immutableSelector(object: KubeObject, old: KubeObject): readonly FieldError[] {
  const now = specOf(object).selector ?? null;
  if (jsonEqual(now, specOf(old).selector ?? null)) return [];
  return [{ type: 'invalid', field: 'spec.selector', value: now, detail: 'field is immutable' }];
}

function rollingDefaults(strategy: JsonObject, withSurge: boolean): void {
  setDefault(strategy, 'type', 'RollingUpdate');
  if (strategy.type !== 'RollingUpdate') return;
  const rolling = mapAt(strategy, 'rollingUpdate');
  setDefault(rolling, 'maxUnavailable', withSurge ? '25%' : 1);
  setDefault(rolling, 'maxSurge', withSurge ? '25%' : 0);
}

/** Source: pkg/apis/apps/v1/defaults.go and pkg/registry/apps/deployment/strategy.go. */
export const deploymentRules: KindRules = {
  defaults(object) {
    const spec = specOf(object);
    setDefault(spec, 'replicas', 1);
    rollingDefaults(mapAt(spec, 'strategy'), true);
    setDefault(spec, 'revisionHistoryLimit', 10);
    setDefault(spec, 'progressDeadlineSeconds', 600);
    templateDefaults(spec);
  },
  prepareCreate: dropStatus,
  validate(object) {
    const spec = specOf(object);
    const errors = [
      ...validateReplicas(spec),
      ...validateTemplateSelector(spec, 'deployment'),
      ...validateLastingTemplate(spec, 'ReplicaSet'),
    ];
    const strategy = maybeMap(spec, 'strategy');
    const rolling = maybeMap(strategy, 'rollingUpdate');
    if (strategy?.type === 'Recreate' && rolling !== undefined) {
      errors.push({
        type: 'forbidden',
        field: 'spec.strategy.rollingUpdate',
        detail: "may not be specified when strategy `type` is 'Recreate'",
      });
    }
    if (strategy?.type === 'RollingUpdate') {
      for (const name of ['maxUnavailable', 'maxSurge']) {
        errors.push(...countOrPercent(`spec.strategy.rollingUpdate.${name}`, rolling?.[name]));
      }
      if (isZero(rolling?.maxUnavailable) && isZero(rolling?.maxSurge)) {
        errors.push({
          type: 'invalid',
          field: 'spec.strategy.rollingUpdate.maxUnavailable',
          value: goIntOrString(rolling?.maxUnavailable),
          detail: 'may not be 0 when `maxSurge` is 0',
        });
      }
    } else {
      errors.push(...oneOf('spec.strategy.type', strategy?.type, ['Recreate', 'RollingUpdate']));
    }
    const deadline = spec.progressDeadlineSeconds;
    const minReady = typeof spec.minReadySeconds === 'number' ? spec.minReadySeconds : 0;
    if (typeof deadline === 'number' && deadline <= minReady) {
      errors.push({
        type: 'invalid',
        field: 'spec.progressDeadlineSeconds',
        value: deadline,
        detail: 'must be greater than minReadySeconds',
      });
    }
    return errors;
  },
  validateUpdate: immutableSelector,
};

export const replicaSetRules: KindRules = {
  defaults(object) {
    const spec = specOf(object);
    setDefault(spec, 'replicas', 1);
    templateDefaults(spec);
  },
  prepareCreate(object) {
    asJson(object).status = { replicas: 0 };
  },
  validate(object) {
    const spec = specOf(object);
    return [
      ...validateReplicas(spec),
      ...validateTemplateSelector(spec, 'replicaset'),
      ...validateLastingTemplate(spec, 'ReplicaSet'),
    ];
  },
  validateUpdate: immutableSelector,
  selectableFields: ['status.replicas'],
  selectField: (object, field) =>
    field === 'status.replicas'
      ? String(numberAt(maybeMap(asJson(object), 'status'), 'replicas'))
      : undefined,
};

export const replicationControllerRules: KindRules = {
  defaults(object) {
    const spec = specOf(object);
    setDefault(spec, 'replicas', 1);
    const labels = maybeMap(maybeMap(maybeMap(spec, 'template'), 'metadata'), 'labels');
    if (labels !== undefined) {
      if (Object.keys(maybeMap(spec, 'selector') ?? {}).length === 0) spec.selector = { ...labels };
    }
    if (maybeMap(spec, 'template') !== undefined) templateDefaults(spec);
  },
  prepareCreate(object) {
    asJson(object).status = { replicas: 0 };
  },
  validate(object) {
    const spec = specOf(object);
    const template = maybeMap(spec, 'template');
    if (template === undefined) return [...validateReplicas(spec), required('spec.template')];
    const selector = maybeMap(spec, 'selector') ?? {};
    const labels = maybeMap(maybeMap(template, 'metadata'), 'labels') ?? {};
    const errors = validateReplicas(spec);
    if (Object.keys(selector).length === 0) errors.unshift(required('spec.selector'));
    else if (Object.entries(selector).some(([key, value]) => labels[key] !== value)) {
      const detail = '`selector` does not match template `labels`';
      errors.push(bad('spec.template.metadata.labels', labels, detail));
    }
    return [...errors, ...validateLastingTemplate(spec, 'ReplicationController')];
  },
};

function goStrategy(strategy: JsonObject | undefined): GoText {
  return new GoText(
    `apps.StatefulSetUpdateStrategy{Type:${JSON.stringify(strategy?.type ?? '')}, RollingUpdate:(*apps.RollingUpdateStatefulSetStrategy)(nil)}`,
  );
}

export const statefulSetRules: KindRules = {
  defaults(object) {
    const spec = specOf(object);
    setDefault(spec, 'replicas', 1);
    setDefault(spec, 'revisionHistoryLimit', 10);
    setDefault(spec, 'podManagementPolicy', 'OrderedReady');
    const strategy = mapAt(spec, 'updateStrategy');
    setDefault(strategy, 'type', 'RollingUpdate');
    if (strategy.type === 'RollingUpdate') setDefault(mapAt(strategy, 'rollingUpdate'), 'partition', 0);
    const retention = mapAt(spec, 'persistentVolumeClaimRetentionPolicy');
    setDefault(retention, 'whenDeleted', 'Retain');
    setDefault(retention, 'whenScaled', 'Retain');
    for (const claim of mapsAt(spec, 'volumeClaimTemplates')) {
      setDefault(mapAt(claim, 'spec'), 'volumeMode', 'Filesystem');
      setDefault(mapAt(claim, 'status'), 'phase', 'Pending');
    }
    templateDefaults(spec);
  },
  prepareCreate(object) {
    asJson(object).status = { replicas: 0, availableReplicas: 0 };
  },
  validate(object) {
    const spec = specOf(object);
    const policy = spec.podManagementPolicy;
    const strategy = maybeMap(spec, 'updateStrategy');
    return [
      ...(policy === 'OrderedReady' || policy === 'Parallel'
        ? []
        : [bad('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'")]),
      ...(strategy?.type === 'RollingUpdate' || strategy?.type === 'OnDelete'
        ? []
        : [bad('spec.updateStrategy', goStrategy(strategy), "must be 'RollingUpdate' or 'OnDelete'")]),
      ...validateReplicas(spec),
      ...validateTemplateSelector(spec, 'statefulset'),
      ...validateLastingTemplate(spec, 'StatefulSet'),
    ];
  },
  validateUpdate(object, old) {
    const changeable = new Set([
      'replicas',
      'ordinals',
      'template',
      'updateStrategy',
      'revisionHistoryLimit',
      'persistentVolumeClaimRetentionPolicy',
      'minReadySeconds',
    ]);
    const now = specOf(object);
    const before = specOf(old);
    const names = new Set([...Object.keys(now), ...Object.keys(before)]);
    const changed = [...names].some(
      (name) => !changeable.has(name) && !jsonEqual(now[name] ?? null, before[name] ?? null),
    );
    if (!changed) return [];
    return [
      {
        type: 'forbidden',
        field: 'spec',
        detail:
          "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
      },
    ];
  },
};

const isZero = (value: unknown) => value === 0 || value === '0%' || value === undefined;

function validateDaemonUpdate(strategy: JsonObject | undefined): FieldError[] {
  const field = 'spec.updateStrategy';
  if (strategy?.type !== 'RollingUpdate')
    return oneOf(`${field}.type`, strategy?.type, ['RollingUpdate', 'OnDelete']);
  const { maxUnavailable, maxSurge } = maybeMap(strategy, 'rollingUpdate') ?? {};
  const errors = [
    ...countOrPercent(`${field}.rollingUpdate.maxUnavailable`, maxUnavailable),
    ...countOrPercent(`${field}.rollingUpdate.maxSurge`, maxSurge),
  ];
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    errors.push(required(`${field}.rollingUpdate.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
  } else if (!isZero(maxUnavailable) && !isZero(maxSurge)) {
    const detail = 'may not be set when maxUnavailable is non-zero';
    errors.push(bad(`${field}.rollingUpdate.maxSurge`, maxSurge, detail));
  }
  return errors;
}

export const daemonSetRules: KindRules = {
  defaults(object) {
    const spec = specOf(object);
    setDefault(spec, 'revisionHistoryLimit', 10);
    rollingDefaults(mapAt(spec, 'updateStrategy'), false);
    templateDefaults(spec);
  },
  prepareCreate(object) {
    asJson(object).status = {
      currentNumberScheduled: 0,
      numberMisscheduled: 0,
      desiredNumberScheduled: 0,
      numberReady: 0,
    };
  },
  validate(object) {
    const spec = specOf(object);
    return [
      ...validateTemplateSelector(spec, 'daemonset'),
      ...validateLastingTemplate(spec, 'DaemonSet'),
      ...validateDaemonUpdate(maybeMap(spec, 'updateStrategy')),
    ];
  },
  validateUpdate: immutableSelector,
};
