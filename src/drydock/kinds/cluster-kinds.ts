import type { JsonObject } from '../../kernel/index.ts';
import { admissionEnvironment, conditionProblems } from '../admission/expressions.ts';
import type { FieldError } from '../machinery/status-errors.ts';
import { asJson, mapAt, mapsAt, maybeMap, setDefault, stringAt } from './json-access.ts';
import type { KindRules } from './kind.ts';

/** Kinds that are stored and read, whose meaning lies in controllers: ingress, policies, slices, leases, access. */
export const endpointSliceRules: KindRules = {
  defaults(object) {
    for (const port of mapsAt(asJson(object), 'ports')) {
      if (port.name === undefined) port.name = '';
      setDefault(port, 'protocol', 'TCP');
    }
  },
  validateUpdate(object, old) {
    if (asJson(object).addressType === asJson(old).addressType) return [];
    return [
      {
        type: 'invalid',
        field: 'addressType',
        value: asJson(object).addressType,
        detail: 'field is immutable',
      },
    ];
  },
};

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];

function validatePath(path: JsonObject, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const type = stringAt(path, 'pathType');
  if (type === '') {
    errors.push({ type: 'required', field: `${at}.pathType`, detail: 'pathType must be specified' });
  } else if (!PATH_TYPES.includes(type)) {
    errors.push({
      type: 'unsupported',
      field: `${at}.pathType`,
      value: type,
      detail: `supported values: ${PATH_TYPES.map((known) => JSON.stringify(known)).join(', ')}`,
    });
  } else if (type !== 'ImplementationSpecific' && !stringAt(path, 'path').startsWith('/')) {
    errors.push({
      type: 'invalid',
      field: `${at}.path`,
      value: stringAt(path, 'path'),
      detail: 'must be an absolute path',
    });
  }
  const backend = maybeMap(path, 'backend') ?? {};
  if (maybeMap(backend, 'service') === undefined && maybeMap(backend, 'resource') === undefined) {
    errors.push({ type: 'required', field: `${at}.backend`, detail: 'cannot be empty' });
  }
  return errors;
}

export const ingressRules: KindRules = {
  prepareCreate(object) {
    asJson(object).status = { loadBalancer: {} };
  },
  validate(object) {
    const spec = maybeMap(asJson(object), 'spec') ?? {};
    const rules = mapsAt(spec, 'rules');
    if (rules.length === 0 && maybeMap(spec, 'defaultBackend') === undefined) {
      return [
        {
          type: 'invalid',
          field: 'spec',
          value: spec,
          detail: 'either `defaultBackend` or `rules` must be specified',
        },
      ];
    }
    return rules.flatMap((rule, index) =>
      mapsAt(maybeMap(rule, 'http'), 'paths').flatMap((path, place) =>
        validatePath(path, `spec.rules[${index}].http.paths[${place}]`),
      ),
    );
  },
};

export const networkPolicyRules: KindRules = {
  defaults(object) {
    const spec = mapAt(asJson(object), 'spec');
    if (!Array.isArray(spec.policyTypes) || spec.policyTypes.length === 0) {
      spec.policyTypes = mapsAt(spec, 'egress').length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
    }
    for (const rule of [...mapsAt(spec, 'ingress'), ...mapsAt(spec, 'egress')]) {
      for (const port of mapsAt(rule, 'ports')) setDefault(port, 'protocol', 'TCP');
    }
  },
};

export const disruptionBudgetRules: KindRules = {
  prepareCreate(object) {
    asJson(object).status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  },
  validate(object) {
    const spec = maybeMap(asJson(object), 'spec') ?? {};
    if (spec.minAvailable === undefined || spec.maxUnavailable === undefined) return [];
    return [
      {
        type: 'invalid',
        field: 'spec',
        value: spec,
        detail: 'minAvailable and maxUnavailable cannot be both set',
      },
    ];
  },
};

