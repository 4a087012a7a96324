import { getArray, getString } from '../../kernel/index.ts';
import type { KindRef, KubeObject } from '../../kube/index.ts';
import type { Reading } from '../reading.ts';
import { isWorkload, podFacts } from '../workload.ts';
import type { PodFacts } from '../workload.ts';
import { workloadPods } from '../workload-pods.ts';
import type { WorkloadPods } from '../workload-pods.ts';
import type { Surroundings } from './facts.ts';

const POD = { apiVersion: 'v1', kind: 'Pod' };
const REPLICA_SET = { apiVersion: 'apps/v1', kind: 'ReplicaSet' };
const SLICE = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' };
const EVENT = { apiVersion: 'v1', kind: 'Event' };
const INGRESS_CLASS = { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass' };
const STORAGE_CLASS = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass' };

const WARNINGS = 'type=Warning';
/** That a claim waits on purpose is told in an event of the type Normal. */
const OF_CLAIMS = 'type=Normal,involvedObject.kind=PersistentVolumeClaim';

/** One list that has to be read. */
export interface Wanted {
  readonly kind: KindRef;
  /** Undefined: of the whole cluster. */
  readonly namespace: string | undefined;
  /** Empty: all. */
  readonly fieldSelector: string;
}

export function wantedKey({ kind, namespace, fieldSelector }: Wanted): string {
  return `${kind.apiVersion}|${kind.kind}|${namespace ?? ''}|${fieldSelector}`;
}

function calledNamespaces(object: KubeObject): readonly string[] {
  return getArray(object, 'webhooks').flatMap(
    (hook) => getString(hook, 'clientConfig', 'service', 'namespace') ?? [],
  );
}

/** What stands behind some objects: the lists that their health is told by, beside the objects themselves. */
export function behind(objects: readonly KubeObject[]): readonly Wanted[] {
  const found = new Map<string, Wanted>();
  const add = (kind: KindRef, namespace: string | undefined, fieldSelector = '') => {
    const wanted = { kind, namespace, fieldSelector };
    found.set(wantedKey(wanted), wanted);
  };
  for (const object of objects) {
    const { kind } = object;
    const { namespace } = object.metadata;
    const claim = kind === 'PersistentVolumeClaim';
    if (isWorkload(object) || claim) add(EVENT, namespace, WARNINGS);
    if (isWorkload(object) || claim || kind === 'Service') add(POD, namespace);
    if (kind === 'Deployment' || kind === 'Rollout') add(REPLICA_SET, namespace);
    if (kind === 'Service') add(SLICE, namespace);
    if (claim) add(EVENT, namespace, OF_CLAIMS);
    if (claim) add(STORAGE_CLASS, undefined);
    if (kind === 'Ingress') add(INGRESS_CLASS, undefined);
    if (kind.endsWith('WebhookConfiguration'))
      for (const called of calledNamespaces(object)) add(SLICE, called);
  }
  return [...found.values()];
}

/** What was read, as judging wants it. `list` answers for what `behind` asked for, and is unreadable otherwise. */
export function surroundings(list: (wanted: Wanted) => Reading<readonly KubeObject[]>): {
  readonly around: Surroundings;
  readonly podsOf: (workload: KubeObject) => Reading<WorkloadPods> | undefined;
} {
  const facts = new WeakMap<KubeObject, PodFacts>();
  const factsOf = (pod: KubeObject) => {
    const known = facts.get(pod) ?? podFacts(pod);
    facts.set(pod, known);
    return known;
  };
  // A namespace's pods are asked for by each of its objects.
  const lists = new WeakMap<readonly KubeObject[], readonly PodFacts[]>();
  const factsOfAll = (all: readonly KubeObject[]) => {
    const known = lists.get(all) ?? all.map(factsOf);
    lists.set(all, known);
    return known;
  };
  // So are those of each workload, among all pods and ReplicaSets of its namespace.
  const setsOf = byOwner<KubeObject>(({ metadata }) =>
    (metadata.ownerReferences ?? []).map(({ uid }) => uid),
  );
  const podsBelow = byOwner<PodFacts>(({ owner }) => (owner === undefined ? [] : [owner.uid]));
  const all = (kind: KindRef, namespace: string | undefined, fieldSelector = '') =>
    list({ kind, namespace, fieldSelector });
  function pods(namespace: string): Reading<readonly PodFacts[]> {
    const reading = all(POD, namespace);
    return reading.state === 'read' ? { state: 'read', value: factsOfAll(reading.value) } : reading;
  }
  return {
    podsOf(workload) {
      if (!isWorkload(workload)) return undefined;
      const { namespace = '' } = workload.metadata;
      const { uid = '' } = workload.metadata;
      const found = pods(namespace);
      if (workload.kind !== 'Deployment' && workload.kind !== 'Rollout') {
        const below = workload.kind === 'Pod' ? found : mapped(found, (list) => podsBelow(list, uid));
        return workloadPods(workload, below, { state: 'read', value: [] });
      }
      const sets = mapped(all(REPLICA_SET, namespace), (list) => setsOf(list, uid));
      const below = mapped(found, (list) =>
        sets.state === 'read' ? sets.value.flatMap((set) => podsBelow(list, set.metadata.uid ?? '')) : list,
      );
      return workloadPods(workload, below, sets);
    },
    around: {
      pods,
      endpointSlices: (namespace) => all(SLICE, namespace),
      events(namespace) {
        const warnings = all(EVENT, namespace, WARNINGS);
        const ofClaims = all(EVENT, namespace, OF_CLAIMS);
        if (warnings.state !== 'read' || ofClaims.state !== 'read') return warnings;
        return { state: 'read', value: [...warnings.value, ...ofClaims.value] };
      },
      storageClass(name) {
        const classes = all(STORAGE_CLASS, undefined);
        if (classes.state !== 'read') return classes;
        const found = classes.value.find((each) => each.metadata.name === name);
        return found === undefined
          ? { state: 'absent', why: `there is no StorageClass ${name}` }
          : { state: 'read', value: found };
      },
      ingressClasses: () => all(INGRESS_CLASS, undefined),
    },
  };
}

function mapped<T>(
  reading: Reading<readonly T[]>,
  change: (list: readonly T[]) => readonly T[],
): Reading<readonly T[]> {
  return reading.state === 'read' ? { ...reading, value: change(reading.value) } : reading;
}

/** Answers which of a list belong to an owner; each list is gone through once, however many owners there are. */
function byOwner<T>(
  ownersOf: (item: T) => readonly (string | undefined)[],
): (list: readonly T[], uid: string) => readonly T[] {
  const known = new WeakMap<readonly T[], ReadonlyMap<string, readonly T[]>>();
  const indexOf = (list: readonly T[]) => {
    const index = new Map<string, T[]>();
    for (const item of list) {
      for (const uid of new Set(ownersOf(item))) {
        if (uid === undefined) continue;
        const items = index.get(uid);
        if (items === undefined) index.set(uid, [item]);
        else items.push(item);
      }
    }
    known.set(list, index);
    return index;
  };
  return (list, uid) => (known.get(list) ?? indexOf(list)).get(uid) ?? [];
}
