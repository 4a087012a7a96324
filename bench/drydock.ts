/**
 * Drydock in a process of its own, as the built program has it, asked over HTTPS by this one: start and memory beside
 * an empty Node, requests a second, and how far simulated workloads go. Server and clients share the machine's cores.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock } from '../src/kernel/index.ts';
import { median, mebibytes, milliseconds } from './table.ts';

const CLIENTS = [1, 10, 100] as const;
const ROUND_MS = 1500;
const LISTED = 500;
const DEPLOYMENTS = 1000;
const PODS = 10_000;
/** Nothing here is measured for longer. */
const PATIENCE_MS = 60_000;
const TOKEN = 'a-token-for-the-bench';

interface Subject {
  readonly child: ChildProcess;
  readonly url: string;
  readonly certificate: string;
  readonly readyMs: number;
}

/** The embedded cluster as one file of JavaScript. */
async function bundled(at: string): Promise<string> {
  const { build } = await import('esbuild');
  const file = path.join(at, 'drydock.mjs');
  await build({
    stdin: {
      contents: `
        import { startCluster } from './src/drydock/index.ts';
        const { url, caCertificate } = await startCluster({ token: ${JSON.stringify(TOKEN)} });
        process.stdout.write(JSON.stringify({ url, certificate: caCertificate }) + '\\n');`,
      resolveDir: path.resolve(import.meta.dirname, '..'),
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    minify: true,
    outfile: file,
    logLevel: 'error',
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
  });
  return file;
}

async function started(file: string): Promise<Subject> {
  const begin = performance.now();
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const { stdout } = child;
  for await (const line of createInterface({ input: stdout })) {
    const { url, certificate } = JSON.parse(line) as { url: string; certificate: string };
    return { child, url, certificate, readyMs: performance.now() - begin };
  }
  throw new Error('Drydock ended before it was ready.');
}

async function stopped({ child }: Subject): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    systemClock.after(ms, resolve);
  });
}

/** Resident bytes of a process; NaN where the system does not tell. */
function resident(pid: number | undefined): number {
  const file = `/proc/${pid ?? 0}/status`;
  if (!existsSync(file)) return Number.NaN;
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? Number.NaN) * 1024;
}

interface Client {
  call(method: string, pathname: string, body?: unknown, type?: string): Promise<Buffer>;
  open(pathname: string, onData: (chunk: Buffer) => void): Promise<() => void>;
  close(): void;
}

function clientOf({ url, certificate }: Subject, connections: number): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ca: certificate });
  const headers = { authorization: `Bearer ${TOKEN}` };
  const ask = (method: string, pathname: string, body: string | undefined, type: string) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(`${url}${pathname}`, {
        method,
        agent,
        headers: {
          ...headers,
          ...(body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
        },
      });
      sent.on('error', reject);
      sent.on('response', resolve);
      sent.end(body);
    });
  return {
    async call(method, pathname, body, type = 'application/json') {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const response = await ask(method, pathname, text, type);
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      const answer = Buffer.concat(chunks);
      if ((response.statusCode ?? 500) >= 400) {
        throw new Error(`${method} ${pathname}: ${answer.toString('utf8', 0, 300)}`);
      }
      return answer;
    },
    async open(pathname, onData) {
      const response = await ask('GET', pathname, undefined, '');
      if (response.statusCode !== 200) {
        response.destroy();
        throw new Error(`GET ${pathname} answered ${response.statusCode ?? 0}: there is nothing to measure.`);
      }
      response.on('error', () => {});
      response.on('data', onData);
      return () => response.destroy();
    },
    close: () => agent.destroy(),
  };
}

/** Calls a second, by so many clients that each wait for their answers. */
async function rate(clients: number, call: (index: number) => Promise<unknown>): Promise<number> {
  let done = 0;
  let next = 0;
  const begin = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() - begin < ROUND_MS) {
        await call(next++);
        done++;
      }
    }),
  );
  return (done * 1000) / (performance.now() - begin);
}

const MAPS = '/api/v1/namespaces/default/configmaps';

function configMap(name: string) {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    data: { key: 'value', other: 'x'.repeat(200) },
  };
}

