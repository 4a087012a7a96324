import type { ClaimSource } from '../boundaries/index.ts';
import { getArray, getNumber, getString, textOf } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import { ownerName } from '../verdict/index.ts';
import type { EventFact, WorldObject } from '../verdict/index.ts';

/** The name that stands for a pod whose own is not shown; commands show it as the place to fill in. */
export const UNNAMED = 'POD';

function placeOf(source: ClaimSource): { readonly artifact: string; readonly line: number } {
  return source.type === 'artifact' ? source : { artifact: '', line: 0 };
}

function isWell(pod: WorldObject): boolean {
  const statuses = getArray(pod.value, 'status', 'containerStatuses');
  return (
    getString(pod.value, 'status', 'phase') === 'Succeeded' ||
    (statuses.length > 0 && statuses.every((status) => textOf((status as JsonObject)['ready']) === 'true'))
  );
}

/** `in pod api-x_shop(5d2)`, `pod: "api-x_shop(0b2b)"`, `Successfully assigned shop/api-x to node`. */
const NAMED =
  /\bpod:? "?(?<name>[a-z0-9][a-z0-9.-]*)_(?<space>[a-z0-9-]+)\(|^Successfully assigned (?<space2>[a-z0-9-]+)\/(?<name2>[a-z0-9][a-z0-9.-]*) to /;
/** Who an event is about, where its reason tells more than a pod. */
const BY_REASON: readonly (readonly [RegExp, string])[] = [
  [/^(?:Node|Starting|NodeHas|Rebooted|Registered)/, 'Node'],
  [
    /^(?:FailedNeedsStart|MissSchedule|TooManyMissedTimes|JobAlreadyActive|SawCompletedJob|MissingJob)$/,
    'CronJob',
  ],
  [/^(?:BackoffLimitExceeded|DeadlineExceeded)$/, 'Job'],
  [
    /^(?:FailedGet\w+Metric|FailedComputeMetricsReplicas|FailedGetScale|FailedRescale|InvalidSelector)$/,
    'HorizontalPodAutoscaler',
  ],
  [
    /^(?:ProvisioningFailed|FailedBinding|WaitForFirstConsumer|ExternalProvisioning|Resizing|VolumeResizeFailed)$/,
    'PersistentVolumeClaim',
  ],
  [
    /^(?:SyncLoadBalancerFailed|EnsuringLoadBalancer|UnAvailableLoadBalancer|CreatingLoadBalancerFailed|AllocationFailed)$/,
    'Service',
  ],
  [
    /^(?:ReconciliationFailed|BuildFailed|ArtifactFailed|HealthCheckFailed|DependencyNotReady)$/,
    'Kustomization',
  ],
  [/^(?:InstallFailed|UpgradeFailed|RollbackFailed)$/, 'HelmRelease'],
];
const OF_SETS = /^(?:FailedCreate|SuccessfulCreate|SuccessfulDelete|ScalingReplicaSet)$/;

/** A pod, where it is shown first, and whether it has all it needs. */
interface Placed {
  readonly pod: WorldObject;
  readonly line: number;
  readonly well: boolean;
}

interface Places {
  readonly byArtifact: ReadonlyMap<string, readonly Placed[]>;
  readonly all: readonly Placed[];
  readonly ill: readonly Placed[];
}

function placesOf(live: readonly WorldObject[]): Places {
  const byArtifact = new Map<string, Placed[]>();
  const all = live
    .filter(({ kind, name }) => kind === 'Pod' && name !== '')
    .map((pod) => {
      const { artifact, line } = placeOf(pod.cite([]));
      const placed = { pod, line, well: isWell(pod) };
      const list = byArtifact.get(artifact);
      if (list === undefined) byArtifact.set(artifact, [placed]);
      else list.push(placed);
      return placed;
    });
  return { byArtifact, all, ill: all.filter(({ well }) => !well) };
}

/** The pod that a line without a name is about: nearest in its artifact, in trouble before well; else the only one in trouble. */
function nearest(source: ClaimSource, places: Places): WorldObject | undefined {
  const { artifact, line } = placeOf(source);
  const own = places.byArtifact.get(artifact) ?? [];
  const best =
    own.findLast((placed) => !placed.well && placed.line <= line) ?? own.find((placed) => !placed.well);
  if (best !== undefined) return best.pod;
  if (places.ill.length === 1) return places.ill[0]?.pod;
  return places.ill.length === 0 ? (own[0] ?? places.all[0])?.pod : undefined;
}

