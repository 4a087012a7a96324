import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { asKube } from '../kinds/json-access.ts';

/** Families of definitions that come with Drydock. */
export type BundledFamily = 'argocd' | 'flux' | 'argo-rollouts' | 'image-updater' | 'gateway-api';

interface Bundled {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly cluster?: boolean;
  /** False where the original has no status subresource. */
  readonly status?: boolean;
  readonly scale?: boolean;
  /** `Header=path`, after the name. */
  readonly columns: readonly string[];
}

const ready = [
  'Age:date=.metadata.creationTimestamp',
  'Ready=.status.conditions[?(@.type=="Ready")].status',
  'Status=.status.conditions[?(@.type=="Ready")].message',
];
const AGE = 'Age:date=.metadata.creationTimestamp';

function flux(
  group: string,
  version: string,
  kind: string,
  plural: string,
  ...shortNames: string[]
): Bundled {
  return { group: `${group}.toolkit.fluxcd.io`, version, kind, plural, shortNames, columns: ready };
}

const FAMILIES: Readonly<Record<BundledFamily, readonly Bundled[]>> = {
  argocd: [
    {
      group: 'argoproj.io',
      version: 'v1alpha1',
      kind: 'Application',
      plural: 'applications',
      shortNames: ['app', 'apps'],
      // Argo CD writes status with the object itself.
      status: false,
      columns: [
        'Sync Status=.status.sync.status',
        'Health Status=.status.health.status',
        '*Revision=.status.sync.revision',
        '*Project=.spec.project',
      ],
    },
    {
      group: 'argoproj.io',
      version: 'v1alpha1',
      kind: 'ApplicationSet',
      plural: 'applicationsets',
      shortNames: ['appset', 'appsets'],
      columns: [],
    },
    {
      group: 'argoproj.io',
      version: 'v1alpha1',
      kind: 'AppProject',
      plural: 'appprojects',
      shortNames: ['appproj', 'appprojs'],
      status: false,
      columns: [],
    },
  ],
  flux: [
    flux('source', 'v1', 'GitRepository', 'gitrepositories', 'gitrepo'),
    flux('source', 'v1', 'HelmRepository', 'helmrepositories', 'helmrepo'),
    flux('source', 'v1beta2', 'OCIRepository', 'ocirepositories', 'ocirepo'),
    flux('kustomize', 'v1', 'Kustomization', 'kustomizations', 'ks'),
    flux('helm', 'v2', 'HelmRelease', 'helmreleases', 'hr'),
    flux('image', 'v1beta2', 'ImageRepository', 'imagerepositories'),
    flux('image', 'v1beta2', 'ImagePolicy', 'imagepolicies'),
    flux('image', 'v1beta2', 'ImageUpdateAutomation', 'imageupdateautomations'),
  ],
  'argo-rollouts': [
    {
      group: 'argoproj.io',
      version: 'v1alpha1',
      kind: 'Rollout',
      plural: 'rollouts',
      shortNames: ['ro'],
      scale: true,
      columns: [
        'Desired:integer=.spec.replicas',
        'Current:integer=.status.replicas',
        'Up-to-date:integer=.status.updatedReplicas',
        'Available:integer=.status.availableReplicas',
        AGE,
      ],
    },
    ...(['AnalysisTemplate', 'AnalysisRun', 'Experiment'] as const).map((kind) => ({
      group: 'argoproj.io',
      version: 'v1alpha1',
      kind,
      plural: `${kind.toLowerCase()}s`,
      status: kind !== 'AnalysisTemplate',
      columns: [AGE],
    })),
    {
      group: 'argoproj.io',
      version: 'v1alpha1',
      kind: 'ClusterAnalysisTemplate',
      plural: 'clusteranalysistemplates',
      cluster: true,
      status: false,
      columns: [AGE],
    },
  ],
  'image-updater': [
    {
      group: 'argocd-image-updater.argoproj.io',
      version: 'v1alpha1',
      kind: 'ImageUpdater',
      plural: 'imageupdaters',
      columns: [],
    },
  ],
  'gateway-api': [
    {
      group: 'gateway.networking.k8s.io',
      version: 'v1',
      kind: 'GatewayClass',
      plural: 'gatewayclasses',
      shortNames: ['gc'],
      cluster: true,
      columns: [
        'Controller=.spec.controllerName',
        'Accepted=.status.conditions[?(@.type=="Accepted")].status',
        AGE,
      ],
    },
    {
      group: 'gateway.networking.k8s.io',
      version: 'v1',
      kind: 'Gateway',
      plural: 'gateways',
      shortNames: ['gtw'],
      columns: [
        'Class=.spec.gatewayClassName',
        'Address=.status.addresses[*].value',
        'Programmed=.status.conditions[?(@.type=="Programmed")].status',
        AGE,
      ],
    },
    {
      group: 'gateway.networking.k8s.io',
      version: 'v1',
      kind: 'HTTPRoute',
      plural: 'httproutes',
      columns: ['Hostnames=.spec.hostnames', AGE],
    },
    {
      group: 'gateway.networking.k8s.io',
      version: 'v1beta1',
      kind: 'ReferenceGrant',
      plural: 'referencegrants',
      shortNames: ['refgrant'],
      status: false,
      columns: [AGE],
    },
  ],
};

function column(text: string): JsonObject {
  const wide = text.startsWith('*');
  const [head = '', ...path] = text.replace(/^\*/, '').split('=');
  const [name = '', type = 'string'] = head.split(':');
  return { name, type, jsonPath: path.join('='), ...(wide ? { priority: 10 } : {}) };
}

function definitionOf(bundled: Bundled): KubeObject {
  const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const subresources: JsonObject = {
    ...(bundled.status === false ? {} : { status: {} }),
    ...(bundled.scale === true
      ? {
          scale: {
            specReplicasPath: '.spec.replicas',
            statusReplicasPath: '.status.replicas',
            labelSelectorPath: '.status.selector',
          },
        }
      : {}),
  };
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
      },
      versions: [
        {
          name: bundled.version,
          served: true,
          storage: true,
          ...(Object.keys(subresources).length === 0 ? {} : { subresources }),
          ...(bundled.columns.length === 0 ? {} : { additionalPrinterColumns: bundled.columns.map(column) }),
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: open,
                status: open,
                ...(bundled.kind === 'Application' ? { operation: open } : {}),
              },
            },
          },
        },
      ],
    },
  });
}

/**
 * Minimal definitions: names, versions, scope and columns of the originals, with schemas that accept any spec and
 * status. They make objects storable, not right.
 */
export function bundledDefinitions(families: readonly BundledFamily[]): KubeObject[] {
  return families.flatMap((family) => FAMILIES[family].map(definitionOf));
}

export const BUNDLED_FAMILIES = Object.keys(FAMILIES) as readonly BundledFamily[];
