import { getArray, getIn, getNumber, getObject, getString, isJsonObject } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';

/** The kinds that make pods, and where each keeps its pod template. */
const TEMPLATE_PATHS: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
  Rollout: ['spec', 'template'],
};

const WORKLOAD_GROUPS = new Set(['apps', 'batch', 'argoproj.io']);

export type PullPolicy = 'Always' | 'IfNotPresent' | 'Never';

export interface TemplateContainer {
  readonly name: string;
  readonly image: string;
  /** `init` containers run to completion first; `sidecar` is an init container with restartPolicy Always. */
  readonly role: 'main' | 'init' | 'sidecar';
  /** As written; undefined where the manifest leaves it to the API server. */
  readonly pullPolicy: PullPolicy | undefined;
  /** Path of the image field inside the workload, for provenance. */
  readonly imagePath: readonly (string | number)[];
}

export function podTemplatePath(object: KubeObject): readonly string[] | undefined {
  if (object.kind === 'Pod' && object.apiVersion === 'v1') return [];
  if (object.kind === 'ReplicationController' && object.apiVersion === 'v1') return ['spec', 'template'];
  const group = object.apiVersion.split('/')[0] ?? '';
  return WORKLOAD_GROUPS.has(group) ? TEMPLATE_PATHS[object.kind] : undefined;
}

/** True for an object that brings pods to life. */
export function isWorkload(object: KubeObject): boolean {
  const path = podTemplatePath(object);
  return path !== undefined && getObject(object, ...path, 'spec') !== undefined;
}

export function podTemplate(object: KubeObject): JsonObject | undefined {
  const path = podTemplatePath(object);
  return path === undefined ? undefined : getObject(object, ...path);
}

/** A finished Job that asks to be deleted: that it is gone says nothing about how it ended. */
export function endsByItself(object: KubeObject): boolean {
  return object.kind === 'Job' && getNumber(object, 'spec', 'ttlSecondsAfterFinished') !== undefined;
}

const FOREIGN_TEMPLATE = ['spec', 'template'] as const;

/** A resource of somebody's own kind that carries a pod template, as Knative's or OpenKruise's do. */
export function carriesPods(object: KubeObject): boolean {
  return (
    object.apiVersion.includes('/') &&
    podTemplatePath(object) === undefined &&
    getArray(object, ...FOREIGN_TEMPLATE, 'spec', 'containers').some(
      (container) => getString(container, 'image') !== undefined,
    )
  );
}

/** The containers that the template names, in its order: init first, as they run. */
export function templateContainers(object: KubeObject): readonly TemplateContainer[] {
  const path = podTemplatePath(object) ?? (carriesPods(object) ? FOREIGN_TEMPLATE : undefined);
  if (path === undefined) return [];
  const found: TemplateContainer[] = [];
  for (const field of ['initContainers', 'containers'] as const) {
    const list = getArray(object, ...path, 'spec', field);
    for (const [index, item] of list.entries()) {
      const name = getString(item, 'name');
      const image = getString(item, 'image');
      if (name === undefined || image === undefined) continue;
      const role =
        field === 'containers' ? 'main' : getString(item, 'restartPolicy') === 'Always' ? 'sidecar' : 'init';
      const pullPolicy = getString(item, 'imagePullPolicy') as PullPolicy | undefined;
      found.push({ name, image, role, pullPolicy, imagePath: [...path, 'spec', field, index, 'image'] });
    }
  }
  return found;
}

/**
 * What the API server writes where a manifest leaves the policy out: Always when the tag is `latest` or when neither
 * tag nor digest is given, else IfNotPresent. It is written once, when the object is created.
 * Source: Kubernetes pkg/apis/core/v1/defaults.go.
 */
export function defaultPullPolicy(image: string): PullPolicy {
  const [beforeDigest = '', digest] = image.split('@');
  const lastSegment = beforeDigest.slice(beforeDigest.lastIndexOf('/') + 1);
  const colon = lastSegment.indexOf(':');
  const tag = colon < 0 ? undefined : lastSegment.slice(colon + 1);
  if (tag === 'latest') return 'Always';
  return tag === undefined && digest === undefined ? 'Always' : 'IfNotPresent';
}

/** How many pods the object asks for; undefined where the kind has no such number (DaemonSet, CronJob). */
export function declaredReplicas(object: KubeObject): number | undefined {
  switch (object.kind) {
    case 'Deployment':
    case 'StatefulSet':
    case 'ReplicaSet':
    case 'ReplicationController':
    case 'Rollout':
      return getNumber(object, 'spec', 'replicas') ?? 1;
    case 'Job':
      return getNumber(object, 'spec', 'parallelism') ?? 1;
    case 'Pod':
      return 1;
    default:
      return undefined;
  }
}

export interface PodContainer {
  readonly name: string;
  readonly image: string;
  /** As the node reports it; empty until a container was created. */
  readonly imageID: string;
  readonly state: 'waiting' | 'running' | 'terminated' | 'unknown';
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly exitCode: number | undefined;
  readonly ready: boolean;
  readonly restarts: number;
  readonly startedAt: string | undefined;
  /** How its last run ended; left out where there was none. */
  readonly lastExit?: {
    readonly exitCode: number;
    readonly reason: string | undefined;
    readonly startedAt: string | undefined;
    readonly finishedAt: string | undefined;
  };
}

/** A port that a container declares, or that the kubelet probes: then what is ready has answered there. */
export interface PodPort {
  readonly name: string | undefined;
  readonly number: number;
  readonly probed: boolean;
}

