import { mapBounded } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import { refName } from '../../kube/index.ts';
import type { KindRef, KubeClient, KubeObject, ObjectRef } from '../../kube/index.ts';
import { backendsOf, isRoute } from '../backends.ts';
import { attempt, read, valueOf } from '../reading.ts';
import type { Reading } from '../reading.ts';
import { isWorkload, podFacts } from '../workload.ts';
import type { PodFacts } from '../workload.ts';
import { SCALED_OBJECT, isOfKeda } from './scaled-objects.ts';

/** What one namespace holds behind the objects of an application. */
export interface NamespaceFacts {
  readonly pods: Reading<readonly PodFacts[]>;
  readonly replicaSets: Reading<readonly KubeObject[]>;
  readonly endpointSlices: Reading<readonly KubeObject[]>;
  readonly autoscalers: Reading<readonly KubeObject[]>;
  /** Left out where no autoscaler is of KEDA. */
  readonly scaledObjects?: Reading<readonly KubeObject[]>;
  /** Warnings; left out where nothing was rendered whose health is told by events only. */
  readonly events?: Reading<readonly KubeObject[]>;
  /** Left out where no CronJob was rendered. */
  readonly jobs?: Reading<readonly KubeObject[]>;
}

/** What the cluster said about one application, read as close together as its API allows. */
export interface ClusterSnapshot {
  readonly server: string;
  /** ISO 8601, when the reading began. */
  readonly takenAt: string;
  /** By `objectKey`. */
  readonly objects: ReadonlyMap<string, Reading<KubeObject>>;
  readonly namespaces: ReadonlyMap<string, NamespaceFacts>;
  readonly nodes: Reading<readonly KubeObject[]>;
  /** Ingresses and HTTPRoutes beside those that were rendered, in their namespaces; left out where none was. */
  readonly beside?: Reading<readonly KubeObject[]>;
}

/** Names an object by group, kind, namespace and name; the version does not count, since the server converts. */
export function objectKey(object: {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}): string {
  const group = object.apiVersion.includes('/') ? object.apiVersion.split('/')[0] : '';
  return `${group}|${object.kind}|${object.metadata.namespace ?? ''}|${object.metadata.name}`;
}

const EVENT = { apiVersion: 'v1', kind: 'Event' };
/** Kinds that have no condition for pods that are refused. */
const TOLD_BY_EVENTS = new Set(['StatefulSet', 'DaemonSet', 'Job', 'CronJob']);

const BESIDE = new Set(['Ingress', 'HTTPRoute']);

const AT_ONCE = 8;
const CONSISTENCY_TRIES = 3;

async function getObject(
  client: KubeClient,
  ref: ObjectRef,
  signal: AbortSignal | undefined,
): Promise<Reading<KubeObject>> {
  const reading = await attempt(() => client.get(ref, signal), signal);
  if (reading.state !== 'read') return reading;
  return reading.value === undefined
    ? { state: 'absent', why: `${refName(ref)} does not exist in the cluster.` }
    : read(reading.value);
}

async function listKind(
  client: KubeClient,
  kind: KindRef,
  namespace: string,
  signal: AbortSignal | undefined,
): Promise<Reading<readonly KubeObject[]>> {
  return attempt(async () => (await client.list(kind, { namespace }, signal)).items, signal);
}

