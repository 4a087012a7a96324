import * as fc from 'fast-check';
import { labels, metadata, name, text } from './random-values.ts';

/** Objects of kinds that name others, or that transformations treat in their own way. */

const configName = fc.constantFrom('web', 'settings', 'creds');
const backend = fc.record({ service: fc.record({ name, port: fc.constant({ number: 80 }) }) });
const podSpec = fc.record(
  {
    containers: fc.array(
      fc.record(
        {
          name: fc.constantFrom('main', 'side'),
          image: fc.constantFrom('nginx', 'redis:7', 'reg.io:5000/team/app'),
          envFrom: fc.array(
            fc.oneof(
              fc.record({ configMapRef: fc.record({ name: configName }) }),
              fc.record({ secretRef: fc.record({ name: configName }), prefix: fc.constant('P_') }),
            ),
            { maxLength: 2 },
          ),
          command: fc.array(text, { maxLength: 2 }),
        },
        { requiredKeys: ['name'], noNullPrototype: true },
      ),
      { minLength: 1, maxLength: 2 },
    ),
    imagePullSecrets: fc.array(fc.record({ name: configName }), { maxLength: 1 }),
    serviceAccountName: name,
    volumes: fc.array(
      fc.record({
        name: fc.constant('v'),
        projected: fc.record({
          sources: fc.array(fc.record({ configMap: fc.record({ name: configName }) }), { maxLength: 2 }),
        }),
      }),
      { maxLength: 1 },
    ),
    topologySpreadConstraints: fc.array(
      fc.record({ maxSkew: fc.constant(1), labelSelector: fc.record({ matchLabels: labels }) }),
      { maxLength: 1 },
    ),
  },
  { requiredKeys: ['containers'], noNullPrototype: true },
);
const template = fc.record({ metadata: fc.record({ labels }), spec: podSpec });

export const kinds = fc.oneof(
  fc.record({
    apiVersion: fc.constant('batch/v1'),
    kind: fc.constant('CronJob'),
    metadata: metadata(),
    spec: fc.record({
      schedule: fc.constant('* * * * *'),
      jobTemplate: fc.record({ spec: fc.record({ template }) }),
    }),
  }),
  fc.record({
    apiVersion: fc.constantFrom('batch/v1', 'v1'),
    kind: fc.constantFrom('Job', 'Pod'),
    metadata: metadata(),
    spec: fc.oneof(fc.record({ template }), podSpec),
  }),
  fc.record({
    apiVersion: fc.constantFrom('networking.k8s.io/v1', 'extensions/v1beta1'),
    kind: fc.constant('Ingress'),
    metadata: metadata(),
    spec: fc.record({
      defaultBackend: backend,
      tls: fc.array(fc.record({ secretName: configName }), { maxLength: 1 }),
      rules: fc.array(
        fc.record({
          http: fc.record({ paths: fc.array(fc.record({ path: text, backend }), { maxLength: 2 }) }),
        }),
        { maxLength: 1 },
      ),
    }),
  }),
  fc.record({
    apiVersion: fc.constant('networking.k8s.io/v1'),
    kind: fc.constant('NetworkPolicy'),
    metadata: metadata(),
    spec: fc.record({
      podSelector: fc.record({ matchLabels: labels }),
      ingress: fc.array(
        fc.record({
          from: fc.array(fc.record({ podSelector: fc.record({ matchLabels: labels }) }), { maxLength: 2 }),
        }),
        { maxLength: 1 },
      ),
    }),
  }),
  fc.record({
    apiVersion: fc.constant('admissionregistration.k8s.io/v1'),
    kind: fc.constantFrom('ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'),
    metadata: metadata(),
    webhooks: fc.array(
      fc.record({
        name: fc.constant('w'),
        clientConfig: fc.record({
          service: fc.record({ name, namespace: fc.constantFrom('shop', 'default', 'ops') }),
        }),
      }),
      { maxLength: 2 },
    ),
  }),
  fc.record({
    apiVersion: fc.constant('apiextensions.k8s.io/v1'),
    kind: fc.constant('CustomResourceDefinition'),
    metadata: metadata(fc.constantFrom('widgets.example.com', 'web')),
    spec: fc.record({
      group: fc.constant('example.com'),
      conversion: fc.record({
        webhook: fc.record({ clientConfig: fc.record({ service: fc.record({ name }) }) }),
      }),
    }),
  }),
  fc.record({
    apiVersion: fc.constant('apiregistration.k8s.io/v1'),
    kind: fc.constant('APIService'),
    metadata: metadata(),
    spec: fc.record({ service: fc.record({ name, namespace: fc.constantFrom('shop', 'default') }) }),
  }),
  fc.record({
    apiVersion: fc.constant('rbac.authorization.k8s.io/v1'),
    kind: fc.constantFrom('Role', 'ClusterRole'),
    metadata: metadata(),
    rules: fc.array(
      fc.record({
        apiGroups: fc.constantFrom([''], ['apps']),
        resources: fc.constantFrom(['configmaps'], ['secrets', 'services']),
        resourceNames: fc.array(name, { maxLength: 2 }),
      }),
      { maxLength: 2 },
    ),
  }),
  fc.record({
    apiVersion: fc.constant('v1'),
    kind: fc.constantFrom('PersistentVolumeClaim', 'PersistentVolume'),
    metadata: metadata(),
    spec: fc.record({ volumeName: name, claimRef: fc.record({ name, namespace: fc.constant('shop') }) }),
  }),
  fc.record({
    apiVersion: fc.constant('apps/v1'),
    kind: fc.constant('StatefulSet'),
    metadata: metadata(),
    spec: fc.record({
      serviceName: name,
      template,
      volumeClaimTemplates: fc.array(
        fc.record({ metadata: fc.record({ name, labels }), spec: fc.constant({ storageClassName: 'fast' }) }),
        { maxLength: 1 },
      ),
    }),
  }),
  fc.record({
    apiVersion: fc.constantFrom('policy/v1', 'policy/v1beta1'),
    kind: fc.constant('PodDisruptionBudget'),
    metadata: metadata(),
    spec: fc.record({
      selector: fc.record({ matchLabels: labels }),
      minAvailable: fc.constantFrom(1, '50%'),
    }),
  }),
);
