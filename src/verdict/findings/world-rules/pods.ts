import { getNumber, getObject, getString } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import type { Thing } from './thing.ts';

type Path = readonly (string | number)[];

/** How a container ended. */
export interface Ended {
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly exitCode: number | undefined;
}

/** A container of a pod: what was asked for and what became of it, as far as it is shown. */
export interface Container {
  readonly name: string;
  readonly image: string | undefined;
  readonly role: 'main' | 'init';
  readonly imageID: string | undefined;
  readonly waiting: { readonly reason: string; readonly message: string | undefined } | undefined;
  readonly terminated: Ended | undefined;
  readonly last: Ended | undefined;
  readonly running: boolean;
  readonly ready: boolean | undefined;
  readonly restarts: number;
  readonly spec: JsonObject | undefined;
  readonly statusPath: Path;
  readonly specPath: Path;
}

export interface Pod {
  readonly thing: Thing;
  readonly name: string;
  readonly namespace: string | undefined;
  /** `Deployment/api`: what brought it to life, by its owners or, where these are not shown, by its name. */
  readonly workload: { readonly kind: string; readonly name: string };
  readonly containers: readonly Container[];
  /** Undefined where nobody shows it. */
  readonly ready: boolean | undefined;
  readonly terminating: boolean;
  readonly phase: string | undefined;
  readonly node: string | undefined;
  /** What the scheduler says, where it could not place the pod. */
  readonly unschedulable: string | undefined;
  readonly created: string | undefined;
}

function ended(state: JsonObject | undefined): Ended | undefined {
  return state === undefined
    ? undefined
    : {
        reason: getString(state, 'reason'),
        message: getString(state, 'message'),
        exitCode: getNumber(state, 'exitCode'),
      };
}

function containersOf(thing: Thing): readonly Container[] {
  const found: Container[] = [];
  for (const [role, specs, statuses] of [
    ['init', 'initContainers', 'initContainerStatuses'],
    ['main', 'containers', 'containerStatuses'],
  ] as const) {
    const specList = thing.list('spec', specs);
    const statusList = thing.list('status', statuses);
    const unnamed = statusList.every((status) => getString(status, 'name') === undefined);
    const names = unnamed
      ? Array.from({ length: Math.max(specList.length, statusList.length) }, (_, index) =>
          getString(specList[index], 'name'),
        )
      : [...new Set([...specList, ...statusList].flatMap((item) => getString(item, 'name') ?? []))];
    for (const [index, name] of names.entries()) {
      const specIndex = specList.findIndex((item) => name !== undefined && getString(item, 'name') === name);
      const statusIndex = unnamed ? index : statusList.findIndex((item) => getString(item, 'name') === name);
      const spec = specList[specIndex];
      const status = statusList[statusIndex];
      const waiting = getObject(status, 'state', 'waiting');
      const reason = getString(waiting, 'reason');
      const ready = status?.['ready'];
      found.push({
        name: name ?? '',
        image: getString(spec, 'image') ?? getString(status, 'image'),
        role,
        imageID: getString(status, 'imageID'),
        waiting: reason === undefined ? undefined : { reason, message: getString(waiting, 'message') },
        terminated: ended(getObject(status, 'state', 'terminated')),
        last: ended(getObject(status, 'lastState', 'terminated')),
        running: getObject(status, 'state', 'running') !== undefined,
        ready: typeof ready === 'boolean' ? ready : undefined,
        restarts: getNumber(status, 'restartCount') ?? 0,
        spec,
        statusPath: ['status', statuses, Math.max(statusIndex, 0)],
        specPath: ['spec', specs, Math.max(specIndex, 0)],
      });
    }
  }
  return found;
}

/** Names as controllers make them: `api-6b7f9a8d43-h2k4l`, `db-0`, `agent-x7k2p`. */
const OF_DEPLOYMENT = /^(?<name>.+)-[0-9a-f]{0,1}[0-9a-z]{5,10}-[0-9a-z]{5}$/;
const OF_SET = /^(?<name>.+)-\d{1,4}$/;

