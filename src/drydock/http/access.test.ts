import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
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

const RBAC = '/apis/rbac.authorization.k8s.io/v1';

async function accountWithRole(server: TestServer): Promise<string> {
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'bob' } });
  await server.call('POST', `${RBAC}/namespaces/default/roles`, {
    metadata: { name: 'reader' },
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }],
  });
  await server.call('POST', `${RBAC}/namespaces/default/rolebindings`, {
    metadata: { name: 'bob-reads' },
    roleRef: { kind: 'Role', name: 'reader' },
    subjects: [{ kind: 'ServiceAccount', name: 'bob', namespace: 'default' }],
  });
  const issued = await server.call('POST', '/api/v1/namespaces/default/serviceaccounts/bob/token', {
    spec: {},
  });
  expect(issued.status).toBe(201);
  return (issued.body as { status: { token: string } }).status.token;
}

describe('roles, where they are enforced', () => {
  it('let a service account do what its role says, and nothing else', async () => {
    const server = await start({ serve: { rbac: true } });
    const token = await accountWithRole(server);
    const asBob = (method: string, path: string, body?: unknown) =>
      server.call(method, path, body, { authorization: `Bearer ${token}` });
    expect((await asBob('GET', '/api/v1/namespaces/default/pods')).status).toBe(200);
    const refused = await asBob('GET', '/api/v1/namespaces/default/secrets');
    expect(refused.body).toMatchObject({
      code: 403,
      message:
        'secrets is forbidden: User "system:serviceaccount:default:bob" cannot list resource "secrets" in API group "" in the namespace "default"',
    });
    expect((await asBob('GET', '/api/v1/namespaces/kube-system/pods')).status).toBe(403);
    expect((await asBob('GET', '/apis')).status).toBe(200);
    const review = await asBob('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      spec: { resourceAttributes: { verb: 'delete', resource: 'pods', namespace: 'default' } },
    });
    expect(review.body).toMatchObject({ status: { allowed: false } });
  });

  it('end with the account', async () => {
    const server = await start({ serve: { rbac: true } });
    const token = await accountWithRole(server);
    await server.call('DELETE', '/api/v1/namespaces/default/serviceaccounts/bob');
    const answer = await server.call('GET', '/api/v1/namespaces/default/pods', undefined, {
      authorization: `Bearer ${token}`,
    });
    expect(answer.status).toBe(401);
  });

  it('hold for whom the administrator impersonates', async () => {
    const server = await start({ serve: { rbac: true } });
    const asJoe = { 'impersonate-user': 'joe', 'impersonate-group': 'dev' };
    expect((await server.call('GET', '/api/v1/pods', undefined, asJoe)).status).toBe(403);
    await server.call('POST', `${RBAC}/clusterrolebindings`, {
      metadata: { name: 'dev-view' },
      roleRef: { kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'Group', name: 'dev' }],
    });
    expect((await server.call('GET', '/api/v1/pods', undefined, asJoe)).status).toBe(200);
    expect(
      (await server.call('POST', '/api/v1/namespaces/default/pods', { metadata: { name: 'p' } }, asJoe))
        .status,
    ).toBe(403);
  });
});

