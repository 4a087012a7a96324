import type { JsonObject } from '../../kernel/index.ts';
import { isLabelKey, isLabelValue } from '../machinery/selectors.ts';
import type { FieldError } from '../machinery/status-errors.ts';
import { parseQuantity } from '../schema/quantity.ts';
import { mapsAt, maybeMap, stringAt } from './json-access.ts';
import { labelNameProblem } from './names.ts';

const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];

const list = (values: readonly string[]) =>
  `supported values: ${values.map((value) => JSON.stringify(value)).join(', ')}`;

export function validateReplicas(spec: JsonObject): FieldError[] {
  const { replicas } = spec;
  if (typeof replicas !== 'number' || replicas >= 0) return [];
  return [
    {
      type: 'invalid',
      field: 'spec.replicas',
      value: replicas,
      detail: 'must be greater than or equal to 0',
    },
  ];
}

const LABEL_VALUE_MESSAGE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const LABEL_KEY_MESSAGE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

export function validateLabels(labels: JsonObject | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    if (!isLabelKey(key)) errors.push({ type: 'invalid', field, value: key, detail: LABEL_KEY_MESSAGE });
    if (typeof value === 'string' && !isLabelValue(value)) {
      const detail = value.length > 63 ? 'must be no more than 63 characters' : LABEL_VALUE_MESSAGE;
      errors.push({ type: 'invalid', field, value, detail });
    }
  }
  return errors;
}

export function validateLabelSelector(selector: JsonObject | undefined, field: string): FieldError[] {
  const errors = validateLabels(maybeMap(selector, 'matchLabels'), `${field}.matchLabels`);
  mapsAt(selector, 'matchExpressions').forEach((expression, index) => {
    const at = `${field}.matchExpressions[${index}]`;
    const values = Array.isArray(expression.values) ? expression.values.length : 0;
    const { operator } = expression;
    if (operator === 'In' || operator === 'NotIn') {
      if (values === 0) {
        errors.push({
          type: 'required',
          field: `${at}.values`,
          detail: "must be specified when `operator` is 'In' or 'NotIn'",
        });
      }
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values > 0) {
        errors.push({
          type: 'forbidden',
          field: `${at}.values`,
          detail: "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        });
      }
    } else {
      errors.push({
        type: 'invalid',
        field: `${at}.operator`,
        value: operator,
        detail: 'not a valid selector operator',
      });
    }
    if (!isLabelKey(stringAt(expression, 'key'))) {
      errors.push({ type: 'invalid', field: `${at}.key`, value: expression.key, detail: LABEL_KEY_MESSAGE });
    }
  });
  return errors;
}

function selectorMatches(selector: JsonObject, labels: JsonObject): boolean {
  for (const [key, value] of Object.entries(maybeMap(selector, 'matchLabels') ?? {})) {
    if (labels[key] !== value) return false;
  }
  for (const { key, operator, values } of mapsAt(selector, 'matchExpressions')) {
    const value = typeof key === 'string' ? labels[key] : undefined;
    const listed = Array.isArray(values) && value !== undefined && values.includes(value);
    if (operator === 'In' && !listed) return false;
    if (operator === 'NotIn' && listed) return false;
    if (operator === 'Exists' && value === undefined) return false;
    if (operator === 'DoesNotExist' && value !== undefined) return false;
  }
  return true;
}

export function isEmptySelector(selector: JsonObject | undefined): boolean {
  return (
    Object.keys(maybeMap(selector, 'matchLabels') ?? {}).length === 0 &&
    mapsAt(selector, 'matchExpressions').length === 0
  );
}

/** The selector of a workload must be there, be well-formed, and select its own template. */
export function validateTemplateSelector(spec: JsonObject, kind: string): FieldError[] {
  const selector = maybeMap(spec, 'selector');
  if (selector === undefined) return [{ type: 'required', field: 'spec.selector', detail: '' }];
  const errors = validateLabelSelector(selector, 'spec.selector');
  if (isEmptySelector(selector)) {
    errors.push({
      type: 'invalid',
      field: 'spec.selector',
      value: selector,
      detail: `empty selector is invalid for ${kind}`,
    });
    return errors;
  }
  const labels = maybeMap(maybeMap(maybeMap(spec, 'template'), 'metadata'), 'labels') ?? {};
  if (errors.length === 0 && !selectorMatches(selector, labels)) {
    errors.push({
      type: 'invalid',
      field: 'spec.template.metadata.labels',
      value: labels,
      detail: '`selector` does not match template `labels`',
    });
  }
  return errors;
}

function validatePorts(container: JsonObject, field: string): FieldError[] {
  const errors: FieldError[] = [];
  mapsAt(container, 'ports').forEach((port, index) => {
    const at = `${field}.ports[${index}]`;
    for (const name of ['containerPort', 'hostPort']) {
      const value = port[name];
      if (name === 'containerPort' && (value === undefined || value === 0)) {
        errors.push({ type: 'required', field: `${at}.containerPort`, detail: '' });
      } else if (typeof value === 'number' && (value < (name === 'hostPort' ? 0 : 1) || value > 65535)) {
        errors.push({
          type: 'invalid',
          field: `${at}.${name}`,
          value,
          detail: 'must be between 1 and 65535, inclusive',
        });
      }
    }
    if (!PROTOCOLS.includes(stringAt(port, 'protocol'))) {
      errors.push({
        type: 'unsupported',
        field: `${at}.protocol`,
        value: port.protocol,
        detail: list(PROTOCOLS),
      });
    }
    const name = stringAt(port, 'name');
    if (name.length > 15) {
      errors.push({
        type: 'invalid',
        field: `${at}.name`,
        value: name,
        detail: 'must be no more than 15 characters',
      });
    }
  });
  return errors;
}

function validateProbe(
  probe: JsonObject | undefined,
  field: string,
  successMustBeOne: boolean,
): FieldError[] {
  if (probe === undefined) return [];
  const errors: FieldError[] = [];
  const handlers = ['exec', 'httpGet', 'tcpSocket', 'grpc'].filter(
    (name) => maybeMap(probe, name) !== undefined,
  );
  if (handlers.length === 0) {
    errors.push({ type: 'required', field, detail: 'must specify a handler type' });
  }
  for (const extra of handlers.slice(1)) {
    errors.push({
      type: 'forbidden',
      field: `${field}.${extra}`,
      detail: 'may not specify more than 1 handler type',
    });
  }
  for (const name of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ]) {
    const value = probe[name];
    if (typeof value === 'number' && value < 0) {
      errors.push({
        type: 'invalid',
        field: `${field}.${name}`,
        value,
        detail: 'must be greater than or equal to 0',
      });
    }
  }
  if (successMustBeOne && typeof probe.successThreshold === 'number' && probe.successThreshold !== 1) {
    errors.push({
      type: 'invalid',
      field: `${field}.successThreshold`,
      value: probe.successThreshold,
      detail: 'must be 1',
    });
  }
  return errors;
}

