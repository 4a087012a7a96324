import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../api/contract.ts';
import { controllerFixture, TESTER, webDeployment } from '../controller-fixture.ts';
import type { ControllerFixture } from '../controller-fixture.ts';
import { DEPLOYMENTS, ENDPOINT_SLICES, ENDPOINTS, PODS, SERVICES } from '../objects.ts';

let fixture: ControllerFixture;

beforeEach(async () => {
  fixture = await controllerFixture();
});

afterEach(() => fixture.close());

const service = (spec: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default', labels: { team: 'a' } },
  spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'web' }], ...spec },
});

const template = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image: 'nginx:1', ports: [{ name: 'web', containerPort: 8080 }] }] },
};

interface Slice extends KubeObject {
  endpoints?: { conditions: object; targetRef: { name: string }; nodeName?: string }[] | null;
  ports?: object[] | null;
}

const slices = () => fixture.api.list(ENDPOINT_SLICES).items as readonly Slice[];
const conditions = () => (slices()[0]?.endpoints ?? []).map(({ conditions }) => conditions);
const READY = { ready: true, serving: true, terminating: false };

describe('the endpoints of a Service', () => {
  it('are its pods, on the port that its name means, with their readiness', async () => {
    await fixture.create(SERVICES, service());
    await fixture.create(DEPLOYMENTS, webDeployment({ template }));
    await fixture.runAll();
    const [slice] = slices();
    expect(slice?.metadata.labels).toEqual({
      team: 'a',
      'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      'kubernetes.io/service-name': 'web',
    });
    expect(slice?.ports).toEqual([{ name: 'http', port: 8080, protocol: 'TCP' }]);
    expect(conditions()).toEqual([READY, READY, READY]);
    const [pod] = fixture.pods();
    if (pod !== undefined) await fixture.report(pod, false);
    await fixture.settle();
    expect(conditions()).toContainEqual({ ready: false, serving: false, terminating: false });
    const subset = { addresses: [{}, {}], notReadyAddresses: [{}], ports: [{ name: 'http', port: 8080 }] };
    expect(fixture.get(ENDPOINTS, 'web')).toMatchObject({ subsets: [subset] });
  });

  it('keep a pod that terminates, still serving and no longer ready; Endpoints drop it', async () => {
    await fixture.create(SERVICES, service());
    await fixture.create(DEPLOYMENTS, webDeployment({ template, replicas: 1 }));
    await fixture.runAll();
    const name = fixture.pods()[0]?.metadata.name ?? '';
    await fixture.merge(DEPLOYMENTS, 'web', { spec: { replicas: 0 } });
    await fixture.settle();
    expect(slices()[0]?.endpoints).toMatchObject([
      { targetRef: { name }, conditions: { ready: false, serving: true, terminating: true } },
    ]);
    expect(fixture.get(ENDPOINTS, 'web')).not.toHaveProperty('subsets');
    await fixture.runAll();
    expect(slices()[0]?.endpoints ?? []).toEqual([]);
  });

  it('count as ready from the start where the Service publishes what is not', async () => {
    await fixture.create(SERVICES, service({ publishNotReadyAddresses: true }));
    await fixture.create(DEPLOYMENTS, webDeployment({ template, replicas: 1 }));
    await fixture.settle();
    for (const pod of fixture.pods()) await fixture.report(pod, false);
    await fixture.settle();
    expect(conditions()).toEqual([{ ready: true, serving: false, terminating: false }]);
  });

  it('are split at a hundred, and change in place', async () => {
    await fixture.create(SERVICES, service());
    await fixture.create(DEPLOYMENTS, webDeployment({ template, replicas: 120 }));
    await fixture.runAll();
    const sizes = slices().map(({ endpoints }) => endpoints?.length ?? 0);
    expect(sizes.toSorted((a, b) => a - b)).toEqual([20, 100]);
    const names = new Set(slices().map(({ metadata }) => metadata.name));
    await fixture.merge(DEPLOYMENTS, 'web', { spec: { replicas: 110 } });
    await fixture.runAll();
    expect(slices().every(({ metadata }) => names.has(metadata.name))).toBe(true);
  });

  it('go with the Service, and are none of ours where it selects nothing', async () => {
    await fixture.create(SERVICES, service());
    await fixture.settle();
    expect(slices()).toHaveLength(1);
    await fixture.api.delete(SERVICES, 'default', 'web');
    await fixture.settle();
    expect(slices()).toHaveLength(0);
    expect(fixture.get(ENDPOINTS, 'web')).toBeUndefined();
    const { selector: _, ...spec } = service()['spec'] as { selector: object };
    await fixture.api.create(SERVICES, { ...service(), spec }, TESTER);
    await fixture.settle();
    expect(slices()).toHaveLength(0);
  });

  it('are written again when somebody deletes them', async () => {
    await fixture.create(SERVICES, service());
    await fixture.settle();
    await fixture.api.delete(ENDPOINT_SLICES, 'default', slices()[0]?.metadata.name ?? '');
    await fixture.settle();
    expect(slices()).toHaveLength(1);
    expect(fixture.api.list(PODS).items).toHaveLength(0);
  });
});
