import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startCluster } from '../../src/drydock/index.ts';
import type { Cluster } from '../../src/drydock/index.ts';
import { commitAll, createRepository, git } from '../../src/git/test-support.ts';
import { runProgram, systemClock } from '../../src/kernel/index.ts';
import { loadKubeClient } from '../../src/kube/index.ts';
import type { KubeClient } from '../../src/kube/index.ts';
import type { BoundaryReport } from '../../src/boundaries/index.ts';
import type { Build } from '../../src/ledger/index.ts';
import type { Proof } from '../../src/verdict/index.ts';
import { newPerson } from './terminal.ts';
import type { Person, Ran } from './terminal.ts';

const MINUTE = 60_000;
const REGISTRY = 'registry.corp.io';
const SECRET = 'a shared secret';

let person: Person;
let cluster: Cluster;
let kube: KubeClient;
let app: string;
let deploy: string;
let server: string;
let hooks: Server;
const told: Record<string, unknown>[] = [];
const stop = new AbortController();
let served: Promise<readonly Ran[]>;

/** The administrator's kubeconfig, as somebody else. */
async function as(name: string, groups: readonly string[]): Promise<string> {
  const file = path.join(person.home, `${name}.kubeconfig`);
  const text = `apiVersion: v1
kind: Config
current-context: c
clusters: [{ name: c, cluster: { server: "${cluster.url}", certificate-authority-data: "${Buffer.from(cluster.caCertificate).toString('base64')}" } }]
contexts: [{ name: c, context: { cluster: c, user: u } }]
users: [{ name: u, user: { token: "${cluster.token}", as: "${name}", as-groups: ${JSON.stringify(['system:authenticated', ...groups])} } }]
`;
  await writeFile(file, text, { mode: 0o600 });
  return file;
}

const run = (args: readonly string[], kubeconfig = path.join(person.home, 'kubeconfig')) =>
  person.run(args, { env: { KUBECONFIG: kubeconfig } });

async function builds(...flags: string[]): Promise<readonly Build[]> {
  const { out } = await run(['builds', 'list', '-o', 'json', ...flags]);
  return (JSON.parse(out) as { readonly builds: readonly Build[] }).builds;
}

/** What artifact and intent say when a commit of the source is asked about. */
async function proven(commit: string): Promise<readonly BoundaryReport[]> {
  const { out, err } = await run(['prove', 'shop', '--revision', commit, '-o', 'json']);
  if (out === '') throw new Error(err);
  return (JSON.parse(out) as Proof).boundaries.slice(0, 2);
}

async function newest(trigger: string, state: string, commit?: string): Promise<Build> {
  return vi.waitFor(
    async () => {
      const [build] = await builds('--trigger', trigger);
      expect(build?.state, build?.message).toBe(state);
      if (commit !== undefined) expect(build?.commit).toBe(commit);
      if (build === undefined) throw new Error('a build is there');
      return build;
    },
    { timeout: 2 * MINUTE, interval: 200 },
  );
}

async function wasTold(what: string): Promise<void> {
  await vi.waitFor(
    () => expect(told.map((each) => `${String(each['trigger'])} ${String(each['state'])}`)).toContain(what),
    { timeout: 2 * MINUTE, interval: 100 },
  );
}

async function listen(handler: Parameters<typeof createServer>[1]): Promise<Server> {
  const listening = createServer(handler);
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return listening;
}

const portOf = (one: Server) => (one.address() as AddressInfo).port;

