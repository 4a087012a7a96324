import type { JsonObject } from '../../kernel/index.ts';
import { GoText, type FieldError } from '../machinery/status-errors.ts';
import { parseQuantity } from '../schema/quantity.ts';
import { bad, duplicate, oneOf } from './field-errors.ts';
import { asJson, mapAt, mapsAt, maybeMap, stringAt } from './json-access.ts';
import type { KindRules } from './kind.ts';

const COMPUTE = new Set([
  'cpu',
  'memory',
  'ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
]);
const COUNTED = new Set([
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'persistentvolumeclaims',
  'configmaps',
  'services.nodeports',
  'services.loadbalancers',
]);
const STORAGE = new Set(['requests.storage']);
const OTHER_STANDARD = new Set(['storage']);

const isQuotaName = (name: string) => COMPUTE.has(name) || COUNTED.has(name) || STORAGE.has(name);

const SCOPES: Readonly<Record<string, (resource: string) => boolean>> = {
  Terminating: (name) => COMPUTE.has(name) || name === 'pods',
  NotTerminating: (name) => COMPUTE.has(name) || name === 'pods',
  NotBestEffort: (name) => COMPUTE.has(name) || name === 'pods',
  PriorityClass: (name) => COMPUTE.has(name) || name === 'pods',
  CrossNamespacePodAffinity: (name) => COMPUTE.has(name) || name === 'pods',
  BestEffort: (name) => name === 'pods',
};
const CONFLICTS = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;

function validateAmounts(amounts: JsonObject | undefined, field: string): FieldError[] {
  return Object.entries(amounts ?? {}).flatMap(([name, amount]) => {
    const at = `${field}[${name}]`;
    const errors: FieldError[] = [];
    if (!name.includes('/') && !isQuotaName(name)) {
      if (!OTHER_STANDARD.has(name)) {
        errors.push(bad(at, name, 'must be a standard resource type or fully qualified'));
      }
      errors.push(bad(at, name, 'must be a standard resource for quota'));
    }
    const parsed = typeof amount === 'string' ? parseQuantity(amount) : undefined;
    if (parsed !== undefined && parsed.nanos < 0n) {
      errors.push(bad(at, amount, 'must be greater than or equal to 0'));
    } else if (parsed !== undefined && COUNTED.has(name) && parsed.nanos % 1_000_000_000n !== 0n) {
      errors.push(bad(at, amount, 'must be an integer'));
    }
    return errors;
  });
}

function validateScopes(spec: JsonObject): FieldError[] {
  const scopes = Array.isArray(spec.scopes) ? spec.scopes.filter((scope) => typeof scope === 'string') : [];
  const resources = Object.keys(maybeMap(spec, 'hard') ?? {}).filter(isQuotaName);
  const shown = new GoText(
    `[]core.ResourceQuotaScope{${scopes.map((scope) => JSON.stringify(scope)).join(', ')}}`,
  );
  const errors: FieldError[] = [];
  for (const scope of scopes) {
    const covers = Object.hasOwn(SCOPES, scope) ? SCOPES[scope] : undefined;
    if (covers === undefined) {
      errors.push(bad('spec.scopes', shown, 'unsupported scope'));
      continue;
    }
    for (const resource of resources) {
      if (!covers(resource)) errors.push(bad('spec.scopes', shown, 'unsupported scope applied to resource'));
    }
  }
  for (const pair of CONFLICTS) {
    if (pair.every((scope) => scopes.includes(scope))) {
      errors.push(bad('spec.scopes', shown, 'conflicting scopes'));
    }
  }
  return errors;
}

/** Source: ValidateResourceQuotaSpec in pkg/apis/core/validation. */
export const resourceQuotaRules: KindRules = {
  prepareCreate(object) {
    asJson(object).status = {};
  },
  validate(object) {
    const spec = maybeMap(asJson(object), 'spec') ?? {};
    return [...validateAmounts(maybeMap(spec, 'hard'), 'spec.hard'), ...validateScopes(spec)];
  },
};

/** What must not be above what, the field that is blamed, and how both are called. */
const LIMIT_ORDER = [
  ['min', 'max', 'min', 'min value', 'max value'],
  ['min', 'defaultRequest', 'defaultRequest', 'min value', 'default request value'],
  ['defaultRequest', 'max', 'defaultRequest', 'default request value', 'max value'],
  ['defaultRequest', 'default', 'defaultRequest', 'default request value', 'default limit value'],
  ['min', 'default', 'default', 'min value', 'default value'],
  ['default', 'max', 'default', 'default value', 'max value'],
] as const;

function validateLimit(limit: JsonObject, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const amountOf = (list: string, name: string) => {
    const text = maybeMap(limit, list)?.[name];
    if (typeof text !== 'string') return undefined;
    const nanos = parseQuantity(text)?.nanos;
    return nanos === undefined ? undefined : { nanos, text };
  };
  const names = new Set(
    ['min', 'max', 'default', 'defaultRequest'].flatMap((list) => Object.keys(maybeMap(limit, list) ?? {})),
  );
  for (const name of names) {
    for (const [low, high, place, lowWords, highWords] of LIMIT_ORDER) {
      const less = amountOf(low, name);
      const more = amountOf(high, name);
      if (less === undefined || more === undefined || less.nanos <= more.nanos) continue;
      const detail = `${lowWords} ${less.text} is greater than ${highWords} ${more.text}`;
      errors.push(bad(`${field}.${place}[${name}]`, less.text, detail));
    }
  }
  return errors;
}

export const limitRangeRules: KindRules = {
  defaults(object) {
    for (const limit of mapsAt(mapAt(asJson(object), 'spec'), 'limits')) {
      if (limit.type !== 'Container') continue;
      const max = maybeMap(limit, 'max');
      const min = maybeMap(limit, 'min');
      if (max !== undefined) {
        const standard = mapAt(limit, 'default');
        for (const [name, amount] of Object.entries(max)) standard[name] ??= amount;
      }
      const standard = maybeMap(limit, 'default');
      if (standard !== undefined || min !== undefined) {
        const request = mapAt(limit, 'defaultRequest');
        for (const [name, amount] of Object.entries(standard ?? {})) request[name] ??= amount;
        for (const [name, amount] of Object.entries(min ?? {})) request[name] ??= amount;
      }
    }
  },
  validate(object) {
    const seen = new Set<string>();
    return mapsAt(maybeMap(asJson(object), 'spec'), 'limits').flatMap((limit, index) => {
      const field = `spec.limits[${index}]`;
      const type = stringAt(limit, 'type');
      const errors = type.includes('/')
        ? []
        : oneOf(`${field}.type`, type, ['Container', 'PersistentVolumeClaim', 'Pod']);
      if (seen.has(type)) errors.push(duplicate(`${field}.type`, type));
      seen.add(type);
      return [...errors, ...validateLimit(limit, field)];
    });
  },
};
