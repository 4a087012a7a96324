import { admissionEnvironment, conditionProblems } from '../admission/expressions.ts';
import type { FieldError } from '../machinery/status-errors.ts';
import { bad, countOrPercent } from './field-errors.ts';
import { asJson, mapsAt, maybeMap, setDefault, stringAt } from './json-access.ts';
import type { KindRules } from './kind.ts';
import { validateLabelSelector } from './label-validation.ts';

/** Kinds that are stored and read, whose meaning lies elsewhere: slices, budgets, webhooks. */
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

export const disruptionBudgetRules: KindRules = {
  prepareCreate(object) {
    asJson(object).status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  },
  validate(object) {
    const spec = maybeMap(asJson(object), 'spec') ?? {};
    return [
      ...(spec.minAvailable !== undefined && spec.maxUnavailable !== undefined
        ? [bad('spec', spec, 'minAvailable and maxUnavailable cannot be both set')]
        : []),
      ...countOrPercent('spec.minAvailable', spec.minAvailable),
      ...countOrPercent('spec.maxUnavailable', spec.maxUnavailable),
      ...validateLabelSelector(maybeMap(spec, 'selector'), 'spec.selector'),
    ];
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
