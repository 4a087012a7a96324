import { answer, engine, HEALTHY, healthy, refusal, failureCase } from './failure-case.ts';
import type { FailureCase } from './failure-case.ts';
import { deployment, object, pod, world } from '../findings-worlds.ts';

/** What an engine does, or cannot do. */
export const RECONCILIATION: readonly FailureCase[] = [
  failureCase(
    'REC-01',
    'source-unreadable',
    'sync',
    'credential of the repository',
    refusal('ComparisonError: failed to list refs: authentication required: Invalid username or token'),
  ),
  failureCase('REC-02', 'controller-behind', 'sync', 'controller without pods', {
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
  failureCase(
    'REC-03',
    'immutable-field',
    'sync',
    'selector changed',
    refusal(
      'Deployment.apps "api" is invalid: spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{"app":"api2"}}: field is immutable',
    ),
  ),
  failureCase(
    'REC-04',
    'admission-denied',
    'sync',
    'policy says no',
    refusal(
      'admission webhook "validate.kyverno.svc" denied the request: resource Deployment/shop/api was blocked',
    ),
  ),
  failureCase(
    'REC-05',
    'webhook-unavailable',
    'sync',
    'no endpoints of the webhook',
    refusal(
      'Internal error occurred: failed calling webhook "mutate.example.com": failed to call webhook: Post "https://hook.infra.svc:443/mutate?timeout=10s": no endpoints available for service "hook"',
    ),
  ),
  failureCase(
    'REC-06',
    'permission-missing',
    'sync',
    'identity may not patch',
    refusal(
      'deployments.apps "api" is forbidden: User "system:serviceaccount:argocd:controller" cannot patch resource "deployments" in API group "apps" in the namespace "shop"',
    ),
  ),
  failureCase(
    'REC-07',
    'kind-not-installed',
    'sync',
    'no definition of the kind',
    refusal(
      'resource mapping not found for name: "api" namespace: "" from "x.yaml": no matches for kind "ServiceMonitor" in version "monitoring.coreos.com/v1"',
    ),
  ),
  failureCase('REC-08', 'namespace-missing', 'sync', 'no namespace', refusal('namespaces "shop" not found')),
  failureCase('REC-09', 'hook-failed', 'sync', 'migration fails', {
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
  failureCase('REC-10', 'retry-of-old-revision', 'sync', 'operation bound to an old commit', {
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
  failureCase('REC-11', 'helm-pending', 'sync', 'pending-upgrade', {
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
  failureCase('REC-12', 'field-conflict', 'live', 'two owners of a field', {
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
  failureCase('REC-13', 'synced-although-different', 'live', 'Synced and different', {
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
  failureCase('REC-14', 'success-before-observed', 'rollout', 'success at an older generation', {
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
  failureCase('REC-15', 'not-pruned', 'sync', 'object left behind', {
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
  failureCase(
    'REC-16',
    'object-too-large',
    'sync',
    'annotation too long',
    refusal(
      'CustomResourceDefinition.apiextensions.k8s.io "x" is invalid: metadata.annotations: Too long: must have at most 262144 bytes',
    ),
  ),
];