beforeAll(async () => {
  person = await newPerson();
  hooks = await listen((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      told.push(JSON.parse(body) as Record<string, unknown>);
      response.end();
    });
  });
  cluster = await startCluster({
    workDir: path.join(person.home, 'cluster'),
    registryMirrors: { [REGISTRY]: 'drydock' },
    rbac: true,
  });
  await cluster.writeKubeconfig(path.join(person.home, 'kubeconfig'));
  kube = await loadKubeClient({
    kubeconfig: path.join(person.home, 'kubeconfig'),
    clock: systemClock,
    env: {},
  });
  app = await createRepository(path.join(person.folder, 'app'));
  await commitAll(app, { 'server.js': 'console.log(0)\n' });
  const start = await person.run(['image', 'build', app, '-t', `${REGISTRY}/shop:start`], {
    env: { KUBECONFIG: path.join(person.home, 'kubeconfig') },
  });
  if (start.code !== 0) throw new Error(start.err);
  await commitAll(app, { 'server.js': 'console.log(1)\n' });
  deploy = await createRepository(path.join(person.folder, 'deploy'));
  const build = (name: string, on: string, more: string) => `  ${name}:
    repository: "${app}"
    on: { ${on} }
    image: ${REGISTRY}/shop
    steps: [{ name: test, run: ["${process.execPath}", -e, "console.log('all tests passed')"], timeout: 1m }]
    package: { entrypoint: [node], cmd: [server.js] }
    ${more}
`;
  await commitAll(deploy, {
    'landfall.yaml': `apiVersion: landfall.dev/v1
people: { ada: [ada@example.com], ben: [ben@corp.io], zoe: [zoe@corp.io] }
builds:
${build('shop-dev', 'branch: main', 'approval: { by: [ada, "group:release"], notAuthor: true }')}
${build('shop-hotfix', 'branch: hotfix', 'approval: {}')}
${build('shop-prod', 'tag: "v*"', '')}
applications:
  shop: { source: { repository: "${app}", image: ${REGISTRY}/shop } }
environments:
  - name: staging
    applications: [shop]
    notify: [{ webhook: "http://127.0.0.1:${portOf(hooks)}/staging" }]
`,
    'shop/kustomization.yaml': 'resources: [all.yaml]\n',
    'shop/all.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: { name: shop }
spec:
  selector: { matchLabels: { app: shop } }
  template:
    metadata: { labels: { app: shop } }
    spec: { containers: [{ name: main, image: "${REGISTRY}/shop:start" }] }
`,
  });
  await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } }, {});
  await kube.create(
    {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: { name: 'shop', namespace: 'argocd' },
      spec: {
        project: 'default',
        source: { repoURL: deploy, targetRevision: 'main', path: 'shop' },
        destination: { server: 'https://kubernetes.default.svc', namespace: 'shop' },
      },
    },
    {},
  );
  const free = await listen(() => {});
  const port = portOf(free);
  await new Promise((resolve) => free.close(resolve));
  server = `http://127.0.0.1:${port}`;
  // Polls too seldom for this test: it is a push that tells.
  served = Promise.all([
    person.run(
      ['serve', '--builds', '0', '--poll', '1h', '--webhook', String(port), '--no-leases', '--quiet'],
      {
        signal: stop.signal,
        env: { KUBECONFIG: path.join(person.home, 'kubeconfig'), LANDFALL_WEBHOOK_SECRET: SECRET },
      },
    ),
    // Runs what others find, and knows no cluster.
    person.run(['builds', 'work'], {
      signal: stop.signal,
      env: { LANDFALL_REGISTRY_MIRRORS: `${REGISTRY}=${cluster.registry.url}` },
    }),
  ]);
}, 2 * MINUTE);

afterAll(async () => {
  stop.abort();
  await served;
  kube.close();
  await cluster.close();
  await new Promise((resolve) => hooks.close(resolve));
  await person.leave();
});

async function post(to: string, body: string, secret = SECRET, at = Date.now()): Promise<Response> {
  const timestamp = String(Math.floor(at / 1000));
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return fetch(`${server}${to}`, {
    method: 'POST',
    body,
    headers: { 'x-landfall-timestamp': timestamp, 'x-landfall-signature': `sha256=${signature}` },
  });
}

const pushed = () => post('/', JSON.stringify({ repository: app }));

