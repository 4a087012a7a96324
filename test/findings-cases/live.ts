import { refused, failureCase } from './failure-case.ts';
import type { FailureCase } from './failure-case.ts';
import { deployment, object, world } from '../findings-worlds.ts';

/** What the API server stores or refuses. */
export const LIVE: readonly FailureCase[] = [
  failureCase(
    'LIV-01',
    'quota-exceeded',
    'health',
    'quota used up',
    refused(
      'exceeded quota: compute, requested: requests.cpu=1, used: requests.cpu=3500m, limited: requests.cpu=4',
    ),
  ),
  failureCase(
    'LIV-02',
    'resources-undeclared',
    'health',
    'quota wants resources',
    refused('failed quota: compute: must specify limits.cpu for: main'),
  ),
  failureCase(
    'LIV-02',
    'limit-range-violated',
    'health',
    'LimitRange',
    refused('maximum memory usage per Container is 1Gi, but limit is 2Gi'),
  ),
  failureCase(
    'LIV-03',
    'pod-security-violated',
    'health',
    'restricted namespace',
    refused(
      'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false)',
    ),
  ),
  failureCase(
    'LIV-04',
    'service-account-missing',
    'health',
    'no ServiceAccount',
    refused('error looking up service account shop/runner: serviceaccount "runner" not found'),
  ),
  failureCase('LIV-05', 'scaled-to-zero', 'live', 'zero replicas, Git asks for three', {
    broken: world({ live: deployment({ replicas: 0 }), desired: deployment({ replicas: 3 }) }),
    twin: world({ live: deployment({ replicas: 0 }), desired: deployment({ replicas: 0 }) }),
  }),
  failureCase('LIV-06', 'workload-paused', 'rollout', 'paused', {
    broken: world({ live: deployment({ spec: 'paused: true' }) }),
    twin: world({ live: deployment({ spec: 'paused: false' }) }),
  }),
  failureCase('LIV-07', 'controller-not-acting', 'health', 'generation never observed', {
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
  failureCase('LIV-08', 'selectors-overlap', 'live', 'two Deployments of one selector', {
    broken: world({ live: [...deployment(), ...deployment({ name: 'worker' })] }),
    twin: world({ live: [...deployment(), ...deployment({ name: 'worker', labels: '{app: worker}' })] }),
  }),
  failureCase('LIV-09', 'live-drift', 'live', 'image changed by hand', {
    broken: world({
      live: deployment({
        image: 'registry.corp.io/api:hacked',
        metadata: 'managedFields: [{manager: kubectl-edit, time: "2026-03-01T11:30:00Z"}]',
      }),
      desired: deployment(),
    }),
    twin: world({ live: deployment(), desired: deployment() }),
  }),
  failureCase('LIV-10', 'deletion-stuck', 'live', 'finalizer holds it', {
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
];
