import type { PodFacts } from '../src/boundaries/index.ts';

export interface PodShape {
  readonly name: string;
  readonly namespace: string;
  readonly owner: { readonly kind: string; readonly name: string; readonly uid: string };
  readonly container: string;
  readonly digest: string;
  readonly ready: boolean;
  readonly createdAt: string;
  readonly simulated?: boolean;
}

/** A running pod as the boundaries see it. */
export function podFactsOf(shape: PodShape): PodFacts {
  return {
    name: shape.name,
    namespace: shape.namespace,
    uid: shape.name,
    resourceVersion: '1',
    node: 'node-1',
    phase: 'Running',
    createdAt: shape.createdAt,
    terminating: false,
    ready: shape.ready,
    templateHash: 'abc',
    controllerRevision: undefined,
    owner: shape.owner,
    labels: { app: 'shop' },
    ip: '127.0.0.9',
    containers: [
      {
        name: shape.container,
        image: 'shop',
        imageID: shape.digest,
        state: 'running',
        reason: undefined,
        message: undefined,
        exitCode: undefined,
        ready: shape.ready,
        restarts: 0,
        startedAt: shape.createdAt,
      },
    ],
    unschedulable: undefined,
    simulated: shape.simulated ?? false,
  };
}