/** What comes behind the name of each kind in the names of its pods. */
const ENDINGS: Readonly<Record<string, RegExp>> = {
  Job: /^-(?:\d+-)?[0-9a-z]{5}$/,
  DaemonSet: /^-[0-9a-z]{5}$/,
  StatefulSet: /^-\d{1,4}$/,
  Deployment: /^-[0-9a-z]{6,10}-[0-9a-z]{5}$/,
};

/** The workload that is shown and whose pods are called like this; the longest name of several. */
function shownOwner(thing: Thing, workloads: readonly Thing[]): Pod['workload'] | undefined {
  const [best] = workloads
    .filter(
      ({ kind, name, namespace }) =>
        thing.name.startsWith(`${name}-`) &&
        ENDINGS[kind]?.test(thing.name.slice(name.length)) === true &&
        (namespace === undefined || thing.namespace === undefined || namespace === thing.namespace),
    )
    .toSorted((a, b) => b.name.length - a.name.length);
  return best === undefined ? undefined : { kind: best.kind, name: best.name };
}

function ownerOf(
  thing: Thing,
  replicaSets: ReadonlyMap<string, Thing>,
  workloads: readonly Thing[],
): Pod['workload'] {
  const owners = thing.list('metadata', 'ownerReferences');
  const owner = owners.find((item) => item['controller'] === true) ?? owners[0];
  const kind = getString(owner, 'kind');
  const name = getString(owner, 'name');
  if (kind !== undefined && name !== undefined) {
    if (kind !== 'ReplicaSet') return { kind, name };
    const above = replicaSets.get(`${thing.namespace ?? ''}/${name}`)?.list('metadata', 'ownerReferences')[0];
    const hash = getString(thing.get('metadata', 'labels'), 'pod-template-hash');
    return {
      kind: getString(above, 'kind') ?? 'Deployment',
      name:
        getString(above, 'name') ??
        (hash !== undefined && name.endsWith(`-${hash}`)
          ? name.slice(0, -hash.length - 1)
          : name.replace(/-[0-9a-z]{5,10}$/, '')),
    };
  }
  const told = shownOwner(thing, workloads);
  if (told !== undefined) return told;
  const deployment = OF_DEPLOYMENT.exec(thing.name)?.groups?.['name'];
  if (deployment !== undefined) return { kind: 'Deployment', name: deployment };
  const set = OF_SET.exec(thing.name)?.groups?.['name'];
  return set === undefined ? { kind: 'Pod', name: thing.name } : { kind: 'StatefulSet', name: set };
}

export function podOf(
  thing: Thing,
  replicaSets: ReadonlyMap<string, Thing>,
  workloads: readonly Thing[] = [],
): Pod {
  const conditions = thing.list('status', 'conditions');
  const condition = (type: string) => conditions.find((item) => getString(item, 'type') === type);
  const ready = getString(condition('Ready'), 'status');
  const scheduled = condition('PodScheduled');
  const containers = containersOf(thing);
  const mains = containers.filter(({ role }) => role === 'main');
  const phase = thing.text('status', 'phase');
  return {
    thing,
    name: thing.name,
    namespace: thing.namespace,
    workload: ownerOf(thing, replicaSets, workloads),
    containers,
    ready:
      ready !== undefined
        ? ready === 'True'
        : mains.length > 0 && mains.every((container) => container.ready !== undefined)
          ? mains.every((container) => container.ready === true)
          : undefined,
    terminating: thing.get('metadata', 'deletionTimestamp') !== undefined,
    phase,
    node: thing.text('spec', 'nodeName'),
    unschedulable:
      getString(scheduled, 'status') === 'False' && getString(scheduled, 'reason') !== 'SchedulingGated'
        ? (getString(scheduled, 'message') ?? '')
        : undefined,
    created: thing.text('metadata', 'creationTimestamp'),
  };
}

/** True for a pod whose work is done, or that has all it needs: no event of the past counts against it. */
export function isFine(pod: Pod): boolean {
  return pod.phase === 'Succeeded' || (pod.ready === true && !pod.terminating);
}