describe('builds on the command line', () => {
  it(
    'wait for somebody who may approve and did not write them, then run, and everybody is told',
    { timeout: 4 * MINUTE },
    async () => {
      const { id, commit } = await newest('shop-dev', 'PENDING');
      await wasTold('shop-dev PENDING');
      const author = await run(['builds', 'approve', id], await as('ada', []));
      expect([author.code, author.err]).toEqual([
        1,
        expect.stringContaining('ada wrote or committed') as string,
      ]);
      const stranger = await run(['builds', 'approve', id], await as('zoe', []));
      expect([stranger.code, stranger.err]).toEqual([
        1,
        expect.stringContaining('zoe is not one of ada, group:release') as string,
      ]);
      const unknown = await run(['builds', 'approve', id], await as('eve', ['release']));
      expect(unknown.err).toContain('is not declared');
      expect(unknown.err).toContain('people: { USER:');
      expect(await proven(commit)).toMatchObject([
        { state: 'moving', reason: 'build-waiting', hint: `landfall builds approve ${id}` },
        {},
      ]);
      const list = await run(['builds']);
      expect(list.out).toContain(`landfall builds approve ${id}`);
      const approved = await run(
        ['builds', 'approve', id.slice(0, 12), '--comment', 'read it', '--url', 'https://corp.io/r/1'],
        await as('ben', ['release']),
      );
      expect(approved.err).toBe('');
      expect(approved.out).toContain(`build ${id} approved by ben: commit ${commit.slice(0, 12)}; it begins`);
      const logs = await run(['builds', 'logs', id, '-f']);
      expect([logs.code, logs.out]).toEqual([
        0,
        expect.stringContaining('── test\nall tests passed\n') as string,
      ]);
      // Built, and nobody has asked for it in Git.
      expect(await proven(commit)).toMatchObject([
        { state: 'proven', reason: 'built' },
        { state: 'broken', reason: 'asks-for-another' },
      ]);
      const show = await run(['builds', 'show', id]);
      expect(show.out).toMatch(/SUCCESS {3}shop-dev/);
      expect(show.out).toContain('approve by ben (known to https://127.0.0.1');
      expect(show.out).toContain('read it https://corp.io/r/1');
      expect(show.out).toMatch(/digest {6}sha256:[0-9a-f]{64}/);
      const again = await run(['builds', 'approve', id], await as('ben', ['release']));
      expect([again.code, again.err]).toEqual([1, expect.stringContaining('it is SUCCESS') as string]);
      await wasTold('shop-dev SUCCESS');
    },
  );

  it('of a tag need nobody, and begin with the push', { timeout: 4 * MINUTE }, async () => {
    await git(app, 'tag', 'v1.0.0');
    expect((await pushed()).status).toBe(202);
    const build = await newest('shop-prod', 'SUCCESS');
    expect([build.ref, build.image]).toEqual(['refs/tags/v1.0.0', `${REGISTRY}/shop:v1.0.0`]);
    await commitAll(app, { 'server.js': 'console.log(2)\n' });
    await git(app, 'tag', '--force', 'v1.0.0');
    await pushed();
    const moved = await newest('shop-prod', 'FAILURE');
    expect(moved.notes.join()).toContain('the tag v1.0.0 was moved');
    expect(moved.message).toContain('has another image already');
    await newest('shop-dev', 'PENDING');
  });

  it(
    'ask the cluster who may where nobody is named, and are rejected and cancelled',
    { timeout: 4 * MINUTE },
    async () => {
      await git(app, 'branch', '--force', 'hotfix', 'main');
      await pushed();
      const { id } = await newest('shop-hotfix', 'PENDING');
      const zoe = await as('zoe', []);
      const denied = await run(['builds', 'reject', id, '--comment', 'no'], zoe);
      expect([denied.code, denied.err]).toEqual([
        1,
        expect.stringContaining("zoe may not approve builds.landfall.dev 'shop-hotfix'") as string,
      ]);
      const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1' };
      const rules = [
        {
          apiGroups: ['landfall.dev'],
          resources: ['builds'],
          verbs: ['approve'],
          resourceNames: ['shop-hotfix'],
        },
      ];
      await kube.create({ ...rbac, kind: 'ClusterRole', metadata: { name: 'approver' }, rules }, {});
      await kube.create(
        {
          ...rbac,
          kind: 'ClusterRoleBinding',
          metadata: { name: 'approver' },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'approver' },
          subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'zoe' }],
        },
        {},
      );
      expect((await run(['builds', 'reject', id, '--comment', 'not this week'], zoe)).code).toBe(0);
      const rejected = await newest('shop-hotfix', 'REJECTED');
      expect(rejected.message).toBe('zoe rejected it: not this week');
      const again = await run(['builds', 'run', 'shop-hotfix', '-o', 'json']);
      const build = JSON.parse(again.out) as Build;
      expect([build.state, build.attempt, build.origin]).toEqual(['PENDING', 2, 'run']);
      expect((await run(['builds', 'cancel', build.id, '--comment', 'wrong one'])).code).toBe(0);
      expect((await newest('shop-hotfix', 'CANCELLED')).message).toContain('wrong one');
      const here = await run(['builds', 'run', 'shop-prod', '--ref', 'v9']);
      expect([here.code, here.err]).toEqual([
        3,
        expect.stringContaining("'v9' is not what shop-prod builds") as string,
      ]);
      const typo = await run(['builds', 'run', 'shop-prd', '--declared-in', deploy]);
      expect(typo.err).toContain("Did you mean 'shop-prod'?");
    },
  );

  it(
    'are decided through the server by who cannot reach the ledger, with a token of the cluster',
    { timeout: 4 * MINUTE },
    async () => {
      const commit = await commitAll(app, { 'server.js': 'console.log(4)\n' });
      await pushed();
      const { id } = await newest('shop-dev', 'PENDING', commit);
      const metadata = { name: 'robot', namespace: 'argocd' };
      await kube.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata }, {});
      const { stdout } = await runProgram(
        'kubectl',
        ['--kubeconfig', path.join(person.home, 'kubeconfig'), 'create', 'token', 'robot', '-n', 'argocd'],
        { timeoutMs: MINUTE },
      );
      const token = stdout.toString('utf8').trim();
      const decide = (words: readonly string[], env: Readonly<Record<string, string>>) =>
        person.run(['builds', ...words, '--server', server], { env });
      const robot = await decide(['approve', id], { LANDFALL_TOKEN: token });
      expect([robot.code, robot.err]).toEqual([
        1,
        expect.stringContaining('argocd:robot is not one of ada, group:release') as string,
      ]);
      const forged = await decide(['approve', id], { LANDFALL_TOKEN: 'guess' });
      expect([forged.code, forged.err]).toEqual([
        1,
        expect.stringContaining('does not know this token') as string,
      ]);
      const other = await decide(['cancel', id, '--commit', 'abcdef1'], { LANDFALL_TOKEN: token });
      expect([other.code, other.err]).toEqual([1, expect.stringContaining('not of abcdef1') as string]);
      const none = await decide(['cancel', id], {});
      expect([none.code, none.err]).toEqual([3, expect.stringContaining('kubectl create token') as string]);
      const unknown = await decide(['cancel', 'zzzz'], { LANDFALL_TOKEN: token });
      expect(unknown.err).toContain('answered 404');
      const plain = await person.run(['builds', 'cancel', id, '--server', 'http://landfall.corp.io']);
      expect(plain.err).toContain('A token is not sent');
      expect((await fetch(`${server}/builds/${id}/approve`, { method: 'POST', body: '{}' })).status).toBe(
        401,
      );
      const done = await decide(['cancel', id, '--commit', commit, '--comment', 'by a robot'], {
        LANDFALL_TOKEN: token,
      });
      expect([done.err, done.code]).toEqual(['', 0]);
      const cancelled = await newest('shop-dev', 'CANCELLED');
      expect(cancelled.message).toContain('argocd:robot cancelled it: by a robot');
    },
  );

  it(
    'of other systems are reported, and believed as far as the registry goes',
    { timeout: 4 * MINUTE },
    async () => {
      const commit = await commitAll(app, { 'server.js': 'console.log(3)\n' });
      const pushedImage = await run(['image', 'build', app, '-t', `${REGISTRY}/shop:ci-1`]);
      expect(pushedImage.err).toBe('');
      const ci = {
        KUBECONFIG: path.join(person.home, 'kubeconfig'),
        LANDFALL_REGISTRY_MIRRORS: `${REGISTRY}=${cluster.registry.url}`,
        LANDFALL_WEBHOOK_SECRET: SECRET,
        GITHUB_ACTIONS: 'true',
        GITHUB_SERVER_URL: 'https://github.com',
        GITHUB_REPOSITORY: 'corp/shop',
        GITHUB_SHA: commit,
        GITHUB_REF: 'refs/heads/main',
        GITHUB_RUN_ID: '77',
        GITHUB_WORKFLOW: 'ci',
      };
      const reported = await person.run(['builds', 'report', `${REGISTRY}/shop:ci-1`, '--server', server], {
        env: ci,
      });
      expect(reported.err).toBe('');
      expect(reported.out).toContain('its record is attached');
      const build = await newest('ci', 'SUCCESS');
      expect(build).toMatchObject({
        origin: 'report',
        repository: 'https://github.com/corp/shop',
        commit,
        url: 'https://github.com/corp/shop/actions/runs/77',
        record: { image: `${REGISTRY}/shop:ci-1`, commit },
      });
      const failed = await person.run(
        ['builds', 'report', '--failed', '--message', 'tests failed', '--server', server],
        { env: { ...ci, GITHUB_RUN_ID: '78' } },
      );
      expect(failed.code).toBe(0);
      expect((await newest('ci', 'FAILURE')).message).toBe('github-actions reported a failure: tests failed');
      const other = await person.run(['builds', 'report', `${REGISTRY}/shop:ci-1`], {
        env: { ...ci, GITHUB_SHA: 'f'.repeat(40) },
      });
      expect([other.code, other.err]).toEqual([
        1,
        expect.stringContaining('says that it was built from') as string,
      ]);
      const nothing = await person.run(['builds', 'report', `${REGISTRY}/shop:ci-1`], { env: {} });
      expect([nothing.code, nothing.err]).toEqual([
        3,
        expect.stringContaining('--repository, --commit, --ref is not given') as string,
      ]);
      const report = {
        apiVersion: 'landfall.dev/v1',
        kind: 'BuildReport',
        builder: 'jenkins',
        job: 'forged',
        repository: 'https://git.corp.io/shop',
        commit,
        ref: 'refs/heads/main',
        state: 'SUCCESS',
        image: `${REGISTRY}/shop:nowhere`,
        digest: `sha256:${'0'.repeat(64)}`,
      };
      const body = JSON.stringify(report);
      expect((await post('/builds', body, 'guess')).status).toBe(401);
      expect((await post('/builds', body, SECRET, Date.now() - 10 * MINUTE)).status).toBe(401);
      expect(
        (await fetch(`${server}/builds`, { method: 'POST', body, headers: { 'x-gitlab-token': SECRET } }))
          .status,
      ).toBe(401);
      expect((await post('/builds', '{"kind":"BuildReport"}')).status).toBe(400);
      expect((await post('/builds', ' '.repeat(70_000))).status).toBe(413);
      expect((await post('/builds', body)).status).toBe(202);
      expect((await post('/builds', body)).status).toBe(202);
      const all = await builds('--trigger', 'forged');
      expect(all).toHaveLength(1);
      expect(all[0]?.message).toContain('reported by jenkins, not verified');
      expect(all[0]?.record).toBeUndefined();
      const elsewhere = JSON.stringify({ ...report, job: 'elsewhere', image: '127.0.0.1:1/other:1' });
      expect(await (await post('/builds', elsewhere)).text()).toContain(
        'no landfall.yaml declares this image',
      );
    },
  );
});
