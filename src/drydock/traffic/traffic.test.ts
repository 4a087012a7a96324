import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getArray, getNumber, getString, isJsonObject } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { clusterFixture, program } from '../cluster/cluster-fixture.ts';
import type { ClusterFixture } from '../cluster/cluster-fixture.ts';
import { makeServerCertificate } from '../http/certificate.ts';
import { asJson } from '../kinds/json-access.ts';

const GROUP = 'gateway.networking.k8s.io';
const ROUTES = { group: GROUP, version: 'v1', resource: 'httproutes' };
const GATEWAYS = { group: GROUP, version: 'v1', resource: 'gateways' };
const INGRESSES = { group: 'networking.k8s.io', version: 'v1', resource: 'ingresses' };
const DEPLOYMENTS = { group: 'apps', version: 'v1', resource: 'deployments' };
const TESTER = { fieldManager: 'test' };

let fixture: ClusterFixture;
const servers: Server[] = [];

/** What a backend saw, or what somebody said instead of it. */
interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

function ask(url: string, headers: Record<string, string> = {}, more: object = {}): Promise<Answer> {
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

/** A Service whose only endpoint is a server of this test. */
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
  await fixture.create(
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: 80, targetPort: port }] } },
    'services',
  );
  await fixture.create(
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

const to = (name: string, more: object = {}) => ({ name, port: 80, ...more });

async function route(name: string, spec: object, namespace = 'default'): Promise<void> {
  await fixture.create(
    {
      apiVersion: `${GROUP}/v1`,
      kind: 'HTTPRoute',
      metadata: { name, namespace },
      spec: { parentRefs: [{ name: 'web', namespace: 'default' }], ...spec },
    },
    'httproutes',
    GROUP,
  );
  await fixture.until(`the status of route ${name}`, () => conditions(name, namespace).length > 0);
}

function conditions(name: string, namespace = 'default'): string[] {
  const found = fixture.api.get(ROUTES, namespace, name);
  const parents = getArray(found === undefined ? {} : asJson(found), 'status', 'parents').filter(
    isJsonObject,
  );
  return parents.flatMap(readConditions);
}

function readConditions(of: JsonObject): string[] {
  return getArray(of, 'conditions')
    .filter(isJsonObject)
    .map((condition) => [condition.type, condition.status, condition.reason].map(String).join(' '));
}

async function gatewayAddress(name = 'web'): Promise<string> {
  return fixture.until(`the address of gateway ${name}`, () => {
    const found = fixture.api.get(GATEWAYS, 'default', name);
    const [address] = getArray(found === undefined ? {} : asJson(found), 'status', 'addresses').filter(
      isJsonObject,
    );
    return getString(address, 'value');
  });
}

const seen = ({ text }: Answer) =>
  JSON.parse(text) as { backend: string; url: string; headers: Record<string, string> };

beforeAll(async () => {
  fixture = await clusterFixture({ definitions: ['gateway-api'], nodes: 2 });
  await fixture.create(
    {
      apiVersion: `${GROUP}/v1`,
      kind: 'Gateway',
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        gatewayClassName: 'drydock',
        listeners: [
          {
            name: 'http',
            protocol: 'HTTP',
            port: 9080,
            allowedRoutes: { namespaces: { from: 'All' } },
          },
        ],
      },
    },
    'gateways',
    GROUP,
  );
  for (const name of ['a', 'b', 'c']) await backend(name);
}, 30_000);

afterAll(async () => {
  for (const server of servers) server.close();
  await fixture.close();
});

