import type { JsonObject } from '../../kernel/index.ts';
import { mapsAt, maybeMap, numberAt, stringAt } from '../kinds/json-access.ts';
import { age, humanDuration } from './age.ts';
import { columns, type Printer } from './column.ts';

const meta = (object: JsonObject) => maybeMap(object, 'metadata') ?? {};
const spec = (object: JsonObject) => maybeMap(object, 'spec') ?? {};
const status = (object: JsonObject) => maybeMap(object, 'status') ?? {};

function containersOf(template: JsonObject | undefined): readonly [names: string, images: string] {
  const containers = mapsAt(maybeMap(template, 'spec'), 'containers');
  return [
    containers.map((container) => stringAt(container, 'name')).join(','),
    containers.map((container) => stringAt(container, 'image')).join(','),
  ];
}

/** A selector as `metav1.FormatLabelSelector` prints it. */
export function selectorText(selector: JsonObject | undefined): string {
  if (selector === undefined) return '<none>';
  const parts: string[] = [];
  const labels = maybeMap(selector, 'matchLabels') ?? {};
  for (const key of Object.keys(labels).sort()) parts.push(`${key}=${stringAt(labels, key)}`);
  for (const expression of mapsAt(selector, 'matchExpressions')) {
    const key = stringAt(expression, 'key');
    const values = Array.isArray(expression.values)
      ? expression.values.filter((value) => typeof value === 'string').sort()
      : [];
    if (expression.operator === 'In') parts.push(`${key} in (${values.join(',')})`);
    else if (expression.operator === 'NotIn') parts.push(`${key} notin (${values.join(',')})`);
    else parts.push(expression.operator === 'Exists' ? key : `!${key}`);
  }
  return parts.length === 0 ? '<none>' : parts.join(',');
}

/** A map of labels as `labels.FormatLabels` prints it. */
export function labelsText(labels: JsonObject | undefined): string {
  const parts = Object.keys(labels ?? {})
    .sort()
    .map((key) => `${key}=${stringAt(labels, key)}`);
  return parts.length === 0 ? '<none>' : parts.join(',');
}

export const deploymentPrinter: Printer = {
  columns: columns('Name, Ready, Up-to-date, Available, Age, *Containers, *Images, *Selector'),
  cells(object, now) {
    const wanted = numberAt(spec(object), 'replicas');
    return [
      stringAt(meta(object), 'name'),
      `${numberAt(status(object), 'readyReplicas')}/${wanted}`,
      numberAt(status(object), 'updatedReplicas'),
      numberAt(status(object), 'availableReplicas'),
      age(meta(object).creationTimestamp, now),
      ...containersOf(maybeMap(spec(object), 'template')),
      selectorText(maybeMap(spec(object), 'selector')),
    ];
  },
};

export const replicaSetPrinter: Printer = {
  columns: columns(
    'Name, Desired:integer, Current:integer, Ready:integer, Age, *Containers, *Images, *Selector',
  ),
  cells(object, now) {
    const selector = maybeMap(spec(object), 'selector');
    return [
      stringAt(meta(object), 'name'),
      numberAt(spec(object), 'replicas'),
      numberAt(status(object), 'replicas'),
      numberAt(status(object), 'readyReplicas'),
      age(meta(object).creationTimestamp, now),
      ...containersOf(maybeMap(spec(object), 'template')),
      object.kind === 'ReplicaSet' ? selectorText(selector) : labelsText(selector),
    ];
  },
};

export const statefulSetPrinter: Printer = {
  columns: columns('Name, Ready, Age, *Containers, *Images'),
  cells(object, now) {
    return [
      stringAt(meta(object), 'name'),
      `${numberAt(status(object), 'readyReplicas')}/${numberAt(spec(object), 'replicas')}`,
      age(meta(object).creationTimestamp, now),
      ...containersOf(maybeMap(spec(object), 'template')),
    ];
  },
};

export const daemonSetPrinter: Printer = {
  columns: columns(
    'Name, Desired:integer, Current:integer, Ready:integer, Up-to-date:integer, Available:integer, Node Selector, Age, *Containers, *Images, *Selector',
  ),
  cells(object, now) {
    const counts = status(object);
    const template = maybeMap(spec(object), 'template');
    return [
      stringAt(meta(object), 'name'),
      numberAt(counts, 'desiredNumberScheduled'),
      numberAt(counts, 'currentNumberScheduled'),
      numberAt(counts, 'numberReady'),
      numberAt(counts, 'updatedNumberScheduled'),
      numberAt(counts, 'numberAvailable'),
      labelsText(maybeMap(maybeMap(template, 'spec'), 'nodeSelector')),
      age(meta(object).creationTimestamp, now),
      ...containersOf(template),
      selectorText(maybeMap(spec(object), 'selector')),
    ];
  },
};

function hasCondition(object: JsonObject, type: string): boolean {
  return mapsAt(status(object), 'conditions').some((found) => found.type === type && found.status === 'True');
}

