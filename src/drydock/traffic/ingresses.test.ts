import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getArray, getNumber, getString, isJsonObject } from '../../kernel/index.ts';
import { program } from '../cluster/cluster-fixture.ts';
import { asJson } from '../kinds/json-access.ts';
import { ask, seen, to, trafficFixture } from './traffic-fixture.ts';
import type { TrafficFixture } from './traffic-fixture.ts';

const INGRESSES = { group: 'networking.k8s.io', version: 'v1', resource: 'ingresses' };
const DEPLOYMENTS = { group: 'apps', version: 'v1', resource: 'deployments' };
const TESTER = { fieldManager: 'test' };

let fixture: TrafficFixture;
beforeAll(async () => {
  fixture = await trafficFixture();
}, 30_000);
afterAll(() => fixture.close());

describe('Ingresses', () => {
  it('lead by host and path to Services, with 80 and 443 on the address in their status', async () => {
    const path = (type: string, value: string, name: string) => ({
      pathType: type,
      path: value,
      backend: { service: { name, port: { number: 80 } } },
    });
    await fixture.cluster.create(
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { name: 'api', namespace: 'default' },
        spec: {
          ingressClassName: 'drydock',
          tls: [{ hosts: ['api.tomoda.life'], secretName: 'cert' }],
          defaultBackend: { service: { name: 'c', port: { number: 80 } } },
          rules: [
            {
              host: 'api.tomoda.life',
              http: { paths: [path('Prefix', '/', 'a'), path('Exact', '/health', 'b')] },
            },
          ],
        },
      },
      'ingresses',
      'networking.k8s.io',
    );
    const { ip, ports } = await fixture.cluster.until('the address of the ingress', () => {
      const [found] = getArray(
        asJson(fixture.cluster.api.get(INGRESSES, 'default', 'api') ?? ({} as never)),
        'status',
        'loadBalancer',
        'ingress',
      ).filter(isJsonObject);
      if (found === undefined) return undefined;
      const moved = getArray(found, 'ports').filter(isJsonObject);
      return {
        ip: getString(found, 'ip') ?? '',
        ports: [getNumber(moved[0], 'port') ?? 80, getNumber(moved[1], 'port') ?? 443],
      };
    });
    const http = `http://${ip}:${ports[0] ?? 80}`;
    const host = { host: 'api.tomoda.life' };
    expect(seen(await ask(`${http}/health`, host)).backend).toBe('b');
    expect(seen(await ask(`${http}/health/deep`, host)).backend).toBe('a');
    expect(seen(await ask(`${http}/`, { host: 'else.example.com' })).backend).toBe('c');
    const secure = await ask(`https://${ip}:${ports[1] ?? 443}/health`, host, {
      servername: 'api.tomoda.life',
      rejectUnauthorized: false,
    });
    expect(seen(secure).backend).toBe('b');
  });

  it('of another class are left alone', async () => {
    const created = await fixture.cluster.create(
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { name: 'other', namespace: 'default' },
        spec: {
          ingressClassName: 'nginx',
          defaultBackend: { service: { name: 'a', port: { number: 80 } } },
        },
      },
      'ingresses',
      'networking.k8s.io',
    );
    await fixture.cluster.api.delete(INGRESSES, 'default', 'other');
    expect(asJson(created).status).toEqual({ loadBalancer: {} });
  });
});

