import { asLandfallError } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import { follow } from '../followed.ts';
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

export function followProjects(
  client: KubeClient,
  namespace: string,
  clock: Clock,
  onChange: (project: string) => void,
): Projects {
  const followed = follow(
    client,
    { apiVersion: 'argoproj.io/v1alpha1', kind: 'AppProject' },
    { clock, namespace, onChange: (object) => onChange(object.metadata.name) },
  );
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
      const object = (await known(name, signal)).find((item) => item.metadata.name === name);
      if (object !== undefined) return projectOf(object);
      return name === 'default' ? DEFAULT : undefined;
    },
    close: () => followed.close(),
  };
}
