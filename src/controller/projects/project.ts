import { LandfallError, getArray, getIn, getObject, getString } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { splitApiVersion } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { normalizedUrl } from '../../boundaries/render/index.ts';
import type { ApplicationSpec } from '../../boundaries/sync/index.ts';
import type { Cluster } from '../clusters/index.ts';
import { PROJECT, inspect } from '../fields/index.ts';
import { globOf } from '../../boundaries/settings/index.ts';

/** A cluster as far as projects are about it. */
export type ProjectCluster = Pick<Cluster, 'name' | 'server' | 'project'>;

/** What an AppProject lets its applications do, in Argo CD's words where it does not. */
export interface Project {
  readonly name: string;
  /** Fields of its spec that nobody here knows, each with the project's name. */
  readonly unknown: readonly string[];
  /** What keeps an application from being compared at all. */
  problems(spec: ApplicationSpec, cluster: ProjectCluster): readonly string[];
  /** Why an object may not be applied; undefined when it may. */
  refusal(object: KubeObject, cluster: ProjectCluster): string | undefined;
  /** Applications of that namespace may name this project. */
  admits(namespace: string, home: string): boolean;
  /** `spec.syncWindows` as written. */
  readonly windows: readonly JsonValue[];
  /**
   * The user that a sync to that destination acts as, by `spec.destinationServiceAccounts`; undefined: none is named.
   * Throws `invalid-input` for an account that is no name.
   */
  serviceAccount(destination: {
    readonly server: string;
    readonly namespace: string;
    /** Of the Application: where its destination names none. */
    readonly home: string;
  }): string | undefined;
  /** `spec.orphanedResources`; undefined: nobody wants to know. */
  readonly orphans: { readonly warn: boolean; readonly ignores: (object: KubeObject) => boolean } | undefined;
}

/** The rules of an AppProject, as `pkg/apis/application/v1alpha1/app_project_types.go` of Argo CD decides them. */
export function projectOf(object: KubeObject): Project {
  const { name } = object.metadata;
  const spec = getIn(object, 'spec');
  const news = inspect(spec, PROJECT, 'spec');

  function destinationAllowed(cluster: ProjectCluster, namespace: string): boolean {
    const scoped = getIn(spec, 'permitOnlyProjectScopedClusters') === true;
    return destinationMatched(cluster, namespace) && (!scoped || cluster.project === name);
  }

  function destinationMatched(cluster: ProjectCluster, namespace: string): boolean {
    let allowed = false;
    for (const item of getArray(spec, 'destinations')) {
      const rule = (field: string) => getString(item, field) ?? '';
      const named = cluster.name !== '' && matches(rule('name'), cluster.name, true);
      const served = cluster.server !== '' && matches(rule('server'), cluster.server, true);
      const placed = matches(rule('namespace'), namespace, true);
      if ((served || named) && placed) allowed = true;
      else if ((!named && denies(rule('name'))) || (!served && denies(rule('server')) && placed))
        return false;
      else if (!placed && denies(rule('namespace')) && served) return false;
    }
    return allowed;
  }

  function sourceAllowed(url: string): boolean {
    const wanted = normalizedUrl(url);
    let allowed = false;
    for (const rule of getArray(spec, 'sourceRepos')) {
      if (typeof rule !== 'string') continue;
      const pattern = denies(rule) ? `!${normalizedUrl(rule.slice(1))}` : normalizedUrl(rule);
      if (matches(pattern, wanted, true, '/')) allowed = true;
      else if (denies(pattern)) return false;
    }
    return allowed;
  }

  function kindAllowed(object: KubeObject, namespaced: boolean): boolean {
    const { group } = splitApiVersion(object.apiVersion);
    const among = (list: string) =>
      getArray(spec, list).some((item) =>
        isOfKind(item, group, object.kind, namespaced ? '' : object.metadata.name),
      );
    if (namespaced) {
      const open = getIn(spec, 'namespaceResourceWhitelist') === undefined;
      return (open || among('namespaceResourceWhitelist')) && !among('namespaceResourceBlacklist');
    }
    return among('clusterResourceWhitelist') && !among('clusterResourceBlacklist');
  }

  return {
    name,
    windows: getArray(spec, 'syncWindows'),
    orphans: orphansOf(spec, kindAllowed),
    unknown: news.unknown.map((field) => `${field} of the project ${name}`),
    serviceAccount: (destination) =>
      serviceAccountOf(getArray(spec, 'destinationServiceAccounts'), destination),
    problems(application, cluster) {
      if (news.refused.length > 0) {
        return news.refused.map((problem) => `the project '${name}' cannot be honoured: ${problem}`);
      }
      const problems = application.sources
        .filter((source) => !sourceAllowed(source.repoURL))
        .map((source) => `application repo ${source.repoURL} is not permitted in project '${name}'`);
      const { namespace } = application.destination;
      if (!destinationAllowed(cluster, namespace)) {
        const server = application.destination.name === undefined ? cluster.server : cluster.name;
        problems.push(
          `application destination server '${server}' and namespace '${namespace}' do not match any of the allowed destinations in project '${name}'`,
        );
      }
      return problems;
    },
    refusal(object, cluster) {
      const { namespace } = object.metadata;
      const namespaced = namespace !== undefined && namespace !== '';
      if (!kindAllowed(object, namespaced)) {
        const { group } = splitApiVersion(object.apiVersion);
        return `resource ${group}:${object.kind} is not permitted in project ${name}`;
      }
      if (namespaced && !destinationAllowed(cluster, namespace)) {
        return `namespace ${namespace} is not permitted in project '${name}'`;
      }
      return undefined;
    },
    admits(namespace, home) {
      if (namespace === home) return true;
      return getArray(spec, 'sourceNamespaces').some((rule) => {
        if (typeof rule !== 'string') return false;
        const expression = /^\/(.*)\/$/.exec(rule)?.[1];
        return expression === undefined ? matches(rule, namespace, false) : isMatch(expression, namespace);
      });
    },
  };
}

