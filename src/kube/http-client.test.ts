import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LandfallError } from '../kernel/index.ts';
import type { KubeClient } from './client.ts';
import { loadKubeClient } from './load.ts';
import { sendJson, sendStatus, startTestServer } from './testing-server.ts';
import type { Answer, TestServer } from './testing-server.ts';

const TOKEN = 'a-very-secret-token';
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function clientFor(url: string): Promise<KubeClient> {
  const folder = await mkdtemp(join(tmpdir(), 'landfall-kube-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'config');
  await writeFile(
    file,
    JSON.stringify({
      kind: 'Config',
      'current-context': 'here',
      contexts: [{ name: 'here', context: { cluster: 'c', user: 'u', namespace: 'comms' } }],
      clusters: [{ name: 'c', cluster: { server: url } }],
      users: [{ name: 'u', user: { token: TOKEN } }],
    }),
  );
  const client = await loadKubeClient({ kubeconfig: file });
  cleanups.push(() => Promise.resolve(client.close()));
  return client;
}

async function serve(answer: Answer): Promise<{ server: TestServer; client: KubeClient }> {
  const server = await startTestServer(answer);
  cleanups.push(() => server.stop());
  return { server, client: await clientFor(server.url) };
}

async function failureOf(work: Promise<unknown>): Promise<LandfallError> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof LandfallError) return thrown;
  throw new Error(`a LandfallError was expected, not ${String(thrown)}`);
}

const web = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const stored = (resourceVersion: string, extra = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'comms', uid: 'u1', resourceVersion },
  ...extra,
});