function jobStatus(object: JsonObject): string {
  if (hasCondition(object, 'Complete')) return 'Complete';
  if (hasCondition(object, 'Failed')) return 'Failed';
  if (meta(object).deletionTimestamp !== undefined) return 'Terminating';
  if (hasCondition(object, 'Suspended')) return 'Suspended';
  if (hasCondition(object, 'FailureTarget')) return 'FailureTarget';
  if (hasCondition(object, 'SuccessCriteriaMet')) return 'SuccessCriteriaMet';
  return 'Running';
}

export const jobPrinter: Printer = {
  columns: columns('Name, Status, Completions, Duration, Age, *Containers, *Images, *Selector'),
  cells(object, now) {
    const wanted = spec(object).completions;
    const parallel = numberAt(spec(object), 'parallelism');
    const succeeded = numberAt(status(object), 'succeeded');
    const completions =
      typeof wanted === 'number'
        ? `${succeeded}/${wanted}`
        : parallel > 1
          ? `${succeeded}/1 of ${parallel}`
          : `${succeeded}/1`;
    const started = Date.parse(stringAt(status(object), 'startTime'));
    const finished = Date.parse(stringAt(status(object), 'completionTime'));
    const duration = Number.isNaN(started)
      ? ''
      : humanDuration((Number.isNaN(finished) ? now : finished) - started);
    return [
      stringAt(meta(object), 'name'),
      jobStatus(object),
      completions,
      duration,
      age(meta(object).creationTimestamp, now),
      ...containersOf(maybeMap(spec(object), 'template')),
      selectorText(maybeMap(spec(object), 'selector')),
    ];
  },
};

export const cronJobPrinter: Printer = {
  columns: columns(
    'Name, Schedule, Timezone, Suspend:boolean, Active:integer, Last Schedule, Age, *Containers, *Images, *Selector',
  ),
  cells(object, now) {
    const last = status(object).lastScheduleTime;
    const template = maybeMap(maybeMap(maybeMap(spec(object), 'jobTemplate'), 'spec'), 'template');
    return [
      stringAt(meta(object), 'name'),
      stringAt(spec(object), 'schedule'),
      stringAt(spec(object), 'timeZone') || '<none>',
      spec(object).suspend === true ? 'True' : 'False',
      mapsAt(status(object), 'active').length,
      typeof last === 'string' ? age(last, now) : '<none>',
      age(meta(object).creationTimestamp, now),
      ...containersOf(template),
      selectorText(maybeMap(maybeMap(maybeMap(spec(object), 'jobTemplate'), 'spec'), 'selector')),
    ];
  },
};

function metricText(metric: JsonObject, current: JsonObject | undefined): string {
  const resource = maybeMap(metric, 'resource');
  const target = maybeMap(resource, 'target');
  const measured = maybeMap(maybeMap(current, 'resource'), 'current');
  if (resource === undefined) return `<unknown>/${stringAt(metric, 'type')}`;
  const wanted = target?.averageUtilization;
  const now = measured?.averageUtilization;
  if (typeof wanted === 'number') {
    return `${stringAt(resource, 'name')}: ${typeof now === 'number' ? `${now}%` : '<unknown>'}/${wanted}%`;
  }
  return `${stringAt(resource, 'name')}: ${stringAt(measured, 'averageValue') || '<unknown>'}/${stringAt(target, 'averageValue')}`;
}

export const autoscalerPrinter: Printer = {
  columns: columns('Name, Reference, Targets, MinPods, MaxPods, Replicas, Age'),
  cells(object, now) {
    const target = maybeMap(spec(object), 'scaleTargetRef');
    const current = mapsAt(status(object), 'currentMetrics');
    const v1 = spec(object).targetCPUUtilizationPercentage;
    const metrics = mapsAt(spec(object), 'metrics').map((metric, index) =>
      metricText(metric, current[index]),
    );
    const measured = status(object).currentCPUUtilizationPercentage;
    const targets =
      typeof v1 === 'number'
        ? `cpu: ${typeof measured === 'number' ? `${measured}%` : '<unknown>'}/${v1}%`
        : metrics.slice(0, 2).join(', ') + (metrics.length > 2 ? ` + ${metrics.length - 2} more...` : '');
    return [
      stringAt(meta(object), 'name'),
      `${stringAt(target, 'kind')}/${stringAt(target, 'name')}`,
      targets || '<none>',
      typeof spec(object).minReplicas === 'number'
        ? String(numberAt(spec(object), 'minReplicas'))
        : '<unset>',
      numberAt(spec(object), 'maxReplicas'),
      numberAt(status(object), 'currentReplicas'),
      age(meta(object).creationTimestamp, now),
    ];
  },
};

function bound(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : 'N/A';
}

export const disruptionBudgetPrinter: Printer = {
  columns: columns('Name, Min Available, Max Unavailable, Allowed Disruptions:integer, Age'),
  cells: (object, now) => [
    stringAt(meta(object), 'name'),
    bound(spec(object).minAvailable),
    bound(spec(object).maxUnavailable),
    numberAt(status(object), 'disruptionsAllowed'),
    age(meta(object).creationTimestamp, now),
  ],
};
