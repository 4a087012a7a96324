import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { commitAll, createRepository } from '../../src/git/test-support.ts';
import { isAlive, getString, parseYaml, sleep, systemClock } from '../../src/kernel/index.ts';
import { loadKubeClient } from '../../src/kube/index.ts';
import type { KubeClient, KubeObject } from '../../src/kube/index.ts';
import { openBinary } from './binary.ts';
import type { Binary, Started } from './binary.ts';

// The installed program as a process: what it leaves behind, and what it answers to signals and closed pipes.
let landfall: Binary;
let close: () => Promise<void> = () => Promise.resolve();

const SERVING =
  /✓ serving (https:\/\/127\.0\.0\.1:(\d+)) {2}registry (127\.0\.0\.1:\d+) {2}KUBECONFIG=(\S+)\n/;
const STACK = /\n\s+at .*:\d+:\d+|This is a bug/;

interface Serving {
  readonly started: Started;
  readonly url: string;
  readonly port: string;
  readonly registry: string;
  readonly kubeconfig: string;
}

async function startCluster(...args: string[]): Promise<Serving> {
  const started = landfall.start(['cluster', 'start', ...args]);
  const [, url = '', port = '', registry = '', kubeconfig = ''] = await started.until(SERVING);
  return { started, url, port, registry, kubeconfig };
}

async function kubeOf(kubeconfig: string): Promise<KubeClient> {
  return loadKubeClient({ kubeconfig, clock: systemClock, env: {} });
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 1000; tries++) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(systemClock, 20);
  }
  throw new Error('waited in vain');
}

beforeAll(async () => {
  landfall = await openBinary();
  close = () => landfall.remove();
});

afterAll(() => close());

afterEach(async () => {
  expect(await landfall.leftovers()).toEqual([]);
});

