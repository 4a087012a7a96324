import { execFile } from 'node:child_process';
import type { BoundaryName } from '../src/boundaries/index.ts';
import type { ClusterFixture } from '../src/drydock/cluster/cluster-fixture.ts';
import { parseYamlDocuments, systemClock, yamlToJson } from '../src/kernel/index.ts';
import type { KubeClient, KubeObject } from '../src/kube/index.ts';
import { liveObject } from '../src/verdict/index.ts';
import type { AnswerFact, DigestFact, LogLine, World, WorldObject } from '../src/verdict/index.ts';
import { eventFact } from '../src/verdict/world/objects.ts';

/** A failure that an embedded cluster brings about by itself: by what is stored in it, and what happens then. */
export interface LiveCase {
  readonly failure: string;
  /** Of its namespaces. */
  readonly name: string;
  readonly id: string;
  readonly boundary: BoundaryName;
  /** Labels of its namespace. */
  readonly labels?: Readonly<Record<string, string>>;
  /** YAML of what is there from the start. */
  readonly objects: (broken: boolean) => string;
  /** YAML of what Git asks for, where the rule holds one against the other. */
  readonly desired?: (broken: boolean) => string;
  /** What happens afterwards; the twin sees the harmless version of it. */
  readonly happens?: (stage: Stage) => Promise<void>;
  /** How long after the fact somebody looks, in ms. */
  readonly laterMs?: number;
  /** The twin has no Deployment that has to become ready. */
  readonly still?: true;
}

/** One side of a case while it plays: its namespace, and what is said to whoever asks. */
export interface Stage {
  readonly broken: boolean;
  readonly namespace: string;
  readonly fixture: ClusterFixture;
  readonly kube: KubeClient;
  /** Stock kubectl in the namespace; what it says belongs to what is known. */
  readonly kubectl: (args: readonly string[], input?: string) => Promise<string>;
  /** Until everything of this Deployment or StatefulSet is ready. */
  readonly ready: (kind?: 'Deployment' | 'StatefulSet') => Promise<void>;
  /** What the registry answers for a tag now. */
  readonly ask: (repository: string, tag: string) => Promise<void>;
}

export interface Played {
  readonly namespace: string;
  readonly answers: AnswerFact[];
  readonly digests: DigestFact[];
}

export function objectsIn(yaml: string): readonly KubeObject[] {
  const objects: KubeObject[] = [];
  for (const document of parseYamlDocuments(yaml, { source: 'case' })) {
    const value = yamlToJson(document);
    if (value !== null) objects.push(value as KubeObject);
  }
  return objects;
}

const KINDS = [
  ['v1', 'Pod'],
  ['v1', 'Event'],
  ['v1', 'Service'],
  ['v1', 'ConfigMap'],
  ['v1', 'Secret'],
  ['v1', 'PersistentVolumeClaim'],
  ['v1', 'ResourceQuota'],
  ['v1', 'LimitRange'],
  ['apps/v1', 'Deployment'],
  ['apps/v1', 'ReplicaSet'],
  ['apps/v1', 'StatefulSet'],
  ['apps/v1', 'DaemonSet'],
  ['batch/v1', 'Job'],
  ['discovery.k8s.io/v1', 'EndpointSlice'],
  ['networking.k8s.io/v1', 'Ingress'],
  ['autoscaling/v2', 'HorizontalPodAutoscaler'],
  ['policy/v1', 'PodDisruptionBudget'],
] as const;

async function logsOf(kube: KubeClient, pods: readonly KubeObject[]): Promise<readonly LogLine[]> {
  const lists = await Promise.all(
    pods.map(async (pod) => {
      const { name, namespace = '' } = pod.metadata;
      const statuses = (pod['status'] as { containerStatuses?: { name: string; restartCount: number }[] })
        .containerStatuses;
      const ended = statuses?.find(({ restartCount }) => restartCount > 0);
      if (ended === undefined) return [];
      const text = await kube
        .podLogs(
          { namespace, name, container: ended.name },
          { previous: true, tailLines: 20, maxBytes: 4_096 },
        )
        .catch(() => '');
      return text.split('\n').flatMap((message): LogLine[] =>
        message.trim() === ''
          ? []
          : [
              {
                component: name,
                time: undefined,
                level: undefined,
                message,
                fields: {},
                previous: true,
                source: { type: 'object', apiVersion: 'v1', kind: 'Pod', namespace, name },
              },
            ],
      );
    }),
  );
  return lists.flat();
}

