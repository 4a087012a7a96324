import {
  APPLICATION_KIND,
  FLUX_KUSTOMIZATION,
  HELM_RELEASE,
  attempt,
  isWorkload,
  valueOf,
} from '../../boundaries/index.ts';
import type { Reading } from '../../boundaries/index.ts';
import { getArray, getNumber, getString, isJsonObject, mapBounded, redactLine } from '../../kernel/index.ts';
import type { KindRef, KubeClient, KubeObject } from '../../kube/index.ts';
import type { Material } from '../judge.ts';
import { desiredObject, eventFact, liveObject } from './objects.ts';
import type { DigestFact, EngineFact, LogLine, MetricSample, World } from './world.ts';

/** What rules need of a namespace beyond what a proof reads. */
const IN_NAMESPACE: readonly KindRef[] = [
  { apiVersion: 'v1', kind: 'Pod' },
  { apiVersion: 'v1', kind: 'Event' },
  { apiVersion: 'v1', kind: 'ResourceQuota' },
  { apiVersion: 'v1', kind: 'LimitRange' },
  { apiVersion: 'v1', kind: 'PersistentVolumeClaim' },
  { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
];
const IN_CLUSTER: readonly KindRef[] = [
  { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass' },
  { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass' },
];
/** Of one namespace; a namespace that has more says enough with these. */
const MOST_EVENTS = 1_000;
const MOST_LOGS = 6;
const LOG_LINES = 40;
const LOG_BYTES = 16_384;
const AT_ONCE = 6;

interface Listed {
  readonly what: string;
  readonly reading: Reading<readonly KubeObject[]>;
}

function owners(object: KubeObject): readonly string[] {
  return object.metadata.ownerReferences?.map(({ uid }) => uid) ?? [];
}

/** Lines of what crashed last, for the few pods that tell most. */
async function crashLogs(
  kube: KubeClient,
  pods: readonly KubeObject[],
  signal: AbortSignal,
): Promise<readonly LogLine[]> {
  const wanted = pods
    .flatMap((pod) =>
      [...getArray(pod, 'status', 'initContainerStatuses'), ...getArray(pod, 'status', 'containerStatuses')]
        .filter(isJsonObject)
        .flatMap((status) => {
          const restarts = getNumber(status, 'restartCount') ?? 0;
          const over = isJsonObject(status['state']) && 'terminated' in status['state'];
          const name = getString(status, 'name');
          return name === undefined || status['ready'] === true || (restarts === 0 && !over)
            ? []
            : [{ pod, name, previous: !over }];
        }),
    )
    .slice(0, MOST_LOGS);
  const logs = await mapBounded(wanted, AT_ONCE, async ({ pod, name, previous }) => {
    const { namespace = '' } = pod.metadata;
    const text = await attempt(
      () =>
        kube.podLogs(
          { namespace, name: pod.metadata.name, container: name },
          { previous, tailLines: LOG_LINES, maxBytes: LOG_BYTES },
          signal,
        ),
      signal,
    );
    const lines = (valueOf(text) ?? '').split('\n').filter((line) => line.trim() !== '');
    return lines.map((line): LogLine => ({
      component: pod.metadata.name,
      time: undefined,
      level: undefined,
      message: redactLine(line),
      fields: { pod: pod.metadata.name, namespace },
      previous: true,
      source: {
        type: 'object',
        apiVersion: 'v1',
        kind: 'Pod',
        namespace,
        name: pod.metadata.name,
      },
    }));
  });
  return logs.flat();
}

function digests(material: Material): readonly DigestFact[] {
  return material.images.map(({ reference, answer }) => ({
    reference,
    digest: answer.state === 'read' ? answer.value.digest : undefined,
    platforms: [],
    answer: answer.state === 'read' ? 'OK' : answer.code,
    source: { type: 'registry', reference },
  }));
}

function samples(material: Material): readonly MetricSample[] {
  return material.observed.flatMap(({ samples: told }) =>
    told.map(({ name, labels, value }) => ({
      name,
      labels,
      value,
      from: undefined,
      source: { type: 'http' as const, url: name },
    })),
  );
}

const ENGINES = ['Argo CD', 'Flux', 'Landfall'] as const;

function kindRef({ kind }: Material['subject']): KindRef {
  if (kind === 'Kustomization') return FLUX_KUSTOMIZATION;
  return kind === 'HelmRelease' ? HELM_RELEASE : APPLICATION_KIND;
}

function engines({ engine, subject }: Material): readonly EngineFact[] {
  if (engine === undefined) return [];
  const { operation } = engine;
  return [
    {
      engine: ENGINES.find((known) => known === engine.engine) ?? 'unknown',
      application: subject.name,
      kind: kindRef(subject).kind,
      sync: engine.sync,
      health: engine.health,
      revision: engine.revision,
      targetRevision: subject.revision,
      repository: subject.repository,
      path: subject.path,
      destination: subject.destination,
      messages: operation === undefined || operation.phase === 'Succeeded' ? [] : [operation.message],
      operation:
        operation === undefined
          ? undefined
          : { phase: operation.phase, updated: operation.changed, unchanged: operation.unchanged },
      suspended: undefined,
      time: operation?.finishedAt,
      source: {
        type: 'object',
        ...kindRef(subject),
        namespace: subject.namespace,
        name: subject.name,
      },
    },
  ];
}

/**
 * Everything that is known of one application, for the rules: what was read for its proof, and around it events,
 * quotas, claims, classes and the logs of what crashed. Only what belongs to the application is taken over: a
 * neighbour's trouble in the same namespace is not its own. What could not be read is listed as such. Throws only
 * for a cancellation.
 */
export async function readWorld(kube: KubeClient, material: Material, signal: AbortSignal): Promise<World> {
  const { snapshot, subject, rendered } = material;
  const spaces = [
    ...new Set([subject.destination, ...rendered.flatMap(({ object }) => object.metadata.namespace ?? [])]),
  ].slice(0, 8);
  const asks = [
    ...IN_CLUSTER.map((kind) => ({ kind, namespace: undefined })),
    ...spaces.flatMap((namespace) => IN_NAMESPACE.map((kind) => ({ kind, namespace }))),
  ];
  const [listed, application] = await Promise.all([
    mapBounded(asks, AT_ONCE, async ({ kind, namespace }): Promise<Listed> => ({
      what: `${kind.kind}${namespace === undefined ? '' : ` in ${namespace}`}`,
      reading: await attempt(
        async () => (await kube.list(kind, namespace === undefined ? {} : { namespace }, signal)).items,
        signal,
      ),
    })),
    attempt(
      () =>
        kube.get(
          {
            ...kindRef(subject),
            namespace: subject.namespace,
            name: subject.name,
          },
          signal,
        ),
      signal,
    ),
  ]);
  const found = listed.flatMap(({ reading }) => valueOf(reading) ?? []);
  const own = [...snapshot.objects.values()].flatMap((reading) => valueOf(reading) ?? []);
  const behind = [...snapshot.namespaces.values()];
  const workloads = new Set(own.filter(isWorkload).map(({ metadata }) => metadata.uid ?? ''));
  const sets = behind
    .flatMap(({ replicaSets }) => valueOf(replicaSets) ?? [])
    .filter((set) => owners(set).some((uid) => workloads.has(uid)));
  const above = new Set([...workloads, ...sets.map(({ metadata }) => metadata.uid ?? '')]);
  const pods = found.filter(
    (object) => object.kind === 'Pod' && owners(object).some((uid) => above.has(uid)),
  );
  const services = new Set(own.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name));
  const slices = behind
    .flatMap(({ endpointSlices }) => valueOf(endpointSlices) ?? [])
    .filter(({ metadata }) => services.has(metadata.labels?.['kubernetes.io/service-name'] ?? ''));
  const around = found.filter(({ kind }) => kind !== 'Pod' && kind !== 'Event');
  const app = valueOf(application);
  const live = [
    ...own,
    ...sets,
    ...pods,
    ...slices,
    ...around,
    ...(valueOf(snapshot.nodes) ?? []),
    ...(app === undefined ? [] : [app]),
  ];
  const unique = new Map(
    live.map((object) => [
      `${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`,
      object,
    ]),
  );
  const known = new Set([...unique.values()].map(({ kind, metadata }) => `${kind}/${metadata.name}`));
  const events = found
    .filter(({ kind }) => kind === 'Event')
    .slice(-MOST_EVENTS)
    .flatMap((event) => eventFact(event) ?? [])
    .filter(({ object }) => {
      const [kind = '', , name = ''] = object.split('/');
      return known.has(`${kind}/${name}`);
    });
  return {
    live: [...unique.values()].map(liveObject),
    desired: rendered.map(desiredObject),
    files: [],
    events,
    logs: await crashLogs(kube, pods, signal),
    samples: samples(material),
    builds: [],
    commits: [],
    digests: digests(material),
    engines: engines(material),
    answers: [],
    unreadable: listed.flatMap(({ what, reading }) =>
      reading.state === 'unreadable' ? [{ what, why: reading.why }] : [],
    ),
    at: material.at,
  };
}
