import type { JsonObject } from '../../kernel/index.ts';
import type { MetricSample, WorldObject } from '../../verdict/index.ts';
import { fields } from './objects.ts';

type Shape = (sample: MetricSample) => JsonObject | undefined;

function status(name: string, part: (value: number) => JsonObject | undefined): Shape {
  return ({ value, labels }) => {
    const found = part(value);
    const container = labels['container'];
    return found === undefined
      ? undefined
      : { status: { [name]: [{ ...(container === undefined ? {} : { name: container }), ...found }] } };
  };
}

/** What kube-state-metrics counts, in the shape of the objects that it counts. Source: its metrics documentation. */
const SHAPES: Readonly<Record<string, readonly [kind: string, label: string, shape: Shape]>> = {
  kube_pod_container_status_waiting_reason: [
    'Pod',
    'pod',
    (sample) =>
      status('containerStatuses', (value) =>
        value === 1
          ? { ready: false, state: { waiting: { reason: sample.labels['reason'] ?? '' } } }
          : undefined,
      )(sample),
  ],
  kube_pod_container_status_last_terminated_reason: [
    'Pod',
    'pod',
    (sample) =>
      status('containerStatuses', (value) =>
        value === 1 ? { lastState: { terminated: { reason: sample.labels['reason'] ?? '' } } } : undefined,
      )(sample),
  ],
  kube_pod_container_status_ready: [
    'Pod',
    'pod',
    status('containerStatuses', (value) => ({ ready: value === 1 })),
  ],
  kube_pod_container_status_restarts_total: [
    'Pod',
    'pod',
    status('containerStatuses', (value) => ({ restartCount: value })),
  ],
  kube_pod_status_phase: [
    'Pod',
    'pod',
    ({ value, labels }) => (value === 1 ? { status: { phase: labels['phase'] ?? '' } } : undefined),
  ],
  kube_deployment_spec_replicas: [
    'Deployment',
    'deployment',
    ({ value }) => fields([['spec', 'replicas'], value]),
  ],
  kube_deployment_status_replicas_available: [
    'Deployment',
    'deployment',
    ({ value }) => fields([['status', 'availableReplicas'], value], [['status', 'readyReplicas'], value]),
  ],
  kube_deployment_status_replicas_updated: [
    'Deployment',
    'deployment',
    ({ value }) => fields([['status', 'updatedReplicas'], value]),
  ],
  kube_deployment_status_observed_generation: [
    'Deployment',
    'deployment',
    ({ value }) => fields([['status', 'observedGeneration'], value]),
  ],
  kube_deployment_metadata_generation: [
    'Deployment',
    'deployment',
    ({ value }) => fields([['metadata', 'generation'], value]),
  ],
  kube_statefulset_replicas: [
    'StatefulSet',
    'statefulset',
    ({ value }) => fields([['spec', 'replicas'], value]),
  ],
  kube_statefulset_status_replicas_ready: [
    'StatefulSet',
    'statefulset',
    ({ value }) => fields([['status', 'readyReplicas'], value]),
  ],
  kube_job_status_failed: [
    'Job',
    'job_name',
    ({ value, labels }) =>
      value > 0
        ? fields(
            [['status', 'failed'], value],
            [
              ['status', 'conditions'],
              labels['reason'] === undefined
                ? undefined
                : [{ type: 'Failed', status: 'True', reason: labels['reason'] }],
            ],
          )
        : undefined,
  ],
};

/** Objects of which metrics of the cluster's state speak; a rate or a sum over them says nothing of one object. */
export function objectsCounted(samples: readonly MetricSample[]): readonly WorldObject[] {
  return samples.slice(0, 20_000).flatMap((sample): WorldObject[] => {
    const [kind, label, shape] = SHAPES[sample.name] ?? [];
    if (kind === undefined || label === undefined || shape === undefined) return [];
    const name = sample.labels[label];
    const value = Number.isInteger(sample.value) ? shape(sample) : undefined;
    return name === undefined || value === undefined
      ? []
      : [
          {
            apiVersion: undefined,
            kind,
            namespace: sample.labels['namespace'],
            name,
            value,
            whole: false,
            cite: () => sample.source,
          },
        ];
  });
}
