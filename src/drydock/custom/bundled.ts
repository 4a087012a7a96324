import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { asKube } from '../kinds/json-access.ts';

/** Families of definitions that come with Drydock. */
export type BundledFamily = 'argocd' | 'flux' | 'argo-rollouts' | 'image-updater' | 'gateway-api';

interface Bundled {
  readonly group: string;
  /** The one that is stored. */
  readonly version: string;
  /** Others that are served; those of a group's past are deprecated. */
  readonly also?: readonly { readonly version: string; readonly deprecated?: true }[];
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly cluster?: boolean;
  /** False where the original has no status subresource. */
  readonly status?: boolean;
  /** What the original's schema demands of lists and maps in a status; a status without is refused there. */
  readonly demands?: JsonObject;
  /** Where the scale subresource finds the replicas that there are. */
  readonly scale?: string;
  /** `Header:type=path` after the name; `*` before one is for `-o wide`. */
  readonly columns: readonly string[];
}

const AGE = 'Age:date=.metadata.creationTimestamp';
const READY = [
  'Ready=.status.conditions[?(@.type=="Ready")].status',
  'Status=.status.conditions[?(@.type=="Ready")].message',
];

function flux(
  group: string,
  version: string,
  kind: string,
  plural: string,
  more: Pick<Bundled, 'shortNames' | 'columns' | 'status' | 'also' | 'demands'>,
): Bundled {
  const sets: Readonly<Record<string, string>> = {
    source: 'fluxcd-sources',
    kustomize: 'fluxcd-appliers',
    helm: 'fluxcd-appliers',
    notification: 'fluxcd-notifications',
    image: 'fluxcd-images',
  };
  const categories = ['all', 'fluxcd', sets[group] ?? ''];
  return { group: `${group}.toolkit.fluxcd.io`, version, kind, plural, categories, ...more };
}

const OPEN = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as const;

function demanded(...required: readonly string[]): JsonObject {
  return { ...OPEN, required: [...required] };
}

/** `status.artifact`, `status.conditions` and `status.history` as the v1 definitions of Flux have them. */
const CONDITIONS: JsonObject = {
  conditions: { type: 'array', items: demanded('lastTransitionTime', 'message', 'reason', 'status', 'type') },
};
const ARTIFACT: JsonObject = {
  ...CONDITIONS,
  artifact: demanded('digest', 'lastUpdateTime', 'path', 'revision', 'url'),
};
const APPLIED: JsonObject = {
  ...CONDITIONS,
  history: {
    type: 'array',
    items: demanded(
      'digest',
      'firstReconciled',
      'lastReconciled',
      'lastReconciledDuration',
      'lastReconciledStatus',
      'totalReconciliations',
    ),
  },
  inventory: {
    ...demanded('entries'),
    properties: { entries: { type: 'array', items: demanded('id', 'v') } },
  },
};
const RELEASED: JsonObject = {
  ...CONDITIONS,
  inventory: APPLIED['inventory'] ?? {},
  history: {
    type: 'array',
    items: demanded(
      'chartName',
      'chartVersion',
      'configDigest',
      'digest',
      'firstDeployed',
      'lastDeployed',
      'name',
      'namespace',
      'status',
      'version',
    ),
  },
};

/** Before its v1, and served beside it for a while. */
const V1BETA2 = { also: [{ version: 'v1beta2', deprecated: true }] } as const;

function argo(kind: string, plural: string, more: Partial<Bundled> & Pick<Bundled, 'columns'>): Bundled {
  return { group: 'argoproj.io', version: 'v1alpha1', kind, plural, ...more };
}

function gateway(kind: string, plural: string, more: Partial<Bundled> & Pick<Bundled, 'columns'>): Bundled {
  return {
    group: 'gateway.networking.k8s.io',
    version: 'v1',
    kind,
    plural,
    categories: ['gateway-api'],
    ...more,
  };
}

const V1BETA1 = { also: [{ version: 'v1beta1' }] } as const;