describe('Services beyond the cluster', () => {
  it('answer on node ports, and a LoadBalancer on the address in its status', async () => {
    const slice = fixture.cluster.api.get(
      { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' },
      'default',
      'a',
    );
    const [port] = getArray(asJson(slice ?? ({} as never)), 'ports').filter(isJsonObject);
    const services = { group: '', version: 'v1', resource: 'services' };
    const patch = { spec: { type: 'LoadBalancer' } };
    await fixture.cluster.api.patch(services, 'default', 'a', 'merge', patch, TESTER);
    const service = await fixture.cluster.until('the balancer', () => {
      const found = asJson(fixture.cluster.api.get(services, 'default', 'a') ?? ({} as never));
      return getArray(found, 'status', 'loadBalancer', 'ingress').length > 0 ? found : undefined;
    });
    const [balancer] = getArray(service, 'status', 'loadBalancer', 'ingress').filter(isJsonObject);
    const [known] = getArray(service, 'spec', 'ports').filter(isJsonObject);
    expect(port?.port).toBe(known?.targetPort);
    expect(getString(balancer, 'ip')).toBe(getString(service, 'spec', 'clusterIP'));
    const nodes = fixture.cluster.api.list({ group: '', version: 'v1', resource: 'nodes' }).items;
    const ips = nodes.flatMap((node) =>
      getArray(asJson(node), 'status', 'addresses')
        .filter(isJsonObject)
        .filter((address) => address.type === 'InternalIP')
        .map((address) => getString(address, 'address') ?? ''),
    );
    expect(ips).toHaveLength(2);
    for (const ip of ips) {
      const answer = await fixture.cluster.until('the node port', () =>
        ask(`http://${ip}:${getNumber(known, 'nodePort') ?? 0}/`).catch(() => undefined),
      );
      expect(seen(answer).backend).toBe('a');
    }
  });
});

describe('a client that never stops', () => {
  it('loses no request while a Deployment behind a Gateway rolls', async () => {
    // Answers late, so that requests are always under way when a pod is told to end.
    const slow = program(`
      const server = require('node:http').createServer((request, response) => {
        setTimeout(() => response.end(process.env.RELEASE ?? '1'), 30);
      });
      server.listen(8080);
      process.on('SIGTERM', () => { server.close(() => process.exit(0)); });
    `);
    await fixture.cluster.push('slow', 'v1', slow);
    await fixture.cluster.push('slow', 'v2', { ...slow, env: ['RELEASE=2'] });
    await fixture.cluster.create(
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'rolling', namespace: 'default' },
        spec: {
          replicas: 2,
          selector: { matchLabels: { app: 'rolling' } },
          template: {
            metadata: { labels: { app: 'rolling' } },
            spec: {
              containers: [
                {
                  name: 'main',
                  image: 'registry.corp.io/slow:v1',
                  readinessProbe: { httpGet: { port: 8080 }, periodSeconds: 1 },
                },
              ],
            },
          },
        },
      },
      'deployments',
      'apps',
    );
    await fixture.cluster.create(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'rolling', namespace: 'default' },
        spec: { selector: { app: 'rolling' }, ports: [{ port: 80, targetPort: 8080 }] },
      },
      'services',
    );
    await fixture.route('rolling', {
      hostnames: ['rolling.example.com'],
      rules: [{ backendRefs: [to('rolling')] }],
    });
    const url = `http://${await fixture.gatewayAddress()}:9080/`;
    const once = () => ask(url, { host: 'rolling.example.com' });
    await fixture.cluster.until('the first release', async () => (await once()).status === 200);

    const load = new AbortController();
    const failures: string[] = [];
    const answers = new Set<string>();
    const clients = Array.from({ length: 4 }, async () => {
      while (!load.signal.aborted) {
        try {
          const { status, text } = await once();
          if (status === 200) answers.add(text);
          else failures.push(`${status} ${text}`);
        } catch (error) {
          failures.push(String(error));
        }
      }
    });
    const image = 'registry.corp.io/slow:v2';
    const patch = { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } };
    await fixture.cluster.api.patch(DEPLOYMENTS, 'default', 'rolling', 'strategic', patch, TESTER);
    await fixture.cluster.until('the second release', () => {
      const { status } = asJson(fixture.cluster.api.get(DEPLOYMENTS, 'default', 'rolling') ?? ({} as never));
      return (
        isJsonObject(status) &&
        status.observedGeneration === 2 &&
        status.updatedReplicas === 2 &&
        status.replicas === 2 &&
        status.availableReplicas === 2
      );
    });
    load.abort();
    await Promise.all(clients);
    expect(failures).toEqual([]);
    expect([...answers].toSorted()).toEqual(['1', '2']);
  }, 30_000);
});
