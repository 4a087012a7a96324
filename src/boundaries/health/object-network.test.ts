import { describe } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import { JUST_NOW, workloadOf, YESTERDAY } from '../cluster.fixture.ts';
import { read } from '../reading.ts';
import type { PodFacts } from '../workload.ts';
import { workloadPods } from '../workload-pods.ts';
import { object, labelled, slice, check } from './object.fixture.ts';

describe('a Service', () => {
  const service = (spec: JsonObject = {}, at = JUST_NOW, status: JsonObject = {}) =>
    object('v1', 'Service', { spec: { selector: { app: 'a' }, ports: [{ port: 80 }], ...spec }, status }, at);
  const beside = (pods: readonly PodFacts[], spec: JsonObject = {}) => {
    const status = { observedGeneration: 2, updateRevision: 'new' };
    const workload = workloadOf('StatefulSet', { replicas: 1, ...spec }, status);
    return [{ object: workload, live: read(workload), pods: workloadPods(workload, read(pods), read([])) }];
  };
  const fresh = [labelled('a', { controllerRevision: 'new' })];
  const stale = [labelled('a', { controllerRevision: 'old' })];
  const idle = workloadOf('StatefulSet', { replicas: 0 }, {});
  check([
    [
      'is healthy with a ready endpoint',
      service(),
      'proven endpoints',
      { pods: [labelled('a')], slices: [slice('a', true)] },
    ],
    [
      'is not with one that is not ready',
      service(),
      'moving no-endpoints',
      { pods: [labelled('a')], slices: [slice('a', false)] },
    ],
    [
      'is when it publishes those too',
      service({ publishNotReadyAddresses: true }),
      'proven endpoints',
      { slices: [slice('a', false)] },
    ],
    [
      'is broken without one after its time',
      service({}, YESTERDAY),
      'broken no-endpoints',
      { pods: [labelled('a')] },
    ],
    ['is broken soon when no pod is meant', service({}, '2026-03-01T11:58:00Z'), 'broken no-endpoints'],
    ['is headless, and judged the same', service({ clusterIP: 'None' }, YESTERDAY), 'broken no-endpoints'],
    [
      'is healthy with endpoints of the new template',
      service(),
      'proven endpoints',
      { pods: fresh, beside: beside(fresh), slices: [slice('a', true)] },
    ],
    [
      'is not with those of an old one',
      service(),
      'moving old-endpoints',
      { pods: stale, beside: beside(stale), slices: [slice('a', true)] },
    ],
    [
      'is healthy with those of an old one that are kept on purpose',
      service(),
      'proven endpoints',
      {
        pods: stale,
        beside: beside(stale, { updateStrategy: { type: 'OnDelete' } }),
        slices: [slice('a', true)],
      },
    ],
    [
      'is not with those of somebody else',
      service(),
      'moving foreign-endpoints',
      { pods: fresh, beside: beside(fresh), slices: [slice('a', true, 'stranger')] },
    ],
    [
      'leads to nobody on purpose',
      service({}, YESTERDAY),
      'not-applicable zero-declared',
      { beside: [{ object: idle, live: read(idle), pods: undefined }] },
    ],
    [
      'is only a name',
      service({ type: 'ExternalName', externalName: 'db.corp.io' }),
      'not-applicable external-name',
    ],
    [
      'has endpoints that somebody else keeps',
      object('v1', 'Service', { spec: { ports: [] } }),
      'not-applicable no-selector',
    ],
    [
      'has no address yet',
      service({ type: 'LoadBalancer' }),
      'unknown no-address',
      { pods: fresh, slices: [slice('a', true)] },
    ],
    [
      'has an address',
      service({ type: 'LoadBalancer' }, JUST_NOW, { loadBalancer: { ingress: [{ ip: '10.0.0.1' }] } }),
      'proven endpoints',
      { pods: fresh, slices: [slice('a', true)] },
    ],
    [
      'is not known where endpoints could not be read',
      service(),
      'unknown endpoints-unreadable',
      { unread: true },
    ],
  ]);
});

describe('what leads users in', () => {
  const ingress = (spec: JsonObject = {}, addresses: readonly JsonObject[] = []) =>
    object('networking.k8s.io/v1', 'Ingress', {
      spec,
      status: { loadBalancer: { ingress: [...addresses] } },
    });
  const nginx = object('networking.k8s.io/v1', 'IngressClass');
  const chosen = {
    ...nginx,
    metadata: { ...nginx.metadata, annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
  };
  const hook = (clientConfig: JsonObject, more: JsonObject = {}) =>
    object('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', {
      webhooks: [{ name: 'h', clientConfig, ...more }],
    });
  const target = { service: { namespace: 'n', name: 'a' }, caBundle: 'x' };
  check([
    ['is an Ingress with an address', ingress({}, [{ hostname: 'lb.corp.io' }]), 'proven address'],
    [
      'is one without, that a controller has',
      ingress({ ingressClassName: 'a' }),
      'unknown no-address',
      { ingressClasses: [nginx] },
    ],
    [
      'is one whose entry names nothing',
      ingress({ ingressClassName: 'a' }, [{}]),
      'unknown no-address',
      { ingressClasses: [nginx] },
    ],
    [
      'is one of a class that nobody has',
      ingress({ ingressClassName: 'b' }),
      'unknown class-missing',
      { ingressClasses: [nginx] },
    ],
    [
      'is one that no controller takes',
      ingress(),
      'not-applicable no-controller',
      { ingressClasses: [nginx] },
    ],
    ['is one that the default takes', ingress(), 'unknown no-address', { ingressClasses: [chosen] }],
    ['is a webhook whose Service answers', hook(target), 'proven endpoints', { slices: [slice('a', true)] }],
    ['is one whose Service has nobody', hook(target), 'moving no-endpoints', { slices: [slice('a', false)] }],
    ['is one that nobody can trust', hook({ ...target, caBundle: '' }), 'moving no-ca-bundle'],
    ['is one outside of the cluster', hook({ url: 'https://policy.corp.io' }), 'not-applicable passive'],
  ]);
});
