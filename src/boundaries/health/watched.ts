import { getString } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import { startReflector } from '../../kube/index.ts';
import type { KindRef, KubeClient, KubeObject, ObjectRef, Reflector } from '../../kube/index.ts';
import type { Reading } from '../reading.ts';
import { isWorkload, podFacts } from '../workload.ts';
import type { PodFacts } from '../workload.ts';
import { workloadPods } from '../workload-pods.ts';
import type { WorkloadPods } from '../workload-pods.ts';
import type { Surroundings } from './facts.ts';
import { isPassive } from './passive.ts';

const POD = { apiVersion: 'v1', kind: 'Pod' };
const REPLICA_SET = { apiVersion: 'apps/v1', kind: 'ReplicaSet' };
const SLICE = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' };
const EVENT = { apiVersion: 'v1', kind: 'Event' };
const INGRESS_CLASS = { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass' };
const STORAGE_CLASS = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass' };

const WARNINGS = 'type=Warning';
/** That a claim waits on purpose is told in an event of the type Normal. */
const OF_CLAIMS = 'type=Normal,involvedObject.kind=PersistentVolumeClaim';

function where(namespace: string | undefined): string {
  return namespace ?? '';
}

function follows(kind: KindRef, namespace: string | undefined, selector: string): string {
  return `${kind.apiVersion}|${kind.kind}|${where(namespace)}|${selector}`;
}

/** A copy of everything that decides the health of some objects, kept up to date by watches. */
export interface Watched {
  live(object: KubeObject): Reading<KubeObject>;
  pods(object: KubeObject): Reading<WorkloadPods> | undefined;
  readonly around: Surroundings;
  /** True while something was not read yet, or the connection is lost and may come back. */
  isOpen(): boolean;
  close(): Promise<void>;
}

interface Watch {
  readonly kind: KindRef;
  readonly namespace: string | undefined;
  readonly fieldSelector: string;
}

/** Which watches the objects need: their own kinds, and what stands behind them in their namespaces. */
function watchesFor(objects: readonly KubeObject[]): readonly Watch[] {
  const found = new Map<string, Watch>();
  const add = (kind: KindRef, namespace: string | undefined, fieldSelector = '') => {
    const { apiVersion, kind: name } = kind;
    found.set(follows(kind, namespace, fieldSelector), {
      kind: { apiVersion, kind: name },
      namespace,
      fieldSelector,
    });
  };
  for (const object of objects) {
    const { namespace } = object.metadata;
    add(object, namespace, '');
    const { kind } = object;
    if (isWorkload(object) || kind === 'CronJob' || kind === 'PersistentVolumeClaim')
      add(EVENT, namespace, WARNINGS);
    if (isWorkload(object) || kind === 'Service' || kind === 'PersistentVolumeClaim') add(POD, namespace);
    if (kind === 'Deployment' || kind === 'Rollout') add(REPLICA_SET, namespace);
    if (kind === 'Service') add(SLICE, namespace);
    if (kind === 'PersistentVolumeClaim') {
      add(EVENT, namespace, OF_CLAIMS);
      add(STORAGE_CLASS, undefined);
    }
    if (kind === 'Ingress') add(INGRESS_CLASS, undefined);
    if (kind.endsWith('WebhookConfiguration'))
      for (const service of calledNamespaces(object)) add(SLICE, service);
  }
  return [...found.values()];
}

function calledNamespaces(object: KubeObject): readonly string[] {
  const hooks = object['webhooks'];
  if (!Array.isArray(hooks)) return [];
  return hooks.flatMap((hook) => getString(hook, 'clientConfig', 'service', 'namespace') ?? []);
}

const NOT_READ = { state: 'unreadable', why: 'it was not read yet', code: 'not-read' } as const;

/** Starts the watches. `onChange` is called for every change, and whenever the connection is lost or comes back. */
export function startWatched(
  client: KubeClient,
  objects: readonly KubeObject[],
  clock: Clock,
  onChange: () => void,
): Watched {
  const active = objects.filter((object) => !isPassive(object));
  const reflectors = new Map<string, Reflector>();
  for (const watch of watchesFor(active)) {
    const { kind, namespace, fieldSelector } = watch;
    const reflector = startReflector(client, kind, {
      clock,
      onChange,
      onState: onChange,
      ...(namespace === undefined ? {} : { namespace }),
      ...(fieldSelector === '' ? {} : { fieldSelector }),
    });
    reflectors.set(follows(kind, namespace, fieldSelector), reflector);
    reflector.ready.then(onChange, () => {});
  }

  function reflected(kind: KindRef, namespace: string | undefined, selector = ''): Reading<Reflector> {
    const reflector = reflectors.get(follows(kind, namespace, selector));
    if (reflector === undefined) return NOT_READ;
    const state = reflector.state();
    if (state.state === 'live') return { state: 'read', value: reflector };
    return state.state === 'starting'
      ? NOT_READ
      : { state: 'unreadable', why: state.error.message, code: state.error.code };
  }

  function list(kind: KindRef, namespace: string | undefined, selector = ''): Reading<readonly KubeObject[]> {
    const reading = reflected(kind, namespace, selector);
    return reading.state === 'read' ? { state: 'read', value: reading.value.list() } : reading;
  }

  const facts = new WeakMap<KubeObject, PodFacts>();
  const factsOf = (pod: KubeObject) => {
    const known = facts.get(pod);
    if (known !== undefined) return known;
    const made = podFacts(pod);
    facts.set(pod, made);
    return made;
  };
  function pods(namespace: string): Reading<readonly PodFacts[]> {
    const reading = list(POD, namespace);
    return reading.state === 'read' ? { state: 'read', value: reading.value.map(factsOf) } : reading;
  }

  return {
    live(object) {
      if (isPassive(object)) return { state: 'read', value: object };
      const { name, namespace } = object.metadata;
      const reading = reflected(object, namespace);
      if (reading.state !== 'read') return reading;
      const found = reading.value.get(namespace ? `${namespace}/${name}` : name);
      return found === undefined
        ? { state: 'absent', why: `${object.kind} ${name} is not in the cluster any more` }
        : { state: 'read', value: found };
    },
    pods(object) {
      if (!isWorkload(object)) return undefined;
      const { namespace } = object.metadata;
      const sets: Reading<readonly KubeObject[]> =
        object.kind === 'Deployment' || object.kind === 'Rollout'
          ? list(REPLICA_SET, namespace)
          : { state: 'read', value: [] };
      return workloadPods(object, pods(where(namespace)), sets);
    },
    around: {
      pods,
      endpointSlices: (namespace) => list(SLICE, namespace),
      events(namespace) {
        const warnings = list(EVENT, namespace, WARNINGS);
        const ofClaims = list(EVENT, namespace, OF_CLAIMS);
        if (warnings.state !== 'read' || ofClaims.state !== 'read') return warnings;
        return { state: 'read', value: [...warnings.value, ...ofClaims.value] };
      },
      object(ref: ObjectRef) {
        const reading = reflected(ref, ref.namespace);
        if (reading.state !== 'read') return reading;
        const found = reading.value.get(ref.namespace ? `${ref.namespace}/${ref.name}` : ref.name);
        return found === undefined
          ? { state: 'absent', why: `${ref.kind} ${ref.name} does not exist` }
          : { state: 'read', value: found };
      },
      list: () => list(INGRESS_CLASS, undefined),
    },
    isOpen: () =>
      [...reflectors.values()].some((reflector) => {
        const state = reflector.state();
        if (state.state === 'stale') return state.error.kind === 'unavailable';
        return state.state === 'starting';
      }),
    async close() {
      await Promise.all([...reflectors.values()].map((reflector) => reflector.close()));
    },
  };
}
