import { api } from './findings-live-shapes.ts';
import type { LiveCase, Stage } from './findings-live-stage.ts';

/** A release that the API server refuses, in the words in which stock kubectl tells it. */
function refused(
  failure: string,
  name: string,
  id: string,
  boundary: LiveCase['boundary'],
  yaml: string,
  flags: readonly string[] = [],
  before?: (stage: Stage) => Promise<unknown>,
): LiveCase {
  return {
    failure,
    name,
    id,
    boundary,
    objects: () => '',
    happens: async (stage) => {
      await stage.kubectl(['apply', '-f', '-'], api({}));
      await before?.(stage);
      if (stage.broken) await stage.kubectl(['apply', ...flags, '-f', '-'], yaml);
    },
  };
}

const settings = (data: string) => `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {${data}}
`;

const policy = (namespace: string) => `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: owners-${namespace}}
spec:
  failurePolicy: Fail
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}]}
  validations: [{expression: "has(object.metadata.labels) && 'owner' in object.metadata.labels", message: every ConfigMap needs an owner}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: owners-${namespace}}
spec:
  policyName: owners-${namespace}
  validationActions: [Deny]
  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ${namespace}}}}
`;

const webhook = (namespace: string) => `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: check-${namespace}}
webhooks:
  - name: check.example.com
    admissionReviewVersions: [v1]
    sideEffects: None
    timeoutSeconds: 1
    clientConfig: {service: {namespace: ${namespace}, name: nobody, path: /check}}
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ${namespace}}}
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}]
`;

/** Failures of an apply. */
export const REFUSED: readonly LiveCase[] = [
  refused(
    'REN-04',
    'typing-error',
    'unknown-field',
    'render',
    api({ container: 'livenessprobe: {httpGet: {path: /live, port: 8080}}' }),
  ),
  refused(
    'REN-05',
    'old-version',
    'api-version-removed',
    'render',
    'apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: api}\nspec: {minAvailable: 1, selector: {matchLabels: {app: api}}}\n',
  ),
  refused(
    'REN-07',
    'no-container',
    'patch-misses-container',
    'render',
    `${api({})}        - name: app\n          env: [{name: A, value: b}]\n`,
  ),
  refused(
    'REC-03',
    'selector-changed',
    'immutable-field',
    'sync',
    api({}).replaceAll('app: api', 'app: renamed'),
  ),
  refused('REC-04', 'policy', 'admission-denied', 'sync', settings('a: b'), [], async (stage) => {
    await stage.kubectl(['apply', '-f', '-'], policy(stage.namespace));
  }),
  refused('REC-05', 'no-webhook', 'webhook-unavailable', 'sync', settings('a: b'), [], async (stage) => {
    if (stage.broken) await stage.kubectl(['apply', '-f', '-'], webhook(stage.namespace));
  }),
  refused('REC-06', 'no-right', 'permission-missing', 'sync', settings('a: b'), [
    '--as',
    'system:serviceaccount:ci:deployer',
  ]),
  refused(
    'REC-07',
    'no-definition',
    'kind-not-installed',
    'sync',
    'apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: api}\nspec: {}\n',
  ),
  refused(
    'REC-08',
    'no-namespace',
    'namespace-missing',
    'sync',
    settings('a: b').replace('name: settings', 'name: settings, namespace: nowhere'),
    ['--namespace', 'nowhere'],
  ),
  refused(
    'REC-12',
    'two-owners',
    'field-conflict',
    'live',
    settings('a: theirs'),
    ['--server-side'],
    async (stage) => {
      await stage.kubectl(
        ['apply', '--server-side', '--field-manager', 'other', '-f', '-'],
        settings('a: ours'),
      );
    },
  ),
  refused('REC-16', 'large', 'object-too-large', 'sync', settings(`a: "${'x'.repeat(300_000)}"`)),
];
