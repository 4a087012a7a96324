import { stringifyYaml } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { FoundOverlay } from './discover.ts';

export interface PlannedFile {
  /** Relative to the repository's root. */
  readonly path: string;
  readonly text: string;
}

export interface Plan {
  readonly url: string;
  readonly revision: string;
  readonly namespace: string;
}

function applicationYaml(overlay: FoundOverlay, plan: Plan): string {
  return stringifyYaml({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: overlay.application, namespace: plan.namespace },
    spec: {
      project: 'default',
      source: { repoURL: plan.url, targetRevision: plan.revision, path: overlay.path },
      destination: {
        server: 'https://kubernetes.default.svc',
        namespace: overlay.namespace ?? overlay.environment,
      },
      syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: ['CreateNamespace=true'] },
    },
  });
}

function landfallYaml(overlays: readonly FoundOverlay[]): string {
  const environments = [...new Set(overlays.map((overlay) => overlay.environment))];
  const observed = overlays.flatMap((overlay) => {
    const observe = overlay.services.flatMap(({ name, port, probe }) =>
      probe === undefined ? [] : [{ service: name, port, probe }],
    );
    return observe.length === 0 ? [] : [[overlay.application, { observe }] as const];
  });
  const applications: JsonObject = Object.fromEntries(observed);
  const content: JsonObject = {
    apiVersion: 'landfall.dev/v1',
    ...(observed.length === 0 ? {} : { applications }),
    environments: environments.map((name) => ({
      name,
      applications: overlays
        .filter((overlay) => overlay.environment === name)
        .map((overlay) => overlay.application),
    })),
  };
  return [
    '# What no other file can say: the order of environments, what builds an image, what users should observe.',
    '# Worth adding to a service under observe: buildInfo (a metric that tells version and commit) and errors (a counter);',
    '# and to an application: source (repository and image), so that a release can be traced to its commit.',
    stringifyYaml(content),
  ].join('\n');
}

/** The files that a first set-up needs. */
export function plannedFiles(overlays: readonly FoundOverlay[], plan: Plan): readonly PlannedFile[] {
  return [
    { path: 'landfall.yaml', text: landfallYaml(overlays) },
    ...overlays
      .filter((overlay) => overlay.registeredIn === undefined)
      .map((overlay) => ({
        path: `platform/clusters/${overlay.environment}/${overlay.application}.yaml`,
        text: applicationYaml(overlay, plan),
      })),
  ];
}
