import type { JsonObject } from '../../kernel/index.ts';
import type { FieldError } from '../machinery/status-errors.ts';
import { parseQuantity } from '../schema/quantity.ts';
import {
  bad,
  duplicate,
  forbiddenField,
  named,
  nonNegative,
  notFoundIn,
  oneOf,
  portNumber,
  required,
  requiredOneOf,
} from './field-errors.ts';
import { mapsAt, maybeMap, numberAt, stringAt } from './json-access.ts';
import { labelNameProblem, portNameProblems } from './names.ts';

function validatePorts(container: JsonObject, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  mapsAt(container, 'ports').forEach((port, index) => {
    const at = `${field}.ports[${index}]`;
    const name = stringAt(port, 'name');
    if (name !== '') {
      const problems = portNameProblems(name);
      errors.push(...problems.map((problem) => bad(`${at}.name`, name, problem)));
      if (problems.length === 0 && names.has(name)) errors.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    if (numberAt(port, 'containerPort') === 0) errors.push(required(`${at}.containerPort`));
    else errors.push(...portNumber(`${at}.containerPort`, port.containerPort));
    if (numberAt(port, 'hostPort') !== 0) errors.push(...portNumber(`${at}.hostPort`, port.hostPort));
    errors.push(...requiredOneOf(`${at}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']));
  });
  return errors;
}

const SOURCES = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef'];

function validateEnvironment(container: JsonObject, field: string): FieldError[] {
  return mapsAt(container, 'env').flatMap((variable, index) => {
    const at = `${field}.env[${index}]`;
    const errors: FieldError[] = [];
    const name = stringAt(variable, 'name');
    if (name === '') errors.push(required(`${at}.name`));
    else if (!/^[\x20-\x3c\x3e-\x7e]+$/.test(name)) {
      const detail =
        "a valid environment variable name must consist only of printable ASCII characters other than '='";
      errors.push(bad(`${at}.name`, name, detail));
    }
    const from = maybeMap(variable, 'valueFrom');
    if (from === undefined) return errors;
    const sources = SOURCES.filter((source) => maybeMap(from, source) !== undefined);
    if (sources.length === 0) {
      const detail =
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`';
      errors.push(bad(`${at}.valueFrom`, '', detail));
    } else if (stringAt(variable, 'value') !== '') {
      errors.push(bad(`${at}.valueFrom`, '', 'may not be specified when `value` is not empty'));
    } else if (sources.length > 1) {
      errors.push(bad(`${at}.valueFrom`, '', 'may not have more than one field specified at a time'));
    }
    for (const source of ['configMapKeyRef', 'secretKeyRef']) {
      const reference = maybeMap(from, source);
      if (reference !== undefined && stringAt(reference, 'key') === '') {
        errors.push(required(`${at}.valueFrom.${source}.key`));
      }
    }
    return errors;
  });
}

function validateMounts(container: JsonObject, field: string, volumes: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = [];
  const paths = new Set<string>();
  mapsAt(container, 'volumeMounts').forEach((mount, index) => {
    const at = `${field}.volumeMounts[${index}]`;
    const volume = stringAt(mount, 'name');
    const path = stringAt(mount, 'mountPath');
    if (volume === '') errors.push(required(`${at}.name`));
    if (!volumes.has(volume)) errors.push(notFoundIn(`${at}.name`, volume));
    if (path === '') errors.push(required(`${at}.mountPath`));
    if (paths.has(path)) errors.push(bad(`${at}.mountPath`, path, 'must be unique'));
    paths.add(path);
    const subPath = stringAt(mount, 'subPath');
    if (subPath.startsWith('/')) errors.push(bad(`${at}.subPath`, subPath, 'must be a relative path'));
    if (subPath.split('/').includes('..'))
      errors.push(bad(`${at}.subPath`, subPath, "must not contain '..'"));
  });
  return errors;
}

/** A handler of a probe or a hook: exactly one, well-formed. */
function validateHandler(handler: JsonObject, field: string): FieldError[] {
  const errors: FieldError[] = [];
  let found = 0;
  for (const name of ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep']) {
    const one = maybeMap(handler, name);
    if (one === undefined) continue;
    found += 1;
    const at = `${field}.${name}`;
    if (found > 1) errors.push(forbiddenField(at, 'may not specify more than 1 handler type'));
    else if (name === 'exec') {
      if (!Array.isArray(one.command) || one.command.length === 0) errors.push(required(`${at}.command`));
    } else if (name === 'httpGet') {
      if (stringAt(one, 'path') === '') errors.push(required(`${at}.path`));
      errors.push(...portNumberOrName(`${at}.port`, one.port));
      errors.push(...oneOf(`${at}.scheme`, one.scheme, ['HTTP', 'HTTPS']));
    } else if (name !== 'sleep') {
      errors.push(...portNumberOrName(`${at}.port`, one.port));
    }
  }
  if (found === 0) errors.push(required(field, 'must specify a handler type'));
  return errors;
}

function portNumberOrName(field: string, port: unknown): FieldError[] {
  if (typeof port !== 'string') return portNumber(field, port ?? 0);
  return portNameProblems(port).map((problem) => bad(field, port, problem));
}

function validateProbe(
  probe: JsonObject | undefined,
  field: string,
  successMustBeOne: boolean,
): FieldError[] {
  if (probe === undefined) return [];
  const errors = validateHandler(probe, field);
  for (const name of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ]) {
    errors.push(...nonNegative(`${field}.${name}`, probe[name]));
  }
  const grace = probe.terminationGracePeriodSeconds;
  if (typeof grace === 'number' && grace <= 0) {
    errors.push(bad(`${field}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
  }
  if (successMustBeOne && typeof probe.successThreshold === 'number' && probe.successThreshold !== 1) {
    errors.push(bad(`${field}.successThreshold`, probe.successThreshold, 'must be 1'));
  }
  return errors;
}

function validateResources(container: JsonObject, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const resources = maybeMap(container, 'resources');
  const limits = maybeMap(resources, 'limits') ?? {};
  const requests = maybeMap(resources, 'requests') ?? {};
  const amount = (value: unknown) => (typeof value === 'string' ? parseQuantity(value)?.nanos : undefined);
  for (const [kind, amounts] of Object.entries({ limits, requests })) {
    for (const [name, value] of Object.entries(amounts)) {
      if ((amount(value) ?? 0n) < 0n) {
        errors.push(bad(`${field}.resources.${kind}[${name}]`, value, 'must be greater than or equal to 0'));
      }
    }
  }
  for (const [name, request] of Object.entries(requests)) {
    const limit = limits[name];
    const asked = amount(request);
    const most = amount(limit);
    if (asked === undefined || most === undefined || asked <= most || typeof limit !== 'string') continue;
    const detail = `must be less than or equal to ${name} limit of ${limit}`;
    errors.push(bad(`${field}.resources.requests`, request, detail));
  }
  return errors;
}

/** Source: validateContainerCommon and validateContainers in pkg/apis/core/validation, in their order. */
export function validateContainer(
  container: JsonObject,
  field: string,
  names: Set<string>,
  volumes: ReadonlySet<string>,
): FieldError[] {
  const errors: FieldError[] = [];
  const name = stringAt(container, 'name');
  if (name === '') errors.push(required(`${field}.name`));
  else errors.push(...named(`${field}.name`, name, labelNameProblem(name)));
  const image = stringAt(container, 'image');
  if (image === '') errors.push(required(`${field}.image`));
  else if (image.trim() !== image) {
    errors.push(bad(`${field}.image`, image, 'must not have leading or trailing whitespace'));
  }
  errors.push(
    ...requiredOneOf(`${field}.terminationMessagePolicy`, container.terminationMessagePolicy, [
      'File',
      'FallbackToLogsOnError',
    ]),
    ...validatePorts(container, field),
    ...validateEnvironment(container, field),
    ...validateMounts(container, field, volumes),
    ...requiredOneOf(`${field}.imagePullPolicy`, container.imagePullPolicy, [
      'Always',
      'IfNotPresent',
      'Never',
    ]),
    ...validateResources(container, field),
  );
  if (name !== '' && names.has(name)) errors.push(duplicate(`${field}.name`, name));
  names.add(name);
  for (const hook of ['postStart', 'preStop']) {
    const handler = maybeMap(maybeMap(container, 'lifecycle'), hook);
    if (handler !== undefined) errors.push(...validateHandler(handler, `${field}.lifecycle.${hook}`));
  }
  errors.push(...validateProbe(maybeMap(container, 'livenessProbe'), `${field}.livenessProbe`, true));
  errors.push(...validateProbe(maybeMap(container, 'readinessProbe'), `${field}.readinessProbe`, false));
  errors.push(...validateProbe(maybeMap(container, 'startupProbe'), `${field}.startupProbe`, true));
  return errors;
}
