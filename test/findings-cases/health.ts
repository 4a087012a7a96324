import { CRASH, ended, healthy, failureCase } from './failure-case.ts';
import type { FailureCase } from './failure-case.ts';
import { deployment, log, object, pod, service, SOURCE, world } from '../findings-worlds.ts';

/** What looks well and is not. */
export const HEALTH: readonly FailureCase[] = [
  failureCase('HEA-01', 'versions-mixed', 'traffic', 'two commits answer', {
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
  failureCase('HEA-02', 'readiness-missing', 'health', 'no readiness probe behind a Service', {
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
  failureCase('HEA-03', 'feature-flag-missing', 'traffic', 'flag not found', {
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
  failureCase('HEA-04', 'restart-churn', 'health', 'ready between crashes', {
    broken: world({ live: [...deployment(), ...pod({ restarts: 7, last: ended(1) })] }),
    twin: world({ live: [...deployment(), ...pod({ restarts: 1, last: ended(1) })] }),
  }),
  failureCase('HEA-05', 'no-samples', 'traffic', 'no values found', {
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
  failureCase('HEA-06', 'analysis-misleads', 'rollout', 'Successful without a measurement', {
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
  failureCase('HEA-07', 'autoscaler-blind', 'health', 'metrics missing', {
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
  failureCase('HEA-08', 'job-failed', 'health', 'Job failed', {
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
  failureCase('HEA-09', 'dependency-failing', 'health', 'schema not migrated', {
    broken: world({
      live: [
        ...deployment({ ready: 0 }),
        ...pod({ ready: false, phase: 'Running', restarts: 4, state: CRASH, last: ended(1) }),
      ],
      logs: [log('api-6b7f9a8d43-h2k4l', 'ERROR: column "tenant" does not exist', true)],
    }),
    twin: healthy,
  }),
  failureCase('HEA-10', 'cpu-throttled', 'health', 'throttled', {
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
];
