/**
 * Pushes, pulls and look-ups a second: our registry against Debian's docker-registry, each in a process of its own, by
 * the same client, one after the other in the same run.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  buildImage,
  createRegistryClient,
  pushImage,
  type BuiltImage,
  type RegistryClient,
} from '../src/oci/index.ts';

const SECONDS = 2;
const CLIENTS = [1, 10] as const;
const LAYER_BYTES = 200_000;
const { signal } = new AbortController();

interface Subject {
  readonly name: string;
  readonly child: ChildProcess;
  readonly host: string;
  readonly readyMs: number;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

async function started(name: string, command: readonly string[], port: number): Promise<Subject> {
  const begin = performance.now();
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: 'ignore' });
  for (;;) {
    const up = await fetch(`http://127.0.0.1:${port}/v2/`).then(
      () => true,
      () => false,
    );
    if (up) break;
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return { name, child, host: `127.0.0.1:${port}`, readyMs: performance.now() - begin };
}

/** The registry as one file of JavaScript, as it is in the built program. */
async function startOwn(at: string, dataDir: string | undefined): Promise<Subject> {
  const { build } = await import('esbuild');
  const port = await freePort();
  const file = join(at, 'own.mjs');
  const options = JSON.stringify({ port, ...(dataDir === undefined ? {} : { dataDir }) });
  await build({
    stdin: {
      contents: `import { startRegistry } from './src/drydock/registry/index.ts'; await startRegistry(${options});`,
      resolveDir: process.cwd(),
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: file,
    logLevel: 'error',
  });
  const name = dataDir === undefined ? 'drydock, in memory' : 'drydock, --data';
  return started(name, [process.execPath, file], port);
}

async function startDocker(at: string): Promise<Subject> {
  const port = await freePort();
  const file = join(at, 'config.yml');
  writeFileSync(
    file,
    [
      'version: 0.1',
      'log: { level: error, accesslog: { disabled: true } }',
      `storage: { cache: { blobdescriptor: inmemory }, filesystem: { rootdirectory: ${join(at, 'docker')} } }`,
      `http: { addr: "127.0.0.1:${port}" }`,
      '',
    ].join('\n'),
  );
  return started('docker-registry', ['docker-registry', 'serve', file], port);
}

function residentMiB(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

/** Operations a second of `clients` loops that run side by side. */
async function rate(
  clients: number,
  work: (client: number, turn: number) => Promise<unknown>,
): Promise<number> {
  const begin = performance.now();
  const end = begin + SECONDS * 1000;
  let done = 0;
  const loop = async (client: number): Promise<void> => {
    for (let turn = 0; performance.now() < end; turn += 1) {
      await work(client, turn);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, client) => loop(client)));
  return done / ((performance.now() - begin) / 1000);
}

async function images(at: string): Promise<(revision: string) => Promise<BuiltImage>> {
  const folder = join(at, 'app');
  spawnSync('mkdir', ['-p', folder]);
  return (revision) => {
    // Incompressible and new each time, so that nothing is there already.
    writeFileSync(
      join(folder, 'data'),
      Buffer.from(revision.repeat(1 + LAYER_BYTES / revision.length)).map(
        (byte, index) => (byte * 31 + index * index * 7) & 255,
      ),
    );
    return buildImage(
      { folder, entrypoint: ['node'], labels: { revision }, created: '2026-01-01T00:00:00Z' },
      signal,
    );
  };
}

async function measure(
  subject: Subject,
  client: RegistryClient,
  build: (revision: string) => Promise<BuiltImage>,
): Promise<Record<string, number>> {
  const { host } = subject;
  const result: Record<string, number> = { 'ready ms': subject.readyMs };
  const first = await build('first');
  await pushImage(client, first, `${host}/bench/app:v1`, signal);
  const layer = first.layers[0]?.digest ?? '';
  for (const clients of CLIENTS) {
    result[`HEAD/s, ${clients} clients`] = await rate(clients, () =>
      client.head(`${host}/bench/app:v1`, signal),
    );
    result[`pulls/s, ${clients} clients`] = await rate(clients, async () => {
      const { digest } = await client.resolve(`${host}/bench/app:v1`, signal);
      await client.getBlob(`${host}/bench/app`, layer, signal);
      return digest;
    });
    // Built before the clock starts: only the push is measured.
    const prepared: BuiltImage[] = [];
    for (let n = 0; n < 60; n += 1) prepared.push(await build(`${subject.name}-${clients}-${n}`));
    const begin = performance.now();
    let next = 0;
    const loop = async (): Promise<void> => {
      for (let image = prepared[next++]; image !== undefined; image = prepared[next++]) {
        await pushImage(client, image, `${host}/bench/app:p${next}`, signal);
      }
    };
    await Promise.all(Array.from({ length: clients }, loop));
    result[`pushes/s, ${clients} clients`] = prepared.length / ((performance.now() - begin) / 1000);
  }
  result['resident MiB'] = residentMiB(subject.child);
  return result;
}

/** Measures our registry beside Debian's; prints Markdown. */
export async function benchRegistry(): Promise<string> {
  const at = mkdtempSync(join(tmpdir(), 'landfall-bench-'));
  const client = createRegistryClient({ maxSockets: 32 });
  const children: ChildProcess[] = [];
  try {
    const build = await images(at);
    const starts: (() => Promise<Subject>)[] = [
      () => startOwn(at, undefined),
      () => startOwn(at, join(at, 'data')),
    ];
    const compared = spawnSync('docker-registry', ['--version']).status === 0;
    if (compared) starts.push(() => startDocker(at));
    const all: (readonly [string, Record<string, number>])[] = [];
    for (const start of starts) {
      const subject = await start();
      children.push(subject.child);
      all.push([subject.name, await measure(subject, client, build)]);
      const exited = once(subject.child, 'exit');
      subject.child.kill('SIGKILL');
      await exited;
    }
    const base = all.find(([name]) => name === 'docker-registry')?.[1];
    const cell = (result: Record<string, number>, metric: string) => {
      const value = result[metric] ?? Number.NaN;
      const than = base?.[metric];
      const ratio = than === undefined || base === result ? '' : ` (${(value / than).toFixed(2)} ×)`;
      return `${value.toFixed(value < 100 ? 1 : 0)}${ratio}`;
    };
    const metrics = Object.keys(all[0]?.[1] ?? {});
    return [
      '## Registry',
      '',
      compared
        ? 'The same client against each, one after the other.'
        : 'docker-registry is not installed here: our own registry alone.',
      '',
      `| | ${all.map(([name]) => name).join(' | ')} |`,
      `| --- | ${all.map(() => '---').join(' | ')} |`,
      ...metrics.map(
        (metric) => `| ${metric} | ${all.map(([, result]) => cell(result, metric)).join(' | ')} |`,
      ),
      '',
    ].join('\n');
  } finally {
    for (const child of children) child.kill('SIGKILL');
    client.close();
    rmSync(at, { recursive: true, force: true });
  }
}
