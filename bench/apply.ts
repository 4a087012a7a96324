/**
 * Plan, dry run and apply of 1, 30 and 500 objects: Landfall beside kubectl, on the same embedded API server, one after
 * the other in the same run. Both are whole processes, as a job starts them, and both have run once before: what either
 * keeps between two starts is there. Once with the server on the same cores, and once with answers that take a network.
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { markdown, median, milliseconds } from './table.ts';
import type { Row } from './table.ts';

const run = promisify(execFile);
const SIZES = [1, 30, 500] as const;
const ROUNDS = 5;
const ROUNDS_OF_MANY = 3;
/**
 * Added to every answer by the server itself, without any work: a real control plane has to agree with etcd first. With
 * it kubectl takes for 500 objects about what it was seen to take there (1.05 s on two cores).
 */
const FAR = '1ms';
const LANDFALL = path.resolve(import.meta.dirname, '../dist/landfall.js');

/** A third each of ConfigMaps, Services and Deployments without pods. */
function manifests(count: number, namespace: string, value: string): string {
  const items = Array.from({ length: count }, (_, index) => {
    const metadata = { name: `object-${index}`, namespace };
    switch (index % 3) {
      case 0:
        return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { key: value } };
      case 1:
        return {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { ...metadata, labels: { value } },
          spec: { ports: [{ port: 80 }] },
        };
      default:
        return {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata,
          spec: {
            replicas: 0,
            selector: { matchLabels: { app: metadata.name } },
            template: {
              metadata: { labels: { app: metadata.name } },
              spec: { containers: [{ name: 'main', image: `app:${value}` }] },
            },
          },
        };
    }
  });
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

interface Bench {
  readonly folder: string;
  readonly kubeconfig: string;
  readonly server: ChildProcess;
}

