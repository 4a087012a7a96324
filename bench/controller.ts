/**
 * Applications of ten objects each: the first sync, a look at everything with nothing changed, one commit that touches
 * one of them, and how that grows. The cluster runs in a process of its own, so that CPU and memory are the
 * controller's.
 */
import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startController, type Controller } from '../src/controller/index.ts';
import { startCluster } from '../src/drydock/index.ts';
import { createGitMirrors } from '../src/git/index.ts';
import { getString, silentLogger, systemClock } from '../src/kernel/index.ts';
import { loadKubeClient, type KubeClient } from '../src/kube/index.ts';
import { markdown, mebibytes, milliseconds, type Row } from './table.ts';

/** A thousand take many minutes: LANDFALL_BENCH_LARGE=1 asks for them. */
const SIZES = process.env['LANDFALL_BENCH_LARGE'] === '1' ? [10, 100, 1000] : [10, 100];
const OBJECTS = 10;
const LIMIT_MS = 240_000;
const CHILD = 'LANDFALL_BENCH_CLUSTER';
const APPLICATION = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application' } as const;

const kubeconfig = process.env[CHILD];
if (kubeconfig !== undefined && process.send !== undefined) {
  const cluster = await startCluster({ nodes: 1 });
  await cluster.writeKubeconfig(kubeconfig);
  process.send('ready');
  process.on('disconnect', () => void cluster.close().then(() => process.exit(0)));
}

function git(cwd: string, ...args: readonly string[]): string {
  return execFileSync('git', ['-c', 'user.name=B', '-c', 'user.email=b@corp.io', ...args], {
    cwd,
    encoding: 'utf8',
  });
}

