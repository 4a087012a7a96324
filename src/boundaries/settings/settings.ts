import { getArray, getIn, getObject, getString, isJsonObject } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { splitApiVersion } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { DEFAULT_TRACKING } from '../sync/index.ts';
import type { IgnoreRule, Tracking } from '../sync/index.ts';
import { globOf } from './glob.ts';
import { kustomizeOf } from './kustomize.ts';
import type { KustomizeSettings } from './kustomize.ts';
import { DEFAULT_SCHEMES, durationIn, isOn, listIn, mapIn, schemesIn } from './values.ts';

/** A script of health that is written in Lua, and is not run here. */
export interface HealthScript {
  /** The key of argocd-cm that holds it. */
  readonly key: string;
  readonly isAbout: (group: string, kind: string) => boolean;
}

/** What `argocd-cm` says that changes how applications are compared, rendered or applied. */
export interface ArgoSettings {
  readonly tracking: Tracking;
  /** Kinds that applications neither apply, nor prune, nor are compared with. */
  readonly excludes: (group: string, kind: string, server: string) => boolean;
  /** `ignoreDifferences` for everybody. */
  readonly ignore: readonly IgnoreRule[];
  /** Rules of ClusterRoles that are put together from others are no difference. */
  readonly ignoreAggregatedRoles: boolean;
  readonly healthScripts: readonly HealthScript[];
  readonly kustomize: KustomizeSettings;
  /** Schemes of URLs that value files of charts may have. */
  readonly valuesFileSchemes: readonly string[];
  /** Renderers that are switched off. */
  readonly disabled: readonly ('Kustomize' | 'Helm')[];
  /** The cluster that it all runs in may be delivered to. */
  readonly inCluster: boolean;
  /** Whether syncs act as the service accounts that AppProjects name; `enforced`: never as anybody else. */
  readonly impersonation: 'off' | 'on' | 'enforced';
  /** Projects whose limits others have as well: those that the selector fits. */
  readonly globalProjects: readonly { readonly selector: JsonObject; readonly project: string }[];
  readonly poll: PollSettings;
  /** What cannot be read in it, and matters to nobody's manifests: as if it was not said. */
  readonly warnings: readonly string[];
  /** What cannot be read in it: nothing is compared then, since it may be the one that matters. */
  readonly problems: readonly string[];
}

/** How often Git is asked, in ms; left out: nothing is said of it. 0: never by the time alone. */
export interface PollSettings {
  readonly pollMs?: number;
  readonly jitterMs?: number;
  /** Between two looks that make everything anew. */
  readonly hardMs?: number;
}

type Data = Readonly<Record<string, string>>;

const METHODS = ['annotation', 'label', 'annotation+label'] as const;
const NAME = 'argocd-cm';

