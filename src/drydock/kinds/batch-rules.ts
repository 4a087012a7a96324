import type { JsonObject } from '../../kernel/index.ts';
import { jsonEqual } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import type { FieldError } from '../machinery/status-errors.ts';
import { bad, oneOf, required } from './field-errors.ts';
import { asJson, mapAt, maybeMap, numberAt, setDefault } from './json-access.ts';
import type { KindRules } from './kind.ts';
import { podSpecDefaults } from './pod-defaults.ts';
import { validateJobSpec } from './pod-validation.ts';

function specOf(object: KubeObject): JsonObject {
  return mapAt(asJson(object), 'spec');
}

function templateDefaults(spec: JsonObject): void {
  podSpecDefaults(mapAt(mapAt(spec, 'template'), 'spec'));
}

function dropStatus(object: KubeObject): void {
  asJson(object).status = {};
}

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
    Intl.DateTimeFormat('en', { timeZone: zone });
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
