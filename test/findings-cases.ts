import type { BoundaryName } from '../src/boundaries/index.ts';
import type { AnswerFact, BuildFact, CommitFact, EngineFact, World } from '../src/verdict/index.ts';
import {
  deployment,
  event,
  log,
  object,
  pod,
  replicaSet,
  service,
  SOURCE,
  world,
} from './findings-worlds.ts';

/** One failure of the catalogue, as its sources show it, beside a twin that is well. */
export interface FailureCase {
  readonly failure: string;
  readonly id: string;
  readonly boundary: BoundaryName;
  readonly what: string;
  readonly broken: World;
  readonly twin: World;
}

const OLD = 'sha256:3e7a9f2b00000000000000000000000000000000000000000000000000000841';
const NEW = 'sha256:9c4d8e1a00000000000000000000000000000000000000000000000000000273';
const waiting = (reason: string, message: string) =>
  `{waiting: {reason: ${reason}, message: ${JSON.stringify(message)}}}`;
/** A rollout that went on last at this time; the cases are looked at at noon. */
/** An Application without automated sync that compares OutOfSync with a commit, and what it had applied last. */
const byHand = (applied: string) =>
  world({
    ...HEALTHY,
    live: [
      ...(HEALTHY.live ?? []),
      ...object(
        `{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: shop, namespace: argocd}, spec: {syncPolicy: {}}, status: {sync: {status: OutOfSync, revision: ${'b'.repeat(40)}}, operationState: {phase: Succeeded, syncResult: {revision: ${applied}}}}}`,
      ),
    ],
  });

const HALF = (at: string) =>
  `[{type: Progressing, status: "True", reason: ReplicaSetUpdated, lastUpdateTime: "2026-03-01T${at}:00Z"}]`;