function subjectDefaults(object: Parameters<NonNullable<KindRules['defaults']>>[0]): void {
  for (const subject of mapsAt(asJson(object), 'subjects')) {
    if (stringAt(subject, 'apiGroup') !== '') continue;
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup = 'rbac.authorization.k8s.io';
  }
  setDefault(mapAt(asJson(object), 'roleRef'), 'apiGroup', 'rbac.authorization.k8s.io');
}

export const bindingRules: KindRules = {
  defaults: subjectDefaults,
  validate(object) {
    const errors: FieldError[] = [];
    const role = maybeMap(asJson(object), 'roleRef') ?? {};
    if (stringAt(role, 'name') === '') errors.push({ type: 'required', field: 'roleRef.name', detail: '' });
    if (role.kind !== 'Role' && role.kind !== 'ClusterRole') {
      errors.push({
        type: 'unsupported',
        field: 'roleRef.kind',
        value: role.kind ?? '',
        detail: 'supported values: "Role", "ClusterRole"',
      });
    }
    mapsAt(asJson(object), 'subjects').forEach((subject, index) => {
      if (subject.kind === 'ServiceAccount' && stringAt(subject, 'namespace') === '') {
        errors.push({ type: 'required', field: `subjects[${index}].namespace`, detail: '' });
      }
    });
    return errors;
  },
  validateUpdate(object, old) {
    const now = maybeMap(asJson(object), 'roleRef') ?? {};
    const was = maybeMap(asJson(old), 'roleRef') ?? {};
    if (now.kind === was.kind && now.name === was.name) return [];
    return [{ type: 'invalid', field: 'roleRef', value: now, detail: 'cannot change roleRef' }];
  },
};

export const priorityClassRules: KindRules = {
  defaults: (object) => setDefault(asJson(object), 'preemptionPolicy', 'PreemptLowerPriority'),
};

export const storageClassRules: KindRules = {
  defaults(object) {
    setDefault(asJson(object), 'reclaimPolicy', 'Delete');
    setDefault(asJson(object), 'volumeBindingMode', 'Immediate');
  },
};

export const webhookRules: KindRules = {
  defaults(object) {
    for (const hook of mapsAt(asJson(object), 'webhooks')) {
      setDefault(hook, 'failurePolicy', 'Fail');
      setDefault(hook, 'matchPolicy', 'Equivalent');
      setDefault(hook, 'timeoutSeconds', 10);
      setDefault(hook, 'namespaceSelector', {});
      setDefault(hook, 'objectSelector', {});
      if (object.kind === 'MutatingWebhookConfiguration') setDefault(hook, 'reinvocationPolicy', 'Never');
      const service = maybeMap(maybeMap(hook, 'clientConfig'), 'service');
      if (service !== undefined) setDefault(service, 'port', 443);
      for (const rule of mapsAt(hook, 'rules')) setDefault(rule, 'scope', '*');
    }
  },
  validate(object) {
    const errors: FieldError[] = [];
    mapsAt(asJson(object), 'webhooks').forEach((hook, index) => {
      const at = `webhooks[${index}]`;
      if (mapsAt(hook, 'matchConditions').length > 0) {
        errors.push(...conditionProblems(hook, `${at}.`, admissionEnvironment(false)));
      }
      const effects = stringAt(hook, 'sideEffects');
      if (effects !== 'None' && effects !== 'NoneOnDryRun') {
        errors.push({
          type: 'unsupported',
          field: `${at}.sideEffects`,
          value: effects,
          detail: 'supported values: "None", "NoneOnDryRun"',
        });
      }
      const versions = Array.isArray(hook.admissionReviewVersions) ? hook.admissionReviewVersions : [];
      if (!versions.includes('v1')) {
        errors.push({
          type: 'invalid',
          field: `${at}.admissionReviewVersions`,
          value: versions,
          detail: 'must include at least one of v1, v1beta1',
        });
      }
    });
    return errors;
  },
};