/** Names, scopes, columns and subresources as the originals have them (Argo CD 3, Flux 2.8, Rollouts 1.8, Gateway 1.5). */
const FAMILIES: Readonly<Record<BundledFamily, readonly Bundled[]>> = {
  argocd: [
    argo('Application', 'applications', {
      shortNames: ['app', 'apps'],
      // Argo CD writes status with the object itself.
      status: false,
      columns: [
        'Sync Status=.status.sync.status',
        'Health Status=.status.health.status',
        '*Revision=.status.sync.revision',
        '*Project=.spec.project',
      ],
    }),
    argo('ApplicationSet', 'applicationsets', { shortNames: ['appset', 'appsets'], columns: [] }),
    argo('AppProject', 'appprojects', { shortNames: ['appproj', 'appprojs'], status: false, columns: [] }),
  ],
  flux: [
    flux('source', 'v1', 'GitRepository', 'gitrepositories', {
      demands: ARTIFACT,
      shortNames: ['gitrepo'],
      columns: ['URL=.spec.url', AGE, ...READY],
    }),
    flux('source', 'v1', 'OCIRepository', 'ocirepositories', {
      demands: ARTIFACT,
      shortNames: ['ocirepo'],
      columns: ['URL=.spec.url', ...READY, AGE],
      ...V1BETA2,
    }),
    flux('source', 'v1', 'HelmRepository', 'helmrepositories', {
      demands: ARTIFACT,
      shortNames: ['helmrepo'],
      columns: ['URL=.spec.url', AGE, ...READY],
    }),
    flux('source', 'v1', 'HelmChart', 'helmcharts', {
      demands: ARTIFACT,
      shortNames: ['hc'],
      columns: [
        'Chart=.spec.chart',
        'Version=.spec.version',
        'Source Kind=.spec.sourceRef.kind',
        'Source Name=.spec.sourceRef.name',
        AGE,
        ...READY,
      ],
    }),
    flux('source', 'v1', 'Bucket', 'buckets', {
      demands: ARTIFACT,
      columns: ['Endpoint=.spec.endpoint', AGE, ...READY],
    }),
    flux('kustomize', 'v1', 'Kustomization', 'kustomizations', {
      demands: APPLIED,
      shortNames: ['ks'],
      columns: [AGE, ...READY],
    }),
    flux('helm', 'v2', 'HelmRelease', 'helmreleases', {
      demands: RELEASED,
      shortNames: ['hr'],
      columns: [AGE, ...READY],
    }),
    flux('image', 'v1', 'ImageRepository', 'imagerepositories', {
      shortNames: ['imgrepo', 'imagerepo'],
      columns: [
        'Image=.spec.image',
        'Tags=.status.lastScanResult.tagCount',
        ...READY,
        '*Last scan=.status.lastScanResult.scanTime',
        AGE,
      ],
      ...V1BETA2,
    }),
    flux('image', 'v1', 'ImagePolicy', 'imagepolicies', {
      shortNames: ['imgpol', 'imagepol'],
      columns: ['Image=.status.latestRef.name', 'Tag=.status.latestRef.tag', ...READY, AGE],
      ...V1BETA2,
    }),
    flux('image', 'v1', 'ImageUpdateAutomation', 'imageupdateautomations', {
      shortNames: ['iua', 'imgupd', 'imgauto'],
      columns: [...READY, '*Last run=.status.lastAutomationRunTime', AGE],
      ...V1BETA2,
    }),
    flux('notification', 'v1', 'Receiver', 'receivers', { columns: [AGE, ...READY] }),
    // These two say nothing of themselves.
    flux('notification', 'v1beta3', 'Alert', 'alerts', { status: false, columns: [AGE] }),
    flux('notification', 'v1beta3', 'Provider', 'providers', { status: false, columns: [AGE] }),
  ],
  'argo-rollouts': [
    argo('Rollout', 'rollouts', {
      shortNames: ['ro'],
      scale: '.status.HPAReplicas',
      columns: [
        'Desired:integer=.spec.replicas',
        'Current:integer=.status.replicas',
        'Up-to-date:integer=.status.updatedReplicas',
        'Available:integer=.status.availableReplicas',
        AGE,
      ],
    }),
    argo('AnalysisTemplate', 'analysistemplates', { shortNames: ['at'], status: false, columns: [AGE] }),
    argo('ClusterAnalysisTemplate', 'clusteranalysistemplates', {
      shortNames: ['cat'],
      cluster: true,
      status: false,
      columns: [AGE],
    }),
    // Their status is written with the object itself, too.
    argo('AnalysisRun', 'analysisruns', {
      shortNames: ['ar'],
      status: false,
      columns: ['Status=.status.phase', AGE],
    }),
    argo('Experiment', 'experiments', {
      shortNames: ['exp'],
      status: false,
      columns: ['Status=.status.phase', AGE],
    }),
  ],
  'image-updater': [
    {
      group: 'argocd-image-updater.argoproj.io',
      version: 'v1alpha1',
      kind: 'ImageUpdater',
      plural: 'imageupdaters',
      columns: [
        'Apps:integer=.status.applicationsMatched',
        'Images:integer=.status.imagesManaged',
        'Last Checked:date=.status.lastCheckedAt',
        'Ready=.status.conditions[?(@.type=="Ready")].status',
      ],
    },
  ],
  'gateway-api': [
    gateway('GatewayClass', 'gatewayclasses', {
      shortNames: ['gc'],
      cluster: true,
      columns: [
        'Controller=.spec.controllerName',
        'Accepted=.status.conditions[?(@.type=="Accepted")].status',
        AGE,
        '*Description=.spec.description',
      ],
      ...V1BETA1,
    }),
    gateway('Gateway', 'gateways', {
      shortNames: ['gtw'],
      columns: [
        'Class=.spec.gatewayClassName',
        'Address=.status.addresses[*].value',
        'Programmed=.status.conditions[?(@.type=="Programmed")].status',
        AGE,
      ],
      ...V1BETA1,
    }),
    gateway('HTTPRoute', 'httproutes', { columns: ['Hostnames=.spec.hostnames', AGE], ...V1BETA1 }),
    gateway('GRPCRoute', 'grpcroutes', { columns: ['Hostnames=.spec.hostnames', AGE] }),
    gateway('ReferenceGrant', 'referencegrants', {
      shortNames: ['refgrant'],
      version: 'v1beta1',
      also: [{ version: 'v1' }],
      status: false,
      columns: [AGE],
    }),
  ],
};

