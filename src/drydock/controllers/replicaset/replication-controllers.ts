import type { InProcessApi, KubeObject } from '../../api/contract.ts';
import { startCache } from '../cache.ts';
import type { Cache } from '../cache.ts';
import type { PodTemplate, ReplicaSet } from '../objects.ts';

export const REPLICATION_CONTROLLERS = { group: '', version: 'v1', resource: 'replicationcontrollers' };

interface ReplicationController extends KubeObject {
  spec: {
    replicas?: number;
    minReadySeconds?: number;
    selector?: Record<string, string>;
    template?: PodTemplate;
  };
  status?: NonNullable<ReplicaSet['status']>;
}

const views = new WeakMap<KubeObject, ReplicaSet>();

/** A ReplicationController in the form of a ReplicaSet, under its own name and kind. */
function asReplicaSet(object: KubeObject): ReplicaSet {
  const known = views.get(object);
  if (known !== undefined) return known;
  const { spec, ...rest } = object as ReplicationController;
  const { selector = {}, template = { spec: { containers: [] } }, ...counts } = spec;
  const view: ReplicaSet = { ...rest, spec: { ...counts, selector: { matchLabels: selector }, template } };
  views.set(object, view);
  return view;
}

/** Writes the selector as it is stored. */
export function asReplicationController(view: KubeObject): KubeObject {
  const { spec } = view as ReplicaSet;
  return { ...view, spec: { ...spec, selector: spec.selector.matchLabels ?? {} } };
}

/**
 * ReplicationControllers seen as ReplicaSets, which is how the original runs them too. Source:
 * pkg/controller/replication/conversion.go.
 */
export function replicationControllerCache(api: InProcessApi): Cache<ReplicaSet> {
  const cache = startCache<KubeObject>(api, REPLICATION_CONTROLLERS);
  const maybe = (object: KubeObject | undefined) => (object === undefined ? undefined : asReplicaSet(object));
  return {
    get: (key) => maybe(cache.get(key)),
    *all() {
      for (const object of cache.all()) yield asReplicaSet(object);
    },
    inNamespace: (namespace) => cache.inNamespace(namespace).map(asReplicaSet),
    orphansIn: (namespace) => cache.orphansIn(namespace).map(asReplicaSet),
    ownedBy: (uid) => cache.ownedBy(uid).map(asReplicaSet),
    observe: (object) => cache.observe(object),
    onChange: (listener) =>
      cache.onChange((object, old, gone) => listener(asReplicaSet(object), maybe(old), gone)),
    close: () => cache.close(),
  };
}