/** Events that name nobody get the pod that they are about; where none can be told, one that has no name. */
export function nameEvents(events: readonly EventFact[], live: readonly WorldObject[]): readonly EventFact[] {
  const places = placesOf(live);
  return events.map((event): EventFact => {
    if (event.object !== '') return event;
    const found = NAMED.exec(event.message)?.groups;
    const name = found?.['name'] ?? found?.['name2'];
    const space = found?.['space'] ?? found?.['space2'];
    if (name !== undefined) return { ...event, object: `Pod/${space ?? ''}/${name}` };
    const kind = BY_REASON.find(([pattern]) => pattern.test(event.reason))?.[1];
    if (kind !== undefined) return { ...event, object: objectOfKind(kind, live) };
    if (OF_SETS.test(event.reason)) return { ...event, object: setOf(event, live) };
    const pod = nearest(event.source, places);
    return {
      ...event,
      object:
        pod === undefined
          ? `Pod/${UNNAMED}`
          : `Pod/${pod.namespace === undefined ? '' : `${pod.namespace}/`}${pod.name}`,
    };
  });
}

function objectOfKind(kind: string, live: readonly WorldObject[]): string {
  const all = live.filter((each) => each.kind === kind);
  const [only] = all;
  return only === undefined || all.length > 1
    ? `${kind}/${kind.toUpperCase()}`
    : `${kind}/${only.namespace === undefined ? '' : `${only.namespace}/`}${only.name}`;
}

/** Who could not make pods: the set that the message names, or the only workload there is. */
function setOf(event: EventFact, live: readonly WorldObject[]): string {
  const pod = /pods? "(?<name>[a-z0-9][a-z0-9.-]*?)-?(?<rest>[a-z0-9]{5})?"/.exec(event.message)?.groups?.[
    'name'
  ];
  if (pod !== undefined && /-[a-z0-9]{6,10}$/.test(pod)) return `ReplicaSet/${pod}`;
  const sets = live.filter(({ kind }) => /^(?:ReplicaSet|StatefulSet|DaemonSet|Deployment|Job)$/.test(kind));
  const [only] = sets;
  return only === undefined || sets.length > 1
    ? `ReplicaSet/${pod ?? 'REPLICASET'}`
    : `${only.kind}/${only.namespace === undefined ? '' : `${only.namespace}/`}${only.name}`;
}

/** Parts of descriptions that do not name their pod become part of the nearest one. */
export function namePods(live: readonly WorldObject[]): readonly WorldObject[] {
  const places = placesOf(live);
  return live.map((object) => {
    if (object.name !== '' || object.kind !== 'Pod') return object;
    const pod = nearest(object.cite([]), places);
    return pod === undefined
      ? { ...object, name: UNNAMED }
      : { ...object, name: pod.name, namespace: pod.namespace };
  });
}

const OVER =
  /^(?:Pulled|Created|Started|Scheduled|SuccessfulAttachVolume|SuccessfulMountVolume|Completed|AddedInterface)$/;

interface Told {
  readonly order: number;
  readonly value: JsonObject;
}

function waiting(reason: string, message: string): JsonObject {
  return {
    status: {
      phase: 'Pending',
      containerStatuses: [{ ready: false, restartCount: 0, state: { waiting: { reason, message } } }],
    },
  };
}

/** What a warning says of the state that its pod is in, if nothing went on since. */
function stateTold({ reason, message, count }: EventFact): JsonObject | undefined {
  if (reason === 'FailedScheduling')
    return {
      status: {
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
      },
    };
  if (/^Failed$|^BackOff$|ImagePullSecret/.test(reason) && /pull|ImagePull/i.test(message))
    return waiting('ImagePullBackOff', /^Error: |Back-off/.test(message) ? '' : message);
  if (
    /^(?:ErrImageNeverPull|InspectFailed)$/.test(reason) ||
    /ErrImageNeverPull|InvalidImageName/.test(message)
  )
    return waiting(/Never/.test(`${reason}${message}`) ? 'ErrImageNeverPull' : 'InvalidImageName', message);
  if (/^(?:FailedMount|FailedAttachVolume|FailedCreatePodSandBox|FailedMapVolume)$/.test(reason))
    return waiting('ContainerCreating', '');
  if (reason === 'Failed' && /runc|OCI runtime|shim task/.test(message))
    return waiting('RunContainerError', message);
  if (reason === 'Failed') return waiting('CreateContainerConfigError', message.replace(/^Error: /, ''));
  const again: JsonObject = {
    status: {
      phase: 'Running',
      containerStatuses: [
        { ready: false, restartCount: 1, state: { waiting: { reason: 'CrashLoopBackOff' } } },
      ],
    },
  };
  if (reason === 'BackOff') return again;
  // A probe that fails once or twice is how pods start.
  if (reason === 'Unhealthy' && ((count ?? 1) >= 3 || !message.startsWith('Readiness')))
    return {
      status: {
        phase: 'Running',
        containerStatuses: [{ ready: false, restartCount: 0, state: { running: {} } }],
      },
    };
  if (reason === 'Killing' && /probe, will be restarted/.test(message))
    return {
      status: {
        phase: 'Running',
        containerStatuses: [
          {
            ready: false,
            restartCount: count ?? 1,
            state: { running: {} },
            lastState: { terminated: { exitCode: 137, reason: 'Error' } },
          },
        ],
      },
    };
  if (reason === 'Evicted') return { status: { phase: 'Failed', reason: 'Evicted', message } };
  return undefined;
}

