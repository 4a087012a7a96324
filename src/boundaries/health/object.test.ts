import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { containerOf, JUST_NOW, NOW, podOf, workloadOf, YESTERDAY } from '../cluster.fixture.ts';
import { read } from '../reading.ts';
import type { PodFacts } from '../workload.ts';
import { workloadPods } from '../workload-pods.ts';
import type { HealthSubject, Surroundings } from './facts.ts';
import { objectHealth } from './object.ts';

const UNREAD = { state: 'unreadable', why: 'nobody looked', code: 'not-read' } as const;

interface Scene {
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

function subjectOf(live: KubeObject, scene: Scene): HealthSubject {
  const around = aroundOf(scene);
  return {
    object: scene.asked ?? live,
    live: read(live),
    pods: workloadPods(live, around.pods(''), read(scene.replicaSets ?? [])),
    around,
    beside: scene.beside ?? [],
  };
}

function health(live: KubeObject, scene: Scene = {}): string {
  const { state, reason } = objectHealth(subjectOf(live, scene), Date.parse(NOW));
  return `${state} ${reason}`;
}

function text(live: KubeObject, scene: Scene = {}): string {
  return objectHealth(subjectOf(live, scene), Date.parse(NOW)).text;
}

function object(apiVersion: string, kind: string, fields: JsonObject = {}, writtenAt = JUST_NOW): KubeObject {
  return {
    apiVersion,
    kind,
    metadata: { name: 'a', namespace: 'n', uid: 'u', generation: 2, creationTimestamp: writtenAt },
    ...fields,
  };
}

const conditions = (...list: readonly (readonly [string, string, string?])[]): JsonObject => ({
  conditions: list.map(([type, status, reason = '']) => ({ type, status, reason })),
});
const labelled = (app: string, change: Partial<PodFacts> = {}) =>
  podOf(`${app}-1`, { labels: { app }, ...change });

function slice(service: string, ready: boolean, pod = 'a-1'): KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-x`, namespace: 'n', labels: { 'kubernetes.io/service-name': service } },
    ports: [{ name: '', port: 8080 }],
    endpoints: [{ addresses: ['127.0.0.9'], conditions: { ready }, targetRef: { kind: 'Pod', name: pod } }],
  };
}

function event(reason: string, message: string, at: string, uid = 'u'): KubeObject {
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

function check(cases: readonly (readonly [string, KubeObject, string, Scene?])[]): void {
  for (const [name, live, wanted, scene] of cases)
    it(name, () => {
      expect(health(live, scene)).toBe(wanted);
    });
}

describe('a workload that keeps pods running', () => {
  const set = (spec: JsonObject = {}, status: JsonObject = {}, at = JUST_NOW) =>
    workloadOf(
      'StatefulSet',
      { replicas: 2, ...spec },
      { observedGeneration: 2, updateRevision: 'new', ...status },
      at,
    );
  const mine = (name: string, revision: string, change: Partial<PodFacts> = {}) =>
    podOf(name, { controllerRevision: revision, ...change });
  const two = [mine('a-0', 'new'), mine('a-1', 'new')];
  const partition = { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } };
  const crashed = (ranFor: string, change: Partial<PodFacts['containers'][number]> = {}) =>
    containerOf({
      restarts: 3,
      startedAt: '2026-03-01T11:59:30Z',
      lastExit: { exitCode: 1, reason: 'Error', startedAt: ranFor, finishedAt: '2026-03-01T11:59:20Z' },
      ...change,
    });
  const refusedNow = [event('FailedCreate', 'create Pod a-0 failed: exceeded quota', '2026-03-01T11:59:59Z')];
  check([
    ['is healthy with every pod of the new revision ready', set(), 'proven ready', { pods: two }],
    [
      'is not, while one is of the old one',
      set(),
      'moving pods-missing',
      { pods: [mine('a-0', 'old'), mine('a-1', 'new')] },
    ],
    [
      'is not known behind a partition, however ready',
      set(partition),
      'unknown partitioned',
      { pods: [mine('a-0', 'old'), mine('a-1', 'new')] },
    ],
    [
      'moves while the partition is not filled',
      set(partition),
      'moving pods-missing',
      { pods: [mine('a-0', 'old')] },
    ],
    [
      'is not known when only people replace its pods',
      set({ updateStrategy: { type: 'OnDelete' } }),
      'unknown on-delete',
      { pods: [mine('a-0', 'old')] },
    ],
    ['is refused its pods, by an event about now', set(), 'broken pods-refused', { events: refusedNow }],
    ['is refused none that are there', set(), 'proven ready', { pods: two, events: refusedNow }],
    [
      'has overcome a refusal that is older than its newest pod',
      set(),
      'moving pods-missing',
      {
        pods: [mine('a-0', 'new', { createdAt: JUST_NOW })],
        events: [event('FailedCreate', 'exceeded quota', '2026-03-01T11:59:50Z')],
      },
    ],
    [
      'is refused pods by the event of somebody else only in name',
      set(),
      'moving pods-missing',
      { events: [event('FailedCreate', 'exceeded quota', NOW, 'other')] },
    ],
    [
      'is not healthy right after a crash',
      set(),
      'moving restarted',
      { pods: [mine('a-0', 'new', { containers: [crashed('2026-03-01T11:58:00Z')] }), two[1] as PodFacts] },
    ],
    [
      'is healthy again when a container outlived its last run',
      set(),
      'proven ready',
      {
        pods: [
          mine('a-0', 'new', {
            containers: [crashed('2026-03-01T11:59:19Z', { startedAt: '2026-03-01T11:59:40Z' })],
          }),
          two[1] as PodFacts,
        ],
      },
    ],
    ['is not known when its pods are not', set(), 'unknown pods-unreadable', { unread: true }],
    [
      'is broken by its own words even when its pods are not known',
      workloadOf(
        'Deployment',
        { replicas: 1 },
        { observedGeneration: 2, ...conditions(['ReplicaFailure', 'True']) },
      ),
      'broken pods-refused',
      { unread: true },
    ],
    ['was scaled to zero by somebody', set({ replicas: 0 }), 'unknown scaled-to-zero', { asked: set() }],
    [
      'is not ready for long enough',
      set({ minReadySeconds: 10 }, { availableReplicas: 1 }),
      'moving not-available',
      { pods: two },
    ],
    [
      'is ready for long enough',
      set({ minReadySeconds: 10 }, { availableReplicas: 2 }),
      'proven ready',
      { pods: two },
    ],
    [
      'is an aborted Rollout',
      workloadOf('Rollout', { replicas: 1 }, { observedGeneration: 2, abort: true }),
      'broken aborted',
    ],
  ]);

  it('gives a Secret that is missing a moment to come, and no longer', () => {
    const stuck = (createdAt: string) =>
      mine('a-0', 'new', {
        ready: false,
        createdAt,
        containers: [containerOf({ state: 'waiting', reason: 'CreateContainerConfigError', ready: false })],
      });
    expect(health(set(), { pods: [stuck(JUST_NOW)] })).toBe('moving cannot-start');
    expect(health(set(), { pods: [stuck('2026-03-01T11:59:00Z')] })).toBe('broken cannot-start');
  });

  it('takes a refused surge for passing while old pods can make room, and only then', () => {
    const quota = (maxUnavailable: JsonValue) => {
      const live = workloadOf(
        'Deployment',
        { replicas: 2, strategy: { rollingUpdate: { maxUnavailable, maxSurge: 1 } } },
        {
          observedGeneration: 2,
          conditions: [
            {
              type: 'ReplicaFailure',
              status: 'True',
              message: 'exceeded quota',
              lastTransitionTime: JUST_NOW,
            },
          ],
        },
        JUST_NOW,
      );
      const older: KubeObject = {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        metadata: {
          name: 'a-old',
          uid: 'rs',
          ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'a', uid: 'u' }],
        },
        spec: { template: { spec: { containers: [] } } },
      };
      const owner = { kind: 'ReplicaSet', name: 'a-old', uid: 'rs' };
      return health(live, { old: [podOf('o', { owner })], replicaSets: [older] });
    };
    expect(quota(1)).toBe('moving pods-refused');
    expect(quota(0)).toBe('broken pods-refused');
    expect(quota('25%')).toBe('broken pods-refused');
    expect(quota('50%')).toBe('moving pods-refused');
  });
});

describe('what runs to its end', () => {
  const job = (status: JsonObject, spec: JsonObject = {}, at = JUST_NOW) =>
    workloadOf('Job', spec, status, at);
  const stuck = podOf('p', {
    owner: { kind: 'Job', name: 'a', uid: 'u' },
    ready: false,
    containers: [containerOf({ state: 'waiting', reason: 'InvalidImageName', ready: false })],
  });
  check([
    ['is a complete Job', job(conditions(['Complete', 'True'])), 'proven job-complete'],
    ['is not one that runs', job({ active: 1 }), 'moving job-running'],
    ['has failed before its pods are gone', job(conditions(['FailureTarget', 'True'])), 'broken job-failed'],
    ['is suspended as it asks for', job({}, { suspend: true }), 'not-applicable suspended'],
    ['is suspended by somebody', job({}, { suspend: true }), 'unknown suspended', { asked: job({}) }],
    [
      'cannot start, which its back-off never ends',
      job({ active: 1 }),
      'broken cannot-start',
      { pods: [stuck] },
    ],
    [
      'is refused its pods',
      job({}),
      'broken pods-refused',
      { events: [event('FailedCreate', 'exceeded quota', NOW)] },
    ],
    ['is a pod that completed', object('v1', 'Pod', { status: { phase: 'Succeeded' } }), 'proven completed'],
    [
      'is a pod that failed',
      object('v1', 'Pod', { status: { phase: 'Failed', message: 'evicted' } }),
      'broken pod-failed',
      { pods: [podOf('a', { uid: 'u', ready: false })] },
    ],
    ['is a CronJob before its time', workloadOf('CronJob', {}, {}), 'not-applicable passive'],
    [
      'is a CronJob that could not start one',
      workloadOf('CronJob', {}, {}),
      'broken not-started',
      { events: [event('FailedCreate', 'forbidden', NOW)] },
    ],
  ]);

  it('says how many attempts of a Job failed', () => {
    expect(text(job({ active: 1, failed: 2 }, { backoffLimit: 5 }))).toContain('2 of 6 attempts failed');
  });
});

describe('a Service', () => {
  const service = (spec: JsonObject = {}, at = JUST_NOW, status: JsonObject = {}) =>
    object('v1', 'Service', { spec: { selector: { app: 'a' }, ports: [{ port: 80 }], ...spec }, status }, at);
  const beside = (pods: readonly PodFacts[], spec: JsonObject = {}) => {
    const status = { observedGeneration: 2, updateRevision: 'new' };
    const workload = workloadOf('StatefulSet', { replicas: 1, ...spec }, status);
    return [{ object: workload, live: read(workload), pods: workloadPods(workload, read(pods), read([])) }];
  };
  const fresh = [labelled('a', { controllerRevision: 'new' })];
  const stale = [labelled('a', { controllerRevision: 'old' })];
  const idle = workloadOf('StatefulSet', { replicas: 0 }, {});
  check([
    [
      'is healthy with a ready endpoint',
      service(),
      'proven endpoints',
      { pods: [labelled('a')], slices: [slice('a', true)] },
    ],
    [
      'is not with one that is not ready',
      service(),
      'moving no-endpoints',
      { pods: [labelled('a')], slices: [slice('a', false)] },
    ],
    [
      'is when it publishes those too',
      service({ publishNotReadyAddresses: true }),
      'proven endpoints',
      { slices: [slice('a', false)] },
    ],
    [
      'is broken without one after its time',
      service({}, YESTERDAY),
      'broken no-endpoints',
      { pods: [labelled('a')] },
    ],
    ['is broken soon when no pod is meant', service({}, '2026-03-01T11:58:00Z'), 'broken no-endpoints'],
    ['is headless, and judged the same', service({ clusterIP: 'None' }, YESTERDAY), 'broken no-endpoints'],
    [
      'is healthy with endpoints of the new template',
      service(),
      'proven endpoints',
      { pods: fresh, beside: beside(fresh), slices: [slice('a', true)] },
    ],
    [
      'is not with those of an old one',
      service(),
      'moving old-endpoints',
      { pods: stale, beside: beside(stale), slices: [slice('a', true)] },
    ],
    [
      'is healthy with those of an old one that are kept on purpose',
      service(),
      'proven endpoints',
      {
        pods: stale,
        beside: beside(stale, { updateStrategy: { type: 'OnDelete' } }),
        slices: [slice('a', true)],
      },
    ],
    [
      'is not with those of somebody else',
      service(),
      'moving foreign-endpoints',
      { pods: fresh, beside: beside(fresh), slices: [slice('a', true, 'stranger')] },
    ],
    [
      'leads to nobody on purpose',
      service({}, YESTERDAY),
      'not-applicable zero-declared',
      { beside: [{ object: idle, live: read(idle), pods: undefined }] },
    ],
    [
      'is only a name',
      service({ type: 'ExternalName', externalName: 'db.corp.io' }),
      'not-applicable external-name',
    ],
    [
      'has endpoints that somebody else keeps',
      object('v1', 'Service', { spec: { ports: [] } }),
      'not-applicable no-selector',
    ],
    [
      'has no address yet',
      service({ type: 'LoadBalancer' }),
      'unknown no-address',
      { pods: fresh, slices: [slice('a', true)] },
    ],
    [
      'has an address',
      service({ type: 'LoadBalancer' }, JUST_NOW, { loadBalancer: { ingress: [{ ip: '10.0.0.1' }] } }),
      'proven endpoints',
      { pods: fresh, slices: [slice('a', true)] },
    ],
    [
      'is not known where endpoints could not be read',
      service(),
      'unknown endpoints-unreadable',
      { unread: true },
    ],
  ]);
});

describe('what leads users in', () => {
  const ingress = (spec: JsonObject = {}, addresses: readonly JsonObject[] = []) =>
    object('networking.k8s.io/v1', 'Ingress', {
      spec,
      status: { loadBalancer: { ingress: [...addresses] } },
    });
  const nginx = object('networking.k8s.io/v1', 'IngressClass');
  const chosen = {
    ...nginx,
    metadata: { ...nginx.metadata, annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
  };
  const hook = (clientConfig: JsonObject, more: JsonObject = {}) =>
    object('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', {
      webhooks: [{ name: 'h', clientConfig, ...more }],
    });
  const target = { service: { namespace: 'n', name: 'a' }, caBundle: 'x' };
  check([
    ['is an Ingress with an address', ingress({}, [{ hostname: 'lb.corp.io' }]), 'proven address'],
    [
      'is one without, that a controller has',
      ingress({ ingressClassName: 'a' }),
      'unknown no-address',
      { ingressClasses: [nginx] },
    ],
    [
      'is one whose entry names nothing',
      ingress({ ingressClassName: 'a' }, [{}]),
      'unknown no-address',
      { ingressClasses: [nginx] },
    ],
    [
      'is one of a class that nobody has',
      ingress({ ingressClassName: 'b' }),
      'unknown class-missing',
      { ingressClasses: [nginx] },
    ],
    [
      'is one that no controller takes',
      ingress(),
      'not-applicable no-controller',
      { ingressClasses: [nginx] },
    ],
    ['is one that the default takes', ingress(), 'unknown no-address', { ingressClasses: [chosen] }],
    ['is a webhook whose Service answers', hook(target), 'proven endpoints', { slices: [slice('a', true)] }],
    ['is one whose Service has nobody', hook(target), 'moving no-endpoints', { slices: [slice('a', false)] }],
    ['is one that nobody can trust', hook({ ...target, caBundle: '' }), 'moving no-ca-bundle'],
    ['is one outside of the cluster', hook({ url: 'https://policy.corp.io' }), 'not-applicable passive'],
  ]);
});

describe('storage', () => {
  const claim = (phase: string, at = JUST_NOW) =>
    object('v1', 'PersistentVolumeClaim', { spec: { storageClassName: 'late' }, status: { phase } }, at);
  const late = {
    ...object('storage.k8s.io/v1', 'StorageClass', { volumeBindingMode: 'WaitForFirstConsumer' }),
  };
  const storageClasses = [{ ...late, metadata: { name: 'late' } }];
  const user = labelled('a', { claims: ['a'] });
  check([
    ['is bound', claim('Bound'), 'proven bound'],
    ['is lost', claim('Lost'), 'broken volume-lost'],
    ['is on its way', claim('Pending'), 'moving not-bound'],
    ['is overdue', claim('Pending', YESTERDAY), 'broken not-bound'],
    [
      'may wait for somebody where nothing was read',
      claim('Pending', YESTERDAY),
      'unknown not-bound',
      { unread: true },
    ],
    [
      'waits for nobody on purpose',
      claim('Pending', YESTERDAY),
      'not-applicable waits-for-consumer',
      { storageClasses },
    ],
    ['waits while a pod wants it', claim('Pending'), 'moving not-bound', { storageClasses, pods: [user] }],
    [
      'cannot be made',
      claim('Pending'),
      'moving provisioning-failed',
      { events: [event('ProvisioningFailed', 'no space', NOW)] },
    ],
    [
      'is a volume that nobody claims',
      object('v1', 'PersistentVolume', { status: { phase: 'Available' } }),
      'proven available',
    ],
    [
      'is a volume that failed',
      object('v1', 'PersistentVolume', { status: { phase: 'Failed' } }),
      'broken volume-failed',
    ],
  ]);
});

describe('scaling and budgets', () => {
  const scaler = (status: JsonObject, at = JUST_NOW) =>
    object('autoscaling/v2', 'HorizontalPodAutoscaler', { status }, at);
  const able = ['AbleToScale', 'True'] as const;
  const budget = (status: JsonObject, at = JUST_NOW) =>
    object('policy/v1', 'PodDisruptionBudget', { status: { observedGeneration: 2, ...status } }, at);
  const versionOne = object('autoscaling/v1', 'HorizontalPodAutoscaler', {}, YESTERDAY);
  versionOne.metadata.annotations = {
    'autoscaling.alpha.kubernetes.io/conditions': JSON.stringify([
      { type: 'AbleToScale', status: 'True' },
      { type: 'ScalingActive', status: 'False', reason: 'FailedGetResourceMetric' },
    ]),
  };
  const noMetrics = conditions(able, ['ScalingActive', 'False', 'FailedGetResourceMetric']);
  check([
    ['reads its metrics', scaler(conditions(able, ['ScalingActive', 'True'])), 'proven scaling-active'],
    ['cannot read them yet', scaler(noMetrics), 'moving metrics-unavailable'],
    ['cannot read them', scaler(noMetrics, YESTERDAY), 'broken metrics-unavailable'],
    ['cannot set the scale', scaler(conditions(['AbleToScale', 'False']), YESTERDAY), 'broken cannot-scale'],
    [
      'has nothing to scale',
      scaler(conditions(able, ['ScalingActive', 'False', 'ScalingDisabled'])),
      'not-applicable scaling-disabled',
    ],
    ['says nothing', scaler({}, YESTERDAY), 'unknown not-observed'],
    ['says it in an annotation, as version 1 does', versionOne, 'broken metrics-unavailable'],
    [
      'protects enough',
      budget({ expectedPods: 2, currentHealthy: 2, desiredHealthy: 1 }),
      'proven pods-protected',
    ],
    [
      'has too few to protect',
      budget({ expectedPods: 2, currentHealthy: 0, desiredHealthy: 1 }),
      'moving too-few-healthy',
    ],
    ['protects nobody', budget({ expectedPods: 0 }), 'not-applicable selects-nothing'],
    [
      'cannot count',
      budget(conditions(['DisruptionAllowed', 'False', 'SyncFailed']), YESTERDAY),
      'broken sync-failed',
    ],
    ['was not seen', budget({ observedGeneration: 1 }), 'moving not-observed'],
  ]);
});

describe('what extends the API', () => {
  const definition = (status: JsonObject, at = JUST_NOW) =>
    object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', { status }, at);
  const service = (status: JsonObject, spec: JsonObject = { service: { name: 'm' } }, at = JUST_NOW) =>
    object('apiregistration.k8s.io/v1', 'APIService', { spec, status }, at);
  const namespace = (phase: string) => object('v1', 'Namespace', { status: { phase } });
  check([
    [
      'is established',
      definition(conditions(['NamesAccepted', 'True'], ['Established', 'True'])),
      'proven established',
    ],
    [
      'has names that are taken',
      definition(conditions(['NamesAccepted', 'False', 'Conflict'])),
      'broken names-refused',
    ],
    [
      'has a schema that is not structural, though it is established',
      definition(conditions(['NonStructuralSchema', 'True', 'Violations'], ['Established', 'True'])),
      'broken schema-refused',
    ],
    [
      'is being installed',
      definition(conditions(['Established', 'False', 'Installing'])),
      'moving not-established',
    ],
    ['answers', service(conditions(['Available', 'True'])), 'proven available'],
    [
      'does not',
      service(conditions(['Available', 'False', 'MissingEndpoints']), {}, YESTERDAY),
      'broken not-available',
    ],
    ['is the API server itself', service({}, {}), 'proven local'],
    ['is a namespace', namespace('Active'), 'not-applicable passive'],
    ['is one that goes away', namespace('Terminating'), 'broken namespace-terminating'],
  ]);
});

describe('a kind that nobody knows', () => {
  const custom = (status: JsonObject, at = JUST_NOW, spec: JsonObject = {}) =>
    object('db.example.com/v1', 'Database', { spec, status: { observedGeneration: 2, ...status } }, at);
  const unnamed = (status: JsonObject, at = JUST_NOW) => custom({ observedGeneration: null, ...status }, at);
  const stale = { conditions: [{ type: 'Ready', status: 'True', observedGeneration: 1 }] };
  const answered = unnamed(conditions(['Ready', 'True']));
  answered.metadata.managedFields = [
    { manager: 'm', operation: 'Apply', time: JUST_NOW, fieldsV1: {} },
    { manager: 'c', operation: 'Update', subresource: 'status', time: NOW, fieldsV1: {} },
  ];
  check([
    ['is healthy by a condition', custom(conditions(['Ready', 'True'])), 'proven condition'],
    [
      'is not by one of two',
      custom(conditions(['Ready', 'True'], ['Synced', 'False', 'ReconcileError'])),
      'moving condition',
    ],
    ['is not by one about an earlier generation', custom(stale), 'moving not-observed'],
    ['is not known by it for ever', custom(stale, YESTERDAY), 'unknown not-observed'],
    [
      'is not while its controller is behind',
      custom({ observedGeneration: 1, ...conditions(['Ready', 'True']) }),
      'moving not-observed',
    ],
    [
      'is stalled, whatever the deadline',
      custom(conditions(['Stalled', 'True'], ['Ready', 'True'])),
      'broken stalled',
    ],
    [
      'is being reconciled, though Ready',
      custom(conditions(['Reconciling', 'True'], ['Ready', 'True'])),
      'moving reconciling',
    ],
    [
      'is invalid at once',
      custom(conditions(['Ready', 'False', 'InvalidConfiguration'])),
      'broken condition',
    ],
    ['may be ready later', custom(conditions(['Ready', 'False', 'Pending'])), 'moving condition'],
    [
      'was not ready in time',
      custom(conditions(['Ready', 'False', 'Pending']), YESTERDAY),
      'broken condition',
    ],
    ['is suspended', custom(conditions(['Ready', 'True']), JUST_NOW, { suspend: true }), 'unknown suspended'],
    [
      'names no generation right after a change',
      unnamed(conditions(['Ready', 'True'])),
      'moving not-observed',
    ],
    [
      'names none, and had time to object',
      unnamed(conditions(['Ready', 'True']), YESTERDAY),
      'proven condition',
    ],
    ['names none, and spoke after the change', answered, 'proven condition'],
    ['says nothing', custom({}), 'unknown no-condition'],
    ['says a word about something older', unnamed({ phase: 'Ready' }), 'unknown no-generation'],
    ['says a word about this', custom({ phase: 'Ready', observedGeneration: 2 }), 'proven phase'],
    ['says that it failed', custom({ phase: 'Failed' }, YESTERDAY), 'broken phase'],
  ]);

  const route = (...parents: readonly JsonObject[]) =>
    object('gateway.networking.k8s.io/v1', 'HTTPRoute', { status: { parents: [...parents] } });
  const parent = (status: string, observedGeneration = 2, type = 'Accepted'): JsonObject => ({
    conditions: [{ type, status, observedGeneration }],
  });
  check([
    ['is a route that each of its parents takes', route(parent('True'), parent('True')), 'proven condition'],
    ['is one that a parent does not take', route(parent('True'), parent('False')), 'moving condition'],
    ['is one that a parent took before', route(parent('True', 1)), 'moving not-observed'],
    ['is one that left a parent', route(parent('False', 1), parent('True')), 'proven condition'],
  ]);

  it('is being deleted, and says what holds it', () => {
    const leaving = custom(conditions(['Ready', 'True']));
    leaving.metadata.deletionTimestamp = NOW;
    leaving.metadata.finalizers = ['example.com/keep'];
    expect(health(leaving)).toBe('broken deleting');
    expect(text(leaving)).toContain('example.com/keep');
  });
});

describe('an Application among the objects', () => {
  const application = (status: JsonObject, at = JUST_NOW) =>
    object('argoproj.io/v1alpha1', 'Application', { spec: { source: { path: 'new' } }, status }, at);
  const good = { sync: { status: 'Synced' }, health: { status: 'Healthy' } };
  const older = { ...good, sync: { status: 'Synced', comparedTo: { source: { path: 'old' } } } };
  check([
    ['is synced and healthy', application(good), 'proven synced'],
    ['is so about another source', application(older), 'moving not-observed'],
    [
      'is degraded',
      application({ ...good, health: { status: 'Degraded' } }, YESTERDAY),
      'broken not-healthy',
    ],
    [
      'cannot be compared',
      application({ ...good, conditions: [{ type: 'ComparisonError' }] }, YESTERDAY),
      'broken application-error',
    ],
    ['has not been looked at', application({}), 'moving not-observed'],
  ]);
});

describe('any object', () => {
  it('is not known when it could not be read, and broken when it is not there', () => {
    const given = object('v1', 'ConfigMap');
    const of = (live: HealthSubject['live']) => {
      const { state, reason } = objectHealth({ object: given, live, pods: undefined }, Date.parse(NOW));
      return `${state} ${reason}`;
    };
    expect(of(UNREAD)).toBe('unknown unreadable');
    expect(of({ state: 'absent', why: 'gone' })).toBe('broken missing');
    expect(of(read(given))).toBe('not-applicable passive');
  });
});
