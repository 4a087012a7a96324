import type { JsonObject } from '../../kernel/index.ts';
import { jsonEqual } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import type { FieldError } from '../machinery/status-errors.ts';
import { asJson, mapAt, mapsAt, maybeMap, numberAt, setDefault } from './json-access.ts';
import type { KindRules } from './kind.ts';
import { podSpecDefaults } from './pod-defaults.ts';
import { bad, countOrPercent, oneOf, required } from './field-errors.ts';
import { validateTemplateSelector } from './label-validation.ts';
import { validateJobSpec, validateLastingTemplate, validateReplicas } from './pod-validation.ts';

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
          value: rolling?.maxUnavailable ?? 0,
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
        : [bad('spec.updateStrategy', strategy, "must be 'RollingUpdate' or 'OnDelete'")]),
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

/** Adds the labels and the selector that tie a Job's pods to it, unless the selector is set by hand. */
function selectPodsByUid(object: KubeObject): void {
  const spec = specOf(object);
  if (spec.manualSelector === true) return;
  const { uid = '', name } = object.metadata;
  const labels = mapAt(mapAt(mapAt(spec, 'template'), 'metadata'), 'labels');
  labels['batch.kubernetes.io/controller-uid'] = uid;
  labels['batch.kubernetes.io/job-name'] = name;
  labels['controller-uid'] = uid;
  labels['job-name'] = name;
  spec.selector = { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } };
}

function jobSpecDefaults(spec: JsonObject): void {
  setDefault(spec, 'completionMode', 'NonIndexed');
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  setDefault(spec, 'parallelism', 1);
  setDefault(spec, 'backoffLimit', 6);
  setDefault(spec, 'suspend', false);
  setDefault(spec, 'podReplacementPolicy', 'TerminatingOrFailed');
  templateDefaults(spec);
}

export const jobRules: KindRules = {
  defaults(object) {
    jobSpecDefaults(specOf(object));
  },
  prepareCreate(object) {
    dropStatus(object);
    selectPodsByUid(object);
  },
  validate: (object) => validateJobSpec(specOf(object), 'spec'),
  validateUpdate(object, old) {
    const errors: FieldError[] = [];
    for (const field of ['completions', 'selector', 'template', 'completionMode']) {
      if (field === 'template' && maybeMap(asJson(old), 'spec')?.suspend === true) continue;
      const now = specOf(object)[field] ?? null;
      if (jsonEqual(now, specOf(old)[field] ?? null)) continue;
      errors.push({ type: 'invalid', field: `spec.${field}`, value: now, detail: 'field is immutable' });
    }
    return errors;
  },
  selectableFields: ['status.successful'],
  selectField: (object, field) =>
    field === 'status.successful'
      ? String(numberAt(maybeMap(asJson(object), 'status'), 'succeeded'))
      : undefined,
};

function validateSchedule(schedule: string): FieldError[] {
  if (schedule === '') return [required('spec.schedule')];
  if (/TZ=/.test(schedule)) {
    const detail = 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead';
    return [bad('spec.schedule', schedule, detail)];
  }
  const parts = schedule.split(/\s+/).length;
  if (parts === 5 || /^@(yearly|annually|monthly|weekly|daily|midnight|hourly|every \S+)$/.test(schedule)) {
    return [];
  }
  return [bad('spec.schedule', schedule, `expected exactly 5 fields, found ${parts}: [${schedule}]`)];
}

function validateTimeZone(zone: unknown): FieldError[] {
  if (typeof zone !== 'string') return [];
  if (zone === '') return [bad('spec.timeZone', zone, 'timeZone must be nil or non-empty string')];
  if (zone.toLowerCase() === 'local') {
    const detail = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
    return [bad('spec.timeZone', zone, detail)];
  }
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return [];
  } catch {
    return [bad('spec.timeZone', zone, `unknown time zone ${zone}`)];
  }
}

export const cronJobRules: KindRules = {
  defaults(object) {
    const spec = specOf(object);
    setDefault(spec, 'concurrencyPolicy', 'Allow');
    setDefault(spec, 'suspend', false);
    setDefault(spec, 'successfulJobsHistoryLimit', 3);
    setDefault(spec, 'failedJobsHistoryLimit', 1);
    const template = mapAt(mapAt(spec, 'jobTemplate'), 'spec');
    templateDefaults(template);
  },
  prepareCreate: dropStatus,
  validate(object) {
    const spec = specOf(object);
    return [
      ...validateSchedule(typeof spec.schedule === 'string' ? spec.schedule.trim() : ''),
      ...validateTimeZone(spec.timeZone),
      ...oneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']),
      ...validateJobSpec(maybeMap(maybeMap(spec, 'jobTemplate'), 'spec') ?? {}, 'spec.jobTemplate.spec'),
    ];
  },
};