const CRASH = '{waiting: {reason: CrashLoopBackOff, message: "back-off 5m0s restarting failed container"}}';
const ended = (exitCode: number, reason = 'Error') =>
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
const failed = (message: string): Partial<World> => ({
  engines: [
    engine({ messages: [message], operation: { phase: 'Failed', updated: undefined, unchanged: undefined } }),
  ],
});
const build = (part: Partial<BuildFact>): BuildFact => ({
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
const commit = (part: Partial<CommitFact>): CommitFact => ({
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

const HEALTHY: Partial<World> = {
  live: [...deployment(), ...replicaSet(1), ...pod({ digest: OLD }), ...service('{app: api}')],
};
const healthy = world(HEALTHY);
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

const pull = (message: string, image?: string): World =>
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
const pulled = (message: string): World =>
  world({ ...HEALTHY, events: [event('Pod/api-6b7f9a8d43-h2k4l', 'Failed', message)] });
const PULL = 'Failed to pull image "registry.corp.io/api:1.0.0": ';

function refused(message: string): { readonly broken: World; readonly twin: World } {
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

function unscheduled(message: string): { readonly broken: World; readonly twin: World } {
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

function started(reason: string, message: string): { readonly broken: World; readonly twin: World } {
  return {
    broken: world({
      live: [...deployment({ ready: 0 }), ...pod({ ready: false, state: waiting(reason, message) })],
    }),
    twin: world({ ...HEALTHY, events: [event('Pod/api-6b7f9a8d43-h2k4l', 'Failed', message)] }),
  };
}

function told(reason: string, message: string): { readonly broken: World; readonly twin: World } {
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

const latest = (created: string, digest = OLD): Partial<World> => ({
  live: [
    ...deployment({ image: 'registry.corp.io/api:latest', container: ', imagePullPolicy: Always' }),
    ...pod({ image: 'registry.corp.io/api:latest', digest, created }),
  ],
  builds: [build({})],
  engines: [engine({ sync: 'Synced', operation: { phase: 'Succeeded', updated: 0, unchanged: 3 } })],
});

const kustomization = (images: string) => ({
  path: 'overlays/prod/kustomization.yaml',
  kind: 'kustomization' as const,
  value: object(
    `{apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization, metadata: {name: x}, ${images}}`,
  )[0]?.value,
  text: '',
  cite: () => SOURCE,
  source: SOURCE,
});

const refusal = (message: string) => ({
  broken: world({ ...HEALTHY, ...failed(message) }),
  twin: synced(message),
});
const c = (
  failure: string,
  id: string,
  boundary: BoundaryName,
  what: string,
  both: { readonly broken: World; readonly twin: World },
): FailureCase => ({ failure, id, boundary, what, ...both });

export const CASES: readonly FailureCase[] = [
  c('PIP-01', 'mutable-reference-moved', 'intent', 'pushed again, no pod since', {
    broken: world(latest('2026-03-01T11:00:00Z')),
    twin: world(latest('2026-03-01T11:40:00Z', NEW)),
  }),
  c('PIP-02', 'bump-never-committed', 'intent', 'image pushed, no commit after it', {
    broken: world({
      ...HEALTHY,
      builds: [build({ image: 'registry.corp.io/api:1.1.0' })],
      commits: [commit({})],
    }),
    twin: world({
      live: [
        ...deployment({ image: 'registry.corp.io/api:1.1.0' }),
        ...pod({ image: 'registry.corp.io/api:1.1.0', digest: NEW }),
      ],
      builds: [build({ image: 'registry.corp.io/api:1.1.0' })],
      commits: [commit({})],
    }),
  }),
  c('PIP-03', 'bump-lost-in-race', 'intent', 'push rejected', {
    broken: world({ ...HEALTHY, logs: [log('ci', ' ! [rejected]        HEAD -> main (non-fast-forward)')] }),
    twin: world({ ...HEALTHY, logs: [log('ci', '   a4f8c2d..e3b7d9f  HEAD -> main')] }),
  }),
  c('PIP-04', 'image-missing', 'artifact', 'tag not in the registry', {
    broken: pull(
      `${PULL}rpc error: code = NotFound desc = failed to pull and unpack image "registry.corp.io/api:1.0.0": failed to resolve reference "registry.corp.io/api:1.0.0": registry.corp.io/api:1.0.0: not found`,
    ),
    twin: pulled(`${PULL}rpc error: code = NotFound`),
  }),
  c('PIP-05', 'registry-credentials', 'health', '401 of the registry', {
    broken: pull(
      `${PULL}failed to authorize: failed to fetch anonymous token: unexpected status from GET request: 401 Unauthorized`,
    ),
    twin: pulled('401 Unauthorized pulling image'),
  }),
  c('PIP-06', 'registry-unreachable', 'health', 'name of the registry unknown', {
    broken: pull(
      `${PULL}failed to do request: Head "https://registry.corp.io/v2/": dial tcp: lookup registry.corp.io: no such host`,
    ),
    twin: pulled('Failed to pull image: no such host'),
  }),
  c('PIP-07', 'registry-rate-limit', 'health', '429 of the registry', {
    broken: pull(
      `${PULL}429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit.`,
    ),
    twin: pulled('Failed to pull image: 429 Too Many Requests'),
  }),
  c('PIP-08', 'image-platform-wrong', 'artifact', 'exec format error', {
    broken: world({
      live: [
        ...deployment({ ready: 0 }),
        ...pod({ ready: false, phase: 'Running', restarts: 3, state: CRASH, last: ended(255) }),
      ],
      logs: [log('api-6b7f9a8d43-h2k4l', 'exec /app/server: exec format error', true)],
    }),
    twin: healthy,
  }),
  c('PIP-08', 'image-platform-missing', 'artifact', 'no manifest for the platform', {
    broken: pull(`${PULL}no match for platform in manifest: not found`),
    twin: pulled('Failed to pull image: no match for platform in manifest'),
  }),
  c('PIP-09', 'image-collected', 'artifact', 'pinned digest gone', {
    broken: pull(
      `Failed to pull image: rpc error: code = NotFound desc = manifest unknown`,
      `registry.corp.io/api@${OLD}`,
    ),
    twin: healthy,
  }),
  c('PIP-10', 'wrong-code-in-image', 'artifact', 'digest right, commit of the process wrong', {
    broken: world({
      live: [...deployment(), ...pod({ digest: NEW })],
      builds: [build({ image: 'registry.corp.io/api:1.0.0' })],
      samples: [
        {
          name: 'app_build_info',
          labels: { version: '2.5.0', commit: 'b91e4c7a' },
          value: 1,
          from: 'api',
          source: SOURCE,
        },
      ],
    }),
    twin: world({
      live: [...deployment(), ...pod({ digest: NEW })],
      builds: [build({ image: 'registry.corp.io/api:1.0.0' })],
      samples: [
        {
          name: 'app_build_info',
          labels: { version: '2.5.0', commit: 'e3b7d9f1aa' },
          value: 1,
          from: 'api',
          source: SOURCE,
        },
      ],
    }),
  }),
  c('PIP-11', 'replicas-differ', 'intent', 'two digests under one tag', {
    broken: world({
      live: [
        ...deployment({ replicas: 2 }),
        ...pod({ digest: OLD }),
        ...pod({ name: 'api-6b7f9a8d43-m5n8p', digest: NEW, node: 'node-2' }),
      ],
    }),
    twin: world({
      live: [
        ...deployment({ replicas: 2 }),
        ...pod({ digest: OLD }),
        ...pod({ name: 'api-6b7f9a8d43-m5n8p', digest: OLD, node: 'node-2' }),
      ],
    }),
  }),
  c('PIP-12', 'digest-of-index', 'artifact', 'platform manifest and index', {
    broken: world({
      ...HEALTHY,
      digests: [
        { reference: 'registry.corp.io/api:1.0.0', digest: NEW, platforms: [], answer: 'OK', source: SOURCE },
        {
          reference: 'registry.corp.io/api:1.0.0',
          digest: OLD,
          platforms: ['linux/amd64'],
          answer: 'OK',
          source: SOURCE,
        },
      ],
    }),
    twin: world({
      ...HEALTHY,
      digests: [
        { reference: 'registry.corp.io/api:1.0.0', digest: OLD, platforms: [], answer: 'OK', source: SOURCE },
      ],
    }),
  }),
  c(
    'PIP-13',
    'image-name-invalid',
    'render',
    'empty variable in the image',
    started(
      'InvalidImageName',
      'Failed to apply default image tag "registry.corp.io/api:": couldn\'t parse image name "registry.corp.io/api:": invalid reference format',
    ),
  ),
  c(
    'PIP-13',
    'image-never-pulled',
    'health',
    'policy Never',
    started(
      'ErrImageNeverPull',
      'Container image "registry.corp.io/api:1.0.0" is not present with pull policy of Never',
    ),
  ),
  c(
    'PIP-14',
    'signature-rejected',
    'artifact',
    'no matching signatures',
    refusal(
      'admission webhook "policy.sigstore.dev" denied the request: validation failed: no matching signatures',
    ),
  ),
  c(
    'INT-01',
    'path-or-revision-missing',
    'intent',
    'tracked path not in Git',
    refusal('rpc error: code = Unknown desc = overlays/prd: app path does not exist'),
  ),
  c('INT-02', 'edit-overridden', 'intent', 'base edited, overlay wins', {
    broken: world({
      ...HEALTHY,
      files: [kustomization('images: [{name: registry.corp.io/api, newTag: 1.0.0}]')],
      commits: [
        commit({
          changes: [
            {
              file: 'base/deployment.yaml',
              removed: ['image: registry.corp.io/api:1.0.0'],
              added: ['image: registry.corp.io/api:1.1.0'],
            },
          ],
        }),
      ],
    }),
    twin: world({
      ...HEALTHY,
      files: [kustomization('images: [{name: registry.corp.io/api, newTag: 1.0.0}]')],
      commits: [
        commit({
          changes: [
            {
              file: 'base/deployment.yaml',
              removed: ['image: registry.corp.io/api:0.9.0'],
              added: ['image: registry.corp.io/api:1.0.0'],
            },
          ],
        }),
      ],
    }),
  }),
  c('INT-03', 'reconciliation-suspended', 'sync', 'suspended', {
    broken: world({
      ...HEALTHY,
      live: [
        ...(HEALTHY.live ?? []),
        ...object(
          '{apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: shop, namespace: flux-system}, spec: {suspend: true}}',
        ),
      ],
    }),
    twin: world({
      ...HEALTHY,
      live: [
        ...(HEALTHY.live ?? []),
        ...object(
          '{apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: shop, namespace: flux-system}, spec: {suspend: false}}',
        ),
      ],
    }),
  }),
  c('INT-03', 'reconciliation-suspended', 'sync', 'a commit that nobody syncs', {
    broken: byHand('a'.repeat(40)),
    twin: byHand('b'.repeat(40)),
  }),
  c('INT-04', 'automation-chooses-other-tag', 'intent', 'alphabetical order of tags', {
    broken: world({
      ...HEALTHY,
      live: [
        ...(HEALTHY.live ?? []),
        ...object(
          '{apiVersion: image.toolkit.fluxcd.io/v1, kind: ImagePolicy, metadata: {name: api, namespace: flux-system}, spec: {policy: {alphabetical: {}}}, status: {latestImage: "registry.corp.io/api:1.9.0"}}',
        ),
      ],
      builds: [build({ image: 'registry.corp.io/api:1.10.0', digest: undefined })],
    }),
    twin: world({
      ...HEALTHY,
      live: [
        ...(HEALTHY.live ?? []),
        ...object(
          '{apiVersion: image.toolkit.fluxcd.io/v1, kind: ImagePolicy, metadata: {name: api, namespace: flux-system}, spec: {policy: {alphabetical: {}}}, status: {latestImage: "registry.corp.io/api:1.10.0"}}',
        ),
      ],
      builds: [build({ image: 'registry.corp.io/api:1.10.0', digest: undefined })],
    }),
  }),
  c('INT-05', 'rollout-aborted', 'rollout', 'aborted Rollout', {
    broken: world({
      live: object(
        '{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: api, namespace: shop}, spec: {replicas: 3}, status: {phase: Degraded, abort: true, message: "RolloutAborted: Rollout aborted update to revision 2", stableRS: 6b7f}}',
      ),
    }),
    twin: world({
      live: object(
        '{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: api, namespace: shop}, spec: {replicas: 3}, status: {phase: Healthy, stableRS: 6b7f}}',
      ),
    }),
  }),
  c('INT-06', 'replicas-fight-autoscaler', 'intent', 'replicas in Git and an autoscaler', {
    broken: world({
      desired: [
        ...deployment({ replicas: 2 }),
        ...object(
          '{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: api, namespace: shop}, spec: {scaleTargetRef: {kind: Deployment, name: api}, maxReplicas: 5}}',
        ),
      ],
    }),
    twin: world({
      desired: [
        ...object(
          '{apiVersion: apps/v1, kind: Deployment, metadata: {name: api, namespace: shop}, spec: {selector: {matchLabels: {app: api}}, template: {metadata: {labels: {app: api}}, spec: {containers: [{name: main, image: "x:1"}]}}}}',
        ),
        ...object(
          '{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: api, namespace: shop}, spec: {scaleTargetRef: {kind: Deployment, name: api}, maxReplicas: 5}}',
        ),
      ],
    }),
  }),
  c('REN-01', 'image-entry-matches-nothing', 'render', 'images entry without effect', {
    broken: world({ desired: deployment(), files: [kustomization('images: [{name: api, newTag: "1.1"}]')] }),
    twin: world({
      desired: deployment(),
      files: [kustomization('images: [{name: registry.corp.io/api, newTag: "1.1"}]')],
    }),
  }),
  c(
    'REN-02',
    'render-failed',
    'render',
    'manifests cannot be made',
    refusal(
      'Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = Manifest generation error (cached): kustomize build failed',
    ),
  ),
  c('REN-03', 'configuration-older-in-pods', 'rollout', 'ConfigMap newer than its readers', {
    broken: world({
      live: [
        ...deployment({ container: ', envFrom: [{configMapRef: {name: conf}}]' }),
        ...pod({}),
        ...object(
          '{apiVersion: v1, kind: ConfigMap, metadata: {name: conf, namespace: shop, managedFields: [{manager: x, time: "2026-03-01T11:30:00Z", fieldsV1: {"f:data": {}}}]}, data: {a: b}}',
        ),
      ],
    }),
    twin: world({
      live: [
        ...deployment({ container: ', envFrom: [{configMapRef: {name: conf}}]' }),
        ...pod({}),
        ...object(
          '{apiVersion: v1, kind: ConfigMap, metadata: {name: conf, namespace: shop, managedFields: [{manager: x, time: "2026-03-01T10:30:00Z", fieldsV1: {"f:data": {}}}]}, data: {a: b}}',
        ),
      ],
    }),
  }),
  c(
    'REN-04',
    'unknown-field',
    'render',
    'strict decoding error',
    refusal(
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.template.spec.containers[0].imagePullpolicy"',
    ),
  ),
  c(
    'REN-05',
    'api-version-removed',
    'render',
    'policy/v1beta1',
    refusal(
      'resource mapping not found for name: "api" namespace: "shop" from "all.yaml": no matches for kind "PodDisruptionBudget" in version "policy/v1beta1"',
    ),
  ),
  c('REN-06', 'variable-unresolved', 'render', 'placeholder in the image', {
    broken: world({ desired: deployment({ image: 'registry.corp.io/api:${TAG}' }) }),
    twin: world({ desired: deployment({ container: ', args: ["--host=${HOST}"]' }) }),
  }),
  c(
    'REN-07',
    'patch-misses-container',
    'render',
    'container without image',
    refusal('Deployment.apps "api" is invalid: spec.template.spec.containers[1].image: Required value'),
  ),
  c('REN-08', 'namespace-astray', 'render', 'one object in default', {
    broken: world({
      desired: [
        ...deployment(),
        ...object('{apiVersion: v1, kind: ConfigMap, metadata: {name: conf, namespace: default}}'),
      ],
    }),
    twin: world({
      desired: [
        ...deployment(),
        ...object('{apiVersion: v1, kind: ConfigMap, metadata: {name: conf, namespace: shop}}'),
      ],
    }),
  }),
  c('REN-09', 'remote-source-unpinned', 'render', 'remote base at a branch', {
    broken: world({
      desired: deployment(),
      files: [kustomization('resources: ["https://github.com/x/base?ref=main"]')],
    }),
    twin: world({
      desired: deployment(),
      files: [kustomization('resources: ["https://github.com/x/base?ref=v1.4.0"]')],
    }),
  }),
  c(
    'REN-10',
    'secret-not-decrypted',
    'render',
    'no key',
    refusal('BuildFailed: cannot decrypt: no key could decrypt the data'),
  ),
  c(
    'REC-01',
    'source-unreadable',
    'sync',
    'credential of the repository',
    refusal('ComparisonError: failed to list refs: authentication required: Invalid username or token'),
  ),
  c('REC-02', 'controller-behind', 'sync', 'controller without pods', {
    broken: world({
      live: object(
        '{apiVersion: apps/v1, kind: Deployment, metadata: {name: kustomize-controller, namespace: flux-system}, spec: {replicas: 1}, status: {replicas: 1}}',
      ),
    }),
    twin: world({
      live: object(
        '{apiVersion: apps/v1, kind: Deployment, metadata: {name: kustomize-controller, namespace: flux-system}, spec: {replicas: 1}, status: {replicas: 1, readyReplicas: 1, updatedReplicas: 1, availableReplicas: 1}}',
      ),
    }),
  }),
  c(
    'REC-03',
    'immutable-field',
    'sync',
    'selector changed',
    refusal(
      'Deployment.apps "api" is invalid: spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{"app":"api2"}}: field is immutable',
    ),
  ),
  c(
    'REC-04',
    'admission-denied',
    'sync',
    'policy says no',
    refusal(
      'admission webhook "validate.kyverno.svc" denied the request: resource Deployment/shop/api was blocked',
    ),
  ),
  c(
    'REC-05',
    'webhook-unavailable',
    'sync',
    'no endpoints of the webhook',
    refusal(
      'Internal error occurred: failed calling webhook "mutate.example.com": failed to call webhook: Post "https://hook.infra.svc:443/mutate?timeout=10s": no endpoints available for service "hook"',
    ),
  ),
  c(
    'REC-06',
    'permission-missing',
    'sync',
    'identity may not patch',
    refusal(
      'deployments.apps "api" is forbidden: User "system:serviceaccount:argocd:controller" cannot patch resource "deployments" in API group "apps" in the namespace "shop"',
    ),
  ),
  c(
    'REC-07',
    'kind-not-installed',
    'sync',
    'no definition of the kind',
    refusal(
      'resource mapping not found for name: "api" namespace: "" from "x.yaml": no matches for kind "ServiceMonitor" in version "monitoring.coreos.com/v1"',
    ),
  ),
  c('REC-08', 'namespace-missing', 'sync', 'no namespace', refusal('namespaces "shop" not found')),
  c('REC-09', 'hook-failed', 'sync', 'migration fails', {
    broken: world({
      live: object(
        '{apiVersion: batch/v1, kind: Job, metadata: {name: migrate, namespace: shop, annotations: {argocd.argoproj.io/hook: PreSync}}, status: {conditions: [{type: Failed, status: "True", reason: BackoffLimitExceeded, message: "Job has reached the specified backoff limit"}]}}',
      ),
    }),
    twin: world({
      live: object(
        '{apiVersion: batch/v1, kind: Job, metadata: {name: migrate, namespace: shop, annotations: {argocd.argoproj.io/hook: PreSync}}, status: {succeeded: 1, conditions: [{type: Complete, status: "True"}]}}',
      ),
    }),
  }),
  c('REC-10', 'retry-of-old-revision', 'sync', 'operation bound to an old commit', {
    broken: world({
      live: object(
        '{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: shop, namespace: argocd}, spec: {syncPolicy: {automated: {}}}, status: {sync: {status: OutOfSync, revision: bbbbbbbb}, operationState: {phase: Running, retryCount: 3, message: "one or more objects failed to apply", operation: {sync: {revision: aaaaaaaa}}}}}',
      ),
    }),
    twin: world({
      live: object(
        '{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: shop, namespace: argocd}, spec: {syncPolicy: {automated: {}}}, status: {sync: {status: OutOfSync, revision: bbbbbbbb}, operationState: {phase: Running, message: "waiting", operation: {sync: {revision: bbbbbbbb}}}}}',
      ),
    }),
  }),
  c('REC-11', 'helm-pending', 'sync', 'pending-upgrade', {
    broken: world({
      ...HEALTHY,
      answers: [
        answer(
          'helm upgrade api',
          'Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress',
        ),
      ],
    }),
    twin: world({
      ...HEALTHY,
      answers: [answer('helm upgrade api', 'Release "api" has been upgraded.', true)],
    }),
  }),
  c('REC-12', 'field-conflict', 'live', 'two owners of a field', {
    broken: world({
      ...HEALTHY,
      answers: [
        answer(
          'kubectl apply --server-side',
          'error: Apply failed with 1 conflict: conflict with "kubectl-scale" using apps/v1: .spec.replicas',
        ),
      ],
    }),
    twin: healthy,
  }),
  c('REC-13', 'synced-although-different', 'live', 'Synced and different', {
    broken: world({
      live: [...deployment({ image: 'registry.corp.io/api:hacked' }), ...pod({})],
      desired: deployment(),
      engines: [engine({ sync: 'Synced' })],
    }),
    twin: world({
      live: [...deployment(), ...pod({})],
      desired: deployment(),
      engines: [engine({ sync: 'Synced' })],
    }),
  }),
  c('REC-14', 'success-before-observed', 'rollout', 'success at an older generation', {
    broken: world({
      live: deployment({
        generation: 3,
        observed: 2,
        metadata: 'managedFields: [{manager: x, time: "2026-03-01T11:59:50Z"}]',
      }),
      engines: [engine({ sync: 'Synced', operation: { phase: 'Succeeded', updated: 1, unchanged: 0 } })],
    }),
    twin: world({
      live: deployment({ generation: 3, observed: 3 }),
      engines: [engine({ sync: 'Synced', operation: { phase: 'Succeeded', updated: 1, unchanged: 0 } })],
    }),
  }),
  c('REC-15', 'not-pruned', 'sync', 'object left behind', {
    broken: world({
      live: object(
        '{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: shop, namespace: argocd}, spec: {syncPolicy: {automated: {}}}, status: {sync: {status: OutOfSync}, resources: [{kind: Deployment, name: old, namespace: shop, status: OutOfSync, requiresPruning: true}]}}',
      ),
    }),
    twin: world({
      live: object(
        '{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: shop, namespace: argocd}, spec: {syncPolicy: {automated: {}}}, status: {sync: {status: Synced}, resources: [{kind: Deployment, name: api, namespace: shop, status: Synced}]}}',
      ),
    }),
  }),
  c(
    'REC-16',
    'object-too-large',
    'sync',
    'annotation too long',
    refusal(
      'CustomResourceDefinition.apiextensions.k8s.io "x" is invalid: metadata.annotations: Too long: must have at most 262144 bytes',
    ),
  ),
  c(
    'LIV-01',
    'quota-exceeded',
    'health',
    'quota used up',
    refused(
      'exceeded quota: compute, requested: requests.cpu=1, used: requests.cpu=3500m, limited: requests.cpu=4',
    ),
  ),
  c(
    'LIV-02',
    'resources-undeclared',
    'health',
    'quota wants resources',
    refused('failed quota: compute: must specify limits.cpu for: main'),
  ),
  c(
    'LIV-02',
    'limit-range-violated',
    'health',
    'LimitRange',
    refused('maximum memory usage per Container is 1Gi, but limit is 2Gi'),
  ),
  c(
    'LIV-03',
    'pod-security-violated',
    'health',
    'restricted namespace',
    refused(
      'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false)',
    ),
  ),
  c(
    'LIV-04',
    'service-account-missing',
    'health',
    'no ServiceAccount',
    refused('error looking up service account shop/runner: serviceaccount "runner" not found'),
  ),
  c('LIV-05', 'scaled-to-zero', 'live', 'zero replicas, Git asks for three', {
    broken: world({ live: deployment({ replicas: 0 }), desired: deployment({ replicas: 3 }) }),
    twin: world({ live: deployment({ replicas: 0 }), desired: deployment({ replicas: 0 }) }),
  }),
  c('LIV-06', 'workload-paused', 'rollout', 'paused', {
    broken: world({ live: deployment({ spec: 'paused: true' }) }),
    twin: world({ live: deployment({ spec: 'paused: false' }) }),
  }),
  c('LIV-07', 'controller-not-acting', 'health', 'generation never observed', {
    broken: world({
      live: deployment({
        generation: 3,
        observed: 2,
        metadata: 'managedFields: [{manager: x, time: "2026-03-01T11:00:00Z"}]',
      }),
    }),
    twin: world({
      live: deployment({
        generation: 3,
        observed: 2,
        metadata: 'managedFields: [{manager: x, time: "2026-03-01T11:59:30Z"}]',
      }),
    }),
  }),
  c('LIV-08', 'selectors-overlap', 'live', 'two Deployments of one selector', {
    broken: world({ live: [...deployment(), ...deployment({ name: 'worker' })] }),
    twin: world({ live: [...deployment(), ...deployment({ name: 'worker', labels: '{app: worker}' })] }),
  }),
  c('LIV-09', 'live-drift', 'live', 'image changed by hand', {
    broken: world({
      live: deployment({
        image: 'registry.corp.io/api:hacked',
        metadata: 'managedFields: [{manager: kubectl-edit, time: "2026-03-01T11:30:00Z"}]',
      }),
      desired: deployment(),
    }),
    twin: world({ live: deployment(), desired: deployment() }),
  }),
  c('LIV-10', 'deletion-stuck', 'live', 'finalizer holds it', {
    broken: world({
      live: object(
        '{apiVersion: v1, kind: ConfigMap, metadata: {name: conf, namespace: shop, deletionTimestamp: "2026-03-01T11:00:00Z", finalizers: [example.com/hold]}}',
      ),
    }),
    twin: world({
      live: object(
        '{apiVersion: v1, kind: ConfigMap, metadata: {name: conf, namespace: shop, finalizers: [example.com/hold]}}',
      ),
    }),
  }),
  c(
    'ROL-01',
    'unschedulable-resources',
    'health',
    'no CPU left',
    unscheduled(
      '0/4 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 3 Insufficient cpu. preemption: 0/4 nodes are available: 1 Preemption is not helpful for scheduling, 3 No preemption victims found for incoming pod.',
    ),
  ),
  c(
    'ROL-02',
    'unschedulable-placement',
    'health',
    'label that no node has',
    unscheduled(
      "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
    ),
  ),
  c(
    'ROL-03',
    'unschedulable-spread',
    'health',
    'anti-affinity',
    unscheduled(
      "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.",
    ),
  ),
  c(
    'ROL-04',
    'volume-not-bindable',
    'health',
    'claim unbound',
    unscheduled(
      '0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.',
    ),
  ),
  c(
    'ROL-05',
    'volume-held-by-old-pod',
    'health',
    'Multi-Attach',
    told(
      'FailedAttachVolume',
      'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) api-old',
    ),
  ),
  c(
    'ROL-06',
    'mount-source-missing',
    'health',
    'mounted ConfigMap missing',
    told('FailedMount', 'MountVolume.SetUp failed for volume "conf" : configmap "conf" not found'),
  ),
  c(
    'ROL-07',
    'configuration-missing',
    'health',
    'Secret of the environment missing',
    started('CreateContainerConfigError', 'secret "db" not found'),
  ),
  c(
    'ROL-07',
    'runs-as-root',
    'health',
    'runAsNonRoot',
    started(
      'CreateContainerConfigError',
      'container has runAsNonRoot and image will run as root (pod: "api", container: main)',
    ),
  ),
  c(
    'ROL-08',
    'cannot-start-command',
    'health',
    'no such program',
    started(
      'RunContainerError',
      'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "serve": executable file not found in $PATH: unknown',
    ),
  ),
  c('ROL-09', 'crash-loop', 'health', 'program ends', {
    broken: world({
      live: [
        ...deployment({ ready: 0 }),
        ...pod({ ready: false, phase: 'Running', restarts: 4, state: CRASH, last: ended(3) }),
      ],
      logs: [log('api-6b7f9a8d43-h2k4l', 'Error: REQUIRED_SETTING is not set', true)],
    }),
    twin: healthy,
  }),
  c('ROL-10', 'out-of-memory', 'health', 'OOMKilled', {
    broken: world({
      live: [
        ...deployment({ ready: 0 }),
        ...pod({ ready: false, phase: 'Running', restarts: 4, state: CRASH, last: ended(137, 'OOMKilled') }),
      ],
    }),
    twin: healthy,
  }),
  c('ROL-11', 'init-container-failing', 'health', 'init container fails', {
    broken: world({
      live: [
        ...deployment({ ready: 0 }),
        ...pod({
          ready: false,
          state: '{waiting: {reason: PodInitializing}}',
          spec: 'initContainers: [{name: wait, image: "busybox:1"}]',
          status: `initContainerStatuses: [{name: wait, ready: false, restartCount: 3, state: ${CRASH}, lastState: ${ended(1)}}]`,
        }),
      ],
    }),
    twin: world({
      live: [
        ...deployment(),
        ...pod({
          spec: 'initContainers: [{name: wait, image: "busybox:1"}]',
          status:
            'initContainerStatuses: [{name: wait, ready: true, restartCount: 0, state: {terminated: {exitCode: 0, reason: Completed}}}]',
        }),
      ],
    }),
  }),
  c('ROL-12', 'readiness-failing', 'health', 'readiness 404', {
    broken: world({
      live: [...deployment({ ready: 0 }), ...pod({ ready: false, phase: 'Running' })],
      events: [
        event(
          'Pod/api-6b7f9a8d43-h2k4l',
          'Unhealthy',
          'Readiness probe failed: HTTP probe failed with statuscode: 404',
        ),
      ],
    }),
    twin: world({
      ...HEALTHY,
      events: [
        event(
          'Pod/api-6b7f9a8d43-h2k4l',
          'Unhealthy',
          'Readiness probe failed: Get "http://10.0.0.1:8080/": dial tcp: connect: connection refused',
        ),
      ],
    }),
  }),
  c('ROL-13', 'killed-by-probe', 'health', 'liveness kills', {
    broken: world({
      live: [
        ...deployment({ ready: 0 }),
        ...pod({ ready: false, phase: 'Running', restarts: 4, state: CRASH, last: ended(137) }),
      ],
      events: [
        event(
          'Pod/api-6b7f9a8d43-h2k4l',
          'Unhealthy',
          'Liveness probe failed: HTTP probe failed with statuscode: 500',
        ),
        event(
          'Pod/api-6b7f9a8d43-h2k4l',
          'Killing',
          'Container main failed liveness probe, will be restarted',
          'Normal',
        ),
      ],
    }),
    twin: world({
      ...HEALTHY,
      events: [
        event(
          'Pod/api-6b7f9a8d43-h2k4l',
          'Unhealthy',
          'Liveness probe failed: HTTP probe failed with statuscode: 500',
        ),
      ],
    }),
  }),
  c('ROL-14', 'progress-deadline-exceeded', 'rollout', 'deadline over, cause not shown', {
    broken: world({
      live: deployment({
        ready: 0,
        conditions:
          '[{type: Progressing, status: "False", reason: ProgressDeadlineExceeded, message: "ReplicaSet \\"api-x\\" has timed out progressing."}]',
      }),
    }),
    twin: world({
      live: deployment({
        conditions: '[{type: Progressing, status: "True", reason: NewReplicaSetAvailable, message: done}]',
      }),
    }),
  }),
  c('ROL-15', 'half-rolled', 'rollout', 'one of three updated', {
    broken: world({
      live: deployment({ replicas: 3, ready: 3, updated: 1, total: 4, conditions: HALF('11:50') }),
    }),
    twin: world({
      live: deployment({ replicas: 3, ready: 3, updated: 1, total: 4, conditions: HALF('11:59') }),
    }),
  }),
  c('ROL-16', 'old-pods-stay', 'rollout', 'old pods end for long', {
    broken: world({ live: deployment({ replicas: 3, total: 4, conditions: HALF('11:50') }) }),
    twin: world({ live: deployment({ replicas: 3, total: 4, conditions: HALF('11:59') }) }),
  }),
  ...(['ROL-17', 'ROL-18'] as const).map((failure) => {
    const set = (strategy: string, hash: string, ready: string) =>
      world({
        live: [
          ...object(
            `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, namespace: shop, generation: 2}, spec: {replicas: 1, updateStrategy: ${strategy}, template: {spec: {containers: [{name: main, image: "x:1"}]}}}, status: {observedGeneration: 2, replicas: 1, readyReplicas: ${ready === 'True' ? 1 : 0}, updatedReplicas: ${hash === 'db-2' ? 1 : 0}, currentRevision: ${hash}, updateRevision: db-2}}`,
          ),
          ...object(
            `{apiVersion: v1, kind: Pod, metadata: {name: db-0, namespace: shop, labels: {controller-revision-hash: ${hash}}, ownerReferences: [{kind: StatefulSet, name: db, controller: true}]}, spec: {nodeName: n, containers: [{name: main, image: "x:1"}]}, status: {phase: Running, conditions: [{type: Ready, status: "${ready}"}], containerStatuses: [{name: main, ready: ${ready === 'True'}, restartCount: 0, imageID: "", state: {running: {}}}]}}`,
          ),
        ],
      });
    return failure === 'ROL-17'
      ? c(failure, 'stateful-set-wedged', 'rollout', 'broken pod of an old revision', {
          broken: set('{type: RollingUpdate}', 'db-1', 'False'),
          twin: set('{type: RollingUpdate}', 'db-2', 'True'),
        })
      : c(failure, 'update-held-by-strategy', 'rollout', 'OnDelete', {
          broken: set('{type: OnDelete}', 'db-1', 'True'),
          twin: set('{type: OnDelete}', 'db-2', 'True'),
        });
  }),
  c(
    'ROL-19',
    'node-runtime-failing',
    'health',
    'no addresses left',
    told(
      'FailedCreatePodSandBox',
      'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox: no IP addresses available in range set',
    ),
  ),
  c('ROL-20', 'pods-evicted', 'health', 'evicted', {
    broken: world({
      live: [
        ...deployment({ ready: 0 }),
        ...pod({
          ready: false,
          phase: 'Failed',
          status: 'reason: Evicted\n  message: "The node was low on resource: memory."',
          state: '{}',
        }),
      ],
    }),
    twin: world({
      live: [
        ...deployment(),
        ...pod({}),
        ...pod({
          name: 'api-6b7f9a8d43-zzzzz',
          ready: false,
          phase: 'Failed',
          status: 'reason: Evicted',
          state: '{}',
        }),
      ],
    }),
  }),
  c('ROL-21', 'sidecar-missing', 'health', 'no proxy injected', {
    broken: world({
      live: [
        ...deployment(),
        ...pod({}),
        ...object(
          '{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio-injection: enabled}}}',
        ),
      ],
    }),
    twin: world({
      live: [
        ...deployment(),
        ...pod({ spec: 'initContainers: [{name: istio-proxy, image: "istio:1", restartPolicy: Always}]' }),
        ...object(
          '{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio-injection: enabled}}}',
        ),
      ],
    }),
  }),
  c('HEA-01', 'versions-mixed', 'traffic', 'two commits answer', {
    broken: world({
      samples: ['aaaaaaaa', 'bbbbbbbb'].map((value) => ({
        name: 'app_build_info',
        labels: { version: '1', commit: value },
        value: 1,
        from: `pod-${value}`,
        source: SOURCE,
      })),
    }),
    twin: world({
      samples: ['aaaaaaaa', 'aaaaaaaa'].map((value) => ({
        name: 'app_build_info',
        labels: { version: '1', commit: value },
        value: 1,
        from: 'pod',
        source: SOURCE,
      })),
    }),
  }),
  c('HEA-02', 'readiness-missing', 'health', 'no readiness probe behind a Service', {
    broken: world({
      desired: [
        ...object(
          '{apiVersion: apps/v1, kind: Deployment, metadata: {name: api, namespace: shop}, spec: {selector: {matchLabels: {app: api}}, template: {metadata: {labels: {app: api}}, spec: {containers: [{name: main, image: "x:1", ports: [{containerPort: 8080}]}]}}}}',
        ),
        ...service('{app: api}'),
      ],
    }),
    twin: world({ desired: [...deployment(), ...service('{app: api}')] }),
  }),
  c('HEA-03', 'feature-flag-missing', 'traffic', 'flag not found', {
    broken: world({
      samples: [
        {
          name: 'feature_flag_check_total',
          labels: { flag: 'sms_v2', result: 'not_found' },
          value: 6012,
          from: undefined,
          source: SOURCE,
        },
      ],
    }),
    twin: world({
      samples: [
        {
          name: 'feature_flag_check_total',
          labels: { flag: 'sms_v2', result: 'on' },
          value: 6012,
          from: undefined,
          source: SOURCE,
        },
      ],
    }),
  }),
  c('HEA-04', 'restart-churn', 'health', 'ready between crashes', {
    broken: world({ live: [...deployment(), ...pod({ restarts: 7, last: ended(1) })] }),
    twin: world({ live: [...deployment(), ...pod({ restarts: 1, last: ended(1) })] }),
  }),
  c('HEA-05', 'no-samples', 'traffic', 'no values found', {
    broken: world({
      logs: [
        log(
          'flagger',
          'Halt advancement no values found for nginx metric request-success-rate probably shop.api is not receiving traffic',
        ),
      ],
    }),
    twin: world({ logs: [log('flagger', 'Advance api.shop canary weight 20')] }),
  }),
  c('HEA-06', 'analysis-misleads', 'rollout', 'Successful without a measurement', {
    broken: world({
      live: object(
        '{apiVersion: argoproj.io/v1alpha1, kind: AnalysisRun, metadata: {name: a, namespace: shop}, status: {phase: Successful, metricResults: [{name: m, count: 0}]}}',
      ),
    }),
    twin: world({
      live: object(
        '{apiVersion: argoproj.io/v1alpha1, kind: AnalysisRun, metadata: {name: a, namespace: shop}, status: {phase: Successful, metricResults: [{name: m, count: 5, successful: 5}]}}',
      ),
    }),
  }),
  c('HEA-07', 'autoscaler-blind', 'health', 'metrics missing', {
    broken: world({
      live: [
        ...deployment(),
        ...object(
          '{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: api, namespace: shop}, spec: {scaleTargetRef: {kind: Deployment, name: api}}, status: {conditions: [{type: ScalingActive, status: "False", reason: FailedGetResourceMetric, message: "missing request for cpu"}]}}',
        ),
      ],
    }),
    twin: world({
      live: [
        ...deployment(),
        ...object(
          '{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: api, namespace: shop}, spec: {scaleTargetRef: {kind: Deployment, name: api}}, status: {conditions: [{type: ScalingActive, status: "True", reason: ValidMetricFound}]}}',
        ),
      ],
    }),
  }),
  c('HEA-08', 'job-failed', 'health', 'Job failed', {
    broken: world({
      live: object(
        '{apiVersion: batch/v1, kind: Job, metadata: {name: report, namespace: shop}, status: {conditions: [{type: Failed, status: "True", reason: DeadlineExceeded, message: "Job was active longer than specified deadline"}]}}',
      ),
    }),
    twin: world({
      live: object(
        '{apiVersion: batch/v1, kind: Job, metadata: {name: report, namespace: shop}, status: {conditions: [{type: Complete, status: "True"}]}}',
      ),
    }),
  }),
  c('HEA-09', 'dependency-failing', 'health', 'schema not migrated', {
    broken: world({
      live: [
        ...deployment({ ready: 0 }),
        ...pod({ ready: false, phase: 'Running', restarts: 4, state: CRASH, last: ended(1) }),
      ],
      logs: [log('api-6b7f9a8d43-h2k4l', 'ERROR: column "tenant" does not exist', true)],
    }),
    twin: healthy,
  }),
  c('HEA-10', 'cpu-throttled', 'health', 'throttled', {
    broken: world({
      samples: [
        {
          name: 'container_cpu_cfs_periods_total',
          labels: { pod: 'api' },
          value: 1000,
          from: undefined,
          source: SOURCE,
        },
        {
          name: 'container_cpu_cfs_throttled_periods_total',
          labels: { pod: 'api' },
          value: 600,
          from: undefined,
          source: SOURCE,
        },
      ],
    }),
    twin: world({
      samples: [
        {
          name: 'container_cpu_cfs_periods_total',
          labels: { pod: 'api' },
          value: 1000,
          from: undefined,
          source: SOURCE,
        },
        {
          name: 'container_cpu_cfs_throttled_periods_total',
          labels: { pod: 'api' },
          value: 6,
          from: undefined,
          source: SOURCE,
        },
      ],
    }),
  }),
  c('TRA-01', 'service-selects-nothing', 'traffic', 'selector that no pod has', {
    broken: world({ live: [...deployment(), ...pod({}), ...service('{app: apii}')] }),
    twin: healthy,
  }),
  c('TRA-02', 'service-port-wrong', 'traffic', 'port name that nobody has', {
    broken: world({ live: [...deployment(), ...pod({}), ...service('{app: api}', 'web')] }),
    twin: world({ live: [...deployment(), ...pod({}), ...service('{app: api}', 'http')] }),
  }),
  ...(['TRA-03', 'TRA-12'] as const).map((failure) => {
    const entry = (name: string, secret: string, host = '') => [
      ...service('{app: api}'),
      ...object(
        `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: api, namespace: shop}, spec: {ingressClassName: ${name}${host}, tls: [{secretName: ${secret}}], rules: [{host: a.example, http: {paths: [{path: /, backend: {service: {name: api, port: {number: 80}}}}]}}]}}`,
      ),
      ...object('{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx}}'),
      ...object('{apiVersion: v1, kind: Secret, metadata: {name: tls, namespace: shop}}'),
    ];
    const live = [...deployment(), ...pod({})];
    return failure === 'TRA-03'
      ? c(failure, 'ingress-class-missing', 'traffic', 'class that does not exist', {
          broken: world({ live: [...live, ...entry('traefik', 'tls')] }),
          twin: world({ live: [...live, ...entry('nginx', 'tls')] }),
        })
      : c(failure, 'tls-secret-missing', 'traffic', 'TLS Secret missing', {
          broken: world({ live: [...live, ...entry('nginx', 'gone')] }),
          twin: world({ live: [...live, ...entry('nginx', 'tls')] }),
        });
  }),
  c('TRA-04', 'proxy-keeps-old-configuration', 'traffic', 'reload failed', {
    broken: world({
      ...HEALTHY,
      logs: [
        log(
          'ingress-nginx-controller',
          'Unexpected failure reloading the backend: exit status 1, nginx: configuration file /tmp/nginx.conf test failed',
          false,
          'error',
        ),
      ],
    }),
    twin: world({
      ...HEALTHY,
      logs: [log('ingress-nginx-controller', 'Backend successfully reloaded', false, 'info')],
    }),
  }),
  c('TRA-05', 'route-not-attached', 'traffic', 'backend of the route missing', {
    broken: world({
      live: object(
        '{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: api, namespace: shop}, spec: {parentRefs: [{name: gw}]}, status: {parents: [{parentRef: {name: gw}, conditions: [{type: Accepted, status: "True", reason: Accepted}, {type: ResolvedRefs, status: "False", reason: BackendNotFound, message: "service shop/apii not found"}]}]}}',
      ),
    }),
    twin: world({
      live: object(
        '{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: api, namespace: shop}, spec: {parentRefs: [{name: gw}]}, status: {parents: [{parentRef: {name: gw}, conditions: [{type: Accepted, status: "True", reason: Accepted}, {type: ResolvedRefs, status: "True", reason: ResolvedRefs}]}]}}',
      ),
    }),
  }),
  c('TRA-06', 'policy-blocks', 'traffic', 'RBAC of the mesh', {
    broken: world({
      ...HEALTHY,
      answers: [answer('curl http://api', 'HTTP/1.1 403 Forbidden\n\nRBAC: access denied')],
    }),
    twin: world({ ...HEALTHY, answers: [answer('curl http://api', 'HTTP/1.1 200 OK', true)] }),
  }),
  c('TRA-07', 'rollout-waits-for-promotion', 'rollout', 'paused at a step', {
    broken: world({
      live: object(
        '{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: api, namespace: shop}, spec: {replicas: 3}, status: {phase: Paused, pauseConditions: [{reason: CanaryPauseStep}]}}',
      ),
    }),
    twin: world({
      live: object(
        '{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: api, namespace: shop}, spec: {replicas: 3}, status: {phase: Healthy}}',
      ),
    }),
  }),
  c('TRA-08', 'errors-during-switch', 'traffic', 'upstream gone', {
    broken: world({
      ...HEALTHY,
      logs: [
        log(
          'nginx',
          'connect() failed (111: Connection refused) while connecting to upstream',
          false,
          'error',
        ),
      ],
    }),
    twin: healthy,
  }),
  c('TRA-09', 'address-pending', 'traffic', 'no address', {
    broken: world({
      live: [
        ...deployment(),
        ...pod({}),
        ...object(
          '{apiVersion: v1, kind: Service, metadata: {name: api, namespace: shop, creationTimestamp: "2026-03-01T10:00:00Z"}, spec: {type: LoadBalancer, selector: {app: api}, ports: [{port: 80, targetPort: 8080}]}, status: {loadBalancer: {}}}',
        ),
      ],
    }),
    twin: world({
      live: [
        ...deployment(),
        ...pod({}),
        ...object(
          '{apiVersion: v1, kind: Service, metadata: {name: api, namespace: shop}, spec: {type: LoadBalancer, selector: {app: api}, ports: [{port: 80, targetPort: 8080}]}, status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}}',
        ),
      ],
    }),
  }),
  c('TRA-10', 'dns-wrong', 'traffic', 'NXDOMAIN', {
    broken: world({
      ...HEALTHY,
      answers: [answer('nslookup api.example', "** server can't find api.example: NXDOMAIN")],
    }),
    twin: world({ ...HEALTHY, answers: [answer('nslookup api.example', 'Address: 192.0.2.1', true)] }),
  }),
  c('TRA-11', 'edge-serves-old-build', 'traffic', 'cache hit at the edge', {
    broken: world({
      ...HEALTHY,
      answers: [answer('curl -I https://www.example', 'HTTP/2 200\ncf-cache-status: HIT\nage: 86400', true)],
    }),
    twin: world({
      ...HEALTHY,
      answers: [answer('curl -I https://www.example', 'HTTP/2 200\ncf-cache-status: MISS', true)],
    }),
  }),
  c('TRA-13', 'fleet-mixed', 'sync', 'one cluster behind', {
    broken: world({
      engines: [
        engine({ application: 'a', destination: 'east', sync: 'Synced', revision: 'aaaaaaaa' }),
        engine({ application: 'b', destination: 'west', sync: 'Synced', revision: 'bbbbbbbb' }),
      ],
    }),
    twin: world({
      engines: [
        engine({ application: 'a', destination: 'east', sync: 'Synced', revision: 'aaaaaaaa' }),
        engine({ application: 'b', destination: 'west', sync: 'Synced', revision: 'aaaaaaaa' }),
      ],
    }),
  }),
];