export interface PodFacts {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string | undefined;
  readonly node: string | undefined;
  readonly phase: string;
  readonly createdAt: string;
  readonly terminating: boolean;
  readonly ready: boolean;
  readonly templateHash: string | undefined;
  readonly controllerRevision: string | undefined;
  readonly owner: { readonly kind: string; readonly name: string; readonly uid: string } | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly ip: string | undefined;
  /** All of its addresses, where it has any. */
  readonly ips?: readonly string[];
  /** What its containers say that they listen on. */
  readonly ports?: readonly PodPort[];
  readonly containers: readonly PodContainer[];
  readonly unschedulable: string | undefined;
  /** Names of the PersistentVolumeClaims that it mounts. */
  readonly claims?: readonly string[];
  /** The pod says of itself that nothing runs in it. */
  readonly simulated: boolean;
  /** What it asks for, kept for pods that carry no name of the template that they were made from. */
  readonly spec?: JsonObject;
}

function containerStatus(status: JsonObject): PodContainer {
  const state = getObject(status, 'state') ?? {};
  const kind =
    (['waiting', 'running', 'terminated'] as const).find((name) => isJsonObject(state[name])) ?? 'unknown';
  const last = getObject(status, 'lastState', 'terminated');
  return {
    name: getString(status, 'name') ?? '',
    image: getString(status, 'image') ?? '',
    imageID: getString(status, 'imageID') ?? '',
    state: kind,
    reason: getString(state, kind, 'reason'),
    message: getString(state, kind, 'message'),
    exitCode: getNumber(state, kind, 'exitCode'),
    ready: getIn(status, 'ready') === true,
    restarts: getNumber(status, 'restartCount') ?? 0,
    startedAt: getString(state, kind, 'startedAt'),
    ...(last === undefined
      ? {}
      : {
          lastExit: {
            exitCode: getNumber(last, 'exitCode') ?? 0,
            reason: getString(last, 'reason'),
            startedAt: getString(last, 'startedAt'),
            finishedAt: getString(last, 'finishedAt'),
          },
        }),
  };
}

const PROBES = ['readinessProbe', 'startupProbe', 'livenessProbe'] as const;
const PROBE_KINDS = ['httpGet', 'tcpSocket', 'grpc'] as const;

function podPorts(pod: KubeObject): readonly PodPort[] {
  return ['containers', 'initContainers'].flatMap((field) =>
    getArray(pod, 'spec', field).flatMap((container) => {
      const declared = getArray(container, 'ports').flatMap((port) => {
        const number = getNumber(port, 'containerPort');
        return number === undefined ? [] : [{ name: getString(port, 'name'), number, probed: false }];
      });
      const probed = PROBES.flatMap((probe) =>
        PROBE_KINDS.flatMap((kind) => {
          const port = getIn(container, probe, kind, 'port');
          const number = typeof port === 'number' ? port : declared.find(({ name }) => name === port)?.number;
          return port === undefined || number === undefined
            ? []
            : [{ name: undefined, number, probed: true }];
        }),
      );
      return [...declared, ...probed];
    }),
  );
}

/** A pod, reduced to what decides. */
export function podFacts(pod: KubeObject): PodFacts {
  const conditions = getArray(pod, 'status', 'conditions');
  const condition = (type: string) => conditions.find((item) => getString(item, 'type') === type);
  const scheduled = condition('PodScheduled');
  const controller = pod.metadata.ownerReferences?.find((owner) => owner.controller === true);
  const labels = pod.metadata.labels ?? {};
  return {
    name: pod.metadata.name,
    namespace: pod.metadata.namespace ?? '',
    uid: pod.metadata.uid ?? '',
    resourceVersion: pod.metadata.resourceVersion,
    node: getString(pod, 'spec', 'nodeName'),
    phase: getString(pod, 'status', 'phase') ?? 'Unknown',
    createdAt: pod.metadata.creationTimestamp ?? '',
    terminating: pod.metadata.deletionTimestamp !== undefined,
    ready: getString(condition('Ready'), 'status') === 'True',
    templateHash: labels['pod-template-hash'] ?? labels['rollouts-pod-template-hash'],
    controllerRevision: labels['controller-revision-hash'],
    owner: controller && { kind: controller.kind, name: controller.name, uid: controller.uid },
    labels,
    ip: getString(pod, 'status', 'podIP'),
    ips: getArray(pod, 'status', 'podIPs').flatMap((item) => getString(item, 'ip') ?? []),
    ports: podPorts(pod),
    containers: [
      ...getArray(pod, 'status', 'initContainerStatuses'),
      ...getArray(pod, 'status', 'containerStatuses'),
    ]
      .filter(isJsonObject)
      .map(containerStatus),
    unschedulable:
      getString(scheduled, 'status') === 'False'
        ? (getString(scheduled, 'message') ?? 'not scheduled')
        : undefined,
    claims: getArray(pod, 'spec', 'volumes').flatMap(
      (volume) => getString(volume, 'persistentVolumeClaim', 'claimName') ?? [],
    ),
    simulated: pod.metadata.annotations?.['drydock.landfall.dev/simulated'] === 'true',
    ...(isUnmarked(controller?.kind, labels) ? { spec: getObject(pod, 'spec') ?? {} } : {}),
  };
}

function isUnmarked(owner: string | undefined, labels: PodFacts['labels']): boolean {
  return (
    owner === 'ReplicationController' ||
    (owner === 'ReplicaSet' &&
      labels['pod-template-hash'] === undefined &&
      labels['rollouts-pod-template-hash'] === undefined)
  );
}

/** The generation that the object's controller has seen; Argo Rollouts writes it as text. */
export function observedGeneration(live: KubeObject): number {
  const observed = Number(getIn(live, 'status', 'observedGeneration') ?? 0);
  return Number.isNaN(observed) ? 0 : observed;
}

/** True when every label of `selector` is on `labels`; an empty selector selects nothing. */
export function selects(
  selector: Readonly<Record<string, unknown>> | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}
