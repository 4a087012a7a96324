import type { Shape } from './inspect.ts';

/** Fields of which each may hold anything. */
function all(...names: readonly string[]): Readonly<Record<string, Shape>> {
  return Object.fromEntries(names.map((name) => [name, 'any']));
}

/** Source: Argo CD pkg/apis/application/v1alpha1/types.go, ApplicationSource. */
const SOURCE: Shape = {
  fields: {
    ...all('repoURL', 'path', 'targetRevision', 'chart', 'ref', 'name'),
    tagPrefix: { refused: 'tags with a prefix are not resolved by this controller; name the whole tag' },
    helm: {
      fields: {
        ...all('valueFiles', 'releaseName', 'values', 'valuesObject', 'version', 'passCredentials'),
        ...all('ignoreMissingValueFiles', 'skipCrds', 'skipTests', 'skipSchemaValidation'),
        ...all('namespace', 'kubeVersion', 'apiVersions'),
        parameters: { each: { fields: all('name', 'value', 'forceString') } },
        fileParameters: { each: { fields: all('name', 'path') } },
      },
    },
    // Its options are checked where they are applied, since files beside the manifests may name them too.
    kustomize: 'any',
    directory: {
      fields: {
        ...all('recurse', 'include', 'exclude', 'disableExtensionFilter'),
        jsonnet: {
          fields: Object.fromEntries(
            ['extVars', 'tlas', 'libs'].map((name) => [
              name,
              { refused: 'Jsonnet is not rendered by this controller; commit what it makes' },
            ]),
          ),
        },
      },
    },
    // Refused by itself: an empty one asks for a plugin as well.
    plugin: 'any',
  },
};

/** `spec` of an Application. */
export const APPLICATION: Shape = {
  fields: {
    ...all('project', 'info', 'revisionHistoryLimit'),
    source: SOURCE,
    sources: { each: SOURCE },
    sourceHydrator: {
      refused:
        'the source hydrator is not supported by this controller; name the branch that holds the manifests in spec.source',
    },
    destination: { fields: all('server', 'namespace', 'name') },
    syncPolicy: {
      fields: {
        automated: { fields: all('prune', 'selfHeal', 'allowEmpty', 'enabled') },
        syncOptions: 'any',
        retry: {
          fields: {
            ...all('limit', 'refresh'),
            backoff: { fields: all('duration', 'factor', 'maxDuration') },
          },
        },
        managedNamespaceMetadata: { fields: all('labels', 'annotations') },
      },
    },
    ignoreDifferences: {
      each: {
        fields: {
          ...all('group', 'kind', 'name', 'namespace'),
          ...all('jsonPointers', 'jqPathExpressions', 'managedFieldsManagers'),
        },
      },
    },
  },
};

/** `operation` of an Application. */
export const OPERATION: Shape = {
  fields: {
    ...all('info'),
    initiatedBy: { fields: all('username', 'automated') },
    retry: {
      fields: { ...all('limit', 'refresh'), backoff: { fields: all('duration', 'factor', 'maxDuration') } },
    },
    sync: {
      fields: {
        ...all('revision', 'revisions', 'prune', 'dryRun', 'syncOptions', 'autoHealAttemptsCount'),
        manifests: { refused: 'local manifests are not supported by this controller; commit them' },
        source: SOURCE,
        sources: { each: SOURCE },
        resources: { each: { fields: all('group', 'kind', 'name', 'namespace') } },
        syncStrategy: { fields: { apply: { fields: all('force') }, hook: { fields: all('force') } } },
      },
    },
  },
};

const SIGNATURES =
  'signatures of commits are not verified by this controller, so nothing of the project is delivered; remove it, or let the Git server refuse unsigned commits';
const KINDS: Shape = { each: { fields: all('group', 'kind', 'name') } };

/** `spec` of an AppProject. Roles are about Argo CD's own API, which nobody here serves. */
export const PROJECT: Shape = {
  fields: {
    ...all('sourceRepos', 'sourceNamespaces', 'description', 'roles', 'permitOnlyProjectScopedClusters'),
    destinations: { each: { fields: all('server', 'namespace', 'name') } },
    clusterResourceWhitelist: KINDS,
    clusterResourceBlacklist: KINDS,
    namespaceResourceWhitelist: KINDS,
    namespaceResourceBlacklist: KINDS,
    orphanedResources: { fields: { warn: 'any', ignore: KINDS } },
    syncWindows: {
      each: {
        fields: {
          ...all('kind', 'schedule', 'duration', 'applications', 'namespaces', 'clusters', 'manualSync'),
          ...all('timeZone', 'andOperator', 'description', 'syncOverrun'),
        },
      },
    },
    destinationServiceAccounts: { each: { fields: all('server', 'namespace', 'defaultServiceAccount') } },
    signatureKeys: { refused: SIGNATURES },
    sourceIntegrity: { refused: SIGNATURES },
  },
};

const VALUES = all('values', 'template');
const SELECTOR: Shape = { fields: { matchLabels: 'any', matchExpressions: 'any' } };

/** Generators that hold others nest as deep as those do; deeper ones are checked when they are read. */
function generator(depth: number): Shape {
  const inner: Shape = depth === 0 ? 'any' : { each: generator(depth - 1) };
  return {
    fields: {
      selector: SELECTOR,
      list: { fields: all('elements', 'elementsYaml', 'template') },
      clusters: { fields: { ...VALUES, ...all('flatList'), selector: SELECTOR } },
      git: {
        fields: {
          ...VALUES,
          ...all('repoURL', 'revision', 'requeueAfterSeconds', 'pathParamPrefix'),
          directories: { each: { fields: all('path', 'exclude') } },
          files: { each: { fields: all('path', 'exclude') } },
        },
      },
      matrix: { fields: { template: 'any', generators: inner } },
      merge: { fields: { template: 'any', mergeKeys: 'any', generators: inner } },
      // Refused where they are read, with what is known of them.
      ...all('scmProvider', 'pullRequest', 'clusterDecisionResource', 'plugin'),
    },
  };
}

/** `spec` of an ApplicationSet but its template, whose fields are those of the Applications that it makes. */
export const APPLICATION_SET: Shape = {
  fields: {
    ...all('goTemplate', 'goTemplateOptions', 'template', 'templatePatch', 'applyNestedSelectors'),
    generators: { each: generator(3) },
    syncPolicy: { fields: all('preserveResourcesOnDeletion', 'applicationsSync') },
    preservedFields: { fields: all('annotations', 'labels') },
    ignoreApplicationDifferences: { each: { fields: all('name', 'jsonPointers', 'jqPathExpressions') } },
    strategy: {
      fields: {
        // AllAtOnce is what is done anyway.
        type: 'any',
        rollingSync: 'any',
        deletionOrder: 'any',
      },
    },
  },
};
