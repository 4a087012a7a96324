import { compilePolicy } from '../admission/policy-programs.ts';
import { jsonEqual } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import type { FieldError } from '../machinery/status-errors.ts';
import { asJson, mapAt, mapsAt, maybeMap, setDefault, stringAt } from './json-access.ts';
import type { KindRules } from './kind.ts';

function matchDefaults(resources: JsonObject | undefined): void {
  if (resources === undefined) return;
  setDefault(resources, 'matchPolicy', 'Equivalent');
  setDefault(resources, 'namespaceSelector', {});
  setDefault(resources, 'objectSelector', {});
  for (const field of ['resourceRules', 'excludeResourceRules']) {
    for (const rule of mapsAt(resources, field)) setDefault(rule, 'scope', '*');
  }
}

function statusOf(object: KubeObject, generation: number): void {
  asJson(object).status = { observedGeneration: generation, typeChecking: {} };
}

function resourceProblems(resources: JsonObject | undefined, path: string): FieldError[] {
  return mapsAt(resources, 'resourceRules').flatMap((rule, index) =>
    ['apiGroups', 'apiVersions', 'operations', 'resources'].flatMap((field): FieldError[] =>
      Array.isArray(rule[field]) && rule[field].length > 0
        ? []
        : [{ type: 'required', field: `${path}.resourceRules[${index}].${field}`, detail: '' }],
    ),
  );
}

/** Source: pkg/apis/admissionregistration/v1/defaults.go and validation/validation.go. */
export const policyRules: KindRules = {
  defaults(object) {
    const spec = mapAt(asJson(object), 'spec');
    setDefault(spec, 'failurePolicy', 'Fail');
    matchDefaults(maybeMap(spec, 'matchConstraints'));
  },
  prepareCreate: (object) => statusOf(object, 1),
  prepareUpdate(object, old) {
    const generation = old.metadata.generation ?? 0;
    const same = jsonEqual(asJson(object).spec ?? null, asJson(old).spec ?? null);
    statusOf(object, same ? generation : generation + 1);
  },
  validate(object) {
    const spec = maybeMap(asJson(object), 'spec') ?? {};
    const errors: FieldError[] = [];
    if (mapsAt(spec, 'validations').length === 0 && mapsAt(spec, 'auditAnnotations').length === 0) {
      errors.push({
        type: 'required',
        field: 'spec.validations',
        detail: 'validations or auditAnnotations must contain at least one item',
      });
    }
    const constraints = maybeMap(spec, 'matchConstraints');
    if (constraints === undefined) {
      errors.push({ type: 'required', field: 'spec.matchConstraints', detail: '' });
    } else if (mapsAt(constraints, 'resourceRules').length === 0) {
      errors.push({ type: 'required', field: 'spec.matchConstraints.resourceRules', detail: '' });
    }
    errors.push(...resourceProblems(constraints, 'spec.matchConstraints'));
    return [...errors, ...compilePolicy(spec).problems];
  },
};

const ACTIONS = ['Audit', 'Deny', 'Warn'];

export const policyBindingRules: KindRules = {
  defaults: (object) => matchDefaults(maybeMap(mapAt(asJson(object), 'spec'), 'matchResources')),
  validate(object) {
    const spec = maybeMap(asJson(object), 'spec') ?? {};
    const errors: FieldError[] = [];
    if (stringAt(spec, 'policyName') === '') {
      errors.push({ type: 'required', field: 'spec.policyName', detail: '' });
    }
    const reference = maybeMap(spec, 'paramRef');
    if (reference !== undefined) {
      const named = stringAt(reference, 'name') !== '';
      if (named === (maybeMap(reference, 'selector') !== undefined)) {
        errors.push(
          named
            ? {
                type: 'forbidden',
                field: 'spec.paramRef.name',
                detail: 'name and selector are mutually exclusive',
              }
            : {
                type: 'required',
                field: 'spec.paramRef',
                detail: 'one of name or selector must be specified',
              },
        );
      }
      if (!['Allow', 'Deny'].includes(stringAt(reference, 'parameterNotFoundAction'))) {
        errors.push({ type: 'required', field: 'spec.paramRef.parameterNotFoundAction', detail: '' });
      }
    }
    const actions = Array.isArray(spec.validationActions) ? spec.validationActions : [];
    if (actions.length === 0) errors.push({ type: 'required', field: 'spec.validationActions', detail: '' });
    actions.forEach((action, index) => {
      if (typeof action === 'string' && ACTIONS.includes(action)) return;
      errors.push({
        type: 'unsupported',
        field: `spec.validationActions[${index}]`,
        value: action,
        detail: `supported values: ${ACTIONS.map((known) => JSON.stringify(known)).join(', ')}`,
      });
    });
    if (actions.includes('Deny') && actions.includes('Warn')) {
      errors.push({
        type: 'invalid',
        field: 'spec.validationActions',
        value: actions,
        detail:
          'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
      });
    }
    return [...errors, ...resourceProblems(maybeMap(spec, 'matchResources'), 'spec.matchResources')];
  },
};
