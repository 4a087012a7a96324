import type { JsonObject } from '../../kernel/index.ts';
import { asJson, mapsAt, maybeMap, stringAt } from '../kinds/json-access.ts';
import type { Store } from '../store/store.ts';
import { selectorMatchesLabels } from './label-selectors.ts';
import type { Decision, Question } from './authorizer.ts';
import type { User } from './write-request.ts';

const GROUP = 'rbac.authorization.k8s.io';
/** Everybody in it may do everything, roles or not. */
export const MASTERS = 'system:masters';

interface Granted {
  readonly rules: readonly JsonObject[];
  readonly reason: string;
}

const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];

function isSubject(subject: JsonObject, user: User, bindingNamespace: string | undefined): boolean {
  const name = stringAt(subject, 'name');
  switch (stringAt(subject, 'kind')) {
    case 'User':
      return name === user.name;
    case 'Group':
      return user.groups.includes(name);
    case 'ServiceAccount': {
      const namespace = stringAt(subject, 'namespace') || (bindingNamespace ?? '');
      return user.name === `system:serviceaccount:${namespace}:${name}`;
    }
    default:
      return false;
  }
}

function matchesPath(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true;
  return pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1));
}

function allows(rule: JsonObject, question: Question): boolean {
  const verbs = strings(rule.verbs);
  if (!verbs.includes('*') && !verbs.includes(question.verb)) return false;
  if (question.path !== undefined) {
    const { path } = question;
    return strings(rule.nonResourceURLs).some((pattern) => matchesPath(pattern, path));
  }
  const groups = strings(rule.apiGroups);
  if (!groups.includes('*') && !groups.includes(question.group)) return false;
  const wanted =
    question.subresource === '' ? question.resource : `${question.resource}/${question.subresource}`;
  const resources = strings(rule.resources);
  const any = question.subresource !== '' && resources.includes(`*/${question.subresource}`);
  if (!resources.includes('*') && !resources.includes(wanted) && !any) return false;
  const names = strings(rule.resourceNames);
  return names.length === 0 || names.includes(question.name);
}

/** Roles and bindings as they are stored, asked anew for each decision. Source: plugin/pkg/auth/authorizer/rbac. */
export class RoleBasedAccess {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  decide(user: User, question: Question): Decision {
    if (user.groups.includes(MASTERS)) return { allowed: true, reason: '' };
    const namespace = question.path === undefined ? question.namespace : '';
    for (const granted of this.#grantedTo(user, namespace)) {
      if (granted.rules.some((rule) => allows(rule, question)))
        return { allowed: true, reason: granted.reason };
    }
    return { allowed: false, reason: '' };
  }

  rulesFor(user: User, namespace: string): readonly JsonObject[] {
    if (user.groups.includes(MASTERS)) {
      return [
        { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
        { verbs: ['*'], nonResourceURLs: ['*'] },
      ];
    }
    return [...this.#grantedTo(user, namespace)].flatMap((granted) => granted.rules);
  }

  *#grantedTo(user: User, namespace: string): Generator<Granted> {
    for (const entry of this.#store.table(`${GROUP}/clusterrolebindings`).entries.values()) {
      const binding = asJson(entry.object);
      const subject = mapsAt(binding, 'subjects').find((found) => isSubject(found, user, undefined));
      if (subject === undefined) continue;
      yield {
        rules: this.#rulesOf(maybeMap(binding, 'roleRef'), undefined),
        reason: reasonOf('ClusterRoleBinding', entry.name, binding, subject),
      };
    }
    if (namespace === '') return;
    for (const entry of this.#store.table(`${GROUP}/rolebindings`).entries.values()) {
      if (entry.namespace !== namespace) continue;
      const binding = asJson(entry.object);
      const subject = mapsAt(binding, 'subjects').find((found) => isSubject(found, user, namespace));
      if (subject === undefined) continue;
      yield {
        rules: this.#rulesOf(maybeMap(binding, 'roleRef'), namespace),
        reason: reasonOf('RoleBinding', `${entry.name}/${namespace}`, binding, subject),
      };
    }
  }

  #rulesOf(reference: JsonObject | undefined, namespace: string | undefined): readonly JsonObject[] {
    const name = stringAt(reference, 'name');
    if (stringAt(reference, 'kind') === 'Role') {
      const role = namespace === undefined ? undefined : this.#store.get(`${GROUP}/roles`, namespace, name);
      return role === undefined ? [] : mapsAt(asJson(role.object), 'rules');
    }
    const role = this.#store.get(`${GROUP}/clusterroles`, undefined, name);
    if (role === undefined) return [];
    const aggregation = mapsAt(maybeMap(asJson(role.object), 'aggregationRule'), 'clusterRoleSelectors');
    if (aggregation.length === 0) return mapsAt(asJson(role.object), 'rules');
    const rules: JsonObject[] = [];
    for (const other of this.#store.table(`${GROUP}/clusterroles`).entries.values()) {
      if (other.name === name) continue;
      const labels = other.object.metadata.labels ?? {};
      if (aggregation.some((selector) => selectorMatchesLabels(selector, labels))) {
        rules.push(...mapsAt(asJson(other.object), 'rules'));
      }
    }
    return rules;
  }
}

function reasonOf(kind: string, name: string, binding: JsonObject, subject: JsonObject): string {
  const role = maybeMap(binding, 'roleRef');
  const namespace = stringAt(subject, 'namespace');
  const who = `${stringAt(subject, 'kind')} "${stringAt(subject, 'name')}${namespace === '' ? '' : `/${namespace}`}"`;
  return `RBAC: allowed by ${kind} "${name}" of ${stringAt(role, 'kind')} "${stringAt(role, 'name')}" to ${who}`;
}