function column(text: string): JsonObject {
  const wide = text.startsWith('*');
  const [head = '', ...path] = text.replace(/^\*/, '').split('=');
  const [name = '', type = 'string'] = head.split(':');
  return { name, type, jsonPath: path.join('='), ...(wide ? { priority: 1 } : {}) };
}

function definitionOf(bundled: Bundled): KubeObject {
  const subresources: JsonObject = {
    ...(bundled.status === false ? {} : { status: {} }),
    ...(bundled.scale === undefined
      ? {}
      : {
          scale: {
            specReplicasPath: '.spec.replicas',
            statusReplicasPath: bundled.scale,
            labelSelectorPath: '.status.selector',
          },
        }),
  };
  const version = (name: string, deprecated: boolean): JsonObject => ({
    name,
    served: true,
    storage: name === bundled.version,
    ...(deprecated
      ? {
          deprecated: true,
          deprecationWarning: `${name} ${bundled.kind} is deprecated, upgrade to ${bundled.version}`,
        }
      : {}),
    ...(Object.keys(subresources).length === 0 ? {} : { subresources }),
    ...(bundled.columns.length === 0 ? {} : { additionalPrinterColumns: bundled.columns.map(column) }),
    schema: {
      openAPIV3Schema: {
        type: 'object',
        properties: {
          spec: OPEN,
          status: bundled.demands === undefined ? OPEN : { ...OPEN, properties: bundled.demands },
          ...(bundled.kind === 'Application' ? { operation: OPEN } : {}),
        },
      },
    },
  });
  return asKube({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${bundled.plural}.${bundled.group}`, labels: { 'drydock/bundled': 'true' } },
    spec: {
      group: bundled.group,
      scope: bundled.cluster === true ? 'Cluster' : 'Namespaced',
      names: {
        kind: bundled.kind,
        listKind: `${bundled.kind}List`,
        plural: bundled.plural,
        singular: bundled.kind.toLowerCase(),
        ...(bundled.shortNames === undefined ? {} : { shortNames: [...bundled.shortNames] }),
        ...(bundled.categories === undefined ? {} : { categories: [...bundled.categories] }),
      },
      versions: [
        version(bundled.version, false),
        ...(bundled.also ?? []).map((other) => version(other.version, other.deprecated === true)),
      ],
    },
  });
}

/**
 * Minimal definitions: names, versions, scope and columns of the originals, with schemas that accept any spec, and any
 * status but one that the originals would refuse for what it lacks. They make objects storable, not right.
 */
export function bundledDefinitions(families: readonly BundledFamily[]): KubeObject[] {
  return families.flatMap((family) => FAMILIES[family].map(definitionOf));
}

export const BUNDLED_FAMILIES = Object.keys(FAMILIES) as readonly BundledFamily[];
