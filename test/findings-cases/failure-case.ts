import type { BoundaryName } from '../../src/boundaries/index.ts';
import type { AnswerFact, BuildFact, CommitFact, EngineFact, World } from '../../src/verdict/index.ts';
import { deployment, event, object, pod, replicaSet, service, SOURCE, world } from '../findings-worlds.ts';

/** One failure of the catalogue, as its sources show it, beside a twin that is well. */
export interface FailureCase {
  readonly failure: string;
  readonly id: string;
  readonly boundary: BoundaryName;
  readonly what: string;
  readonly broken: World;
  readonly twin: World;
}

export const OLD = 'sha256:3e7a9f2b00000000000000000000000000000000000000000000000000000841';
export const NEW = 'sha256:9c4d8e1a00000000000000000000000000000000000000000000000000000273';
const waiting = (reason: string, message: string) =>
  `{waiting: {reason: ${reason}, message: ${JSON.stringify(message)}}}`;
/** A rollout that went on last at this time; the cases are looked at at noon. */
export const lastProgressAt = (at: string) =>
  `[{type: Progressing, status: "True", reason: ReplicaSetUpdated, lastUpdateTime: "2026-03-01T${at}:00Z"}]`;
export const CRASH =
  '{waiting: {reason: CrashLoopBackOff, message: "back-off 5m0s restarting failed container"}}';
export const ended = (exitCode: number, reason = 'Error') =>
  `{terminated: {exitCode: ${exitCode}, reason: ${reason}, finishedAt: "2026-03-01T11:59:00Z"}}`;

export const answer = (asked: string, text: string, ok = false): AnswerFact => ({
  asked,
  answer: text,
  ok,
  source: SOURCE,
});
export const engine = (part: Partial<EngineFact>): EngineFact => ({
  engine: 'Argo CD',
  application: 'shop',
  kind: 'Application',
  sync: 'OutOfSync',
  health: 'Healthy',
  revision: 'a4f8c2d1',
  targetRevision: 'main',
  repository: 'https://git.example/shop',
  path: 'overlays/prod',
  destination: 'shop',
  messages: [],
  operation: undefined,
  suspended: undefined,
  time: undefined,
  source: SOURCE,
  ...part,
});
export const failed = (message: string): Partial<World> => ({
  engines: [
    engine({ messages: [message], operation: { phase: 'Failed', updated: undefined, unchanged: undefined } }),
  ],
});
export const build = (part: Partial<BuildFact>): BuildFact => ({
  image: 'registry.corp.io/api:latest',
  digest: NEW,
  commit: 'e3b7d9f1',
  version: '2.5.0',
  ref: undefined,
  time: '2026-03-01T11:30:00Z',
  state: 'succeeded',
  system: 'ci',
  source: SOURCE,
  ...part,
});
export const commit = (part: Partial<CommitFact>): CommitFact => ({
  commit: 'a4f8c2d1',
  subject: 'Deploy',
  author: 'ci',
  time: '2026-03-01T10:00:00Z',
  refs: [],
  repository: undefined,
  files: [],
  changes: [],
  source: SOURCE,
  ...part,
});

export const HEALTHY: Partial<World> = {
  live: [...deployment(), ...replicaSet(1), ...pod({ digest: OLD }), ...service('{app: api}')],
};
export const healthy = world(HEALTHY);
/** The refusals and failures of the past, when all is well again. */
const synced = (message: string): World =>
  world({
    ...HEALTHY,
    engines: [
      engine({
        sync: 'Synced',
        operation: { phase: 'Succeeded', updated: 1, unchanged: 0 },
        messages: [message.replace(/error|failed/gi, 'was')],
      }),
    ],
  });

export const pull = (message: string, image?: string): World =>
  world({
    live: [
      ...deployment({ ready: 0 }),
      ...pod({
        ready: false,
        state: waiting('ImagePullBackOff', message),
        ...(image === undefined ? {} : { image }),
      }),
    ],
  });
export const pulled = (message: string): World =>
  world({ ...HEALTHY, events: [event('Pod/api-6b7f9a8d43-h2k4l', 'Failed', message)] });
export const PULL = 'Failed to pull image "registry.corp.io/api:1.0.0": ';

export function refused(message: string): { readonly broken: World; readonly twin: World } {
  const events = [
    event(
      'ReplicaSet/api-6b7f9a8d43',
      'FailedCreate',
      `Error creating: pods "api-6b7f9a8d43-" is forbidden: ${message}`,
    ),
  ];
  return {
    broken: world({ live: [...deployment({ ready: 0, updated: 0, total: 0 }), ...replicaSet(0)], events }),
    twin: world({ ...HEALTHY, events }),
  };
}

export function unscheduled(message: string): { readonly broken: World; readonly twin: World } {
  const events = [event('Pod/api-6b7f9a8d43-h2k4l', 'FailedScheduling', message)];
  return {
    broken: world({
      live: [
        ...deployment({ ready: 0 }),
        ...pod({
          ready: false,
          node: '',
          state: '{}',
          conditions: `[{type: PodScheduled, status: "False", reason: Unschedulable, message: ${JSON.stringify(message)}}]`,
        }),
      ],
      events,
    }),
    twin: world({ ...HEALTHY, events }),
  };
}

export function started(reason: string, message: string): { readonly broken: World; readonly twin: World } {
  return {
    broken: world({
      live: [...deployment({ ready: 0 }), ...pod({ ready: false, state: waiting(reason, message) })],
    }),
    twin: world({ ...HEALTHY, events: [event('Pod/api-6b7f9a8d43-h2k4l', 'Failed', message)] }),
  };
}

export function told(reason: string, message: string): { readonly broken: World; readonly twin: World } {
  const events = [event('Pod/api-6b7f9a8d43-h2k4l', reason, message)];
  return {
    broken: world({
      live: [
        ...deployment({ ready: 0 }),
        ...pod({ ready: false, state: '{waiting: {reason: ContainerCreating}}' }),
      ],
      events,
    }),
    twin: world({ ...HEALTHY, events }),
  };
}

export const latest = (created: string, digest = OLD): Partial<World> => ({
  live: [
    ...deployment({ image: 'registry.corp.io/api:latest', container: ', imagePullPolicy: Always' }),
    ...pod({ image: 'registry.corp.io/api:latest', digest, created }),
  ],
  builds: [build({})],
  engines: [engine({ sync: 'Synced', operation: { phase: 'Succeeded', updated: 0, unchanged: 3 } })],
});

export const kustomization = (images: string) => ({
  path: 'overlays/prod/kustomization.yaml',
  kind: 'kustomization' as const,
  value: object(
    `{apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization, metadata: {name: x}, ${images}}`,
  )[0]?.value,
  text: '',
  cite: () => SOURCE,
  source: SOURCE,
});

export const refusal = (message: string) => ({
  broken: world({ ...HEALTHY, ...failed(message) }),
  twin: synced(message),
});
export const failureCase = (
  failure: string,
  id: string,
  boundary: BoundaryName,
  what: string,
  both: { readonly broken: World; readonly twin: World },
): FailureCase => ({ failure, id, boundary, what, ...both });