describe('HTTPRoutes of a Gateway', () => {
  it('shares requests out exactly by weight, and gives a weight of 0 none', async () => {
    await route('weights', {
      hostnames: ['weights.example.com'],
      rules: [{ backendRefs: [to('a', { weight: 9 }), to('b', { weight: 1 }), to('c', { weight: 0 })] }],
    });
    const url = `http://${await gatewayAddress()}:9080/`;
    const counts: Record<string, number> = {};
    for (let index = 0; index < 100; index++) {
      const { backend: name } = seen(await ask(url, { host: 'weights.example.com' }));
      counts[name] = (counts[name] ?? 0) + 1;
    }
    expect(counts).toEqual({ a: 90, b: 10 });
    expect(conditions('weights')).toEqual(['Accepted True Accepted', 'ResolvedRefs True ResolvedRefs']);
  });

  it('prefers exact paths, long prefixes, methods, headers and query parameters, in that order', async () => {
    const rule = (match: object, name: string) => ({ matches: [match], backendRefs: [to(name)] });
    await backend('exact');
    await backend('method');
    await backend('header');
    await backend('query');
    await route('precedence', {
      hostnames: ['*.match.example.com'],
      rules: [
        rule({}, 'a'),
        rule({ path: { type: 'PathPrefix', value: '/shop' } }, 'b'),
        rule({ path: { value: '/shop' }, queryParams: [{ name: 'v', value: '2' }] }, 'query'),
        rule({ path: { value: '/shop' }, headers: [{ name: 'X-Beta', value: 'yes' }] }, 'header'),
        rule({ path: { value: '/shop' }, method: 'POST' }, 'method'),
        rule({ path: { type: 'Exact', value: '/shop/cart' } }, 'exact'),
        rule({ path: { type: 'RegularExpression', value: '/v[0-9]+/.*' } }, 'c'),
      ],
    });
    const base = `http://${await gatewayAddress()}:9080`;
    const host = { host: 'x.match.example.com' };
    const at = async (path: string, headers = {}, more = {}) =>
      seen(await ask(`${base}${path}`, { ...host, ...headers }, more)).backend;
    expect(await at('/')).toBe('a');
    expect(await at('/shopping')).toBe('a');
    expect(await at('/shop/cart/1')).toBe('b');
    expect(await at('/shop?v=2')).toBe('query');
    expect(await at('/shop?v=2', { 'x-beta': 'yes' })).toBe('header');
    expect(await at('/shop?v=2', { 'x-beta': 'yes' }, { method: 'POST' })).toBe('method');
    expect(await at('/shop/cart', {}, { method: 'POST' })).toBe('exact');
    expect(await at('/v12/x')).toBe('c');
    expect((await ask(`${base}/`, { host: 'match.example.com' })).status).toBe(404);
  });

  it('redirects, rewrites and changes headers', async () => {
    await route('filters', {
      hostnames: ['filters.example.com'],
      rules: [
        {
          matches: [{ path: { value: '/old' } }],
          filters: [
            {
              type: 'RequestRedirect',
              requestRedirect: {
                scheme: 'https',
                statusCode: 301,
                path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/new' },
              },
            },
          ],
        },
        {
          matches: [{ path: { value: '/api' } }],
          filters: [
            {
              type: 'URLRewrite',
              urlRewrite: {
                hostname: 'inside.example.com',
                path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' },
              },
            },
            {
              type: 'RequestHeaderModifier',
              requestHeaderModifier: {
                set: [{ name: 'X-Set', value: '1' }],
                add: [{ name: 'X-Add', value: '2' }],
                remove: ['X-Gone'],
              },
            },
          ],
          backendRefs: [to('a')],
        },
      ],
    });
    const base = `http://${await gatewayAddress()}:9080`;
    const host = { host: 'filters.example.com' };
    const moved = await ask(`${base}/old/page?q=1`, host);
    expect([moved.status, moved.headers.location]).toEqual([301, 'https://filters.example.com/new/page?q=1']);
    const { url, headers } = seen(await ask(`${base}/api/x?q=1`, { ...host, 'x-add': '1', 'x-gone': '1' }));
    expect(url).toBe('/x?q=1');
    expect(headers).toMatchObject({ host: 'inside.example.com', 'x-set': '1', 'x-add': '1, 2' });
    expect(headers).not.toHaveProperty('x-gone');
  });

  it('answers 500 for references that lead nowhere, and says why in the route', async () => {
    const other = 'elsewhere';
    await fixture.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: other } }, 'namespaces');
    await backend('far', other);
    const host = { host: 'broken.example.com' };
    await route('missing', { hostnames: [host.host], rules: [{ backendRefs: [to('nobody')] }] });
    expect(conditions('missing')).toContain('ResolvedRefs False BackendNotFound');
    const url = `http://${await gatewayAddress()}:9080/`;
    expect((await ask(url, host)).status).toBe(500);

    const far = {
      hostnames: ['far.example.com'],
      rules: [{ backendRefs: [to('far', { namespace: other })] }],
    };
    await route('far', far);
    expect(conditions('far')).toContain('ResolvedRefs False RefNotPermitted');
    expect((await ask(url, { host: 'far.example.com' })).status).toBe(500);
    const grant = {
      apiVersion: `${GROUP}/v1beta1`,
      kind: 'ReferenceGrant',
      metadata: { name: 'allow', namespace: other },
      spec: {
        from: [{ group: GROUP, kind: 'HTTPRoute', namespace: 'default' }],
        to: [{ group: '', kind: 'Service' }],
      },
    };
    await fixture.api.create(
      { group: GROUP, version: 'v1beta1', resource: 'referencegrants' },
      grant,
      TESTER,
    );
    await fixture.until('the grant', () => conditions('far').includes('ResolvedRefs True ResolvedRefs'));
    expect(seen(await ask(url, { host: 'far.example.com' })).backend).toBe('far');
  });

  it('refuses what it cannot do: unknown filters, foreign listeners, hosts that nobody listens for', async () => {
    await route('mirror', {
      hostnames: ['mirror.example.com'],
      rules: [{ filters: [{ type: 'RequestMirror', requestMirror: {} }], backendRefs: [to('a')] }],
    });
    expect(conditions('mirror')).toContain('Accepted False UnsupportedValue');
    const url = `http://${await gatewayAddress()}:9080/`;
    expect((await ask(url, { host: 'mirror.example.com' })).status).toBe(404);
    await route('section', { parentRefs: [{ name: 'web', sectionName: 'other' }], rules: [] });
    expect(conditions('section')).toContain('Accepted False NoMatchingParent');
    await route('kind', {
      rules: [{ backendRefs: [to('a', { kind: 'Pod' })] }],
      hostnames: ['kind.example.com'],
    });
    expect(conditions('kind')).toContain('ResolvedRefs False InvalidKind');
  });

  it('answers 504 after a timeout and 503 when no endpoint is there', async () => {
    await backend('slow', 'default', () => {});
    await fixture.create(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'empty', namespace: 'default' },
        spec: { selector: { app: 'nothing' }, ports: [{ port: 80 }] },
      },
      'services',
    );
    const rule = (path: string, name: string) => ({
      matches: [{ path: { value: path } }],
      timeouts: { request: '50ms' },
      backendRefs: [to(name)],
    });
    await route('late', {
      hostnames: ['late.example.com'],
      rules: [rule('/slow', 'slow'), rule('/empty', 'empty')],
    });
    const base = `http://${await gatewayAddress()}:9080`;
    const host = { host: 'late.example.com' };
    expect((await ask(`${base}/slow`, host)).status).toBe(504);
    const { status, text } = await ask(`${base}/empty`, host);
    expect([status, text]).toEqual([503, 'no endpoint of Service default/empty answers on port 80\n']);
  });

  it('tells of its listeners, and ends TLS with the certificate of a Secret', async () => {
    const { certificate, privateKey } = makeServerCertificate(['secure.example.com'], Date.now());
    const encoded = (text: string) => Buffer.from(text).toString('base64');
    await fixture.create(
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'cert', namespace: 'default' },
        type: 'kubernetes.io/tls',
        data: { 'tls.crt': encoded(certificate), 'tls.key': encoded(privateKey) },
      },
      'secrets',
    );
    const listener = (name: string, port: number, secret: string) => ({
      name,
      port,
      protocol: 'HTTPS',
      hostname: '*.example.com',
      tls: { certificateRefs: [{ name: secret }] },
    });
    await fixture.create(
      {
        apiVersion: `${GROUP}/v1`,
        kind: 'Gateway',
        metadata: { name: 'secure', namespace: 'default' },
        spec: {
          gatewayClassName: 'drydock',
          listeners: [
            listener('https', 9443, 'cert'),
            listener('bare', 9444, 'missing'),
            { name: 'tcp', port: 9445, protocol: 'TCP' },
          ],
        },
      },
      'gateways',
      GROUP,
    );
    await route('secure', { parentRefs: [{ name: 'secure' }], rules: [{ backendRefs: [to('a')] }] });
    const ip = await gatewayAddress('secure');
    const listeners = () =>
      getArray(asJson(fixture.api.get(GATEWAYS, 'default', 'secure') ?? ({} as never)), 'status', 'listeners')
        .filter(isJsonObject)
        .map((entry) => [entry.name, entry.attachedRoutes, ...readConditions(entry)].map(String));
    await fixture.until('the attached route', () => listeners()[0]?.[1] === '1');
    expect(listeners()).toEqual([
      [
        'https',
        '1',
        'Accepted True Accepted',
        'Conflicted False NoConflicts',
        'ResolvedRefs True ResolvedRefs',
        'Programmed True Programmed',
      ],
      [
        'bare',
        '1',
        'Accepted True Accepted',
        'Conflicted False NoConflicts',
        'ResolvedRefs False InvalidCertificateRef',
        'Programmed False Invalid',
      ],
      [
        'tcp',
        '0',
        'Accepted False UnsupportedProtocol',
        'Conflicted False NoConflicts',
        'ResolvedRefs True ResolvedRefs',
        'Programmed False Invalid',
      ],
    ]);
    const answer = await ask(
      `https://${ip}:9443/`,
      { host: 'secure.example.com' },
      { ca: certificate, servername: 'secure.example.com' },
    );
    expect(seen(answer)).toMatchObject({ backend: 'a', headers: { 'x-forwarded-proto': 'https' } });
  });
});