/** What the API, kubectl and the registry say of one namespace, as rules see it. */
export async function worldOf(
  kube: KubeClient,
  { namespace, answers, digests }: Played,
  desired: readonly WorldObject[],
  laterMs: number,
): Promise<World> {
  const lists = await Promise.all([
    ...KINDS.map(async ([apiVersion, kind]) => (await kube.list({ apiVersion, kind }, { namespace })).items),
    kube.list({ apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass' }).then(({ items }) => items),
    kube
      .list({ apiVersion: 'v1', kind: 'Namespace' })
      .then(({ items }) => items.filter(({ metadata }) => metadata.name === namespace)),
  ]);
  const objects: readonly KubeObject[] = lists.flat();
  const pods = objects.filter(({ kind }) => kind === 'Pod');
  return {
    live: objects.filter(({ kind }) => kind !== 'Event').map(liveObject),
    desired,
    files: [],
    events: objects.filter(({ kind }) => kind === 'Event').flatMap((event) => eventFact(event) ?? []),
    logs: await logsOf(kube, pods),
    samples: [],
    builds: [],
    commits: [],
    digests,
    engines: [],
    answers,
    unreadable: [],
    at: new Date(systemClock.now() + laterMs).toISOString(),
  };
}

/** The stage of one side; everything that is said on it is written into `played`. */
export function stageOf(
  fixture: ClusterFixture,
  kube: KubeClient,
  env: Readonly<Record<string, string>>,
  played: Played,
  broken: boolean,
): Stage {
  const { namespace } = played;
  return {
    broken,
    namespace,
    fixture,
    kube,
    kubectl: (args, input) =>
      new Promise((resolve) => {
        const all = ['-n', namespace, ...args];
        const child = execFile('kubectl', all, { env }, (error, out, err) => {
          const asked = `kubectl ${all.join(' ')}`;
          const source = { type: 'artifact', artifact: 'kubectl', line: 1 } as const;
          for (const answer of out.split('\n'))
            if (answer.trim() !== '') played.answers.push({ asked, answer, ok: true, source });
          for (const answer of err.split('\n'))
            if (answer.trim() !== '')
              played.answers.push({ asked, answer, ok: error === null ? undefined : false, source });
          resolve(out + err);
        });
        child.stdin?.end(input ?? '');
      }),
    ready: async (kind = 'Deployment') => {
      await fixture.until(`${kind} of ${namespace}`, async () => {
        const { items } = await kube.list({ apiVersion: 'apps/v1', kind }, { namespace });
        return (
          items.length > 0 &&
          items.every((item) => {
            const wanted = (item['spec'] as { replicas?: number }).replicas ?? 1;
            const status = item['status'] as
              | { readyReplicas?: number; updatedReplicas?: number; observedGeneration?: number }
              | undefined;
            return (
              status !== undefined &&
              status.observedGeneration === item.metadata.generation &&
              (status.readyReplicas ?? 0) === wanted &&
              (status.updatedReplicas ?? 0) === wanted
            );
          })
        );
      });
    },
    ask: async (repository, tag) => {
      const answer = await fetch(`${fixture.cluster.registry.url}/v2/${repository}/manifests/${tag}`, {
        method: 'HEAD',
        headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
      });
      const reference = `registry.corp.io/${repository}:${tag}`;
      played.digests.push({
        reference,
        digest: answer.headers.get('docker-content-digest') ?? undefined,
        platforms: [],
        answer: answer.ok ? 'OK' : 'MANIFEST_UNKNOWN',
        source: { type: 'registry', reference },
      });
    },
  };
}