function validateResources(container: JsonObject, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const resources = maybeMap(container, 'resources');
  const limits = maybeMap(resources, 'limits') ?? {};
  for (const [name, request] of Object.entries(maybeMap(resources, 'requests') ?? {})) {
    const limit = limits[name];
    if (typeof limit !== 'string' || typeof request !== 'string') continue;
    const asked = parseQuantity(request);
    const most = parseQuantity(limit);
    if (asked !== undefined && most !== undefined && asked.nanos > most.nanos) {
      errors.push({
        type: 'invalid',
        field: `${field}.resources.requests`,
        value: request,
        detail: `must be less than or equal to ${name} limit of ${limit}`,
      });
    }
  }
  return errors;
}

function validateContainer(
  container: JsonObject,
  field: string,
  names: Set<string>,
  volumes: ReadonlySet<string>,
): FieldError[] {
  const errors: FieldError[] = [];
  const name = stringAt(container, 'name');
  if (name === '') errors.push({ type: 'required', field: `${field}.name`, detail: '' });
  else {
    const problem = labelNameProblem(name);
    if (problem !== undefined)
      errors.push({ type: 'invalid', field: `${field}.name`, value: name, detail: problem });
    if (names.has(name)) errors.push({ type: 'duplicate', field: `${field}.name`, value: name, detail: '' });
    names.add(name);
  }
  const image = stringAt(container, 'image');
  if (image === '') errors.push({ type: 'required', field: `${field}.image`, detail: '' });
  else if (image.trim() !== image) {
    errors.push({
      type: 'invalid',
      field: `${field}.image`,
      value: image,
      detail: 'must not have leading or trailing whitespace',
    });
  }
  const policy = stringAt(container, 'imagePullPolicy');
  if (!PULL_POLICIES.includes(policy)) {
    errors.push({
      type: 'unsupported',
      field: `${field}.imagePullPolicy`,
      value: policy,
      detail: list(PULL_POLICIES),
    });
  }
  mapsAt(container, 'env').forEach((variable, index) => {
    const at = `${field}.env[${index}]`;
    if (stringAt(variable, 'name') === '') errors.push({ type: 'required', field: `${at}.name`, detail: '' });
    if (stringAt(variable, 'value') !== '' && maybeMap(variable, 'valueFrom') !== undefined) {
      errors.push({
        type: 'invalid',
        field: `${at}.valueFrom`,
        value: '',
        detail: 'may not be specified when `value` is not empty',
      });
    }
  });
  mapsAt(container, 'volumeMounts').forEach((mount, index) => {
    const at = `${field}.volumeMounts[${index}]`;
    const volume = stringAt(mount, 'name');
    if (!volumes.has(volume))
      errors.push({ type: 'invalid', field: `${at}.name`, value: volume, detail: 'not found' });
    if (stringAt(mount, 'mountPath') === '')
      errors.push({ type: 'required', field: `${at}.mountPath`, detail: '' });
  });
  errors.push(...validatePorts(container, field));
  errors.push(...validateResources(container, field));
  errors.push(...validateProbe(maybeMap(container, 'livenessProbe'), `${field}.livenessProbe`, true));
  errors.push(...validateProbe(maybeMap(container, 'readinessProbe'), `${field}.readinessProbe`, false));
  errors.push(...validateProbe(maybeMap(container, 'startupProbe'), `${field}.startupProbe`, true));
  return errors;
}

