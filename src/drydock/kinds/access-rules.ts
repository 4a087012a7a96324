import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import type { FieldError } from '../machinery/status-errors.ts';
import { bad, named, oneOf, required, requiredOneOf, unsupported } from './field-errors.ts';
import { asJson, mapAt, mapsAt, maybeMap, setDefault, stringAt } from './json-access.ts';
import type { KindRules } from './kind.ts';
import { validateLabelSelector } from './label-validation.ts';
import { pathSegmentProblem, subdomainNameProblem } from './names.ts';

const GROUP = 'rbac.authorization.k8s.io';
const count = (value: unknown) => (Array.isArray(value) ? value.length : 0);

function validateRule(rule: JsonObject, field: string, namespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (count(rule.verbs) === 0) {
    errors.push(required(`${field}.verbs`, 'verbs must contain at least one value'));
  }
  if (count(rule.nonResourceURLs) > 0) {
    if (namespaced) {
      const detail = 'namespaced rules cannot apply to non-resource URLs';
      errors.push(bad(`${field}.nonResourceURLs`, rule.nonResourceURLs, detail));
    }
    if (count(rule.apiGroups) + count(rule.resources) + count(rule.resourceNames) > 0) {
      const detail = 'rules cannot apply to both regular resources and non-resource URLs';
      errors.push(bad(`${field}.nonResourceURLs`, rule.nonResourceURLs, detail));
    }
    return errors;
  }
  if (count(rule.apiGroups) === 0) {
    errors.push(required(`${field}.apiGroups`, 'resource rules must supply at least one api group'));
  }
  if (count(rule.resources) === 0) {
    errors.push(required(`${field}.resources`, 'resource rules must supply at least one resource'));
  }
  return errors;
}

function validateRules(object: KubeObject, namespaced: boolean): FieldError[] {
  return mapsAt(asJson(object), 'rules').flatMap((rule, index) =>
    validateRule(rule, `rules[${index}]`, namespaced),
  );
}

export const roleRules: KindRules = { validate: (object) => validateRules(object, true) };

export const clusterRoleRules: KindRules = {
  validate(object) {
    const errors = validateRules(object, false);
    const aggregation = maybeMap(asJson(object), 'aggregationRule');
    if (aggregation === undefined) return errors;
    const selectors = mapsAt(aggregation, 'clusterRoleSelectors');
    if (selectors.length === 0) {
      const detail = 'at least one clusterRoleSelector required if aggregationRule is non-nil';
      errors.push(required('aggregationRule.clusterRoleSelectors', detail));
    }
    selectors.forEach((selector, index) => {
      errors.push(...validateLabelSelector(selector, `aggregationRule.clusterRoleSelectors[${index}]`));
    });
    return errors;
  },
};

function validateSubject(subject: JsonObject, field: string, namespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const name = stringAt(subject, 'name');
  if (name === '') errors.push(required(`${field}.name`));
  const group = stringAt(subject, 'apiGroup');
  const { kind } = subject;
  if (kind === 'User' || kind === 'Group') {
    return [...errors, ...oneOf(`${field}.apiGroup`, group, [GROUP])];
  }
  if (kind !== 'ServiceAccount') {
    return [...errors, unsupported(`${field}.kind`, kind, ['ServiceAccount', 'User', 'Group'])];
  }
  if (name !== '') errors.push(...named(`${field}.name`, name, subdomainNameProblem(name)));
  if (group !== '') errors.push(unsupported(`${field}.apiGroup`, group, ['']));
  if (!namespaced && stringAt(subject, 'namespace') === '') errors.push(required(`${field}.namespace`));
  return errors;
}

/** Source: pkg/apis/rbac/validation and its defaults. */
function bindingRules(namespaced: boolean): KindRules {
  return {
    defaults(object) {
      for (const subject of mapsAt(asJson(object), 'subjects')) {
        if (stringAt(subject, 'apiGroup') !== '') continue;
        if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup = GROUP;
      }
      setDefault(mapAt(asJson(object), 'roleRef'), 'apiGroup', GROUP);
    },
    validate(object) {
      const role = maybeMap(asJson(object), 'roleRef') ?? {};
      const name = stringAt(role, 'name');
      return [
        ...oneOf('roleRef.apiGroup', role.apiGroup, [GROUP]),
        ...oneOf('roleRef.kind', role.kind ?? '', namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole']),
        ...(name === '' ? [required('roleRef.name')] : named('roleRef.name', name, pathSegmentProblem(name))),
        ...mapsAt(asJson(object), 'subjects').flatMap((subject, index) =>
          validateSubject(subject, `subjects[${index}]`, namespaced),
        ),
      ];
    },
    validateUpdate(object, old) {
      const now = maybeMap(asJson(object), 'roleRef') ?? {};
      const was = maybeMap(asJson(old), 'roleRef') ?? {};
      if (now.kind === was.kind && now.name === was.name) return [];
      return [bad('roleRef', now, 'cannot change roleRef')];
    },
  };
}

export const roleBindingRules = bindingRules(true);
export const clusterRoleBindingRules = bindingRules(false);

export const leaseRules: KindRules = {
  validate(object) {
    const spec = maybeMap(asJson(object), 'spec') ?? {};
    const duration = spec.leaseDurationSeconds;
    return [
      ...(typeof duration === 'number' && duration <= 0
        ? [bad('spec.leaseDurationSeconds', duration, 'must be greater than 0')]
        : []),
      ...(typeof spec.leaseTransitions === 'number' && spec.leaseTransitions < 0
        ? [bad('spec.leaseTransitions', spec.leaseTransitions, 'must be greater than or equal to 0')]
        : []),
    ];
  },
};

const MOST_PRIORITY = 1_000_000_000;
/** Value and description of the classes that belong to the system. */
export const SYSTEM_PRIORITY_CLASSES: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

/** Source: pkg/apis/scheduling/validation. */
export const priorityClassRules: KindRules = {
  defaults: (object) => setDefault(asJson(object), 'preemptionPolicy', 'PreemptLowerPriority'),
  validate(object) {
    const { name } = object.metadata;
    const { value, preemptionPolicy } = asJson(object);
    const errors: FieldError[] = [];
    if (name.startsWith('system-')) {
      const known = SYSTEM_PRIORITY_CLASSES[name];
      const why =
        known === undefined
          ? `${name} is not a known system priority class`
          : known === value
            ? undefined
            : `value of ${name} PriorityClass must be ${known}`;
      if (why !== undefined) {
        const detail = `priority class names with 'system-' prefix are reserved for system use only. error: ${why}`;
        errors.push({ type: 'forbidden', field: 'metadata.name', detail });
      }
    } else if (typeof value === 'number' && value > MOST_PRIORITY) {
      const detail = `maximum allowed value of a user defined priority is ${MOST_PRIORITY}`;
      errors.push({ type: 'forbidden', field: 'value', detail });
    }
    return [
      ...errors,
      ...requiredOneOf('preemptionPolicy', preemptionPolicy, ['PreemptLowerPriority', 'Never']),
    ];
  },
  validateUpdate(object, old) {
    const errors: FieldError[] = [];
    for (const [field, detail] of [
      ['value', 'may not be changed in an update.'],
      ['preemptionPolicy', 'field is immutable'],
    ] as const) {
      const now = asJson(object)[field];
      if (now === asJson(old)[field]) continue;
      errors.push(field === 'value' ? { type: 'forbidden', field, detail } : bad(field, now, detail));
    }
    return errors;
  },
};
