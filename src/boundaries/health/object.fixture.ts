import { expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { JUST_NOW, NOW, podOf } from '../cluster.fixture.ts';
import { read } from '../reading.ts';
import type { PodFacts } from '../workload.ts';
import { workloadPods } from '../workload-pods.ts';
import type { HealthSubject, Surroundings } from './facts.ts';
import { objectHealth } from './object.ts';

export const UNREAD = { state: 'unreadable', why: 'nobody looked', code: 'not-read' } as const;

export interface Scene {
  readonly pods?: readonly PodFacts[];
  readonly old?: readonly PodFacts[];
  readonly replicaSets?: readonly KubeObject[];
  readonly slices?: readonly KubeObject[];
  readonly events?: readonly KubeObject[];
  readonly storageClasses?: readonly KubeObject[];
  readonly ingressClasses?: readonly KubeObject[];
  readonly beside?: readonly HealthSubject[];
  readonly asked?: KubeObject;
  readonly unread?: boolean;
}

function aroundOf(scene: Scene): Surroundings {
  if (scene.unread === true)
    return {
      pods: () => UNREAD,
      endpointSlices: () => UNREAD,
      events: () => UNREAD,
      storageClass: () => UNREAD,
      ingressClasses: () => UNREAD,
    };
  return {
    pods: () => read([...(scene.pods ?? []), ...(scene.old ?? [])]),
    endpointSlices: () => read(scene.slices ?? []),
    events: () => read(scene.events ?? []),
    storageClass(name) {
      const found = scene.storageClasses?.find((each) => each.metadata.name === name);
      return found === undefined ? { state: 'absent', why: 'no such class' } : read(found);
    },
    ingressClasses: () => read(scene.ingressClasses ?? []),
  };
}

export function subjectOf(live: KubeObject, scene: Scene): HealthSubject {
  const around = aroundOf(scene);
  return {
    object: scene.asked ?? live,
    live: read(live),
    pods: workloadPods(live, around.pods(''), read(scene.replicaSets ?? [])),
    around,
    beside: scene.beside ?? [],
  };
}

export function health(live: KubeObject, scene: Scene = {}): string {
  const { state, reason } = objectHealth(subjectOf(live, scene), Date.parse(NOW));
  return `${state} ${reason}`;
}

export function text(live: KubeObject, scene: Scene = {}): string {
  return objectHealth(subjectOf(live, scene), Date.parse(NOW)).text;
}

export function object(
  apiVersion: string,
  kind: string,
  fields: JsonObject = {},
  writtenAt = JUST_NOW,
): KubeObject {
  return {
    apiVersion,
    kind,
    metadata: { name: 'a', namespace: 'n', uid: 'u', generation: 2, creationTimestamp: writtenAt },
    ...fields,
  };
}

export const conditions = (...list: readonly (readonly [string, string, string?])[]): JsonObject => ({
  conditions: list.map(([type, status, reason = '']) => ({ type, status, reason })),
});
export const labelled = (app: string, change: Partial<PodFacts> = {}) =>
  podOf(`${app}-1`, { labels: { app }, ...change });

export function slice(service: string, ready: boolean, pod = 'a-1'): KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-x`, namespace: 'n', labels: { 'kubernetes.io/service-name': service } },
    ports: [{ name: '', port: 8080 }],
    endpoints: [{ addresses: ['127.0.0.9'], conditions: { ready }, targetRef: { kind: 'Pod', name: pod } }],
  };
}

export function event(reason: string, message: string, at: string, uid = 'u'): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: 'e', namespace: 'n' },
    involvedObject: { uid },
    reason,
    message,
    lastTimestamp: at,
  };
}

export function check(cases: readonly (readonly [string, KubeObject, string, Scene?])[]): void {
  for (const [name, live, wanted, scene] of cases)
    it(name, () => {
      expect(health(live, scene)).toBe(wanted);
    });
}