const MAX_INT32 = 2_147_483_647;

export function validatePodSpec(spec: JsonObject, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const volumes = new Set<string>();
  mapsAt(spec, 'volumes').forEach((volume, index) => {
    const name = stringAt(volume, 'name');
    const at = `${field}.volumes[${index}].name`;
    if (name === '') errors.push({ type: 'required', field: at, detail: '' });
    else if (volumes.has(name)) errors.push({ type: 'duplicate', field: at, value: name, detail: '' });
    volumes.add(name);
  });
  const containers = mapsAt(spec, 'containers');
  if (containers.length === 0) errors.push({ type: 'required', field: `${field}.containers`, detail: '' });
  const names = new Set<string>();
  containers.forEach((container, index) => {
    errors.push(...validateContainer(container, `${field}.containers[${index}]`, names, volumes));
  });
  mapsAt(spec, 'initContainers').forEach((container, index) => {
    errors.push(...validateContainer(container, `${field}.initContainers[${index}]`, names, volumes));
  });
  const policies = ['Always', 'Never', 'OnFailure'];
  if (!policies.includes(stringAt(spec, 'restartPolicy'))) {
    errors.push({
      type: 'unsupported',
      field: `${field}.restartPolicy`,
      value: spec.restartPolicy,
      detail: list(policies),
    });
  }
  const deadline = spec.activeDeadlineSeconds;
  if (typeof deadline === 'number' && (deadline < 1 || deadline > MAX_INT32)) {
    errors.push({
      type: 'invalid',
      field: `${field}.activeDeadlineSeconds`,
      value: deadline,
      detail: `must be between 1 and ${MAX_INT32}, inclusive`,
    });
  }
  const grace = spec.terminationGracePeriodSeconds;
  if (typeof grace === 'number' && grace < 0) {
    errors.push({
      type: 'invalid',
      field: `${field}.terminationGracePeriodSeconds`,
      value: grace,
      detail: 'must be greater than or equal to 0',
    });
  }
  return errors;
}

export function validatePodTemplate(spec: JsonObject): FieldError[] {
  const template = maybeMap(spec, 'template');
  const errors = validateLabels(maybeMap(maybeMap(template, 'metadata'), 'labels'), 'spec.template.labels');
  return [...errors, ...validatePodSpec(maybeMap(template, 'spec') ?? {}, 'spec.template.spec')];
}
