import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manualClock, type JsonObject } from '../../kernel/index.ts';
import { createApi, type ApiServer } from '../api/api-server.ts';
import type { ResourceName } from '../api/contract.ts';
import { asKube } from './json-access.ts';

const RESOURCES: Readonly<Record<string, ResourceName>> = {
  Deployment: { group: 'apps', version: 'v1', resource: 'deployments' },
  Ingress: { group: 'networking.k8s.io', version: 'v1', resource: 'ingresses' },
  Job: { group: 'batch', version: 'v1', resource: 'jobs' },
  Pod: { group: '', version: 'v1', resource: 'pods' },
  Secret: { group: '', version: 'v1', resource: 'secrets' },
  Service: { group: '', version: 'v1', resource: 'services' },
};

let api: ApiServer;
beforeAll(async () => {
  api = await createApi({ clock: manualClock() });
});
afterAll(() => api.close());

async function refusal(kind: string, body: JsonObject): Promise<string> {
  const resource = RESOURCES[kind];
  if (resource === undefined) throw new Error(`no resource is known of ${kind}`);
  const apiVersion = resource.group === '' ? 'v1' : `${resource.group}/${resource.version}`;
  const object = asKube({ apiVersion, kind, metadata: { name: 'x', namespace: 'default' }, ...body });
  try {
    await api.create(resource, object, { fieldManager: 'test', dryRun: true });
    return 'accepted';
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^[^:]+ is invalid: /, '') : String(error);
  }
}

const container = (extra: JsonObject = {}) => ({ name: 'web', image: 'nginx', ...extra });
const workload = (spec: JsonObject = {}, containers: JsonObject[] = [container()]) => ({
  spec: {
    selector: { matchLabels: { app: 'x' } },
    template: { metadata: { labels: { app: 'x' } }, spec: { containers } },
    ...spec,
  },
});

describe('what is wrong is said as the original says it', () => {
  it.each<[string, string, JsonObject, string]>([
    [
      'a workload without a selector',
      'Deployment',
      workload({ selector: null }),
      'spec.selector: Required value',
    ],
    [
      'a selector of everything',
      'Deployment',
      workload({ selector: {} }),
      'spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string(nil), MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: empty selector is invalid for deployment',
    ],
    [
      'a negative count',
      'Deployment',
      workload({ replicas: -1 }),
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      'no room to roll',
      'Deployment',
      workload({ strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }),
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: intstr.IntOrString{Type:0, IntVal:0, StrVal:""}: may not be 0 when `maxSurge` is 0',
    ],
    [
      'a container without an image',
      'Deployment',
      workload({}, [{ name: 'web' }]),
      'spec.template.spec.containers[0].image: Required value',
    ],
    [
      'two containers of one name',
      'Deployment',
      workload({}, [container(), container()]),
      'spec.template.spec.containers[1].name: Duplicate value: "web"',
    ],
    [
      'an unknown pull policy',
      'Deployment',
      workload({}, [container({ imagePullPolicy: 'Sometimes' })]),
      'spec.template.spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
    ],
    [
      'a mount of no volume',
      'Deployment',
      workload({}, [container({ volumeMounts: [{ name: 'v', mountPath: '/v' }] })]),
      'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "v"',
    ],
    [
      'a request above its limit',
      'Deployment',
      workload({}, [container({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } })]),
      'spec.template.spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ],
    [
      'a probe without a handler',
      'Deployment',
      workload({}, [container({ readinessProbe: {} })]),
      'spec.template.spec.containers[0].readinessProbe: Required value: must specify a handler type',
    ],
    [
      'a job that would run for ever',
      'Job',
      { spec: { template: { spec: { containers: [container()] } } } },
      'spec.template.spec.restartPolicy: Unsupported value: "Always": supported values: "OnFailure", "Never"',
    ],
    ['a service without ports', 'Service', { spec: {} }, 'spec.ports: Required value'],
    [
      'two nameless ports',
      'Service',
      { spec: { ports: [{ port: 80 }, { port: 81 }] } },
      '[spec.ports[0].name: Required value, spec.ports[1].name: Required value]',
    ],
    [
      'an ingress path without a type',
      'Ingress',
      {
        spec: {
          rules: [
            { http: { paths: [{ path: '/', backend: { service: { name: 's', port: { number: 80 } } } }] } },
          ],
        },
      },
      'spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified',
    ],
    [
      'a TLS secret without a key',
      'Secret',
      { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } },
      'data[tls.key]: Required value',
    ],
    ['a pod without containers', 'Pod', { spec: {} }, 'spec.containers: Required value'],
  ])('%s', async (_what, kind, body, message) => expect(await refusal(kind, body)).toBe(message));

  it('and what is right is accepted', async () => {
    expect(await refusal('Deployment', workload())).toBe('accepted');
  });
});