/** One file of ten ConfigMaps for each application. */
function manifests(value: string): string {
  return Array.from(
    { length: OBJECTS },
    (_, at) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: NAME-${at}\ndata:\n  key: ${value}\n`,
  ).join('---\n');
}

function write(repository: string, name: string, value: string): void {
  mkdirSync(join(repository, name), { recursive: true });
  writeFileSync(join(repository, name, 'objects.yaml'), manifests(value).replaceAll('NAME', name));
}

interface Counts {
  writes: number;
  dryRuns: number;
}

/** Counts what changes something, and what only tries it. */
function counting(client: KubeClient, counts: Counts): KubeClient {
  return {
    ...client,
    create: (...args) => ((counts.writes += 1), client.create(...args)),
    update: (...args) => ((counts.writes += 1), client.update(...args)),
    patch: (...args) => ((counts.writes += 1), client.patch(...args)),
    delete: (...args) => ((counts.writes += 1), client.delete(...args)),
    apply(object, options, signal) {
      if (options.dryRun === true) counts.dryRuns += 1;
      else counts.writes += 1;
      return client.apply(object, options, signal);
    },
  };
}

async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!(await done())) {
    if (performance.now() > end) throw new Error(`${what} did not come to its end in ${LIMIT_MS / 1000} s.`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

interface Measured {
  readonly firstMs: number;
  readonly firstCpuMs: number;
  readonly quietMs: number;
  readonly quietCpuMs: number;
  readonly quiet: Counts;
  readonly commitMs: number;
  readonly commit: Counts;
  readonly memory: number;
}

function cpuMs(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

async function measure(size: number, plain: KubeClient, folder: string): Promise<Measured> {
  const counts: Counts = { writes: 0, dryRuns: 0 };
  const client = counting(plain, counts);
  const repository = join(folder, `repository-${size}`);
  const namespace = `bench-${size}`;
  const names = Array.from({ length: size }, (_, at) => `app-${size}-${at}`);
  mkdirSync(repository);
  git(repository, 'init', '-q', '-b', 'main');
  for (const name of names) write(repository, name, 'a');
  git(repository, 'add', '-A');
  git(repository, 'commit', '-q', '-m', 'all');
  await plain.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await plain.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: `${namespace}-apps` } });
  for (const name of names) {
    await plain.create({
      ...APPLICATION,
      metadata: { name, namespace: `${namespace}-apps` },
      spec: {
        project: 'default',
        source: { repoURL: repository, path: name, targetRevision: 'main' },
        destination: { server: 'https://kubernetes.default.svc', namespace },
        syncPolicy: { automated: { prune: true, selfHeal: true } },
      },
    });
  }
  const mirrors = createGitMirrors({ folder: join(folder, 'mirrors'), clock: systemClock });
  const begun = performance.now();
  const cpu = process.cpuUsage();
  const controller: Controller = startController({
    client,
    mirrors,
    clock: systemClock,
    logger: silentLogger,
    pollMs: 3_600_000,
    namespace: `${namespace}-apps`,
    homeNamespace: `${namespace}-apps`,
  });
  try {
    await controller.ready;
    await until(`The first sync of ${size} applications`, async () => {
      const { items } = await plain.list(APPLICATION, { namespace: `${namespace}-apps` });
      return items.every((item) => getString(item, 'status', 'operationState', 'phase') === 'Succeeded');
    });
    const firstMs = performance.now() - begun;
    const firstCpuMs = cpuMs(cpu);
    const all = () =>
      Promise.all(names.map((name) => controller.reconcileNow({ namespace: `${namespace}-apps`, name })));
    await all();
    Object.assign(counts, { writes: 0, dryRuns: 0 });
    const quietBegun = performance.now();
    const quietCpu = process.cpuUsage();
    await all();
    const quietMs = performance.now() - quietBegun;
    const quietCpuMs = cpuMs(quietCpu);
    const quiet = { ...counts };
    Object.assign(counts, { writes: 0, dryRuns: 0 });
    const [one = ''] = names;
    write(repository, one, 'b');
    git(repository, 'commit', '-q', '-a', '-m', 'one');
    const commitBegun = performance.now();
    controller.pushed(new Set([repository.toLowerCase()]));
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: `${one}-${OBJECTS - 1}` };
    await until('One commit', async () => getString(await plain.get(ref), 'data', 'key') === 'b');
    const commitMs = performance.now() - commitBegun;
    await new Promise((resolve) => setTimeout(resolve, 300));
    return {
      firstMs,
      firstCpuMs,
      quietMs,
      quietCpuMs,
      quiet,
      commitMs,
      commit: { ...counts },
      memory: process.memoryUsage().rss,
    };
  } finally {
    await controller.close();
    mirrors.close();
  }
}

/** Starts a cluster of its own and measures; each size uses its own namespaces of it. */
export async function benchController(sizes: readonly number[] = SIZES): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'landfall-bench-controller-'));
  const config = join(folder, 'config');
  const child: ChildProcess = fork(import.meta.filename, {
    env: { ...process.env, [CHILD]: config },
    execArgv: process.execArgv,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', (code) => reject(new Error(`The cluster ended with ${code ?? 'a signal'}.`)));
    });
    const client = await loadKubeClient({ kubeconfig: config });
    const rows: Row[] = [];
    for (const size of sizes) {
      const found = await measure(size, client, folder);
      const objects = size * OBJECTS;
      const row = (what: string, ours: string, other: string, ratio = '') =>
        rows.push({ what: `${size} applications: ${what}`, ours, other, ratio });
      row(
        'first sync',
        milliseconds(found.firstMs),
        `${milliseconds(found.firstCpuMs)} CPU`,
        `${(found.firstCpuMs / objects).toFixed(2)} ms CPU an object`,
      );
      row(
        'nothing changed',
        milliseconds(found.quietMs),
        `${milliseconds(found.quietCpuMs)} CPU`,
        `${(found.quietCpuMs / objects).toFixed(3)} ms CPU an object`,
      );
      row('nothing changed: API', `${found.quiet.writes} writes`, `${found.quiet.dryRuns} dry runs`);
      row(
        'one commit to live',
        milliseconds(found.commitMs),
        `${found.commit.writes} writes`,
        `${found.commit.dryRuns} dry runs`,
      );
      row('memory', mebibytes(found.memory), '');
    }
    client.close();
    return markdown('The controller, applications of 10 objects', { ours: 'measured', other: 'of it' }, rows);
  } finally {
    child.disconnect();
    await new Promise<void>((resolve) => child.once('exit', () => resolve()));
    rmSync(folder, { recursive: true, force: true });
  }
}
