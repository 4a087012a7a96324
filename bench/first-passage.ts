import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { openStage, APPLICATION, PLATFORM } from '../src/cli/demo/stage.ts';
import { questionOf } from '../src/cli/question.ts';
import { systemClock } from '../src/kernel/index.ts';
import { openLedger } from '../src/ledger/index.ts';
import { prove, proveUntil } from '../src/verdict/index.ts';
import { markdown, mebibytes, median, milliseconds } from './table.ts';
import type { Row } from './table.ts';

const CLI = path.resolve(import.meta.dirname, '../dist/landfall.js');
const ROUNDS = 11;

function timeOf(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): number {
  const started = performance.now();
  const result = spawnSync(program, args, { env, stdio: 'ignore' });
  if (result.error) throw result.error;
  return performance.now() - started;
}

/** Alternates, so that whatever else the machine does meets both alike. */
function alternate(
  ours: () => number,
  other: () => number,
): { readonly ours: number; readonly other: number } {
  ours();
  other();
  const pairs = Array.from({ length: ROUNDS }, () => [ours(), other()] as const);
  return { ours: median(pairs.map(([value]) => value)), other: median(pairs.map(([, value]) => value)) };
}

function residentOf(pid: number): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? 0) * 1024;
}

/** Resident memory of a process and of everything it started. */
function residentTree(pid: number): number {
  const listed = spawnSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).stdout;
  const pairs = listed
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const children = (of: number): number[] =>
    pairs.filter(([, parent]) => parent === of).flatMap(([child = 0]) => [child, ...children(child)]);
  return [pid, ...children(pid)].reduce((sum, one) => {
    try {
      return sum + residentOf(one);
    } catch {
      return sum;
    }
  }, 0);
}

async function start(
  args: readonly string[],
  until: RegExp,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly ms: number; readonly pid: number; readonly stop: () => Promise<void> }> {
  const began = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (until.test(text)) resolve();
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code ?? '?'} before it was ready`)));
  });
  return {
    ms: performance.now() - began,
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function startUp(home: string): Promise<readonly Row[]> {
  const version = alternate(
    () => timeOf(process.execPath, [CLI, '--version']),
    () => timeOf(process.execPath, ['-e', '0']),
  );
  const env = { ...process.env, XDG_STATE_HOME: home };
  const ready: number[] = [];
  let resident = 0;
  for (let round = 0; round < 5; round++) {
    const cluster = await start([CLI, 'cluster', 'start', '--name', `bench-${round}`], /serving/, env);
    ready.push(cluster.ms);
    resident = residentOf(cluster.pid);
    await cluster.stop();
  }
  const empty = await start(['-e', 'console.log("serving"); setInterval(() => {}, 1000)'], /serving/, env);
  const emptyResident = residentOf(empty.pid);
  await empty.stop();
  const node = median(Array.from({ length: 5 }, () => timeOf(process.execPath, ['-e', '0'])));
  return [
    {
      what: '`landfall --version`',
      ours: milliseconds(version.ours),
      other: `${milliseconds(version.other)} (node -e 0)`,
      ratio: `+${milliseconds(version.ours - version.other)}`,
    },
    {
      what: '`landfall cluster start` until it serves',
      ours: milliseconds(median(ready)),
      other: `${milliseconds(node)} (node -e 0)`,
      ratio: `+${milliseconds(median(ready) - node)}`,
    },
    {
      what: 'memory of Drydock at rest',
      ours: mebibytes(resident),
      other: `${mebibytes(emptyResident)} (empty Node)`,
      ratio: `+${mebibytes(resident - emptyResident)}`,
    },
  ];
}

/** The calls by which a person gathers the same evidence, one after the other. */
const GATHERING: readonly (readonly string[])[] = [
  ['get', 'application', APPLICATION, '-n', 'argocd', '-o', 'json'],
  ['get', 'deploy,rs,svc,configmap', '-n', 'comms', '-o', 'json'],
  ['get', 'pods', '-n', 'comms', '-o', 'json'],
  ['get', 'endpointslices', '-n', 'comms', '-o', 'json'],
  ['get', 'nodes', '-o', 'json'],
  ['rollout', 'status', 'deploy/notification-service', '-n', 'comms'],
  ['rollout', 'history', 'deploy/notification-service', '-n', 'comms'],
  ['get', '--raw', '/api/v1/namespaces/comms/services/notification-service:8080/proxy/metrics'],
];

async function proving(): Promise<readonly Row[]> {
  const stop = new AbortController();
  const stage = await openStage({ clock: systemClock, signal: stop.signal });
  try {
    const state = path.join(stage.folder, 'state');
    await stage.build('v2.3.1');
    await stage.register(PLATFORM);
    await stage.register(APPLICATION);
    const ledger = openLedger({ folder: path.join(state, 'landfall'), clock: systemClock });
    const question = questionOf({ application: APPLICATION }, stage.sources, ledger);
    await proveUntil(stage.sources, question, 60_000, stop.signal);
    const env = {
      ...process.env,
      KUBECONFIG: stage.kubeconfig,
      XDG_STATE_HOME: state,
      XDG_CACHE_HOME: state,
    };
    const kubectl = spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0;
    const inProcess: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const began = performance.now();
      await prove(stage.sources, question, stop.signal);
      inProcess.push(performance.now() - began);
    }
    // The cluster lives in this process, so both programs have to be waited for without blocking it.
    const run = (program: string, args: readonly string[]) =>
      new Promise<number>((resolve, reject) => {
        const began = performance.now();
        spawn(program, args, { env, stdio: 'ignore' })
          .once('error', reject)
          .once('exit', () => resolve(performance.now() - began));
      });
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < 5; round++) {
      ours.push(await run(process.execPath, [CLI, 'prove', APPLICATION]));
      if (!kubectl) continue;
      let sum = 0;
      for (const args of GATHERING) sum += await run('kubectl', args);
      theirs.push(sum);
    }
    const ratio = kubectl ? `${(median(theirs) / median(ours)).toFixed(1)} × faster` : '';
    return [
      {
        what: `\`landfall prove\`, against ${GATHERING.length} kubectl calls (which prove nothing yet)`,
        ours: milliseconds(median(ours)),
        other: kubectl ? milliseconds(median(theirs)) : 'no kubectl here',
        ratio,
      },
      { what: 'the same in process', ours: milliseconds(median(inProcess)), other: '', ratio: '' },
    ];
  } finally {
    await stage.close();
  }
}

async function wholeDemo(home: string): Promise<readonly Row[]> {
  const child = spawn(process.execPath, [CLI, 'demo', '--once', '-q'], {
    stdio: 'ignore',
    env: { ...process.env, XDG_STATE_HOME: home },
  });
  const began = performance.now();
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, residentTree(child.pid ?? 0));
  }, 200);
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`the demo ended with ${code ?? '?'}`);
  return [
    {
      what: '`npm start -- --once`, whole, with every process of every pod',
      ours: `${milliseconds(performance.now() - began)}, peak ${mebibytes(peak)}`,
      other: '565 MB (a real control plane alone, measured elsewhere)',
      ratio: '',
    },
  ];
}

/** Measures what the first passage promises; prints Markdown. */
export async function benchFirstPassage(): Promise<string> {
  const home = await mkdtemp(path.join(tmpdir(), 'landfall-bench-'));
  try {
    const rows = [...(await startUp(home)), ...(await proving()), ...(await wholeDemo(home))];
    return markdown('First passage', { ours: 'Landfall', other: 'beside it, in the same run' }, rows);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
