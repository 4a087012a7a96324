import type { BoundaryName, Claim, ClaimSource } from '../../../boundaries/index.ts';
import { getString } from '../../../kernel/index.ts';
import type { EventFact, World } from '../../world/index.ts';
import { complaintsOf } from './complaints.ts';
import type { Complaint } from './complaints.ts';
import { podOf } from './pods.ts';
import type { Container, Pod } from './pods.ts';
import { thingsOf } from './thing.ts';
import type { Thing } from './thing.ts';

/** A world, ordered so that rules find what belongs together. */
export interface View {
  readonly world: World;
  readonly live: readonly Thing[];
  readonly desired: readonly Thing[];
  readonly pods: readonly Pod[];
  /** What engines, commands and conditions complain of, as far as it still holds. */
  readonly complaints: readonly Complaint[];
  /** Live objects of a kind; where none are shown, none are known. */
  readonly kind: (...kinds: readonly string[]) => readonly Thing[];
  /** As Git asks for them, or else as they are: what a rule about shapes may look at. */
  readonly declared: (...kinds: readonly string[]) => readonly Thing[];
  readonly find: (kind: string, namespace: string | undefined, name: string) => Thing | undefined;
  readonly wanted: (thing: Thing) => Thing | undefined;
  readonly eventsOf: (kind: string, name: string, namespace?: string) => readonly EventFact[];
  readonly podsOf: (workload: {
    readonly kind: string;
    readonly name: string;
    readonly namespace: string | undefined;
  }) => readonly Pod[];
  /** True while pods are missing or not ready, false when all are there, undefined when nobody shows it. */
  readonly lacksPods: (kind: string, namespace: string | undefined, name: string) => boolean | undefined;
  readonly claim: (
    boundary: BoundaryName,
    subject: string,
    attribute: string,
    value: string,
    source: ClaimSource,
  ) => Claim;
  readonly about: (
    boundary: BoundaryName,
    thing: Thing,
    attribute: string,
    value: string,
    ...path: readonly (string | number)[]
  ) => Claim;
  readonly ofEvent: (boundary: BoundaryName, event: EventFact) => Claim;
  readonly ofContainer: (boundary: BoundaryName, pod: Pod, container: Container) => Claim;
}

function same(a: string | undefined, b: string | undefined): boolean {
  return a === undefined || b === undefined || a === b;
}

/** `Pod/payments/api-1` and `pod/api-1` in parts. */
export function objectOf(event: EventFact): {
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly name: string;
} {
  const parts = event.object.split('/');
  return parts.length >= 3
    ? { kind: parts[0] ?? '', namespace: parts[1], name: parts.slice(2).join('/') }
    : { kind: parts[0] ?? '', namespace: undefined, name: parts[1] ?? '' };
}

function stateText(container: Container): string {
  const { waiting, terminated, last } = container;
  if (waiting !== undefined) return [waiting.reason, waiting.message].filter(Boolean).join(': ');
  const end = terminated ?? last;
  if (end !== undefined)
    return [end.reason, end.exitCode === undefined ? undefined : `exit code ${end.exitCode}`, end.message]
      .filter(Boolean)
      .join(', ');
  return container.running ? (container.ready === false ? 'running, not ready' : 'running') : 'unknown';
}

