import { asLandfallError, getString, isJsonObject } from '../kernel/index.ts';
import type { Clock, JsonValue, Logger } from '../kernel/index.ts';
import { startReflector } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { applicationSpec } from '../boundaries/sync/index.ts';
import type { Jq } from '../boundaries/sync/index.ts';
import {
  APPLICATION_SET_KIND,
  SET_REFRESH_ANNOTATION,
  filesMatching,
  foldersOf,
  isGenerated,
  reconcileSet,
} from './applicationsets/index.ts';
import type { ClusterFacts, GeneratorSources } from './applicationsets/index.ts';
import type { ArgoSecrets, Clusters } from './clusters/index.ts';
import type { EventRecorder } from './events.ts';
import { secretValue } from './followed.ts';
import type { Projects } from './projects/index.ts';
import { createQueue } from './queue.ts';
import type { Turn } from './queue.ts';
import type { Repositories } from './repositories.ts';
import { openCluster } from './settled.ts';
import type { Settings } from './settings/index.ts';
import type { SourceAccess } from './target.ts';

export interface ApplicationSets {
  /** An Application changed: the set that made it keeps it so. */
  applicationChanged(application: KubeObject): void;
  /** Clusters changed, or Git may have. */
  wakeAll(): void;
  /** Somebody pushed to a repository: the sets whose generators name it are looked at. Gives how many. */
  pushed(fits: (url: string) => boolean): number;
  close(): Promise<void>;
}

export interface ApplicationSetsOptions {
  /** Runs a turn where this replica works on that key. */
  readonly mine: <T>(key: string, turn: Turn, work: (own: Turn) => Promise<T>) => Promise<T | undefined>;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventRecorder;
  readonly secrets: ArgoSecrets;
  readonly clusters: Clusters;
  readonly projects: Projects;
  readonly settings: Settings;
  readonly repositories: Repositories;
  readonly access: SourceAccess;
  readonly jq: Jq;
  /** The Applications of a namespace, as the watch has them. */
  readonly applications: (namespace: string | undefined) => readonly KubeObject[];
  readonly pollMs: number;
  readonly random: () => number;
  readonly namespace?: string;
}

const AT_ONCE = 4;
const TYPE = 'argocd.argoproj.io/secret-type';

/** The loop over ApplicationSets: each on its own, whenever it, its Applications, a cluster or Git changed. */
export function startApplicationSets(options: ApplicationSetsOptions): ApplicationSets {
  const { client, clock, logger, random } = options;

  async function clusterFacts(turn: Turn): Promise<readonly ClusterFacts[]> {
    return (await options.secrets.clusters(turn.signal)).map((secret) => {
      const { [TYPE]: type, ...labels } = secret.metadata.labels ?? {};
      return {
        name: secretValue(secret, 'name') ?? '',
        server: secretValue(secret, 'server') ?? '',
        project: secretValue(secret, 'project') ?? '',
        labels: type === undefined ? labels : { ...labels, [TYPE]: type },
        annotations: secret.metadata.annotations ?? {},
      };
    });
  }

  function sourcesOf(set: KubeObject, turn: Turn): GeneratorSources {
    const asked = set.metadata.annotations?.[SET_REFRESH_ANNOTATION] !== undefined;
    const named = getString(set, 'spec', 'template', 'spec', 'project') ?? '';
    // A project that is a template is not known before its parameters are: credentials for everybody only.
    const project = named.includes('{{') ? '' : named;
    const at = async (url: string, revision: string) => {
      const mirror = await options.access.mirror(url, project, turn.signal);
      const level = asked || turn.level === 'asked' || turn.level === 'hard' ? 'asked' : 'git';
      const commit = await turn.outside(() =>
        options.repositories.resolve(url, revision, level, project, turn.signal),
      );
      return { mirror, commit };
    };
    return {
      clusters: () => clusterFacts(turn),
      async directories(url, revision) {
        const { mirror, commit } = await at(url, revision);
        return foldersOf(mirror, commit);
      },
      async files(url, revision, pattern) {
        const { mirror, commit } = await at(url, revision);
        return filesMatching(mirror, commit, pattern);
      },
    };
  }

  async function problemOf(application: KubeObject, turn: Turn): Promise<string | undefined> {
    const spec = applicationSpec(application);
    if ((await options.projects.get(spec.project, turn.signal)) === undefined) {
      return `application references project ${spec.project} which does not exist`;
    }
    const settings = await options.settings.get(turn.signal);
    const cluster = await openCluster(options.clusters, spec.destination, settings, turn.signal);
    return 'problem' in cluster ? `application destination spec is invalid: ${cluster.problem}` : undefined;
  }

  const queue = createQueue({ clock, logger, random, concurrency: AT_ONCE }, (key, given) =>
    options.mine(key, given, (turn) => reconcileOne(key, turn)),
  );

  async function reconcileOne(key: string, turn: Turn) {
    const slash = key.indexOf('/');
    const ref = { ...APPLICATION_SET_KIND, namespace: key.slice(0, slash), name: key.slice(slash + 1) };
    const set = await client.get(ref, turn.signal);
    if (set === undefined) return undefined;
    const next = await reconcileSet({ ...options, sources: sourcesOf, problemOf }, set, turn);
    return next?.again === undefined ? next : { again: Math.round(next.again * (1 + random() / 3)) };
  }

  const sets = startReflector(client, APPLICATION_SET_KIND, {
    clock,
    random,
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
    onChange: ({ key, gone }) => {
      if (gone) queue.forget(key);
      else queue.add(key, 'git');
    },
    onState: (state) => {
      // A cluster without the kind has no sets.
      if (state.state !== 'stale' || state.error.code === 'kind-unknown') return;
      logger.warn('ApplicationSets cannot be watched; what is known is kept and tried again', {
        code: state.error.code,
        error: asLandfallError(state.error).message,
      });
    },
  });

  return {
    applicationChanged(application) {
      const name = isGenerated(application);
      const key = `${application.metadata.namespace ?? ''}/${name ?? ''}`;
      if (name !== undefined && sets.get(key) !== undefined) queue.add(key, 'live');
    },
    wakeAll() {
      for (const set of sets.list()) {
        queue.add(`${set.metadata.namespace ?? ''}/${set.metadata.name}`, 'asked');
      }
    },
    pushed(fits) {
      const concerned = sets.list().filter((set) => repositoriesIn(set['spec']).some(fits));
      for (const set of concerned) queue.add(`${set.metadata.namespace ?? ''}/${set.metadata.name}`, 'asked');
      return concerned.length;
    },
    async close() {
      await sets.close();
      await queue.close();
    },
  };
}

/** Every repository that a generator names, however deep it stands. */
function repositoriesIn(value: JsonValue | undefined): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(repositoriesIn);
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key === 'repoURL' && typeof item === 'string' ? [item] : key === 'template' ? [] : repositoriesIn(item),
  );
}