/** Source: Argo CD util/settings/impersonation.go. */
function serviceAccountOf(
  rules: readonly JsonValue[],
  destination: { readonly server: string; readonly namespace: string; readonly home: string },
): string | undefined {
  for (const rule of rules) {
    const part = (field: string) => getString(rule, field) ?? '';
    if (!globOf(part('server'), '').test(destination.server)) continue;
    if (!globOf(part('namespace'), '').test(destination.namespace)) continue;
    const account = part('defaultServiceAccount');
    if (account.trim() === '' || /[!*[\]{}\\/]/.test(account)) {
      throw new LandfallError(`default service account contains invalid chars '${account}'`, {
        kind: 'invalid-input',
        code: 'service-account',
        object: account,
        hint: 'Name it as NAME or NAMESPACE:NAME in spec.destinationServiceAccounts of the AppProject.',
      });
    }
    if (account.includes(':')) return `system:serviceaccount:${account}`;
    return `system:serviceaccount:${destination.namespace || destination.home}:${account}`;
  }
  return undefined;
}

function orphansOf(
  spec: JsonValue | undefined,
  isAllowed: (object: KubeObject, namespaced: boolean) => boolean,
): Project['orphans'] {
  const rule = getObject(spec, 'orphanedResources');
  if (rule === undefined) return undefined;
  const ignored = getArray(rule, 'ignore');
  return {
    warn: getIn(rule, 'warn') !== false,
    // What the project may not touch is nobody's business in it.
    ignores: (object) =>
      !isAllowed(object, true) ||
      ignored.some((item) => {
        const part = (field: string) => getString(item, field) ?? '';
        const { group } = splitApiVersion(object.apiVersion);
        const fits = (pattern: string, text: string) => pattern === '' || globOf(pattern, '').test(text);
        return (
          fits(part('kind'), object.kind) &&
          globOf(part('group'), '').test(group) &&
          fits(part('name'), object.metadata.name)
        );
      }),
  };
}

function isMatch(expression: string, text: string): boolean {
  try {
    return new RegExp(expression).test(text);
  } catch {
    return false;
  }
}

function denies(pattern: string): boolean {
  return pattern.startsWith('!');
}

function matches(pattern: string, text: string, negation: boolean, separator = ''): boolean {
  if (negation && denies(pattern)) return !globOf(pattern.slice(1), separator).test(text);
  return pattern === '*' || globOf(pattern, separator).test(text);
}

/** One entry of a list of kinds; each part is a pattern. */
function isOfKind(item: JsonValue, group: string, kind: string, name: string): boolean {
  const part = (field: string) => getString(item, field) ?? '';
  if (!globOf(part('kind'), '/').test(kind) || !globOf(part('group'), '/').test(group)) return false;
  return name === '' || part('name') === '' || globOf(part('name'), '/').test(name);
}
