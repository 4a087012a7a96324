import type { JsonObject } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import type { PodFacts } from './workload.ts';

/** When the tests look. */
export const NOW = '2026-03-01T12:00:00.000Z';
/** Long before, so that every deadline has passed. */
export const YESTERDAY = '2026-02-28T12:00:00Z';
export const JUST_NOW = '2026-03-01T11:59:58Z';

/** A container of a pod, running and ready unless bent. */
export function containerOf(
  change: Partial<PodFacts['containers'][number]> = {},
): PodFacts['containers'][number] {
  return {
    name: 'a',
    image: 'a',
    imageID: `example/a@sha256:${'a'.repeat(64)}`,
    state: 'running',
    reason: undefined,
    message: undefined,
    exitCode: undefined,
    ready: true,
    restarts: 0,
    startedAt: YESTERDAY,
    ...change,
  };
}

/** A pod that has run since yesterday, unless bent. */
export function podOf(name: string, change: Partial<PodFacts> = {}): PodFacts {
  return {
    name,
    namespace: 'n',
    uid: name,
    resourceVersion: '1',
    node: 'node-1',
    phase: 'Running',
    createdAt: YESTERDAY,
    terminating: false,
    ready: true,
    templateHash: undefined,
    controllerRevision: undefined,
    owner: { kind: 'DaemonSet', name: 'a', uid: 'u' },
    labels: { app: 'a' },
    ip: '127.0.0.9',
    containers: [containerOf()],
    unschedulable: undefined,
    simulated: false,
    ...change,
  };
}

/** A stored workload `a` in namespace `n`, last written when `writtenAt` says. */
export function workloadOf(
  kind: string,
  spec: JsonObject,
  status: JsonObject,
  writtenAt = YESTERDAY,
): KubeObject {
  const batch = kind === 'Job' || kind === 'CronJob';
  return {
    apiVersion: batch ? 'batch/v1' : kind === 'Rollout' ? 'argoproj.io/v1alpha1' : 'apps/v1',
    kind,
    metadata: {
      name: 'a',
      namespace: 'n',
      uid: 'u',
      generation: 2,
      creationTimestamp: YESTERDAY,
      managedFields: [{ manager: 'm', operation: 'Apply', time: writtenAt, fieldsV1: { 'f:spec': {} } }],
    },
    spec: {
      template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'a', image: 'a:1' }] } },
      ...spec,
    },
    status,
  };
}
