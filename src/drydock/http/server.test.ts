import { connect } from 'node:net';
import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../kernel/index.ts';
import { startTestServer, type TestServer, type TestServerOptions } from './served.fixture.ts';

const open: TestServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function start(options: TestServerOptions = {}): Promise<TestServer> {
  const server = await startTestServer(options);
  open.push(server);
  return server;
}

const MAPS = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string, data: Record<string, string> = {}) => ({ metadata: { name }, data });

/** The lines of a watch as they come. */
async function* watching(
  server: TestServer,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Record<string, unknown>> {
  const response = await fetch(`${server.served.url}${path}`, {
    headers: { authorization: 'Bearer a-token-for-tests' },
    signal,
  });
  let rest = '';
  for await (const chunk of response.body ?? []) {
    rest += Buffer.from(chunk as Uint8Array).toString('utf8');
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as Record<string, unknown>;
  }
}

describe('access', () => {
  it('needs the token for everything but the signs of life', async () => {
    const { served, call } = await start();
    expect((await fetch(`${served.url}/readyz`)).status).toBe(200);
    expect((await fetch(`${served.url}/api/v1/namespaces`)).status).toBe(401);
    const wrong = await call('GET', '/api/v1/namespaces', undefined, { authorization: 'Bearer wrong' });
    expect(wrong.body).toMatchObject({ kind: 'Status', code: 401, reason: 'Unauthorized' });
    expect((await call('GET', '/api/v1/namespaces')).status).toBe(200);
  });
});

describe('bad input', () => {
  it.each([
    ['malformed JSON', 'POST', MAPS, '{"metadata":', 400, 'BadRequest'],
    [
      'another kind',
      'POST',
      MAPS,
      { kind: 'Secret', apiVersion: 'v1', metadata: { name: 'a' } },
      400,
      'BadRequest',
    ],
    ['a name that breaks the rules', 'POST', MAPS, configMap('A_b'), 422, 'Invalid'],
    ['a wrong type', 'POST', MAPS, { metadata: { name: 'a' }, data: { a: 1 } }, 400, 'BadRequest'],
    ['another namespace', 'POST', MAPS, { metadata: { name: 'a', namespace: 'x' } }, 400, 'BadRequest'],
    [
      'a namespace that is not there',
      'POST',
      '/api/v1/namespaces/none/configmaps',
      configMap('a'),
      404,
      'NotFound',
    ],
    ['a resource that is not served', 'GET', '/api/v1/gadgets', undefined, 404, 'NotFound'],
    [
      'a selector that cannot be read',
      'GET',
      `${MAPS}?labelSelector=a%20in%20(`,
      undefined,
      400,
      'BadRequest',
    ],
    ['a revision from the future', 'GET', `${MAPS}?resourceVersion=999999`, undefined, 504, 'Timeout'],
    ['a continue token of nobody', 'GET', `${MAPS}?continue=abc`, undefined, 400, 'BadRequest'],
    ['a method that is not allowed', 'PUT', MAPS, configMap('a'), 405, 'MethodNotAllowed'],
  ])('%s is answered with its status', async (_what, method, path, body, status, reason) => {
    const { call } = await start();
    const answer = await call(method, path, body);
    expect(answer.body).toMatchObject({ kind: 'Status', status: 'Failure', reason, code: status });
    expect(answer.status).toBe(status);
  });

  it('too large a body is refused, and the next request is served', async () => {
    const { call } = await start();
    const large = await call('POST', MAPS, configMap('a', { a: 'x'.repeat(4 * 1024 * 1024) }));
    expect(large.status).toBe(413);
    expect((await call('GET', '/version')).status).toBe(200);
  });

  it('nesting without end is refused before it takes the stack', async () => {
    const { call } = await start();
    const nested = `{"metadata":{"name":"a"},"data":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    expect((await call('POST', MAPS, nested)).body).toMatchObject({ code: 400 });
    expect((await call('GET', MAPS)).status).toBe(200);
  });

  it('a client that hangs up half way harms nobody', async () => {
    const { served, call } = await start();
    await new Promise<void>((resolve) => {
      const socket = connect(served.port, '127.0.0.1', () => {
        socket.write(
          `POST ${MAPS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a-token-for-tests\r\nContent-Length: 100\r\n\r\n{"a"`,
        );
        socket.destroy();
        resolve();
      });
    });
    expect((await call('GET', MAPS)).status).toBe(200);
  });

  it('keys that reach for prototypes stay data', async () => {
    const { call } = await start();
    const made = await call(
      'POST',
      MAPS,
      '{"metadata":{"name":"a"},"data":{"__proto__":"x","constructor":"y"}}',
    );
    expect(made.status).toBe(201);
    expect(made.text).toContain('"__proto__":"x"');
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });
});

describe('the scale of a workload', () => {
  const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';

  it('is read and written by itself, and refuses what is no number', async () => {
    const { call } = await start();
    await call('POST', DEPLOYMENTS, {
      metadata: { name: 'web' },
      spec: {
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    });
    expect((await call('GET', `${DEPLOYMENTS}/web/scale`)).body).toMatchObject({
      kind: 'Scale',
      spec: { replicas: 1 },
      status: { replicas: 0, selector: 'app=web' },
    });
    const merge = { 'content-type': 'application/merge-patch+json' };
    expect((await call('PATCH', `${DEPLOYMENTS}/web/scale`, { spec: { replicas: 'x' } }, merge)).status).toBe(
      400,
    );
    expect((await call('PATCH', `${DEPLOYMENTS}/web/scale`, { spec: { replicas: 5 } }, merge)).status).toBe(
      200,
    );
    expect((await call('GET', `${DEPLOYMENTS}/web`)).body).toMatchObject({
      metadata: { generation: 2 },
      spec: { replicas: 5 },
    });
  });
});

describe('field validation', () => {
  const unknown = { metadata: { name: 'a' }, dta: {} };

  it('refuses unknown fields when strict, warns when asked to, drops them silently otherwise', async () => {
    const { call } = await start();
    const strict = await call('POST', `${MAPS}?fieldValidation=Strict`, unknown);
    expect(strict.body).toMatchObject({
      message:
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dta"',
    });
    const warned = await call('POST', `${MAPS}?fieldValidation=Warn`, unknown);
    expect(warned.headers.get('warning')).toBe('299 - "unknown field \\"dta\\""');
    const ignored = await call('POST', `${MAPS}?fieldValidation=Ignore`, {
      ...unknown,
      metadata: { name: 'b' },
    });
    expect(ignored.headers.get('warning')).toBeNull();
    expect(ignored.body).not.toHaveProperty('dta');
  });
});

describe('lists', () => {
  it('come in pages that all show the revision of the first', async () => {
    const { call } = await start();
    for (const name of ['a', 'b', 'c']) await call('POST', MAPS, configMap(name));
    const first = await call('GET', `${MAPS}?limit=2`);
    expect(first.body).toMatchObject({ metadata: { remainingItemCount: 2 } });
    await call('POST', MAPS, configMap('bb'));
    await call('DELETE', `${MAPS}/c`);
    const { metadata } = first.body as { metadata: { continue: string; resourceVersion: string } };
    const second = await call('GET', `${MAPS}?limit=5&continue=${metadata.continue}`);
    const { items, metadata: later } = second.body as {
      items: { metadata: { name: string } }[];
      metadata: { resourceVersion: string };
    };
    expect(items.map((item) => item.metadata.name)).toEqual(['c', 'kube-root-ca.crt']);
    expect(later.resourceVersion).toBe(metadata.resourceVersion);
  });
});

describe('a watch', () => {
  it('says what it is at once, then tells from its revision on', async () => {
    const server = await start();
    const made = await server.call('POST', MAPS, configMap('a'));
    const { metadata } = made.body as { metadata: { resourceVersion: string } };
    await server.call('POST', MAPS, configMap('b'));
    const stop = new AbortController();
    const events = watching(
      server,
      `${MAPS}?watch=true&resourceVersion=${metadata.resourceVersion}`,
      stop.signal,
    );
    expect((await events.next()).value).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'b' } } });
    await server.call('DELETE', `${MAPS}/a`);
    expect((await events.next()).value).toMatchObject({
      type: 'DELETED',
      object: { metadata: { name: 'a' } },
    });
    stop.abort();
  });

  it('from too long ago is told so inside of a stream that is OK', async () => {
    const server = await start();
    await server.call('POST', MAPS, configMap('a'));
    server.api.compact();
    const response = await server.call('GET', `${MAPS}?watch=true&resourceVersion=2`);
    expect(response.status).toBe(200);
    expect(response.body).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
  });

  it('ends by its own time, with a bookmark for who asked for one', async () => {
    const clock = manualClock();
    const server = await start({ clock });
    const path = `${MAPS}?watch=true&timeoutSeconds=5&allowWatchBookmarks=true&resourceVersion=0`;
    // Resolves with the headers, before the first event.
    const response = await fetch(`${server.served.url}${path}`, {
      headers: { authorization: 'Bearer a-token-for-tests' },
    });
    await clock.advance(5_000);
    const lines = (await response.text()).trim().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ type: 'BOOKMARK' });
  });

  it('marks the end of what there was for clients that stream their lists', async () => {
    const server = await start();
    const stop = new AbortController();
    const events = watching(
      server,
      `${MAPS}?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan`,
      stop.signal,
    );
    expect((await events.next()).value).toMatchObject({ type: 'ADDED' });
    expect((await events.next()).value).toMatchObject({
      type: 'BOOKMARK',
      object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
    stop.abort();
  });
});

describe('the proxy of a pod', () => {
  it('passes path, query, body and answer through, and keeps the token to itself', async () => {
    const target = createServer((request, response) => {
      response.setHeader(
        'x-seen',
        `${request.method ?? ''} ${request.url ?? ''} ${request.headers.authorization ?? 'none'}`,
      );
      request.pipe(response);
    });
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
    const address = target.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      const server = await start();
      await server.call('POST', '/api/v1/namespaces/default/pods', {
        metadata: { name: 'p' },
        spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 8080 }] }] },
      });
      const asked: number[] = [];
      server.served.setBackend({
        podAddress: (_namespace, _name, wanted) => {
          asked.push(wanted);
          return { host: '127.0.0.1', port };
        },
        serviceAddress: () => undefined,
        async *logs() {},
      });
      const answer = await server.call(
        'POST',
        '/api/v1/namespaces/default/pods/p:8081/proxy/a/b%2Fc?d=e',
        'hello',
        { 'content-type': 'text/plain' },
      );
      expect(answer.text).toBe('hello');
      expect(answer.headers.get('x-seen')).toBe('POST /a/b%2Fc?d=e none');
      await server.call('GET', '/api/v1/namespaces/default/pods/http:p:/proxy/');
      expect(asked).toEqual([8081, 8080]);
    } finally {
      target.closeAllConnections();
      await new Promise((resolve) => target.close(resolve));
    }
  });
});
