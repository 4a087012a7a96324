import {
  lastProgressAt,
  CRASH,
  ended,
  HEALTHY,
  healthy,
  unscheduled,
  started,
  told,
  failureCase,
} from './failure-case.ts';
import type { FailureCase } from './failure-case.ts';
import { deployment, event, log, object, pod, world } from '../findings-worlds.ts';

/** What keeps the pods of a revision from coming up. */
export const ROLLOUT: readonly FailureCase[] = [
  failureCase(
    'ROL-01',
    'unschedulable-resources',
    'health',
    'no CPU left',
    unscheduled(
      '0/4 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 3 Insufficient cpu. preemption: 0/4 nodes are available: 1 Preemption is not helpful for scheduling, 3 No preemption victims found for incoming pod.',
    ),
  ),
  failureCase(
    'ROL-02',
    'unschedulable-placement',
    'health',
    'label that no node has',
    unscheduled(
      "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
    ),
  ),
  failureCase(
    'ROL-03',
    'unschedulable-spread',
    'health',
    'anti-affinity',
    unscheduled(
      "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.",
    ),
  ),
  failureCase(
    'ROL-04',
    'volume-not-bindable',
    'health',
    'claim unbound',
    unscheduled(
      '0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.',
    ),
  ),
  failureCase(
    'ROL-05',
    'volume-held-by-old-pod',
    'health',
    'Multi-Attach',
    told(
      'FailedAttachVolume',
      'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) api-old',
    ),
  ),
  failureCase(
    'ROL-06',
    'mount-source-missing',
    'health',
    'mounted ConfigMap missing',
    told('FailedMount', 'MountVolume.SetUp failed for volume "conf" : configmap "conf" not found'),
  ),
  failureCase(
    'ROL-07',
    'configuration-missing',
    'health',
    'Secret of the environment missing',
    started('CreateContainerConfigError', 'secret "db" not found'),
  ),
  failureCase(
    'ROL-07',
    'runs-as-root',
    'health',
    'runAsNonRoot',
    started(
      'CreateContainerConfigError',
      'container has runAsNonRoot and image will run as root (pod: "api", container: main)',
    ),
  ),
  failureCase(
    'ROL-08',
    'cannot-start-command',
    'health',
    'no such program',
    started(
      'RunContainerError',
      'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "serve": executable file not found in $PATH: unknown',
    ),
  ),
  failureCase('ROL-09', 'crash-loop', 'health', 'program ends', {
    broken: world({
      live: [
        ...deployment({ ready: 0 }),
        ...pod({ ready: false, phase: 'Running', restarts: 4, state: CRASH, last: ended(3) }),
      ],
      logs: [log('api-6b7f9a8d43-h2k4l', 'Error: REQUIRED_SETTING is not set', true)],
    }),
    twin: healthy,
  }),
  failureCase('ROL-10', 'out-of-memory', 'health', 'OOMKilled', {
    broken: world({
      live: [
        ...deployment({ ready: 0 }),
        ...pod({ ready: false, phase: 'Running', restarts: 4, state: CRASH, last: ended(137, 'OOMKilled') }),
      ],
    }),
    twin: healthy,
  }),
  failureCase('ROL-11', 'init-container-failing', 'health', 'init container fails', {
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
  failureCase('ROL-12', 'readiness-failing', 'health', 'readiness 404', {
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
  failureCase('ROL-13', 'killed-by-probe', 'health', 'liveness kills', {
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
  failureCase('ROL-14', 'progress-deadline-exceeded', 'rollout', 'deadline over, cause not shown', {
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
  failureCase('ROL-15', 'half-rolled', 'rollout', 'one of three updated', {
    broken: world({
      live: deployment({ replicas: 3, ready: 3, updated: 1, total: 4, conditions: lastProgressAt('11:50') }),
    }),
    twin: world({
      live: deployment({ replicas: 3, ready: 3, updated: 1, total: 4, conditions: lastProgressAt('11:59') }),
    }),
  }),
  failureCase('ROL-16', 'old-pods-stay', 'rollout', 'old pods end for long', {
    broken: world({ live: deployment({ replicas: 3, total: 4, conditions: lastProgressAt('11:50') }) }),
    twin: world({ live: deployment({ replicas: 3, total: 4, conditions: lastProgressAt('11:59') }) }),
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
      ? failureCase(failure, 'stateful-set-wedged', 'rollout', 'broken pod of an old revision', {
          broken: set('{type: RollingUpdate}', 'db-1', 'False'),
          twin: set('{type: RollingUpdate}', 'db-2', 'True'),
        })
      : failureCase(failure, 'update-held-by-strategy', 'rollout', 'OnDelete', {
          broken: set('{type: OnDelete}', 'db-1', 'True'),
          twin: set('{type: OnDelete}', 'db-2', 'True'),
        });
  }),
  failureCase(
    'ROL-19',
    'node-runtime-failing',
    'health',
    'no addresses left',
    told(
      'FailedCreatePodSandBox',
      'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox: no IP addresses available in range set',
    ),
  ),
  failureCase('ROL-20', 'pods-evicted', 'health', 'evicted', {
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
  failureCase('ROL-21', 'sidecar-missing', 'health', 'no proxy injected', {
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
];