/** Events a second that watchers are told of together, while one writer goes as fast as it can. */
async function fanOut(subject: Subject, watchers: number): Promise<number> {
  const client = clientOf(subject, watchers + 1);
  let seen = 0;
  const newest = JSON.parse((await client.call('GET', `${MAPS}?limit=1`)).toString('utf8')) as {
    readonly metadata: { readonly resourceVersion: string };
  };
  const closers = await Promise.all(
    Array.from({ length: watchers }, () =>
      client.open(`${MAPS}?watch=true&resourceVersion=${newest.metadata.resourceVersion}`, (chunk) => {
        for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) seen++;
      }),
    ),
  );
  await pause(200);
  seen = 0;
  const begin = performance.now();
  for (let index = 0; performance.now() - begin < ROUND_MS; index++) {
    const patch = { data: { key: String(index) } };
    await client.call('PATCH', `${MAPS}/watched`, patch, 'application/merge-patch+json');
  }
  const told = (seen * 1000) / (performance.now() - begin);
  for (const close of closers) close();
  client.close();
  return told;
}

function deployment(index: number, replicas: number) {
  const labels = { app: `d${index}` };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: `d${index}`, namespace: 'scale' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'main', image: 'registry.example.com/app:1' }] },
      },
    },
  };
}

interface Listed {
  readonly items: readonly {
    readonly spec: { readonly replicas?: number };
    readonly status?: { readonly availableReplicas?: number };
  }[];
}

const SCALED = '/apis/apps/v1/namespaces/scale/deployments';

/** Until every Deployment has as many available pods as it wants; undefined when that takes too long. */
async function allAvailable(client: Client, begin: number): Promise<number | undefined> {
  while (performance.now() - begin < PATIENCE_MS) {
    const { items } = JSON.parse((await client.call('GET', SCALED)).toString('utf8')) as Listed;
    const whole = items.every(
      ({ spec, status }) => (status?.availableReplicas ?? 0) === (spec.replicas ?? 1),
    );
    if (whole) return performance.now() - begin;
    await pause(250);
  }
  return undefined;
}

function shown(ms: number | undefined): string {
  return ms === undefined ? `not within ${milliseconds(PATIENCE_MS)}` : milliseconds(ms);
}

async function scale(subject: Subject): Promise<string[]> {
  const client = clientOf(subject, 16);
  await client.call('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'scale' },
  });
  const begin = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let index = next++; index < DEPLOYMENTS; index = next++) {
        await client.call('POST', SCALED, deployment(index, 3));
      }
    }),
  );
  const took = await allAvailable(client, begin);
  const memory = resident(subject.child.pid);
  const lines = [
    `| 1,000 Deployments of 3 simulated pods, from the first request until all are Available | ${shown(took)} |`,
    `| memory with them | ${mebibytes(memory)} |`,
  ];

  const grow = performance.now();
  const larger = (PODS - 3 * DEPLOYMENTS) / 70;
  for (let index = 0; index < 70; index++) {
    const patch = { spec: { replicas: 3 + larger } };
    await client.call('PATCH', `${SCALED}/d${index}`, patch, 'application/merge-patch+json');
  }
  const grown = await allAvailable(client, grow);
  lines.push(
    `| 70 of them scaled from 3 to ${3 + larger} pods, until there are 10,000 and all are Available | ${shown(grown)} |`,
    `| memory with 10,000 pods | ${mebibytes(resident(subject.child.pid))} |`,
  );
  lines.push(...(await listAll(subject, client)));
  client.close();
  return lines;
}

async function listAll(subject: Subject, client: Client): Promise<string[]> {
  const timed = async (accept: () => Promise<unknown>) => {
    const times: number[] = [];
    for (let round = 0; round < 3; round++) {
      const begin = performance.now();
      await accept();
      times.push(performance.now() - begin);
    }
    return milliseconds(median(times));
  };
  const bytes = (await client.call('GET', '/api/v1/pods')).length;
  const raw = await timed(() => client.call('GET', '/api/v1/pods'));
  const lines = [`| GET of 10,000 pods in one answer of ${mebibytes(bytes)} | ${raw} |`];
  const home = mkdtempSync(path.join(tmpdir(), 'bench-drydock-kubectl-'));
  const config = path.join(home, 'config');
  writeFileSync(
    config,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      users: [{ name: 'u', user: { token: TOKEN } }],
      clusters: [
        {
          name: 'c',
          cluster: {
            server: subject.url,
            'certificate-authority-data': Buffer.from(subject.certificate).toString('base64'),
          },
        },
      ],
    }),
  );
  const kubectl = () =>
    spawnSync('kubectl', ['get', 'pods', '-A', '--no-headers'], {
      env: { PATH: process.env['PATH'], HOME: home, KUBECONFIG: config },
      maxBuffer: 64 * 2 ** 20,
    });
  const printed = kubectl().stdout?.toString('utf8').trim().split('\n').length ?? 0;
  lines.push(
    printed < PODS
      ? `| \`kubectl get pods -A\` | ${printed} lines: kubectl is missing or failed |`
      : `| \`kubectl get pods -A\`, 10,000 pods in pages of 500 | ${await timed(() => Promise.resolve(kubectl()))} |`,
  );
  rmSync(home, { recursive: true, force: true });
  return lines;
}