describe('the Kubernetes client', () => {
  it('reads an object in the namespace of the context, with the token', async () => {
    const { server, client } = await serve((_, response) => sendJson(response, 200, stored('7')));
    const object = await client.get(web);
    expect(object?.metadata.resourceVersion).toBe('7');
    expect(server.seen[0]?.path).toBe('/apis/apps/v1/namespaces/comms/deployments/web');
    expect(server.seen[0]?.headers.authorization).toBe(`Bearer ${TOKEN}`);
  });

  it('gives undefined only when the server says that the object does not exist', async () => {
    const { client } = await serve((_, response) =>
      sendStatus(response, 404, 'NotFound', 'deployments.apps "web" not found', { name: 'web' }),
    );
    expect(await client.get(web)).toBeUndefined();
    const other = await serve((_, response) => response.writeHead(404).end('404 page not found'));
    expect((await failureOf(other.client.get(web))).kind).toBe('not-found');
  });

  it('says that a kind is not served', async () => {
    const { client } = await serve((_, response) => response.writeHead(404).end());
    const missing = await failureOf(
      client.get({ apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', name: 'x' }),
    );
    expect(missing).toMatchObject({ kind: 'not-found', code: 'kind-unknown' });
    expect((await failureOf(client.list({ apiVersion: 'apps/v1', kind: 'Nonsense' }))).code).toBe(
      'kind-unknown',
    );
  });

  it.each([
    [401, 'Unauthorized', 'denied', 'kube-unauthorized'],
    [403, 'Forbidden', 'denied', 'kube-forbidden'],
    [409, 'Conflict', 'conflict', 'kube-conflict'],
    [409, 'AlreadyExists', 'conflict', 'kube-already-exists'],
    [422, 'Invalid', 'invalid-input', 'kube-invalid'],
    [400, 'BadRequest', 'invalid-input', 'kube-bad-request'],
    [500, 'InternalError', 'unavailable', 'kube-server-error'],
    [504, 'Timeout', 'unavailable', 'kube-server-error'],
  ] as const)('turns %i %s into %s', async (code, reason, kind, errorCode) => {
    const { client } = await serve((_, response) =>
      sendStatus(response, code, reason, 'what the server said', {
        causes: [{ field: 'spec.replicas', message: 'must be positive', reason: 'FieldValueInvalid' }],
      }),
    );
    const error = await failureOf(client.get(web));
    expect(error).toMatchObject({ kind, code: errorCode });
    expect(error.message).toContain('read Deployment/web on http://127.0.0.1:');
    expect(error.message).toContain('what the server said (spec.replicas: must be positive)');
  });

  it('never repeats its token, whatever the server says', async () => {
    const { client } = await serve((_, response) =>
      sendStatus(response, 403, 'Forbidden', `no entry for Bearer ${TOKEN}`),
    );
    const error = await failureOf(client.get(web));
    expect(error.message).toContain('no entry for Bearer (secret)');
    expect(JSON.stringify([error, error.message, error.hint, error.cause, error.stack])).not.toContain(TOKEN);
  });

  it('waits for a busy server as long as it asks, and tries again', async () => {
    let calls = 0;
    const { client } = await serve((_, response) => {
      calls += 1;
      if (calls < 3) sendStatus(response, 429, 'TooManyRequests', 'busy', {}, { 'retry-after': '0' });
      else sendJson(response, 200, stored('7'));
    });
    expect((await client.get(web))?.metadata.name).toBe('web');
    expect(calls).toBe(3);
  });

  it('does not wait longer than its bound, and does not repeat a create', async () => {
    const { server, client } = await serve((request, response) =>
      sendStatus(
        response,
        503,
        'ServiceUnavailable',
        'later',
        {},
        {
          'retry-after': request.method === 'GET' ? '3600' : '0',
        },
      ),
    );
    expect((await failureOf(client.get(web))).kind).toBe('unavailable');
    expect((await failureOf(client.create(stored('')))).kind).toBe('unavailable');
    expect(server.seen).toHaveLength(2);
  });

  it('says that nobody listens, with the address and what to check', async () => {
    const { server, client } = await serve(() => {});
    await server.stop();
    const error = await failureOf(client.get(web));
    expect(error).toMatchObject({ kind: 'unavailable', code: 'kube-unreachable' });
    expect(error.message).toContain(`${server.url}: the connection was refused`);
    expect(error.hint).toContain('kubectl config current-context');
  });

  it('stops waiting when its signal aborts and when its deadline passes', async () => {
    const stop = new AbortController();
    const { client } = await serve(() => stop.abort());
    expect((await failureOf(client.get(web, stop.signal))).kind).toBe('cancelled');
    const hanging = await serve(() => {});
    const late = await failureOf(
      hanging.client.proxyGet(
        { namespace: 'comms', kind: 'Pod', name: 'web-1', port: 8080, path: '/metrics' },
        { timeoutMs: 30 },
      ),
    );
    expect(late).toMatchObject({ kind: 'unavailable', code: 'kube-timeout' });
  });

  it('refuses an answer that is larger than its bound', async () => {
    const { client } = await serve((_, response) => response.end('x'.repeat(5000)));
    const target = {
      namespace: 'comms',
      kind: 'Service',
      name: 'web',
      port: 'http',
      path: '/big?a=1',
    } as const;
    expect((await failureOf(client.proxyGet(target, { maxBytes: 1000 }))).code).toBe('response-too-large');
    expect((await client.proxyGet(target)).body).toHaveLength(5000);
  });

  it('tells an answer of the workload from one of the API server in its place', async () => {
    const { server, client } = await serve((request, response) => {
      if (request.path.endsWith('/ours'))
        response.writeHead(503, { 'content-type': 'text/plain' }).end('warming up');
      else sendStatus(response, 503, 'ServiceUnavailable', 'no endpoints available for service "web"');
    });
    const target = { namespace: 'comms', kind: 'Service', name: 'web', port: 80 } as const;
    const answer = await client.proxyGet({ ...target, path: '/ours' });
    expect(answer).toMatchObject({ status: 503, body: 'warming up' });
    const error = await failureOf(client.proxyGet({ ...target, path: '/theirs' }));
    expect(error.message).toContain('no endpoints available');
    expect(server.seen[0]?.path).toBe('/api/v1/namespaces/comms/services/web:80/proxy/ours');
  });

  it('reads a list in pages and fills in the kind', async () => {
    const { server, client } = await serve((request, response) => {
      const second = request.query.get('continue') === 'next';
      sendJson(response, 200, {
        kind: 'DeploymentList',
        metadata: { resourceVersion: '12', ...(second ? {} : { continue: 'next' }) },
        items: [{ metadata: { name: second ? 'b' : 'a', namespace: 'comms' } }],
      });
    });
    const list = await client.list(web, { namespace: 'comms', labelSelector: 'app=web' });
    expect(list.items.map((item) => `${item.kind} ${item.apiVersion} ${item.metadata.name}`)).toEqual([
      'Deployment apps/v1 a',
      'Deployment apps/v1 b',
    ]);
    expect(server.seen[1]?.query.get('labelSelector')).toBe('app=web');
  });

  it('reads a list again in one piece when its pages expire', async () => {
    const { server, client } = await serve((request, response) => {
      if (request.query.has('continue')) sendStatus(response, 410, 'Expired', 'too old');
      else if (request.query.has('limit'))
        sendJson(response, 200, { metadata: { continue: 'next' }, items: [{ metadata: { name: 'stale' } }] });
      else
        sendJson(response, 200, {
          metadata: { resourceVersion: '9' },
          items: [{ metadata: { name: 'fresh' } }],
        });
    });
    const list = await client.list(web);
    expect(list.items.map((item) => item.metadata.name)).toEqual(['fresh']);
    expect(server.seen).toHaveLength(3);
  });

  it('tells created, changed and unchanged apart by what was stored before', async () => {
    let now: string | undefined = undefined;
    let after = '1';
    const { server, client } = await serve((request, response) => {
      if (request.method === 'PATCH') sendJson(response, now === undefined ? 201 : 200, stored(after));
      else if (now === undefined) sendStatus(response, 404, 'NotFound', 'not found', { name: 'web' });
      else sendJson(response, 200, stored(now));
    });
    const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: {} };
    const options = { fieldManager: 'landfall', force: true };
    expect((await client.apply(object, options)).outcome).toBe('created');
    now = '1';
    expect((await client.apply(object, options)).outcome).toBe('unchanged');
    after = '2';
    expect((await client.apply(object, options)).outcome).toBe('changed');
    const sent = server.seen.at(-1);
    expect(sent?.headers['content-type']).toBe('application/apply-patch+yaml');
    expect(Object.fromEntries(sent?.query ?? [])).toEqual({
      fieldManager: 'landfall',
      force: 'true',
      fieldValidation: 'Strict',
    });
    expect(JSON.parse(sent?.body ?? '')).toMatchObject({ metadata: { name: 'web', namespace: 'comms' } });
  });

  it('compares contents in a dry run, where the resourceVersion never moves', async () => {
    const { client } = await serve((request, response) =>
      sendJson(response, 200, stored('1', { spec: { replicas: request.body.includes('5') ? 5 : 3 } })),
    );
    const dry = { fieldManager: 'landfall', dryRun: true };
    const object = (replicas: number) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: { replicas },
    });
    expect((await client.apply(object(3), dry)).outcome).toBe('unchanged');
    expect((await client.apply(object(5), dry)).outcome).toBe('changed');
  });

  it('keeps names inside their place in the address', async () => {
    const { client } = await serve((_, response) => sendJson(response, 200, stored('1')));
    expect((await failureOf(client.get({ ...web, name: '../../secrets/x' }))).code).toBe('kube-name');
  });

  it('gives the warnings of the server back', async () => {
    const { client } = await serve((request, response) =>
      sendJson(
        response,
        200,
        stored('1'),
        request.method === 'PATCH' ? { warning: '299 - "use \\"v2\\" soon"' } : {},
      ),
    );
    const applied = await client.apply(stored(''), { fieldManager: 'landfall' });
    expect(applied.warnings).toEqual(['use "v2" soon']);
  });
});
