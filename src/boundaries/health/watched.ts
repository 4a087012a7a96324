import { getString } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import { startReflector } from '../../kube/index.ts';
import type { KubeClient, KubeObject, Reflector } from '../../kube/index.ts';
import type { Reading } from '../reading.ts';
import type { WorkloadPods } from '../workload-pods.ts';
import { behind, surroundings, wantedKey } from './around.ts';
import type { Wanted } from './around.ts';
import { condition } from './facts.ts';
import type { Surroundings } from './facts.ts';
import { isPassive } from './passive.ts';

/** A copy of everything that decides the health of some objects, kept up to date by watches. */
export interface Watched {
  live(object: KubeObject): Reading<KubeObject>;
  podsOf(workload: KubeObject): Reading<WorkloadPods> | undefined;
  readonly around: Surroundings;
  /** True while something was not read yet, or the connection is lost and may come back. */
  isOpen(): boolean;
  /** Resolves once everything was read, or could not be. */
  readonly read: Promise<void>;
  /** Starts to watch what was read; before that it is only looked at once. */
  follow(): void;
  close(): Promise<void>;
}

const NOT_READ = { state: 'unreadable', why: 'it was not read yet', code: 'not-read' } as const;

/** A Job or pod that has succeeded, as far as its last state tells. */
function ends(object: KubeObject): boolean {
  if (object.kind === 'Job') return condition(object, 'Complete')?.status === 'True';
  return object.kind === 'Pod' && getString(object, 'status', 'phase') === 'Succeeded';
}

/** Without the marks of its deletion. */
function standing(object: KubeObject): KubeObject {
  const { deletionTimestamp: _at, deletionGracePeriodSeconds: _grace, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function own(objects: readonly KubeObject[]): readonly Wanted[] {
  return objects.map(({ apiVersion, kind, metadata }) => ({
    kind: { apiVersion, kind },
    namespace: metadata.namespace,
    fieldSelector: '',
  }));
}

/** Starts to read. `onChange` is called for every change, and whenever the connection is lost or comes back. */
export function startWatched(
  client: KubeClient,
  objects: readonly KubeObject[],
  clock: Clock,
  onChange: () => void,
): Watched {
  const active = objects.filter((object) => !isPassive(object));
  const reflectors = new Map<string, Reflector>();
  // One list for everybody who asks between two changes.
  const lists = new Map<string, readonly KubeObject[]>();
  // What ran to its end may be cleaned up before anybody looked: that it succeeded is known from its deletion.
  const ended = new Map<string, KubeObject>();
  let announceRead: () => void = () => {};
  const everythingRead = new Promise<void>((resolve) => {
    announceRead = resolve;
  });
  let follow: () => void = () => {};
  const following = new Promise<void>((resolve) => {
    follow = resolve;
  });
  const isStarting = () => [...reflectors.values()].some((each) => each.state().state === 'starting');
  const changed = () => {
    lists.clear();
    if (!isStarting()) announceRead();
    onChange();
  };
  for (const wanted of [...own(active), ...behind(active)]) {
    if (reflectors.has(wantedKey(wanted))) continue;
    const { kind, namespace, fieldSelector } = wanted;
    const reflector = startReflector(client, kind, {
      clock,
      follow: following,
      onChange({ object, gone }) {
        if (gone && ends(object)) ended.set(object.metadata.uid ?? '', standing(object));
        changed();
      },
      onState: changed,
      ...(namespace === undefined ? {} : { namespace }),
      ...(fieldSelector === '' ? {} : { fieldSelector }),
    });
    reflectors.set(wantedKey(wanted), reflector);
    reflector.ready.then(changed, () => {});
  }
  if (reflectors.size === 0) announceRead();

  function reflected(wanted: Wanted): Reading<Reflector> {
    const reflector = reflectors.get(wantedKey(wanted));
    if (reflector === undefined) return NOT_READ;
    const state = reflector.state();
    if (state.state === 'live') return { state: 'read', value: reflector };
    return state.state === 'starting'
      ? NOT_READ
      : { state: 'unreadable', why: state.error.message, code: state.error.code };
  }

  const { around, podsOf } = surroundings((wanted) => {
    const reading = reflected(wanted);
    if (reading.state !== 'read') return reading;
    const key = wantedKey(wanted);
    const value = lists.get(key) ?? reading.value.list();
    lists.set(key, value);
    return { state: 'read', value };
  });
  return {
    around,
    podsOf,
    read: everythingRead,
    follow,
    live(object) {
      if (isPassive(object)) return { state: 'read', value: object };
      const { apiVersion, kind, metadata } = object;
      const { name, namespace } = metadata;
      const reading = reflected({ kind: { apiVersion, kind }, namespace, fieldSelector: '' });
      if (reading.state !== 'read') return reading;
      const found = reading.value.get(namespace ? `${namespace}/${name}` : name);
      const known = found ?? ended.get(metadata.uid ?? '');
      return known === undefined
        ? { state: 'absent', why: `${kind} ${name} is not in the cluster any more` }
        : { state: 'read', value: known };
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
