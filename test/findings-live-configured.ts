import { api, one, service } from './findings-live-shapes.ts';
import type { LiveCase, Stage } from './findings-live-stage.ts';

const settings = (value: string) => `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {GREETING: ${value}}
`;

const READS = { container: 'envFrom: [{configMapRef: {name: settings}}]' };

/** What an autoscaler can compute with. */
const SCALED = { container: 'resources: {requests: {cpu: 10m}}' };

const scaler = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  minReplicas: 1
  maxReplicas: 3
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
`;

function ingress(className: string, tls = ''): string {
  return `
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: api}
spec:
  ingressClassName: ${className}
  ${tls}
  rules: [{host: api.corp.io, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: api, port: {number: 80}}}}]}}]
`;
}

const secret = (name: string) => `
---
apiVersion: v1
kind: Secret
metadata: {name: ${name}}
type: Opaque
stringData: {key: value}
`;

const whenBroken = (act: (stage: Stage) => Promise<unknown>) => async (stage: Stage) => {
  await stage.ready();
  if (stage.broken) await act(stage);
};

/** What is stored contradicts what Git asks for, what else is stored, or what runs. */
export const CONFIGURED: readonly LiveCase[] = [
  {
    failure: 'REN-03',
    name: 'old-settings',
    id: 'configuration-older-in-pods',
    boundary: 'rollout',
    objects: () => `${settings('hello')}---${api(READS)}`,
    happens: whenBroken(async (stage) => {
      // A pod has to be older than the change by more than clocks differ.
      await new Promise((resolve) => {
        setTimeout(resolve, 6_000);
      });
      await stage.kubectl(['apply', '-f', '-'], settings('goodbye'));
    }),
  },
  {
    failure: 'LIV-05',
    name: 'zero',
    id: 'scaled-to-zero',
    boundary: 'live',
    objects: () => api({}),
    desired: () => api({}),
    happens: whenBroken((stage) => stage.kubectl(['scale', 'deployment/api', '--replicas=0'])),
  },
  {
    failure: 'LIV-06',
    name: 'paused',
    id: 'workload-paused',
    boundary: 'rollout',
    objects: () => api({}),
    happens: whenBroken((stage) => stage.kubectl(['rollout', 'pause', 'deployment/api'])),
  },
  {
    failure: 'LIV-08',
    name: 'overlap',
    id: 'selectors-overlap',
    boundary: 'live',
    objects: (broken) =>
      `${api({})}---${api({})
        .replace('{name: api}', '{name: other}')
        .replaceAll('app: api', broken ? 'app: api' : 'app: other')}`,
  },
  {
    failure: 'LIV-09',
    name: 'by-hand',
    id: 'live-drift',
    boundary: 'live',
    objects: () => api({}),
    desired: () => api({}),
    happens: whenBroken((stage) =>
      stage.kubectl(['set', 'image', 'deployment/api', 'main=registry.corp.io/api:1.1.0']),
    ),
  },
  {
    failure: 'LIV-10',
    name: 'finalizer',
    id: 'deletion-stuck',
    boundary: 'live',
    objects: (broken) =>
      `${api({})}---
apiVersion: v1
kind: ConfigMap
metadata: {name: held${broken ? ', finalizers: [example.com/hold]' : ''}}
`,
    happens: async (stage) => {
      await stage.kubectl(['delete', 'configmap', 'held', '--wait=false']);
    },
    laterMs: 120_000,
  },
  {
    failure: 'INT-06',
    name: 'two-masters',
    id: 'replicas-fight-autoscaler',
    boundary: 'intent',
    objects: (broken) =>
      broken ? `${api(SCALED)}---\n${scaler.replace('minReplicas: 1', 'minReplicas: 2')}` : api(SCALED),
    desired: () => api(SCALED),
  },
  {
    failure: 'HEA-07',
    name: 'blind',
    id: 'autoscaler-blind',
    boundary: 'health',
    objects: (broken) => (broken ? `${api({})}---\n${scaler}` : api({})),
  },
  {
    failure: 'HEA-02',
    name: 'no-probe',
    id: 'readiness-missing',
    boundary: 'health',
    objects: (broken) => `${api(broken ? { probe: '' } : {})}${service('api', '8080')}`,
  },
  {
    failure: 'TRA-03',
    name: 'no-class',
    id: 'ingress-class-missing',
    boundary: 'traffic',
    objects: (broken) => `${api({})}${service('api', '8080')}${ingress(broken ? 'private' : 'public')}`,
  },
  {
    failure: 'TRA-12',
    name: 'no-certificate',
    id: 'tls-secret-missing',
    boundary: 'traffic',
    objects: (broken) =>
      `${api({})}${service('api', '8080')}${ingress('public', 'tls: [{hosts: [api.corp.io], secretName: api-tls}]')}${secret(broken ? 'other' : 'api-tls')}`,
  },
  one(
    'LIV-01',
    'quota',
    'quota-exceeded',
    'health',
    { container: 'resources: {requests: {cpu: "2"}}' },
    'apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: compute}\nspec: {hard: {requests.cpu: "1"}}\n---',
  ),
  one(
    'LIV-02',
    'undeclared',
    'resources-undeclared',
    'health',
    {},
    'apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: compute}\nspec: {hard: {limits.cpu: "1"}}\n---',
  ),
  one(
    'LIV-02',
    'limit-range',
    'limit-range-violated',
    'health',
    { container: 'resources: {limits: {memory: 4Gi}}' },
    'apiVersion: v1\nkind: LimitRange\nmetadata: {name: sizes}\nspec: {limits: [{type: Container, max: {memory: 1Gi}}]}\n---',
  ),
  one('LIV-04', 'no-account', 'service-account-missing', 'health', { pod: 'serviceAccountName: runner' }),
];
