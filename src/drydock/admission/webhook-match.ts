import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { mapsAt, maybeMap, stringAt } from '../kinds/json-access.ts';
import type { AdmissionOperation } from '../machinery/admission.ts';
import { selectorMatchesLabels } from '../machinery/label-selectors.ts';
import type { WriteRequest } from '../machinery/write-request.ts';
import type { Store } from '../store/store.ts';

const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];

const includes = (list: unknown, wanted: string) => {
  const found = strings(list);
  return found.includes('*') || found.includes(wanted);
};

function matchesResource(rule: JsonObject, request: WriteRequest): boolean {
  const { kind, subresource } = request;
  return strings(rule.resources).some((pattern) => {
    const [resource = '', sub] = pattern.split('/', 2);
    if (resource !== '*' && resource !== kind.resource) return false;
    if (pattern === '*') return subresource === undefined;
    if (sub === undefined) return subresource === undefined;
    return sub === '*' || sub === (subresource ?? '');
  });
}

function matchesRule(rule: JsonObject, operation: AdmissionOperation, request: WriteRequest): boolean {
  const { kind } = request;
  const scope = stringAt(rule, 'scope') || '*';
  if (scope === 'Cluster' && kind.namespaced) return false;
  if (scope === 'Namespaced' && !kind.namespaced) return false;
  return (
    includes(rule.operations, operation) &&
    includes(rule.apiGroups, kind.group) &&
    includes(rule.apiVersions, kind.version) &&
    matchesResource(rule, request)
  );
}

function matchesNamespace(
  hook: JsonObject,
  object: KubeObject,
  request: WriteRequest,
  store: Store,
): boolean {
  const selector = maybeMap(hook, 'namespaceSelector');
  if (selector === undefined) return true;
  const { kind } = request;
  if (kind.kind === 'Namespace' && kind.group === '') {
    return selectorMatchesLabels(selector, object.metadata.labels ?? {});
  }
  if (!kind.namespaced) return true;
  const namespace = store.get('/namespaces', undefined, object.metadata.namespace ?? '');
  return selectorMatchesLabels(selector, namespace?.object.metadata.labels ?? {});
}

function matchesNamed(
  rule: JsonObject,
  operation: AdmissionOperation,
  object: KubeObject,
  request: WriteRequest,
): boolean {
  const names = strings(rule.resourceNames);
  return (
    (names.length === 0 || names.includes(object.metadata.name)) && matchesRule(rule, operation, request)
  );
}

/** Whether a policy or its binding concerns a write. Source: apiserver's admission/plugin/policy/matching. */
export function matchesResources(
  constraints: JsonObject,
  asked: {
    readonly operation: AdmissionOperation;
    readonly object: KubeObject;
    readonly old: KubeObject | undefined;
    readonly request: WriteRequest;
  },
  store: Store,
): boolean {
  const { operation, object, old, request } = asked;
  if (!matchesNamespace(constraints, object, request, store)) return false;
  if (!matchesObject(constraints, object, old)) return false;
  const matches = (rule: JsonObject) => matchesNamed(rule, operation, object, request);
  if (mapsAt(constraints, 'excludeResourceRules').some(matches)) return false;
  const rules = mapsAt(constraints, 'resourceRules');
  return rules.length === 0 || rules.some(matches);
}

function matchesObject(hook: JsonObject, object: KubeObject, old: KubeObject | undefined): boolean {
  const selector = maybeMap(hook, 'objectSelector');
  if (selector === undefined) return true;
  return (
    selectorMatchesLabels(selector, object.metadata.labels ?? {}) ||
    (old !== undefined && selectorMatchesLabels(selector, old.metadata.labels ?? {}))
  );
}

/** Whether a webhook is to be asked about a write. Source: apiserver's admission/plugin/webhook/predicates. */
export function isAsked(
  hook: JsonObject,
  operation: AdmissionOperation,
  object: KubeObject,
  old: KubeObject | undefined,
  request: WriteRequest,
  store: Store,
): boolean {
  if (!mapsAt(hook, 'rules').some((rule) => matchesRule(rule, operation, request))) return false;
  return matchesNamespace(hook, object, request, store) && matchesObject(hook, object, old);
}