describe('limits and quotas', () => {
  const pod = (name: string, resources: object = {}) => ({
    metadata: { name },
    spec: { containers: [{ name: 'web', image: 'nginx', resources }] },
  });
  const PODS = '/api/v1/namespaces/default/pods';

  it('give containers the defaults of a LimitRange and hold them to its bounds', async () => {
    const server = await start();
    await server.call('POST', '/api/v1/namespaces/default/limitranges', {
      metadata: { name: 'l' },
      spec: { limits: [{ type: 'Container', default: { cpu: '500m' }, max: { cpu: '1' } }] },
    });
    const made = await server.call('POST', PODS, pod('a'));
    expect(made.body).toMatchObject({
      spec: { containers: [{ resources: { requests: { cpu: '500m' }, limits: { cpu: '500m' } } }] },
    });
    const refused = await server.call('POST', PODS, pod('b', { limits: { cpu: '2' } }));
    expect(refused.body).toMatchObject({
      code: 403,
      message: expect.stringContaining('maximum cpu usage per Container is 1, but limit is 2') as string,
    });
  });

  it('tie a pod to an account that is there, with its pull secrets', async () => {
    const server = await start();
    const withAccount = (name: string, account: string) => ({
      metadata: { name },
      spec: { serviceAccountName: account, containers: [{ name: 'web', image: 'nginx' }] },
    });
    expect((await server.call('POST', PODS, withAccount('a', 'bob'))).body).toMatchObject({
      code: 403,
      message:
        'pods "a" is forbidden: error looking up service account default/bob: serviceaccount "bob" not found',
    });
    await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', {
      metadata: { name: 'bob' },
      imagePullSecrets: [{ name: 'registry' }],
    });
    expect((await server.call('POST', PODS, withAccount('a', 'bob'))).body).toMatchObject({
      spec: { imagePullSecrets: [{ name: 'registry' }] },
    });
  });

  it('refuse what exceeds a quota, and show what is used', async () => {
    const server = await start();
    const QUOTAS = '/api/v1/namespaces/default/resourcequotas';
    await server.call('POST', QUOTAS, {
      metadata: { name: 'q' },
      spec: { hard: { pods: '1', 'requests.memory': '1Gi' } },
    });
    const unsaid = await server.call('POST', PODS, pod('a'));
    expect(unsaid.body).toMatchObject({
      code: 403,
      message: 'pods "a" is forbidden: failed quota: q: must specify requests.memory for: web',
    });
    expect((await server.call('POST', PODS, pod('a', { requests: { memory: '512Mi' } }))).status).toBe(201);
    const exceeded = await server.call('POST', PODS, pod('b', { requests: { memory: '1Gi' } }));
    expect(exceeded.body).toMatchObject({
      code: 403,
      message:
        'pods "b" is forbidden: exceeded quota: q, requested: pods=1,requests.memory=1Gi, used: pods=1,requests.memory=512Mi, limited: pods=1,requests.memory=1Gi',
    });
    expect((await server.call('GET', `${QUOTAS}/q`)).body).toMatchObject({
      status: { used: { pods: '1', 'requests.memory': '512Mi' } },
    });
  });
});

const kubectl = spawnSync('kubectl', ['version', '--client']).status === 0 || process.env.CI !== undefined;

describe.skipIf(!kubectl)(
  'kubectl top and port-forward (skipped where kubectl is not installed)',
  () => {
    it('tops what is measured, and says so when nothing is', async () => {
      const server = await start({ tls: true });
      expect((await server.kubectl(['top', 'pod'])).output).toContain('Metrics API not available');
      server.api.setMetrics({
        nodes: () => [{ name: 'n1', cpu: '250m', memory: '512Mi' }],
        pods: () => [
          { namespace: 'default', name: 'p', containers: [{ name: 'c', cpu: '5m', memory: '64Mi' }] },
        ],
      });
      expect((await server.kubectl(['top', 'pod'])).output).toMatch(
        /NAME\s+CPU\(cores\)\s+MEMORY\(bytes\)\s+p\s+5m\s+64Mi/,
      );
    });

    it('forwards a local port to the pod', async () => {
      const target = createServer((request, response) =>
        response.end(`${request.url ?? ''} ${'x'.repeat(300_000)}`),
      );
      await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
      const address = target.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const server = await start({ tls: true });
      const PODS = { group: '', version: 'v1', resource: 'pods' };
      const by = { fieldManager: 'test' };
      await server.api.create(
        PODS,
        {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'p', namespace: 'default' },
          spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }] }] },
        },
        by,
      );
      await server.api.patch(
        PODS,
        'default',
        'p',
        'merge',
        { status: { phase: 'Running' } },
        { ...by, subresource: 'status' },
      );
      server.served.setBackend({
        podAddress: (_namespace, _name, wanted) => (wanted === 80 ? { host: '127.0.0.1', port } : undefined),
        serviceAddress: () => undefined,
        async *logs() {},
      });
      const child = spawn('kubectl', ['port-forward', 'pod/p', ':80', '--address=127.0.0.1'], {
        env: await server.kubectlEnvironment(),
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const closed = new Promise((resolve) => child.on('close', resolve));
      try {
        const local = await new Promise<string>((resolve, reject) => {
          let said = '';
          child.on('error', reject);
          child.on('close', () => reject(new Error(`kubectl ended: ${said}`)));
          child.stdout.setEncoding('utf8').on('data', (text: string) => {
            said += text;
            const found = /127\.0\.0\.1:(\d+) ->/.exec(said)?.[1];
            if (found !== undefined) resolve(found);
          });
        });
        const headers = { connection: 'close' };
        const answers = await Promise.all(
          ['/a', '/b'].map(async (path) =>
            (await fetch(`http://127.0.0.1:${local}${path}`, { headers })).text(),
          ),
        );
        expect(answers.map((answer) => [answer.slice(0, 3), answer.length])).toEqual([
          ['/a ', 300_003],
          ['/b ', 300_003],
        ]);
      } finally {
        child.kill();
        await closed;
        target.closeAllConnections();
        await new Promise((resolve) => target.close(resolve));
      }
    });
  },
);
