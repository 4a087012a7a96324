import { getArray, getIn, getObject, getString } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { splitApiVersion } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { normalizedUrl } from '../../boundaries/render/index.ts';
import type { ApplicationSpec } from '../../boundaries/sync/index.ts';
import type { Cluster } from '../clusters/index.ts';

/** What an AppProject lets its applications do, in Argo CD's words where it does not. */
export interface Project {
  readonly name: string;
  /** What keeps an application from being compared at all. */
  problems(spec: ApplicationSpec, cluster: Pick<Cluster, 'name' | 'server'>): readonly string[];
  /** Why an object may not be applied; undefined when it may. */
  refusal(object: KubeObject, cluster: Pick<Cluster, 'name' | 'server'>): string | undefined;
  /** Applications of that namespace may name this project. */
  admits(namespace: string, home: string): boolean;
  /** `spec.syncWindows` as written. */
  readonly windows: readonly JsonValue[];
  /** `spec.orphanedResources`; undefined: nobody wants to know. */
  readonly orphans: { readonly warn: boolean; readonly ignores: (object: KubeObject) => boolean } | undefined;
}

/** The rules of an AppProject, as `pkg/apis/application/v1alpha1/app_project_types.go` of Argo CD decides them. */
export function projectOf(object: KubeObject): Project {
  const { name } = object.metadata;
  const spec = getIn(object, 'spec');

  function destinationAllowed(cluster: Pick<Cluster, 'name' | 'server'>, namespace: string): boolean {
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
    problems(application, cluster) {
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

/** A glob of gobwas/glob: `*` stops at the separator where there is one, `**` never does. */
export function globOf(pattern: string, separator: string): RegExp {
  const one = separator === '' ? '[^]' : `[^${separator.replaceAll(/[\\\]^]/g, String.raw`\$&`)}]`;
  let text = '';
  let depth = 0;
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] ?? '';
    const set = char === '[' ? /^\[(!?)([^\]]+)\]/.exec(pattern.slice(at)) : null;
    if (char === '*') {
      const double = pattern[at + 1] === '*';
      text += double ? '[^]*' : `${one}*`;
      if (double) at += 1;
    } else if (char === '?') text += one;
    else if (set !== null) {
      text += `[${set[1] === '!' ? '^' : ''}${(set[2] ?? '').replaceAll('\\', '\\\\')}]`;
      at += set[0].length - 1;
    } else if (char === '{') {
      depth += 1;
      text += '(?:';
    } else if (char === '}' && depth > 0) {
      depth -= 1;
      text += ')';
    } else if (char === ',' && depth > 0) text += '|';
    else if (char === '\\') {
      at += 1;
      text += (pattern[at] ?? '').replaceAll(/[.+^$()|[\]\\{}*?]/g, String.raw`\$&`);
    } else text += char.replaceAll(/[.+^$()|[\]\\{}]/g, String.raw`\$&`);
  }
  return new RegExp(`^${text}${')'.repeat(depth)}$`);
}

/** One entry of a list of kinds; each part is a pattern. */
function isOfKind(item: JsonValue, group: string, kind: string, name: string): boolean {
  const part = (field: string) => getString(item, field) ?? '';
  if (!globOf(part('kind'), '/').test(kind) || !globOf(part('group'), '/').test(group)) return false;
  return name === '' || part('name') === '' || globOf(part('name'), '/').test(name);
}