describe('Ingresses', () => {
  it('lead by host and path to Services, with 80 and 443 on the address in their status', async () => {
    const path = (type: string, value: string, name: string) => ({
      pathType: type,
      path: value,
      backend: { service: { name, port: { number: 80 } } },
    });
    await fixture.create(
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
    const { ip, ports } = await fixture.until('the address of the ingress', () => {
      const [found] = getArray(
        asJson(fixture.api.get(INGRESSES, 'default', 'api') ?? ({} as never)),
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
    const created = await fixture.create(
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
    await fixture.api.delete(INGRESSES, 'default', 'other');
    expect(asJson(created).status).toEqual({ loadBalancer: {} });
  });
});

describe('Services beyond the cluster', () => {
  it('answer on node ports, and a LoadBalancer on the address in its status', async () => {
    const slice = fixture.api.get(
      { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' },
      'default',
      'a',
    );
    const [port] = getArray(asJson(slice ?? ({} as never)), 'ports').filter(isJsonObject);
    const services = { group: '', version: 'v1', resource: 'services' };
    const patch = { spec: { type: 'LoadBalancer' } };
    await fixture.api.patch(services, 'default', 'a', 'merge', patch, TESTER);
    const service = await fixture.until('the balancer', () => {
      const found = asJson(fixture.api.get(services, 'default', 'a') ?? ({} as never));
      return getArray(found, 'status', 'loadBalancer', 'ingress').length > 0 ? found : undefined;
    });
    const [balancer] = getArray(service, 'status', 'loadBalancer', 'ingress').filter(isJsonObject);
    const [known] = getArray(service, 'spec', 'ports').filter(isJsonObject);
    expect(port?.port).toBe(known?.targetPort);
    expect(getString(balancer, 'ip')).toBe(getString(service, 'spec', 'clusterIP'));
    const nodes = fixture.api.list({ group: '', version: 'v1', resource: 'nodes' }).items;
    const ips = nodes.flatMap((node) =>
      getArray(asJson(node), 'status', 'addresses')
        .filter(isJsonObject)
        .filter((address) => address.type === 'InternalIP')
        .map((address) => getString(address, 'address') ?? ''),
    );
    expect(ips).toHaveLength(2);
    for (const ip of ips) {
      const answer = await fixture.until('the node port', () =>
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
    await fixture.push('slow', 'v1', slow);
    await fixture.push('slow', 'v2', { ...slow, env: ['RELEASE=2'] });
    await fixture.create(
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
    await fixture.create(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'rolling', namespace: 'default' },
        spec: { selector: { app: 'rolling' }, ports: [{ port: 80, targetPort: 8080 }] },
      },
      'services',
    );
    await route('rolling', { hostnames: ['rolling.example.com'], rules: [{ backendRefs: [to('rolling')] }] });
    const url = `http://${await gatewayAddress()}:9080/`;
    const once = () => ask(url, { host: 'rolling.example.com' });
    await fixture.until('the first release', async () => (await once()).status === 200);

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
    await fixture.api.patch(DEPLOYMENTS, 'default', 'rolling', 'strategic', patch, TESTER);
    await fixture.until('the second release', () => {
      const { status } = asJson(fixture.api.get(DEPLOYMENTS, 'default', 'rolling') ?? ({} as never));
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