describe('cluster start', () => {
  it.each<[NodeJS.Signals]>([['SIGINT'], ['SIGTERM'], ['SIGHUP']])(
    'serves until %s, and leaves nothing behind',
    async (signal) => {
      const { started, url, kubeconfig } = await startCluster();
      expect((await stat(kubeconfig)).mode & 0o777).toBe(0o600);
      const [config] = parseYaml(await readFile(kubeconfig, 'utf8'), kubeconfig);
      expect(JSON.stringify(config)).toContain(url);
      started.kill(signal);
      expect(await started.ended).toEqual({ code: 0, signal: null });
      expect(await readdir(path.dirname(kubeconfig))).toEqual([]);
      expect([started.out().match(SERVING)?.[0], started.err()]).toEqual([started.out(), '']);
    },
  );

  it('works beside another one, refuses a second of the same name, and each is stopped by name', async () => {
    const [one, two] = await Promise.all([startCluster('--name', 'one'), startCluster('--name', 'two')]);
    expect(one.port).not.toBe(two.port);
    const again = await landfall.run(['cluster', 'start', '--name', 'one']);
    expect(again).toMatchObject({ code: 1, out: '' });
    expect(again.err).toContain(`Cluster 'one' runs already at ${one.url}`);
    const status = await landfall.run(['cluster', 'status', '-o', 'json']);
    expect(JSON.parse(status.out)).toMatchObject([
      { name: 'one', running: true, url: one.url, kubeconfig: one.kubeconfig, pid: one.started.pid },
      { name: 'two', running: true, url: two.url },
    ]);
    // A kubeconfig in use is not taken away from its cluster.
    const thief = await landfall.run(['cluster', 'start', '--name', 'three', '--kubeconfig', one.kubeconfig]);
    expect(thief.code).toBe(1);
    expect(thief.err).toContain("belongs to the cluster 'one', which runs");
    expect(await landfall.run(['cluster', 'stop', '--name', 'one'])).toMatchObject({
      code: 0,
      out: '✓ stopped one\n',
    });
    expect((await one.started.ended).code).toBe(0);
    expect(isAlive(two.started.pid)).toBe(true);
    two.started.kill('SIGINT');
    await two.started.ended;
  });

  it('lets one of two win that start at once under one name', async () => {
    const both = [landfall.start(['cluster', 'start']), landfall.start(['cluster', 'start'])];
    const loser = await Promise.race(
      both.map(async (started) => {
        await started.ended;
        return started;
      }),
    );
    expect((await loser.ended).code).toBe(1);
    expect(loser.err()).toContain('runs already');
    const winner = both.find((started) => started !== loser);
    const [, , , , kubeconfig = ''] = (await winner?.until(SERVING)) ?? [];
    const kube = await kubeOf(kubeconfig);
    expect((await kube.version()).gitVersion).toMatch(/^v1/);
    kube.close();
    winner?.kill('SIGINT');
    expect(await winner?.ended).toEqual({ code: 0, signal: null });
  });

  it('takes the port it is told, and says so when that is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const port = String((server.address() as AddressInfo).port);
    for (const flags of [
      ['--port', port],
      ['--registry-port', port],
      ['--detach', '--port', port],
    ]) {
      const { code, out, err } = await landfall.run(['cluster', 'start', ...flags]);
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}: the port is (?:in use|taken)`));
      expect(err).toContain('Do: Choose another port, or 0 for a free one.');
      expect(err).not.toMatch(STACK);
    }
    await new Promise((resolve) => server.close(resolve));
    const cluster = await startCluster('--port', port);
    expect(cluster.port).toBe(port);
    cluster.started.kill('SIGINT');
    await cluster.started.ended;
  });

  it('never replaces or removes a kubeconfig that it did not write', async () => {
    const file = path.join(landfall.home, 'config');
    const own = 'apiVersion: v1\nkind: Config\ncurrent-context: prod\n';
    await writeFile(file, own);
    const { code, err } = await landfall.run(['cluster', 'start', '--kubeconfig', file]);
    expect([code, await readFile(file, 'utf8')]).toEqual([1, own]);
    expect(err).toContain('it would be replaced');
    const other = path.join(landfall.home, 'drydock-config');
    const cluster = await startCluster('--kubeconfig', other);
    await writeFile(other, own);
    cluster.started.kill('SIGINT');
    await cluster.started.ended;
    expect(await readFile(other, 'utf8')).toBe(own);
  });

  it('never shares its data with another one', async () => {
    const data = path.join(landfall.home, 'data');
    const cluster = await startCluster('--data', data);
    const { code, err } = await landfall.run(['cluster', 'start', '--name', 'two', '--data', data]);
    expect([code, err]).toEqual([
      1,
      expect.stringContaining("holds the data of the cluster 'landfall', which runs"),
    ]);
    cluster.started.kill('SIGINT');
    await cluster.started.ended;
    const next = await startCluster('--name', 'two', '--data', data);
    next.started.kill('SIGINT');
    await next.started.ended;
  });

  it.each([
    ['--kubeconfig', '/dev/null/config'],
    ['--data', '/dev/null/data'],
  ])('says what is wrong with %s %s', async (...flags) => {
    const { code, err } = await landfall.run(['cluster', 'start', ...flags]);
    expect(code).toBeGreaterThan(0);
    expect(err).toContain('/dev/null');
    expect(err).toContain('Do: ');
    expect(err).not.toMatch(STACK);
  });

  it('goes on in the background with --detach, until it is stopped', async () => {
    const { code, out, err } = await landfall.run([
      'cluster',
      'start',
      '--detach',
      '-o',
      'json',
      '--token',
      't0p-secret',
    ]);
    expect([code, err]).toEqual([0, '']);
    const record = JSON.parse(out) as { readonly pid: number; readonly kubeconfig: string };
    expect(isAlive(record.pid)).toBe(true);
    expect(await readFile(`/proc/${record.pid}/cmdline`, 'utf8')).not.toContain('t0p-secret');
    const kube = await kubeOf(record.kubeconfig);
    expect((await kube.version()).gitVersion).toMatch(/^v1/);
    kube.close();
    const status = await landfall.run(['cluster', 'status', '-o', 'yaml']);
    expect(parseYaml(status.out, 'status')).toMatchObject([
      [{ name: 'landfall', running: true, pid: record.pid }],
    ]);
    const stopped = await landfall.run(['cluster', 'stop', '-o', 'json']);
    expect(JSON.parse(stopped.out)).toEqual({ name: 'landfall', stopped: true });
    expect(isAlive(record.pid)).toBe(false);
    expect((await landfall.run(['cluster', 'stop'])).code).toBe(3);
  });
});

describe('a program that is killed', () => {
  it('leaves a cluster whose pods the next start reaps', async () => {
    const killed = await startCluster();
    const app = await createRepository(path.join(landfall.home, 'app'));
    await commitAll(app, {
      'server.js': "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up');",
      'package.json': '{"name":"app","version":"1.2.3"}',
    });
    const reference = `${killed.registry}/app:1.2.3`;
    const built = await landfall.run([
      'image',
      'build',
      app,
      '-t',
      reference,
      '--workdir',
      '/app',
      '-o',
      'json',
    ]);
    expect(built).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(built.out)).toMatchObject({
      references: [reference],
      version: '1.2.3',
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as unknown,
      commit: expect.stringMatching(/^[0-9a-f]{40}$/) as unknown,
    });
    const kube = await kubeOf(killed.kubeconfig);
    const pod: KubeObject = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'app', namespace: 'default' },
      spec: { containers: [{ name: 'app', image: reference }] },
    };
    await kube.create(pod, {});
    await until(async () => {
      const found = await kube.get({ apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'app' });
      return getString(found, 'status', 'phase') === 'Running' ? true : undefined;
    });
    kube.close();
    expect((await landfall.leftovers()).length).toBeGreaterThan(1);
    killed.started.kill('SIGKILL');
    expect((await killed.started.ended).signal).toBe('SIGKILL');

    const status = await landfall.run(['cluster', 'status']);
    expect([status.code, status.out]).toEqual([1, expect.stringContaining('is gone')]);
    const next = await startCluster();
    expect(next.url).not.toBe(killed.url);
    const pods = (await landfall.leftovers()).filter((line) => line.includes('server.js'));
    expect(pods).toEqual([]);
    next.started.kill('SIGINT');
    await next.started.ended;
  });

  it('leaves a record that stop cleans up as well', async () => {
    const { started, kubeconfig } = await startCluster('--name', 'dead');
    started.kill('SIGKILL');
    await started.ended;
    const { code, out } = await landfall.run(['cluster', 'stop', '--name', 'dead']);
    expect([code, out]).toEqual([0, expect.stringContaining('was not running any more')]);
    await expect(stat(kubeconfig)).rejects.toThrow('ENOENT');
    expect(JSON.parse((await landfall.run(['cluster', 'status', '-o', 'json'])).out)).toEqual([]);
    // Its work folder is reaped by the next start.
    const next = await startCluster();
    next.started.kill('SIGINT');
    await next.started.ended;
  });
});

describe('Ctrl-C', () => {
  it('ends serve in order, and prove while it waits', async () => {
    const cluster = await startCluster();
    const kube = await kubeOf(cluster.kubeconfig);
    const metadata = { name: 'shop', namespace: 'argocd' };
    await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } }, {});
    const source = { repoURL: 'https://127.0.0.1:1/nothing.git', targetRevision: 'main', path: '.' };
    const destination = { server: 'https://kubernetes.default.svc', namespace: 'shop' };
    await kube.create(
      {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Application',
        metadata,
        spec: { project: 'default', source, destination },
      },
      {},
    );
    kube.close();
    const env = { KUBECONFIG: cluster.kubeconfig };
    const serve = landfall.start(['serve'], { env });
    await until(() =>
      Promise.resolve(serve.err().includes('serving the Applications of') ? true : undefined),
    );
    serve.kill('SIGINT');
    expect(await serve.ended).toEqual({ code: 0, signal: null });
    expect(serve.err()).not.toMatch(STACK);

    const prove = landfall.start(['prove', 'shop', '--wait', '10m'], { env });
    await sleep(systemClock, 600);
    prove.kill('SIGINT');
    expect(await prove.ended).toEqual({ code: 130, signal: null });
    expect([prove.out(), prove.err()]).toEqual(['', 'stopped\n']);

    // Whoever reads the answer only in part does not change it.
    const piped = landfall.start(['prove', 'shop'], { env });
    piped.child.stdout?.destroy();
    expect(await piped.ended).toEqual({ code: 2, signal: null });

    cluster.started.kill('SIGINT');
    await cluster.started.ended;
    const late = await landfall.run(['serve'], { env: { KUBECONFIG: cluster.kubeconfig } });
    expect([late.code, late.out]).toEqual([3, '']);
  });

  it('ends the demo in the middle: no process, no folder', { timeout: 60_000 }, async () => {
    const demo = landfall.start(['demo']);
    await demo.until(/✓ landed/);
    expect((await landfall.leftovers()).length).toBeGreaterThan(4);
    demo.kill('SIGINT');
    // npm and npx pass on a Ctrl-C that the terminal has sent already.
    await sleep(systemClock, 20);
    demo.kill('SIGINT');
    expect(await demo.ended).toEqual({ code: 130, signal: null });
    expect(demo.err()).toBe('stopped\n');
  });

  it(
    'is not needed where the reader of the demo goes away: it ends by itself',
    { timeout: 60_000 },
    async () => {
      const demo = landfall.start(['demo']);
      await demo.until(/▸ CI builds/);
      demo.child.stdout?.destroy();
      expect(await demo.ended).toEqual({ code: 141, signal: null });
      expect(demo.err()).toBe('');
    },
  );

  it('missed by a demo that was killed is made good by the next one', { timeout: 60_000 }, async () => {
    const killed = landfall.start(['demo']);
    await killed.until(/▸ CI builds/);
    killed.kill('SIGKILL');
    await killed.ended;
    expect((await landfall.leftovers()).length).toBeGreaterThan(0);
    const next = landfall.start(['demo']);
    await next.until(/▸ CI builds/);
    next.kill('SIGINT');
    await next.ended;
  });
});

describe('a machine without git', () => {
  const env = { PATH: '/nowhere' };

  it.each([[['init']], [['image', 'build', '.', '-t', 'registry.corp.io/app:1']], [['demo', '--once']]])(
    '%j says what is missing',
    async (args) => {
      const { code, out, err } = await landfall.run(args, { env });
      expect(code).toBeGreaterThan(0);
      expect(err).toMatch(/The program 'git' could not be started: it is not on PATH/);
      expect(err).toContain('Do: ');
      expect(out + err).not.toMatch(STACK);
    },
  );

  it('renders the files of a folder all the same', async () => {
    const folder = path.join(landfall.home, 'plain');
    await createRepository(folder);
    await writeFile(path.join(folder, 'kustomization.yaml'), 'resources: [a.yaml]\n');
    await writeFile(path.join(folder, 'a.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n');
    const revision = await landfall.run(['render', folder, '--revision', 'main'], { env });
    expect([revision.code, revision.out]).toEqual([3, '']);
    expect(revision.err).toContain('Do: Install git and see that it is on PATH.');
    const { code, out } = await landfall.run(['render', folder], { env });
    expect([code, out]).toEqual([0, 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n']);
  });
});