/** The embedded cluster in a process of its own, so that no client shares its processor time. */
async function openBench(): Promise<Bench> {
  const folder = mkdtempSync(path.join(tmpdir(), 'landfall-bench-apply-'));
  const kubeconfig = path.join(folder, 'kubeconfig');
  const server = spawn(
    process.execPath,
    [LANDFALL, 'cluster', 'start', '--name', 'bench', '--kubeconfig', kubeconfig],
    { env: { ...process.env, HOME: folder }, stdio: 'ignore' },
  );
  for (;;) {
    const up = await run('kubectl', ['--kubeconfig', kubeconfig, 'get', 'namespaces']).then(
      () => true,
      () => false,
    );
    if (up) return { folder, kubeconfig, server };
    if (server.exitCode !== null) throw new Error(`The cluster ended with ${server.exitCode}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** ms of one command; `codes` are those that are no failure. */
async function timed(command: string, args: readonly string[], bench: Bench, codes: readonly number[] = [0]) {
  const begin = performance.now();
  const env = { ...process.env, HOME: bench.folder, KUBECONFIG: bench.kubeconfig };
  const code = await run(command, args, { env, maxBuffer: 64 * 1024 * 1024 }).then(
    () => 0,
    (error: unknown) => {
      const { code: exit, stderr } = error as { readonly code?: number; readonly stderr?: string };
      if (typeof exit !== 'number' || !codes.includes(exit))
        throw new Error(`${command} ${args.join(' ')}: ${stderr ?? ''}`);
      return exit;
    },
  );
  if (!codes.includes(code)) throw new Error(`${command} ${args.join(' ')} ended with ${code}.`);
  return performance.now() - begin;
}

interface Task {
  readonly what: string;
  readonly prepare: (namespace: string, file: string, bench: Bench) => Promise<void>;
  readonly ours: (namespace: string, file: string) => readonly string[];
  readonly other: (namespace: string, file: string) => readonly string[];
  readonly differs?: boolean;
}

const place = (namespace: string, file: string) => [file, '-n', namespace, '--name', namespace];
const applied = async (namespace: string, file: string, bench: Bench) => {
  await timed(process.execPath, [LANDFALL, 'apply', ...place(namespace, file)], bench);
};
const nothing = () => Promise.resolve();

const TASKS: readonly Task[] = [
  {
    what: 'apply, new objects (with everything that Landfall checks)',
    prepare: nothing,
    ours: (namespace, file) => ['apply', ...place(namespace, file)],
    other: (_namespace, file) => ['apply', '--server-side', '-f', file],
  },
  {
    what: 'apply, nothing to change',
    prepare: applied,
    ours: (namespace, file) => ['apply', ...place(namespace, file)],
    other: (_namespace, file) => ['apply', '--server-side', '--force-conflicts', '-f', file],
  },
  {
    what: 'dry run, new objects',
    prepare: nothing,
    ours: (namespace, file) => ['apply', '--dry-run', ...place(namespace, file)],
    other: (_namespace, file) => ['apply', '--server-side', '--dry-run=server', '-f', file],
  },
  {
    what: 'diff, nothing differs',
    prepare: applied,
    ours: (namespace, file) => ['diff', ...place(namespace, file)],
    other: (_namespace, file) => ['diff', '--server-side', '--force-conflicts', '-f', file],
    differs: true,
  },
];

type Fresh = (count: number) => Promise<{ readonly namespace: string; readonly file: string }>;

async function compare(task: Task, count: number, rounds: number, fresh: Fresh, bench: Bench): Promise<Row> {
  const [ours, others]: [number[], number[]] = [[], []];
  const codes = task.differs === true ? [0, 1] : [0];
  for (let round = 0; round < rounds; round += 1) {
    const mine = await fresh(count);
    await task.prepare(mine.namespace, mine.file, bench);
    ours.push(
      await timed(process.execPath, [LANDFALL, ...task.ours(mine.namespace, mine.file)], bench, codes),
    );
    const theirs = await fresh(count);
    await task.prepare(theirs.namespace, theirs.file, bench);
    others.push(await timed('kubectl', task.other(theirs.namespace, theirs.file), bench, codes));
  }
  const [own, other] = [median(ours), median(others)];
  return {
    what: `${task.what}: ${count}`,
    ours: milliseconds(own),
    other: milliseconds(other),
    ratio: `${(other / own).toFixed(2)} ×`,
  };
}

export async function benchApply(): Promise<string> {
  const bench = await openBench();
  let namespaces = 0;
  const fresh: Fresh = async (count) => {
    namespaces += 1;
    const namespace = `bench-${namespaces}`;
    await run('kubectl', ['--kubeconfig', bench.kubeconfig, 'create', 'namespace', namespace]);
    const file = path.join(bench.folder, `${namespace}.json`);
    writeFileSync(file, manifests(count, namespace, 'one'));
    return { namespace, file };
  };
  const rows = async (tasks: readonly Task[]) => {
    const all: Row[] = [];
    for (const count of SIZES) {
      const rounds = count > 100 ? ROUNDS_OF_MANY : ROUNDS;
      for (const task of tasks) all.push(await compare(task, count, rounds, fresh, bench));
    }
    return all;
  };
  try {
    for (const task of TASKS) await compare(task, 30, 1, fresh, bench);
    const near = await rows(TASKS);
    const slow = ['cluster', 'fail', 'api', '--name', 'bench', '--slow', FAR];
    await timed(process.execPath, [LANDFALL, ...slow], bench);
    const far = await rows(TASKS);
    const columns = { ours: 'landfall', other: 'kubectl' };
    return [
      markdown('Apply', columns, near),
      `The server runs on the same cores, and its work counts in both columns.\n`,
      markdown(`Apply, every answer ${FAR} later`, columns, far),
      `As above, and the embedded server holds each request for ${FAR} before it looks at it: about what a real control plane takes longer, on which kubectl was seen to take 1.05 s for 500 new objects.\n`,
      `- load while this was measured: ${(loadavg()[0] ?? 0).toFixed(1)} on ${cpus().length} cores; ratios are to be trusted up to about 1.5\n`,
    ].join('\n');
  } finally {
    const ended = once(bench.server, 'exit');
    bench.server.kill('SIGTERM');
    await ended;
    rmSync(bench.folder, { recursive: true, force: true });
  }
}
