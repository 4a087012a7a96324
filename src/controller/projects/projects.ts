import { asLandfallError, getArray, getObject } from '../../kernel/index.ts';
import type { Clock, JsonObject } from '../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import { follow } from '../followed.ts';
import { selects } from '../selector.ts';
import type { Settings } from '../settings/index.ts';
import { projectOf } from './project.ts';
import type { Project } from './project.ts';

export interface Projects {
  /** Undefined: there is no such project. Throws where nobody knows. */
  get(name: string, signal?: AbortSignal): Promise<Project | undefined>;
  close(): Promise<void>;
}

/** The project that Argo CD makes by itself, for as long as nobody has written another one of that name. */
const DEFAULT = projectOf({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'AppProject',
  metadata: { name: 'default' },
  spec: {
    sourceRepos: ['*'],
    destinations: [{ server: '*', namespace: '*' }],
    clusterResourceWhitelist: [{ group: '*', kind: '*' }],
    // Nobody limited anything: Applications are delivered wherever they are.
    sourceNamespaces: ['*'],
  },
});

/** Lists of a project that those of a global one are added to. Source: Argo CD util/argo/argo.go. */
const SHARED = [
  'clusterResourceWhitelist',
  'clusterResourceBlacklist',
  'namespaceResourceWhitelist',
  'namespaceResourceBlacklist',
  'syncWindows',
  'sourceRepos',
  'destinations',
  'destinationServiceAccounts',
];

function withGlobal(project: KubeObject, global: KubeObject): KubeObject {
  const spec: JsonObject = { ...getObject(project, 'spec') };
  for (const list of SHARED) {
    const more = getArray(global, 'spec', list);
    if (more.length > 0) spec[list] = [...getArray(project, 'spec', list), ...more];
  }
  return { ...project, spec };
}

export function followProjects(
  client: KubeClient,
  namespace: string,
  clock: Clock,
  /** Says which projects are everybody's. */
  settings: Pick<Settings, 'get'>,
  /** `concerns` tells of a project whether the change is one of its own, or of one whose limits it has as well. */
  onChange: (concerns: (project: string) => boolean) => void,
): Projects {
  const followed = follow(
    client,
    { apiVersion: 'argoproj.io/v1alpha1', kind: 'AppProject' },
    { clock, namespace, onChange: ({ metadata }) => changed(metadata.name) },
  );

  function changed(name: string): void {
    onChange((project) => project === name);
    settings.get().then(
      ({ globalProjects }) => {
        if (globalProjects.some((global) => global.project === name)) onChange((project) => project !== name);
      },
      // Nobody knows: whoever reconciles then is told.
      () => {},
    );
  }
  /** A controller that may not read projects has no other than the one that limits nothing. */
  async function known(name: string, signal?: AbortSignal): Promise<readonly KubeObject[]> {
    try {
      return await followed.list(signal);
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (error.kind === 'denied' && name === 'default') return [];
      throw error;
    }
  }

  return {
    async get(name, signal) {
      const all = await known(name, signal);
      const object = all.find((item) => item.metadata.name === name);
      if (object === undefined) return name === 'default' ? DEFAULT : undefined;
      const { globalProjects } = await settings.get(signal);
      const globals = globalProjects
        .filter(
          ({ project, selector }) => project !== name && selects(selector, object.metadata.labels ?? {}),
        )
        .flatMap(({ project }) => all.find((item) => item.metadata.name === project) ?? []);
      return projectOf(globals.reduce(withGlobal, object));
    },
    close: () => followed.close(),
  };
}