async function requests(subject: Subject): Promise<string[]> {
  const seed = clientOf(subject, 10);
  await Promise.all(
    Array.from({ length: LISTED }, (_, index) => seed.call('POST', MAPS, configMap(`l${index}`))),
  );
  await seed.call('POST', MAPS, configMap('watched'));
  seed.close();
  const rows: Record<'creates' | 'applies' | 'gets' | 'lists' | 'watch', string[]> = {
    creates: [],
    applies: [],
    gets: [],
    lists: [],
    watch: [],
  };
  const round = (value: number) => value.toFixed(0);
  for (const clients of CLIENTS) {
    const client = clientOf(subject, clients);
    // Before the others, so that lists are of the same length for all.
    rows.lists.push(round(await rate(clients, () => client.call('GET', `${MAPS}?limit=${LISTED}`))));
    rows.gets.push(round(await rate(clients, (index) => client.call('GET', `${MAPS}/l${index % LISTED}`))));
    rows.creates.push(
      round(await rate(clients, (index) => client.call('POST', MAPS, configMap(`c${clients}-${index}`)))),
    );
    rows.applies.push(
      round(
        await rate(clients, (index) =>
          client.call(
            'PATCH',
            `${MAPS}/a${index % LISTED}?fieldManager=bench&force=true`,
            { ...configMap(`a${index % LISTED}`), data: { key: String(index) } },
            'application/apply-patch+yaml',
          ),
        ),
      ),
    );
    client.close();
    rows.watch.push(round(await fanOut(subject, clients)));
  }
  const line = (what: string, values: readonly string[]) => `| ${what} | ${values.join(' | ')} |`;
  return [
    line('creates of a ConfigMap', rows.creates),
    line('server-side applies that change it', rows.applies),
    line('gets', rows.gets),
    line(`lists of ${LISTED}`, rows.lists),
    line('events told, one writer and so many watchers', rows.watch),
  ];
}

export async function benchDrydock(): Promise<string> {
  const at = mkdtempSync(path.join(tmpdir(), 'bench-drydock-'));
  try {
    const file = await bundled(at);
    const empty: number[] = [];
    const ready: number[] = [];
    for (let round = 0; round < 5; round++) {
      const begin = performance.now();
      spawnSync(process.execPath, ['-e', '0']);
      empty.push(performance.now() - begin);
      const subject = await started(file);
      ready.push(subject.readyMs);
      await stopped(subject);
    }
    const subject = await started(file);
    const idle = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
    await pause(2000);
    const rest = resident(subject.child.pid);
    const node = resident(idle.pid);
    idle.kill('SIGKILL');
    const rates = await requests(subject);
    const busy = resident(subject.child.pid);
    await stopped(subject);
    const second = await started(file);
    const far = await scale(second);
    await stopped(second);
    return [
      '## Drydock',
      '',
      'In memory, over HTTPS, server and clients on the same cores. A real control plane on two cores answers after 3.3 s and takes 565 MB (measured elsewhere).',
      '',
      '| | |',
      '| --- | --- |',
      `| start to ready, cluster of 3 nodes | ${milliseconds(median(ready))} (${milliseconds(median(empty))} of it an empty Node) |`,
      `| memory at rest | ${mebibytes(rest)} (${mebibytes(rest - node)} over an empty Node) |`,
      `| memory after the requests below | ${mebibytes(busy)} |`,
      ...far,
      '',
      `| a second, with so many clients | ${CLIENTS.join(' | ')} |`,
      `| --- | ${CLIENTS.map(() => '---').join(' | ')} |`,
      ...rates,
      '',
      'Limits: 28,194 pods and 7,874 Services, Gateways included, by their addresses; 3 MiB a request; 2,048 changes of a kind are kept for watches that resume.',
      '',
    ].join('\n');
  } finally {
    rmSync(at, { recursive: true, force: true });
  }
}