async function readNamespace(
  client: KubeClient,
  namespace: string,
  wanted: { readonly events: boolean; readonly jobs: boolean },
  signal: AbortSignal | undefined,
): Promise<NamespaceFacts> {
  const [pods, replicaSets, endpointSlices, autoscalers, events, jobs] = await Promise.all([
    listKind(client, { apiVersion: 'v1', kind: 'Pod' }, namespace, signal),
    listKind(client, { apiVersion: 'apps/v1', kind: 'ReplicaSet' }, namespace, signal),
    listKind(client, { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' }, namespace, signal),
    listKind(client, { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' }, namespace, signal),
    wanted.events
      ? attempt(
          async () => (await client.list(EVENT, { namespace, fieldSelector: 'type=Warning' }, signal)).items,
          signal,
        )
      : undefined,
    wanted.jobs ? listKind(client, { apiVersion: 'batch/v1', kind: 'Job' }, namespace, signal) : undefined,
  ]);
  const byKeda = autoscalers.state === 'read' && autoscalers.value.some(isOfKeda);
  const scaledObjects = byKeda ? await listKind(client, SCALED_OBJECT, namespace, signal) : undefined;
  return {
    pods: pods.state === 'read' ? read(pods.value.map(podFacts)) : pods,
    replicaSets,
    endpointSlices,
    // A server without the kind has no autoscaler.
    autoscalers: autoscalers.state === 'absent' ? read([]) : autoscalers,
    ...(scaledObjects === undefined ? {} : { scaledObjects }),
    ...(events === undefined ? {} : { events }),
    ...(jobs === undefined ? {} : { jobs }),
  };
}

function refOf(object: KubeObject): ObjectRef {
  const { name, namespace } = object.metadata;
  const { apiVersion, kind } = object;
  return namespace === undefined ? { apiVersion, kind, name } : { apiVersion, kind, namespace, name };
}

/** The Services that stored routes lead to, whoever asks for them. */
async function servicesOfRoutes(
  client: KubeClient,
  objects: readonly Reading<KubeObject>[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, Reading<KubeObject>>> {
  const backends = objects.flatMap((reading) => (reading.state === 'read' ? backendsOf(reading.value) : []));
  const refs = new Map(
    backends.map(({ name, namespace }) => [
      objectKey({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace } }),
      { apiVersion: 'v1', kind: 'Service', name, namespace },
    ]),
  );
  const readings = await mapBounded([...refs], AT_ONCE, async ([key, ref]) => {
    return [key, await getObject(client, ref, signal)] as const;
  });
  return new Map(readings);
}

/** Routes of the kinds and in the namespaces of rendered ones that are not among them. */
async function routesBeside(
  client: KubeClient,
  rendered: readonly KubeObject[],
  signal: AbortSignal | undefined,
): Promise<Reading<readonly KubeObject[]> | undefined> {
  const own = rendered.filter((object) => isRoute(object) && BESIDE.has(object.kind));
  if (own.length === 0) return undefined;
  const known = new Set(rendered.map(objectKey));
  const places = new Map(
    own.map(({ apiVersion, kind, metadata: { namespace = '' } }) => [
      `${namespace}/${kind}`,
      { apiVersion, kind, namespace },
    ]),
  );
  const found: KubeObject[] = [];
  for (const { apiVersion, kind, namespace } of places.values()) {
    const listed = await listKind(client, { apiVersion, kind }, namespace, signal);
    // A server without the kind has none; that ours is missing is said at live.
    if (listed.state === 'unreadable') return listed;
    for (const item of valueOf(listed) ?? []) {
      const object = { ...item, apiVersion, kind };
      if (!known.has(objectKey(object))) found.push(object);
    }
  }
  return read(found);
}

/**
 * Reads the live side of `rendered` (objects with their namespace filled in) and what stands behind it. Nothing
 * throws but a cancellation: what could not be read says so. Workloads are read again after their pods; when one
 * changed its generation in between, the whole is read anew, so that pods are never judged by another template.
 */
export async function takeSnapshot(
  client: KubeClient,
  rendered: readonly KubeObject[],
  clock: Clock,
  signal?: AbortSignal,
): Promise<ClusterSnapshot> {
  for (let tries = 1; ; tries++) {
    const takenAt = new Date(clock.now()).toISOString();
    const readings = await mapBounded(rendered, AT_ONCE, (object) =>
      getObject(client, refOf(object), signal),
    );
    const objects = new Map(
      rendered.map((object, index) => [objectKey(object), readings[index] as Reading<KubeObject>]),
    );
    const wanted = rendered.filter((object) => isWorkload(object) || object.kind === 'Service');
    const names = [...new Set(wanted.flatMap((object) => object.metadata.namespace ?? []))].toSorted();
    const told = new Set(
      rendered.flatMap(({ kind, metadata }) => (TOLD_BY_EVENTS.has(kind) ? (metadata.namespace ?? []) : [])),
    );
    const scheduled = new Set(
      rendered.flatMap(({ kind, metadata }) => (kind === 'CronJob' ? (metadata.namespace ?? []) : [])),
    );
    const facts = await mapBounded(names, 2, (namespace) =>
      readNamespace(
        client,
        namespace,
        { events: told.has(namespace), jobs: scheduled.has(namespace) },
        signal,
      ),
    );
    const nodes =
      wanted.length === 0
        ? read<readonly KubeObject[]>([])
        : await attempt(
            async () => (await client.list({ apiVersion: 'v1', kind: 'Node' }, {}, signal)).items,
            signal,
          );
    const workloads = rendered.filter(isWorkload);
    const again = await mapBounded(workloads, AT_ONCE, (object) => getObject(client, refOf(object), signal));
    const moved = workloads.some((object, index) => {
      const before = valueOf(objects.get(objectKey(object)));
      return before?.metadata.generation !== valueOf(again[index])?.metadata.generation;
    });
    if (!moved || tries === CONSISTENCY_TRIES) {
      const beside = await routesBeside(client, rendered, signal);
      const routes = [...objects.values(), ...(valueOf(beside) ?? []).map(read)];
      for (const [key, service] of await servicesOfRoutes(client, routes, signal))
        if (!objects.has(key)) objects.set(key, service);
      // The later reading of a workload belongs to the pods that were just read.
      for (const [index, object] of workloads.entries())
        objects.set(objectKey(object), again[index] as Reading<KubeObject>);
      return {
        server: client.server,
        takenAt,
        objects,
        namespaces: new Map(names.map((name, index) => [name, facts[index] as NamespaceFacts])),
        nodes,
        ...(beside === undefined ? {} : { beside }),
      };
    }
  }
}
