import type { JsonObject } from '../../kernel/index.ts';
import type { FieldError } from '../machinery/status-errors.ts';
import { validateContainer } from './container-validation.ts';
import {
  bad,
  duplicate,
  named,
  nonNegative,
  oneOf,
  required,
  requiredOneOf,
  unsupported,
} from './field-errors.ts';
import { mapsAt, maybeMap, numberAt, stringAt } from './json-access.ts';
import { validateLabelKey, validateLabels } from './label-validation.ts';
import { labelNameProblem, subdomainNameProblem } from './names.ts';

export function validateReplicas(spec: JsonObject): FieldError[] {
  return nonNegative('spec.replicas', spec.replicas);
}

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

function validateTolerations(spec: JsonObject, field: string): FieldError[] {
  return mapsAt(spec, 'tolerations').flatMap((toleration, index) => {
    const at = `${field}.tolerations[${index}]`;
    const errors: FieldError[] = [];
    const key = stringAt(toleration, 'key');
    const operator = stringAt(toleration, 'operator');
    if (key !== '') errors.push(...validateLabelKey(key, `${at}.key`));
    if (key === '' && operator !== 'Exists') {
      const detail =
        'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(bad(`${at}.operator`, operator, detail));
    }
    if (toleration.tolerationSeconds !== undefined && toleration.effect !== 'NoExecute') {
      const detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
      errors.push(bad(`${at}.effect`, stringAt(toleration, 'effect'), detail));
    }
    if (operator === 'Exists' && stringAt(toleration, 'value') !== '') {
      const detail = "value must be empty when `operator` is 'Exists'";
      errors.push(bad(`${at}.operator`, toleration, detail));
    }
    if (!['', 'Equal', 'Exists'].includes(operator)) {
      errors.push(unsupported(`${at}.operator`, operator, ['Equal', 'Exists']));
    }
    if (stringAt(toleration, 'effect') !== '')
      errors.push(...oneOf(`${at}.effect`, toleration.effect, EFFECTS));
    return errors;
  });
}

function validateSpreads(spec: JsonObject, field: string): FieldError[] {
  return mapsAt(spec, 'topologySpreadConstraints').flatMap((constraint, index) => {
    const at = `${field}.topologySpreadConstraints[${index}]`;
    const skew = numberAt(constraint, 'maxSkew');
    return [
      ...(skew <= 0 ? [bad(`${at}.maxSkew`, skew, 'must be greater than zero')] : []),
      ...(stringAt(constraint, 'topologyKey') === ''
        ? [required(`${at}.topologyKey`, 'can not be empty')]
        : []),
      ...oneOf(`${at}.whenUnsatisfiable`, constraint.whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']),
    ];
  });
}

const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const MAX_INT32 = 2_147_483_647;

function validateVolumes(spec: JsonObject, field: string): { errors: FieldError[]; names: Set<string> } {
  const names = new Set<string>();
  const errors: FieldError[] = [];
  mapsAt(spec, 'volumes').forEach((volume, index) => {
    const name = stringAt(volume, 'name');
    const at = `${field}.volumes[${index}]`;
    const sources = Object.keys(volume).filter((key) => key !== 'name');
    for (const source of sources.slice(1)) {
      errors.push({
        type: 'forbidden',
        field: `${at}.${source}`,
        detail: 'may not specify more than 1 volume type',
      });
    }
    if (sources.length === 0) errors.push(required(at, 'must specify a volume type'));
    if (name === '') errors.push(required(`${at}.name`));
    else errors.push(...named(`${at}.name`, name, labelNameProblem(name)));
    if (name !== '' && names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
  });
  return { errors, names };
}

/** Source: ValidatePodSpec in pkg/apis/core/validation, in its order. */
export function validatePodSpec(spec: JsonObject, field: string): FieldError[] {
  const { errors, names: volumes } = validateVolumes(spec, field);
  const containers = mapsAt(spec, 'containers');
  if (containers.length === 0) errors.push(required(`${field}.containers`));
  const names = new Set<string>();
  for (const list of ['containers', 'initContainers']) {
    mapsAt(spec, list).forEach((container, index) => {
      errors.push(...validateContainer(container, `${field}.${list}[${index}]`, names, volumes));
    });
  }
  errors.push(
    ...requiredOneOf(`${field}.restartPolicy`, spec.restartPolicy, RESTART_POLICIES),
    ...requiredOneOf(`${field}.dnsPolicy`, spec.dnsPolicy, DNS_POLICIES),
    ...validateLabels(maybeMap(spec, 'nodeSelector'), `${field}.nodeSelector`),
    ...validateSpreads(spec, field),
  );
  const account = stringAt(spec, 'serviceAccountName');
  if (account !== '')
    errors.push(...named(`${field}.serviceAccountName`, account, subdomainNameProblem(account)));
  const deadline = spec.activeDeadlineSeconds;
  if (typeof deadline === 'number' && (deadline < 1 || deadline > MAX_INT32)) {
    const detail = `must be between 1 and ${MAX_INT32}, inclusive`;
    errors.push(bad(`${field}.activeDeadlineSeconds`, deadline, detail));
  }
  for (const name of ['hostname', 'subdomain']) {
    const value = stringAt(spec, name);
    if (value !== '') errors.push(...named(`${field}.${name}`, value, labelNameProblem(value)));
  }
  return [...errors, ...validateTolerations(spec, field)];
}

/** The template of what keeps pods running: they restart always, and for as long as they are wanted. */
export function validateLastingTemplate(spec: JsonObject, owner: string): FieldError[] {
  const pod = maybeMap(maybeMap(spec, 'template'), 'spec');
  const errors = validatePodTemplate(spec);
  const policy = stringAt(pod, 'restartPolicy');
  if (RESTART_POLICIES.includes(policy) && policy !== 'Always') {
    errors.push(unsupported('spec.template.spec.restartPolicy', policy, ['Always']));
  }
  if (pod?.activeDeadlineSeconds !== undefined) {
    const detail = `activeDeadlineSeconds in ${owner} is not Supported`;
    errors.push({ type: 'forbidden', field: 'spec.template.spec.activeDeadlineSeconds', detail });
  }
  return errors;
}

export function validatePodTemplate(spec: JsonObject, field = 'spec.template'): FieldError[] {
  const template = maybeMap(spec, 'template');
  const errors = validateLabels(maybeMap(maybeMap(template, 'metadata'), 'labels'), `${field}.labels`);
  return [...errors, ...validatePodSpec(maybeMap(template, 'spec') ?? {}, `${field}.spec`)];
}

/** What a Job says, wherever it stands. Source: validateJobSpec in pkg/apis/batch/validation. */
export function validateJobSpec(spec: JsonObject, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
  ]) {
    errors.push(...nonNegative(`${field}.${name}`, spec[name]));
  }
  errors.push(...validatePodTemplate(spec, `${field}.template`));
  const policy = stringAt(maybeMap(maybeMap(spec, 'template'), 'spec'), 'restartPolicy');
  if (policy === '' || policy === 'Always') {
    errors.push(
      policy === ''
        ? required(`${field}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"')
        : unsupported(`${field}.template.spec.restartPolicy`, policy, ['OnFailure', 'Never']),
    );
  }
  return errors;
}