/** Earlier first: by age where both show one, else by their order in the artifact. */
function later(one: EventFact, other: EventFact): boolean {
  if (one.ageMs !== undefined && other.ageMs !== undefined && one.ageMs !== other.ageMs)
    return one.ageMs < other.ageMs;
  return placeOf(one.source).line > placeOf(other.source).line;
}

/** Of one pod; more say nothing new. */
const MOST_EVENTS = 1_000;

/** An event that says that a pod went on. */
export function isProgress({ reason }: EventFact): boolean {
  return OVER.test(reason);
}

/** True where a later event of the same object says that it went on: a probe or a crash is over only when nothing repeats it. */
export function isOver(event: EventFact, own: readonly EventFact[]): boolean {
  const again = /^(?:Unhealthy|Killing|BackOff)$/.test(event.reason) && !/pull/.test(event.message);
  if (again) return false;
  return own.some(
    (other) =>
      OVER.test(other.reason) &&
      (event.reason === 'FailedScheduling' || (other.reason !== 'Scheduled' && later(other, event))),
  );
}

/**
 * Pods that only events speak of, in the state that the last of these left them in. None where the workload is shown
 * and has all it needs, where other pods of it are shown, and where the pod went on afterwards.
 */
export function podsTold(events: readonly EventFact[], live: readonly WorldObject[]): readonly WorldObject[] {
  const pods = live.filter(({ kind }) => kind === 'Pod');
  const names = new Set(pods.map(({ name }) => name));
  const owners = new Set(pods.map(({ name }) => ownerName('Pod', name) ?? name));
  const byPod = new Map<string, EventFact[]>();
  for (const event of events) {
    const [kind, ...rest] = event.object.split('/');
    const name = rest.at(-1) ?? '';
    if (kind !== 'Pod' || names.has(name) || (byPod.size > 500 && !byPod.has(event.object))) continue;
    const list = byPod.get(event.object);
    if (list === undefined) byPod.set(event.object, [event]);
    else if (list.length < MOST_EVENTS) list.push(event);
  }
  return [...byPod].flatMap(([object, own]): WorldObject[] => {
    const name = object.split('/').at(-1) ?? '';
    const namespace = object.split('/').length > 2 ? object.split('/')[1] : undefined;
    const owner = ownerName('Pod', name) ?? name;
    if (owners.has(owner)) return [];
    const workload = live.find(
      (each) => each.name === owner && each.kind !== 'Pod' && each.kind !== 'Service',
    );
    const wanted = getNumber(workload?.value, 'spec', 'replicas');
    const ready = getNumber(workload?.value, 'status', 'readyReplicas');
    if (wanted !== undefined && ready !== undefined && ready >= wanted) return [];
    const warnings = own.flatMap((event): (Told & { readonly event: EventFact })[] => {
      const value =
        event.type === 'Normal' && event.reason !== 'Killing' && event.reason !== 'BackOff'
          ? undefined
          : stateTold(event);
      return value === undefined ? [] : [{ event, value, order: placeOf(event.source).line }];
    });
    const progress = own.filter(isProgress);
    const told = warnings.filter(({ event }) => !isOver(event, progress));
    // What says why stands before what only says that it is so.
    const best = told.toSorted((a, b) => JSON.stringify(b.value).length - JSON.stringify(a.value).length)[0];
    if (best === undefined) return [];
    return [
      {
        apiVersion: undefined,
        kind: 'Pod',
        namespace: namespace === '' ? undefined : namespace,
        name,
        value: best.value,
        whole: false,
        cite: () => best.event.source,
      },
    ];
  });
}
