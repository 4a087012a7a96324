import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getArray, isJsonObject } from '../../kernel/index.ts';
import { makeServerCertificate } from '../http/certificate.ts';
import { asJson } from '../kinds/json-access.ts';
import { ask, GATEWAY_GROUP, GATEWAYS, readConditions, seen, to, trafficFixture } from './traffic-fixture.ts';
import type { TrafficFixture } from './traffic-fixture.ts';

const TESTER = { fieldManager: 'test' };

let fixture: TrafficFixture;
beforeAll(async () => {
  fixture = await trafficFixture();
}, 30_000);
afterAll(() => fixture.close());

describe('HTTPRoutes of a Gateway', () => {
  it('shares requests out exactly by weight, and gives a weight of 0 none', async () => {
    await fixture.route('weights', {
      hostnames: ['weights.example.com'],
      rules: [{ backendRefs: [to('a', { weight: 9 }), to('b', { weight: 1 }), to('c', { weight: 0 })] }],
    });
    const url = `http://${await fixture.gatewayAddress()}:9080/`;
    const counts: Record<string, number> = {};
    for (let index = 0; index < 100; index++) {
      const { backend: name } = seen(await ask(url, { host: 'weights.example.com' }));
      counts[name] = (counts[name] ?? 0) + 1;
    }
    expect(counts).toEqual({ a: 90, b: 10 });
    expect(fixture.conditions('weights')).toEqual([
      'Accepted True Accepted',
      'ResolvedRefs True ResolvedRefs',
    ]);
  });

  it('prefers exact paths, long prefixes, methods, headers and query parameters, in that order', async () => {
    const rule = (match: object, name: string) => ({ matches: [match], backendRefs: [to(name)] });
    await fixture.backend('exact');
    await fixture.backend('method');
    await fixture.backend('header');
    await fixture.backend('query');
    await fixture.route('precedence', {
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
    const base = `http://${await fixture.gatewayAddress()}:9080`;
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
    await fixture.route('filters', {
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
    const base = `http://${await fixture.gatewayAddress()}:9080`;
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
    await fixture.cluster.create(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: other } },
      'namespaces',
    );
    await fixture.backend('far', other);
    const host = { host: 'broken.example.com' };
    await fixture.route('missing', { hostnames: [host.host], rules: [{ backendRefs: [to('nobody')] }] });
    expect(fixture.conditions('missing')).toContain('ResolvedRefs False BackendNotFound');
    const url = `http://${await fixture.gatewayAddress()}:9080/`;
    expect((await ask(url, host)).status).toBe(500);

    const far = {
      hostnames: ['far.example.com'],
      rules: [{ backendRefs: [to('far', { namespace: other })] }],
    };
    await fixture.route('far', far);
    expect(fixture.conditions('far')).toContain('ResolvedRefs False RefNotPermitted');
    expect((await ask(url, { host: 'far.example.com' })).status).toBe(500);
    const grant = {
      apiVersion: `${GATEWAY_GROUP}/v1beta1`,
      kind: 'ReferenceGrant',
      metadata: { name: 'allow', namespace: other },
      spec: {
        from: [{ group: GATEWAY_GROUP, kind: 'HTTPRoute', namespace: 'default' }],
        to: [{ group: '', kind: 'Service' }],
      },
    };
    await fixture.cluster.api.create(
      { group: GATEWAY_GROUP, version: 'v1beta1', resource: 'referencegrants' },
      grant,
      TESTER,
    );
    await fixture.cluster.until('the grant', () =>
      fixture.conditions('far').includes('ResolvedRefs True ResolvedRefs'),
    );
    expect(seen(await ask(url, { host: 'far.example.com' })).backend).toBe('far');
  });

  it('refuses what it cannot do: unknown filters, foreign listeners, hosts that nobody listens for', async () => {
    await fixture.route('mirror', {
      hostnames: ['mirror.example.com'],
      rules: [{ filters: [{ type: 'RequestMirror', requestMirror: {} }], backendRefs: [to('a')] }],
    });
    expect(fixture.conditions('mirror')).toContain('Accepted False UnsupportedValue');
    const url = `http://${await fixture.gatewayAddress()}:9080/`;
    expect((await ask(url, { host: 'mirror.example.com' })).status).toBe(404);
    await fixture.route('section', { parentRefs: [{ name: 'web', sectionName: 'other' }], rules: [] });
    expect(fixture.conditions('section')).toContain('Accepted False NoMatchingParent');
    await fixture.route('kind', {
      rules: [{ backendRefs: [to('a', { kind: 'Pod' })] }],
      hostnames: ['kind.example.com'],
    });
    expect(fixture.conditions('kind')).toContain('ResolvedRefs False InvalidKind');
  });

  it('answers 500 for a header that cannot be sent, and goes on', async () => {
    const bad = { set: [{ name: 'X-Bad', value: 'a\r\nX-Other: b' }] };
    await fixture.route('bad-header', {
      hostnames: ['bad.example.com'],
      rules: [
        {
          filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: bad }],
          backendRefs: [to('a')],
        },
      ],
    });
    const url = `http://${await fixture.gatewayAddress()}:9080/`;
    expect((await ask(url, { host: 'bad.example.com' })).status).toBe(500);
    expect((await ask(url, { host: 'bad.example.com' })).status).toBe(500);
  });

  it('answers 504 after a timeout and 503 when no endpoint is there', async () => {
    await fixture.backend('slow', 'default', () => {});
    await fixture.cluster.create(
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
    await fixture.route('late', {
      hostnames: ['late.example.com'],
      rules: [rule('/slow', 'slow'), rule('/empty', 'empty')],
    });
    const base = `http://${await fixture.gatewayAddress()}:9080`;
    const host = { host: 'late.example.com' };
    expect((await ask(`${base}/slow`, host)).status).toBe(504);
    const { status, text } = await ask(`${base}/empty`, host);
    expect([status, text]).toEqual([503, 'no endpoint of Service default/empty answers on port 80\n']);
  });

  it('tells of its listeners, and ends TLS with the certificate of a Secret', async () => {
    const { certificate, privateKey } = makeServerCertificate(['secure.example.com'], Date.now());
    const encoded = (text: string) => Buffer.from(text).toString('base64');
    await fixture.cluster.create(
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
    await fixture.cluster.create(
      {
        apiVersion: `${GATEWAY_GROUP}/v1`,
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
      GATEWAY_GROUP,
    );
    await fixture.route('secure', { parentRefs: [{ name: 'secure' }], rules: [{ backendRefs: [to('a')] }] });
    const ip = await fixture.gatewayAddress('secure');
    const listeners = () =>
      getArray(
        asJson(fixture.cluster.api.get(GATEWAYS, 'default', 'secure') ?? ({} as never)),
        'status',
        'listeners',
      )
        .filter(isJsonObject)
        .map((entry) => [entry.name, entry.attachedRoutes, ...readConditions(entry)].map(String));
    await fixture.cluster.until('the attached route', () => listeners()[0]?.[1] === '1');
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
