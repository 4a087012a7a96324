/** Group, version and kind; an empty text stands for "none" or, in a selector, for "any". */
export interface Gvk {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface ResId extends Gvk {
  readonly name: string;
  readonly namespace: string;
  readonly clusterScoped: boolean;
}

const noNamespace = '_non_namespaceable_';

export function splitApiVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const at = apiVersion.indexOf('/');
  return at < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, at), version: apiVersion.slice(at + 1) };
}

export function apiVersionOf(gvk: Gvk): string {
  return gvk.group === '' ? gvk.version : `${gvk.group}/${gvk.version}`;
}

/** The namespace ids are compared by: `default` and none are the same, cluster-wide objects have their own. */
export function effectiveNamespace(id: Pick<ResId, 'namespace' | 'clusterScoped'>): string {
  if (id.clusterScoped) return noNamespace;
  return id.namespace === '' ? 'default' : id.namespace;
}

/** Whether `gvk` is one that `selector` asks for; an empty field of the selector asks for nothing. */
export function gvkSelected(gvk: Gvk, selector: Gvk): boolean {
  return (
    (selector.group === '' || gvk.group === selector.group) &&
    (selector.version === '' || gvk.version === selector.version) &&
    (selector.kind === '' || gvk.kind === selector.kind)
  );
}

export function gvknEquals(a: ResId, b: ResId): boolean {
  return a.name === b.name && a.kind === b.kind && a.group === b.group && a.version === b.version;
}

export function idEquals(a: ResId, b: ResId): boolean {
  return gvknEquals(a, b) && effectiveNamespace(a) === effectiveNamespace(b);
}

export function idKey(id: ResId): string {
  return `${id.group}|${id.version}|${id.kind}|${effectiveNamespace(id)}|${id.name}`;
}

export function gvkText(gvk: Gvk): string {
  return `${gvk.kind || '[noKind]'}.${gvk.version || '[noVer]'}.${gvk.group || '[noGrp]'}`;
}

/** How the original writes an id in its messages. */
export function idText(id: ResId): string {
  return `${gvkText(id)}/${id.name || '[noName]'}.${id.namespace || '[noNs]'}`;
}

/** `Deployment/shop/api`, as people write it. */
export function idLabel(id: ResId): string {
  return id.namespace === '' ? `${id.kind}/${id.name}` : `${id.kind}/${id.namespace}/${id.name}`;
}

const first = [
  'Namespace',
  'ResourceQuota',
  'StorageClass',
  'CustomResourceDefinition',
  'ServiceAccount',
  'PodSecurityPolicy',
  'Role',
  'ClusterRole',
  'RoleBinding',
  'ClusterRoleBinding',
  'ConfigMap',
  'Secret',
  'Endpoints',
  'Service',
  'LimitRange',
  'PriorityClass',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'Deployment',
  'StatefulSet',
  'CronJob',
  'PodDisruptionBudget',
] as const;
const last = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'] as const;

export const defaultOrderFirst: readonly string[] = first;
export const defaultOrderLast: readonly string[] = last;

export function kindRanks(orderFirst: readonly string[], orderLast: readonly string[]): Map<string, number> {
  const ranks = new Map<string, number>();
  orderFirst.forEach((kind, index) => ranks.set(kind, index - orderFirst.length));
  orderLast.forEach((kind, index) => ranks.set(kind, index + 1));
  return ranks;
}

const defaultRanks = kindRanks(first, last);

export function stableGvkText(gvk: Gvk): string {
  return `${gvk.group || '~G'}_${gvk.version || '~V'}_${gvk.kind || '~K'}`;
}

/** By byte, as Go compares strings. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The order field specs are applied in. */
export function compareGvk(a: Gvk, b: Gvk): number {
  const byKind = (defaultRanks.get(a.kind) ?? 0) - (defaultRanks.get(b.kind) ?? 0);
  return byKind === 0 ? compareText(stableGvkText(a), stableGvkText(b)) : byKind;
}
