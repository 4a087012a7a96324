import { build, commit, HEALTHY, kustomization, refusal, failureCase } from './failure-case.ts';
import type { FailureCase } from './failure-case.ts';
import { deployment, object, pod, world } from '../findings-worlds.ts';

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

/** What Git asks for, and what is made of it. */
export const INTENT_AND_RENDER: readonly FailureCase[] = [
  failureCase(
    'INT-01',
    'path-or-revision-missing',
    'intent',
    'tracked path not in Git',
    refusal('rpc error: code = Unknown desc = overlays/prd: app path does not exist'),
  ),
  failureCase('INT-02', 'edit-overridden', 'intent', 'base edited, overlay wins', {
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
  failureCase('INT-03', 'reconciliation-suspended', 'sync', 'suspended', {
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
  failureCase('INT-03', 'reconciliation-suspended', 'sync', 'a commit that nobody syncs', {
    broken: byHand('a'.repeat(40)),
    twin: byHand('b'.repeat(40)),
  }),
  failureCase('INT-04', 'automation-chooses-other-tag', 'intent', 'alphabetical order of tags', {
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
  failureCase('INT-05', 'rollout-aborted', 'rollout', 'aborted Rollout', {
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
  failureCase('INT-06', 'replicas-fight-autoscaler', 'intent', 'replicas in Git and an autoscaler', {
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
  failureCase('REN-01', 'image-entry-matches-nothing', 'render', 'images entry without effect', {
    broken: world({ desired: deployment(), files: [kustomization('images: [{name: api, newTag: "1.1"}]')] }),
    twin: world({
      desired: deployment(),
      files: [kustomization('images: [{name: registry.corp.io/api, newTag: "1.1"}]')],
    }),
  }),
  failureCase(
    'REN-02',
    'render-failed',
    'render',
    'manifests cannot be made',
    refusal(
      'Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = Manifest generation error (cached): kustomize build failed',
    ),
  ),
  failureCase('REN-03', 'configuration-older-in-pods', 'rollout', 'ConfigMap newer than its readers', {
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
  failureCase(
    'REN-04',
    'unknown-field',
    'render',
    'strict decoding error',
    refusal(
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.template.spec.containers[0].imagePullpolicy"',
    ),
  ),
  failureCase(
    'REN-05',
    'api-version-removed',
    'render',
    'policy/v1beta1',
    refusal(
      'resource mapping not found for name: "api" namespace: "shop" from "all.yaml": no matches for kind "PodDisruptionBudget" in version "policy/v1beta1"',
    ),
  ),
  failureCase('REN-06', 'variable-unresolved', 'render', 'placeholder in the image', {
    broken: world({ desired: deployment({ image: 'registry.corp.io/api:${TAG}' }) }),
    twin: world({ desired: deployment({ container: ', args: ["--host=${HOST}"]' }) }),
  }),
  failureCase(
    'REN-07',
    'patch-misses-container',
    'render',
    'container without image',
    refusal('Deployment.apps "api" is invalid: spec.template.spec.containers[1].image: Required value'),
  ),
  failureCase('REN-08', 'namespace-astray', 'render', 'one object in default', {
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
  failureCase('REN-09', 'remote-source-unpinned', 'render', 'remote base at a branch', {
    broken: world({
      desired: deployment(),
      files: [kustomization('resources: ["https://github.com/x/base?ref=main"]')],
    }),
    twin: world({
      desired: deployment(),
      files: [kustomization('resources: ["https://github.com/x/base?ref=v1.4.0"]')],
    }),
  }),
  failureCase(
    'REN-10',
    'secret-not-decrypted',
    'render',
    'no key',
    refusal('BuildFailed: cannot decrypt: no key could decrypt the data'),
  ),
];