/** Orders a world once; everything in it is looked up by name afterwards. */
export function viewOf(world: World): View {
  const live = thingsOf(world.live);
  const desired = thingsOf(world.desired);
  const byKind = new Map<string, Thing[]>();
  for (const thing of live) {
    const list = byKind.get(thing.kind);
    if (list === undefined) byKind.set(thing.kind, [thing]);
    else list.push(thing);
  }
  const kind = (...kinds: readonly string[]): readonly Thing[] => {
    const [only = ''] = kinds;
    return kinds.length === 1 ? (byKind.get(only) ?? []) : kinds.flatMap((name) => byKind.get(name) ?? []);
  };
  const byName = new Map<string, Thing[]>();
  for (const thing of live) {
    const key = `${thing.kind}/${thing.name}`;
    byName.set(key, [...(byName.get(key) ?? []), thing]);
  }
  const wantedByName = new Map<string, Thing[]>();
  for (const thing of desired) {
    const key = `${thing.kind}/${thing.name}`;
    wantedByName.set(key, [...(wantedByName.get(key) ?? []), thing]);
  }
  const find: View['find'] = (of, namespace, name) =>
    byName.get(`${of}/${name}`)?.find((thing) => same(thing.namespace, namespace));
  const replicaSets = new Map(
    kind('ReplicaSet').map((thing) => [`${thing.namespace ?? ''}/${thing.name}`, thing]),
  );
  // Names are matched only where owners are not shown, and few workloads are.
  const workloads = kind('Job', 'DaemonSet', 'StatefulSet', 'Deployment').slice(0, 500);
  const pods = kind('Pod').map((thing) => podOf(thing, replicaSets, workloads));
  const podsByWorkload = new Map<string, Pod[]>();
  for (const pod of pods) {
    const key = `${pod.workload.kind}/${pod.workload.name}`;
    podsByWorkload.set(key, [...(podsByWorkload.get(key) ?? []), pod]);
  }
  const events = new Map<string, EventFact[]>();
  for (const event of world.events) {
    const { kind: of, name } = objectOf(event);
    const key = `${of.toLowerCase()}/${name}`;
    const list = events.get(key);
    if (list === undefined) events.set(key, [event]);
    else list.push(event);
  }
  const claim: View['claim'] = (boundary, subject, attribute, value, source) => ({
    boundary,
    subject,
    attribute,
    value,
    source,
    at: world.at ?? '',
  });
  const podsOf: View['podsOf'] = ({ kind: of, name, namespace }) =>
    (podsByWorkload.get(`${of}/${name}`) ?? []).filter((pod) => same(pod.namespace, namespace));
  const lacksPods: View['lacksPods'] = (of, namespace, name) => {
    const thing = find(of, namespace, name);
    const wanted =
      thing?.number('spec', 'replicas') ??
      thing?.number('status', 'desiredNumberScheduled') ??
      (thing?.whole === true ? 1 : undefined);
    const ready =
      thing?.number('status', 'readyReplicas') ??
      thing?.number('status', 'numberReady') ??
      (thing?.whole === true ? 0 : undefined);
    const failing = thing
      ?.list('status', 'conditions')
      .some((item) => getString(item, 'type') === 'ReplicaFailure' && getString(item, 'status') === 'True');
    if (failing === true) return true;
    if (wanted !== undefined && ready !== undefined) {
      const updated = of === 'Deployment' ? thing?.number('status', 'updatedReplicas') : undefined;
      return ready < wanted || (updated !== undefined && updated < wanted);
    }
    if (of !== 'ReplicaSet') return undefined;
    const above =
      getString(thing?.list('metadata', 'ownerReferences')[0], 'name') ??
      name.replace(/-[0-9a-z]{5,10}$/, '');
    return lacksPods('Deployment', namespace, above);
  };
  return {
    world,
    live,
    desired,
    pods,
    complaints: complaintsOf(world, live),
    kind,
    declared: (...kinds) => {
      const asked = desired.filter((thing) => kinds.includes(thing.kind));
      return [
        ...asked,
        ...kind(...kinds).filter(
          (thing) =>
            !asked.some(
              (other) =>
                other.kind === thing.kind &&
                other.name === thing.name &&
                same(other.namespace, thing.namespace),
            ),
        ),
      ];
    },
    find,
    wanted: (thing) =>
      wantedByName
        .get(`${thing.kind}/${thing.name}`)
        ?.find((other) => same(other.namespace, thing.namespace)),
    eventsOf: (of, name, namespace) =>
      (events.get(`${of.toLowerCase()}/${name}`) ?? []).filter((event) =>
        same(objectOf(event).namespace, namespace),
      ),
    podsOf,
    lacksPods,
    claim,
    about: (boundary, thing, attribute, value, ...path) =>
      claim(boundary, thing.id, attribute, value, thing.cite(...path)),
    ofEvent: (boundary, event) =>
      claim(boundary, event.object, `event ${event.reason}`, event.message, event.source),
    ofContainer: (boundary, pod, container) =>
      claim(
        boundary,
        pod.thing.id,
        container.name === '' ? 'state' : `container ${container.name}`,
        stateText(container),
        pod.thing.cite(...container.statusPath),
      ),
  };
}
