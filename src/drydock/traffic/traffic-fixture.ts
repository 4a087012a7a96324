import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getArray, getString, isJsonObject } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { clusterFixture } from '../cluster/cluster-fixture.ts';
import type { ClusterFixture } from '../cluster/cluster-fixture.ts';
import { asJson } from '../kinds/json-access.ts';

export const GATEWAY_GROUP = 'gateway.networking.k8s.io';
export const GATEWAYS = { group: GATEWAY_GROUP, version: 'v1', resource: 'gateways' };
const ROUTES = { group: GATEWAY_GROUP, version: 'v1', resource: 'httproutes' };

/** What a backend saw, or what somebody said instead of it. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** One request on a connection of its own. */
export function ask(url: string, headers: Record<string, string> = {}, more: object = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = url.startsWith('https:') ? httpsRequest : httpRequest;
    const sent = request(url, { headers, agent: false, ...more }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** What the backend that answered was asked. */
export function seen({ text }: Answer) {
  return JSON.parse(text) as { backend: string; url: string; headers: Record<string, string> };
}

/** A backendRef. */
export function to(name: string, more: object = {}) {
  return { name, port: 80, ...more };
}

/** `Accepted True Accepted` for each condition. */
export function readConditions(of: JsonObject): string[] {
  return getArray(of, 'conditions')
    .filter(isJsonObject)
    .map((condition) => [condition.type, condition.status, condition.reason].map(String).join(' '));
}

export interface TrafficFixture {
  readonly cluster: ClusterFixture;
  /** A Service whose only endpoint is a server of the test, which tells what it was asked unless told otherwise. */
  backend(
    name: string,
    namespace?: string,
    answer?: (request: IncomingMessage, response: ServerResponse) => void,
  ): Promise<void>;
  /** Creates an HTTPRoute of the Gateway `web` and waits for its status. */
  route(name: string, spec: object, namespace?: string): Promise<void>;
  conditions(route: string): string[];
  gatewayAddress(name?: string): Promise<string>;
  close(): Promise<void>;
}

/** A cluster with a Gateway `web` on port 9080 and the backends a, b and c. For tests. */
export async function trafficFixture(): Promise<TrafficFixture> {
  const cluster = await clusterFixture({ definitions: ['gateway-api'], nodes: 2 });
  const servers: Server[] = [];

  async function backend(
    name: string,
    namespace = 'default',
    answer?: (request: IncomingMessage, response: ServerResponse) => void,
  ): Promise<void> {
    const server = createServer((request, response) => {
      if (answer !== undefined) {
        answer(request, response);
        return;
      }
      const { headers, url, method } = request;
      response.end(JSON.stringify({ backend: name, url, method, headers }));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    servers.push(server);
    const { port } = server.address() as AddressInfo;
    const metadata = { name, namespace };
    await cluster.create(
      { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: 80, targetPort: port }] } },
      'services',
    );
    await cluster.create(
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { ...metadata, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
        ports: [{ port }],
      },
      'endpointslices',
      'discovery.k8s.io',
    );
  }

  function conditions(name: string, namespace = 'default'): string[] {
    const found = cluster.api.get(ROUTES, namespace, name);
    const parents = getArray(found === undefined ? {} : asJson(found), 'status', 'parents');
    return parents.filter(isJsonObject).flatMap(readConditions);
  }

  async function route(name: string, spec: object, namespace = 'default'): Promise<void> {
    await cluster.create(
      {
        apiVersion: `${GATEWAY_GROUP}/v1`,
        kind: 'HTTPRoute',
        metadata: { name, namespace },
        spec: { parentRefs: [{ name: 'web', namespace: 'default' }], ...spec },
      },
      'httproutes',
      GATEWAY_GROUP,
    );
    await cluster.until(`the status of route ${name}`, () => conditions(name, namespace).length > 0);
  }

  const listener = {
    name: 'http',
    protocol: 'HTTP',
    port: 9080,
    allowedRoutes: { namespaces: { from: 'All' } },
  };
  await cluster.create(
    {
      apiVersion: `${GATEWAY_GROUP}/v1`,
      kind: 'Gateway',
      metadata: { name: 'web', namespace: 'default' },
      spec: { gatewayClassName: 'drydock', listeners: [listener] },
    },
    'gateways',
    GATEWAY_GROUP,
  );
  for (const name of ['a', 'b', 'c']) await backend(name);

  return {
    cluster,
    backend,
    route,
    conditions,
    gatewayAddress: (name = 'web') =>
      cluster.until(`the address of gateway ${name}`, () => {
        const found = cluster.api.get(GATEWAYS, 'default', name);
        const [address] = getArray(found === undefined ? {} : asJson(found), 'status', 'addresses').filter(
          isJsonObject,
        );
        return getString(address, 'value');
      }),
    async close() {
      for (const server of servers) server.close();
      await cluster.close();
    },
  };
}