/** Source: Argo CD util/settings/settings.go. */
export function settingsOf(data: Data): ArgoSettings {
  const problems: string[] = [];
  const attempt = <T>(key: string, read: () => T, otherwise: T): T => {
    try {
      return read();
    } catch (thrown) {
      problems.push(`${NAME}, ${key}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
      return otherwise;
    }
  };
  const filters = (key: string) => attempt(key, () => listIn(data[key], key).map(filterOf), []);
  const [exclusions, inclusions] = [filters('resource.exclusions'), filters('resource.inclusions')];
  const compare = attempt(
    'resource.compareoptions',
    () => mapIn(data['resource.compareoptions'], 'resource.compareoptions'),
    {},
  );
  const customized = attempt('resource.customizations', () => customizationsOf(data), {
    ignore: [],
    healthScripts: [],
  });
  return {
    tracking: attempt('application.resourceTrackingMethod', () => trackingOf(data), DEFAULT_TRACKING),
    excludes: (group, kind, server) => leavesOut({ exclusions, inclusions }, group, kind, server),
    ...customized,
    ignoreAggregatedRoles: getIn(compare, 'ignoreAggregatedRoles') === true,
    kustomize: attempt('kustomize.buildOptions', () => kustomizeOf(data['kustomize.buildOptions'] ?? ''), {}),
    valuesFileSchemes: schemesIn(data['helm.valuesFileSchemes']) ?? DEFAULT_SCHEMES,
    disabled: [
      ...(isOn(data['kustomize.enable'] || 'true') ? [] : (['Kustomize'] as const)),
      ...(isOn(data['helm.enable'] || 'true') ? [] : (['Helm'] as const)),
    ],
    inCluster: isOn(data['cluster.inClusterEnabled'] || 'true'),
    impersonation: impersonationOf(data),
    globalProjects: attempt(
      'globalProjects',
      () =>
        listIn(data['globalProjects'], 'globalProjects').map((item) => ({
          selector: getObject(item, 'labelSelector') ?? {},
          project: getString(item, 'projectName') ?? '',
        })),
      [],
    ),
    ...timingOf(data),
    problems,
  };
}

const TIMES = {
  pollMs: 'timeout.reconciliation',
  jitterMs: 'timeout.reconciliation.jitter',
  hardMs: 'timeout.hard.reconciliation',
} as const;

function timingOf(data: Data): Pick<ArgoSettings, 'poll' | 'warnings'> {
  const warnings: string[] = [];
  const poll: Record<string, number> = {};
  for (const [field, key] of Object.entries(TIMES)) {
    const text = data[key] ?? '';
    if (text === '') continue;
    const ms = durationIn(text);
    if (ms === undefined) warnings.push(`${NAME}, ${key}: ${text} is no duration, and counts for nothing`);
    else poll[field] = ms;
  }
  return { poll, warnings };
}

function trackingOf(data: Data): Tracking {
  const wanted = data['application.resourceTrackingMethod'] || 'annotation';
  const method = METHODS.find((name) => name === wanted);
  if (method === undefined) throw new Error(`${wanted} is none of ${METHODS.join(', ')}`);
  return {
    method,
    labelKey: data['application.instanceLabelKey'] || DEFAULT_TRACKING.labelKey,
    installationId: data['installationID'] ?? '',
  };
}

function impersonationOf(data: Data): ArgoSettings['impersonation'] {
  if (!isOn(data['application.sync.impersonation.enabled'])) return 'off';
  return isOn(data['application.sync.impersonation.enforced']) ? 'enforced' : 'on';
}

interface Filter {
  readonly groups: readonly string[];
  readonly kinds: readonly string[];
  readonly clusters: readonly string[];
}

function texts(value: JsonValue, field: string): readonly string[] {
  return getArray(value, field).filter((item): item is string => typeof item === 'string');
}

function filterOf(item: JsonValue): Filter {
  return { groups: texts(item, 'apiGroups'), kinds: texts(item, 'kinds'), clusters: texts(item, 'clusters') };
}

function isLike(patterns: readonly string[], value: string): boolean {
  return patterns.length === 0 || patterns.some((pattern) => globOf(pattern, '').test(value));
}

function fits({ groups, kinds, clusters }: Filter, group: string, kind: string, server: string): boolean {
  const ofKind = kinds.length === 0 || kinds.includes('*') || kinds.includes(kind);
  return isLike(groups, group) && ofKind && isLike(clusters, server);
}

/** What nobody delivers: Argo CD leaves it out whatever is configured. */
const ALWAYS: readonly Filter[] = [
  { groups: ['events.k8s.io', 'metrics.k8s.io'], kinds: [], clusters: [] },
  { groups: [''], kinds: ['Event'], clusters: [] },
  { groups: ['coordination.k8s.io'], kinds: ['Lease'], clusters: [] },
];

function leavesOut(
  {
    exclusions,
    inclusions,
  }: { readonly exclusions: readonly Filter[]; readonly inclusions: readonly Filter[] },
  group: string,
  kind: string,
  server: string,
): boolean {
  const among = (filters: readonly Filter[]) => filters.some((filter) => fits(filter, group, kind, server));
  if (among(ALWAYS) || among(exclusions)) return true;
  if (among(inclusions)) return false;
  return inclusions.some(({ clusters }) => isLike(clusters, server));
}

/** `GROUP/KIND`, where a star is anything. */
function kindOf(name: string): { readonly group: string; readonly kind: string } {
  if (name === 'all' || name === '*/*') return { group: '*', kind: '*' };
  const slash = name.lastIndexOf('/');
  return slash < 0 ? { group: '', kind: name } : { group: name.slice(0, slash), kind: name.slice(slash + 1) };
}

function ruleOf(name: string, value: JsonObject): IgnoreRule {
  return {
    ...kindOf(name),
    name: '',
    namespace: '',
    jsonPointers: texts(value, 'jsonPointers'),
    managers: texts(value, 'managedFieldsManagers'),
    jqPathExpressions: texts(value, 'jqPathExpressions'),
  };
}

function scriptOf(name: string, key: string): HealthScript {
  const { group, kind } = kindOf(name);
  return {
    key,
    isAbout: (ownGroup, ownKind) => globOf(group, '').test(ownGroup) && globOf(kind, '').test(ownKind),
  };
}

const PREFIX = 'resource.customizations';

/** Both ways of writing them: one map of everything, or a key for each kind and purpose. */
function customizationsOf(data: Data): Pick<ArgoSettings, 'ignore' | 'healthScripts'> {
  const ignore: IgnoreRule[] = [];
  const healthScripts: HealthScript[] = [];
  for (const [name, item] of Object.entries(mapIn(data[PREFIX], PREFIX))) {
    if (!isJsonObject(item)) continue;
    const text = getString(item, 'ignoreDifferences');
    if (text !== undefined) ignore.push(ruleOf(name, mapIn(text, `${PREFIX} ${name}`)));
    if (getString(item, 'health.lua')) healthScripts.push(scriptOf(name, `${PREFIX} ${name} health.lua`));
  }
  for (const [key, text] of Object.entries(data)) {
    const [, purpose = '', named = ''] = /^resource\.customizations\.([^.]+)\.(.+)$/.exec(key) ?? [];
    // `group_Kind`: the first line is where the group ends.
    const name = named.replace('_', '/');
    if (purpose === 'ignoreDifferences') ignore.push(ruleOf(name, mapIn(text, key)));
    else if (purpose === 'health' && text.trim() !== '') healthScripts.push(scriptOf(name, key));
  }
  return { ignore, healthScripts };
}

/** Of a kind that the settings leave out in that cluster: it is neither applied, nor pruned, nor compared with. */
export function isExcluded(object: KubeObject, settings: ArgoSettings, server: string): boolean {
  return settings.excludes(splitApiVersion(object.apiVersion).group, object.kind, server);
}

/** The application's own rules and those for everybody. */
export function ignoreRules(
  own: readonly IgnoreRule[],
  settings: ArgoSettings,
  objects: readonly KubeObject[],
): readonly IgnoreRule[] {
  const aggregated = settings.ignoreAggregatedRoles
    ? objects.filter(
        (object) => object.kind === 'ClusterRole' && getIn(object, 'aggregationRule') !== undefined,
      )
    : [];
  return [
    ...own,
    ...settings.ignore,
    ...aggregated.map(({ metadata }) => ({
      group: 'rbac.authorization.k8s.io',
      kind: 'ClusterRole',
      name: metadata.name,
      namespace: '',
      jsonPointers: ['/rules'],
      managers: [],
      jqPathExpressions: [],
    })),
  ];
}
