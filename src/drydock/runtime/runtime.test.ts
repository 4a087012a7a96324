import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  mkdirSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  hostsFile,
  listenerOf,
  logBuffer,
  nodeOptions,
  openWorkFolder,
  PRELOAD_VARIABLES,
  reserveAddresses,
  resolveCommand,
  startForwarder,
  startProcess,
  writePreload,
} from './index.ts';
import type { WorkFolder } from './index.ts';
import { processStart } from './process-identity.ts';

let parent: string;
let work: WorkFolder;

const runs = () => path.join(parent, 'runs');

/** Makes the list say that the cluster was killed. */
function abandon(): void {
  const entry = path.join(runs(), `${path.basename(work.path)}.json`);
  writeFileSync(entry, JSON.stringify({ folder: work.path, owner: { pid: 2 ** 22 + 1, start: '1' } }));
}

beforeEach(() => {
  parent = mkdtempSync(path.join(os.tmpdir(), 'runtime-test-'));
  work = openWorkFolder(parent, runs());
});

afterEach(() => {
  work.remove();
  rmSync(parent, { recursive: true, force: true });
});

async function nodeProgram(source: string, env: Record<string, string> = {}) {
  const file = path.join(mkdtempSync(path.join(work.path, 'program-')), 'main.cjs');
  writeFileSync(file, source);
  const output = logBuffer(Date.now);
  const running = await startProcess(
    {
      program: process.execPath,
      args: [file],
      cwd: work.path,
      env,
      onOutput: (chunk) => output.write(chunk),
    },
    work,
  );
  return { running, output };
}

function podEnvironment(ip: string, localhost: string, hosts?: string): Record<string, string> {
  const ports = path.join(work.path, 'ports');
  mkdirSync(ports, { recursive: true });
  return {
    NODE_OPTIONS: nodeOptions(writePreload(work.path), undefined),
    [PRELOAD_VARIABLES.ip]: ip,
    [PRELOAD_VARIABLES.localhost]: localhost,
    [PRELOAD_VARIABLES.namespace]: 'default',
    [PRELOAD_VARIABLES.ports]: ports,
    ...(hosts === undefined ? {} : { [PRELOAD_VARIABLES.hosts]: hosts }),
    [PRELOAD_VARIABLES.lifeline]: '3',
  };
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A port that nothing on this machine listens on now. */
async function freePort(): Promise<number> {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, () => resolve(portOf(server)));
  });
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

function isAlive(pid: number): boolean {
  return processStart(pid) !== undefined && !isZombie(pid);
}

function isZombie(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let tried = 0; tried < 200; tried++) {
    if (condition()) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
  throw new Error(`waited in vain for: ${what}`);
}

describe('a process', () => {
  it('reports its exit code and its output', async () => {
    const { running, output } = await nodeProgram(
      'console.log("out"); console.error("err"); process.exitCode = 3',
    );
    expect(await running.exited).toEqual({ exitCode: 3, signal: undefined });
    expect(output.text().split('\n').toSorted()).toEqual(['', 'err', 'out']);
  });

  it('reports 128 and the number of the signal that ended it', async () => {
    const { running } = await nodeProgram('setInterval(() => {}, 1000)');
    running.signal('SIGKILL');
    expect(await running.exited).toEqual({ exitCode: 137, signal: 9 });
  });

  it('gets no variable that is not its own', async () => {
    const { running, output } = await nodeProgram('console.log(Object.keys(process.env).join())', {
      ONLY: '1',
    });
    await running.exited;
    expect(output.text()).toBe('ONLY\n');
  });

  it('takes what it started with it', async () => {
    const { running, output } = await nodeProgram(
      `const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
       console.log(child.pid); child.unref(); setTimeout(() => process.exit(0), 50);`,
    );
    await running.exited;
    const child = Number(output.text());
    await until(() => !isAlive(child), 'the grandchild to end');
  });

  it('that cannot be started says which program', async () => {
    await expect(
      startProcess({ program: '/no/such/program', args: [], cwd: work.path, env: {}, onOutput() {} }, work),
    ).rejects.toThrow('/no/such/program');
  });
});

describe('what an earlier, killed cluster left', () => {
  it('is ended and removed at the next start', async () => {
    const { running } = await nodeProgram('setInterval(() => {}, 1000)');
    abandon();
    const next = openWorkFolder(parent, runs());
    expect(await running.exited).toMatchObject({ exitCode: 137 });
    expect(existsSync(work.path)).toBe(false);
    next.remove();
  });

  it('is not ended when the process id belongs to another process now', async () => {
    const { running } = await nodeProgram('setInterval(() => {}, 1000)');
    abandon();
    writeFileSync(
      path.join(work.path, 'pids', String(running.pid)),
      JSON.stringify({ pid: running.pid, start: 'another time' }),
    );
    openWorkFolder(parent, runs()).remove();
    expect(isAlive(running.pid)).toBe(true);
    running.killGroup();
    await running.exited;
  });

  it('is left alone while its owner lives', () => {
    openWorkFolder(parent, runs()).remove();
    expect(existsSync(work.path)).toBe(true);
    expect(readdirSync(runs())).toHaveLength(1);
  });
});

describe.skipIf(process.platform !== 'linux')('addresses', () => {
  it('of two clusters never meet', async () => {
    const [one, two] = [await reserveAddresses(), await reserveAddresses()];
    const octet = (ip: string) => ip.split('.')[1];
    expect(octet(one.takePod().ip)).not.toBe(octet(two.takePod().ip));
    await Promise.all([one.close(), two.close()]);
  });

  it('let three programs listen on one port unmodified, each with its own localhost', async () => {
    const pool = await reserveAddresses();
    const port = await freePort();
    const source = `
      const http = require('node:http');
      http.createServer((q, r) => r.end(process.env.${PRELOAD_VARIABLES.ip})).listen(${port}, () => {
        http.get('http://localhost:${port}/', (r) => r.on('data', (d) => console.log('self ' + d)));
      });`;
    const pods = [pool.takePod(), pool.takePod(), pool.takePod()];
    const programs = await Promise.all(
      pods.map(async ({ ip, localhost }, index) => {
        const ports = path.join(work.path, `ports-${index}`);
        mkdirSync(ports);
        return await nodeProgram(source, {
          ...podEnvironment(ip, localhost),
          [PRELOAD_VARIABLES.ports]: ports,
        });
      }),
    );
    for (const [index, { ip }] of pods.entries()) {
      const { output } = programs[index] ?? { output: undefined };
      await until(() => output?.text().includes('self') === true, 'the program to reach itself');
      expect(output?.text()).toBe(`self ${ip}\n`);
      expect(await (await fetch(`http://${ip}:${port}/`)).text()).toBe(ip);
    }
    for (const { running } of programs) running.killGroup();
    await Promise.all(programs.map(({ running }) => running.exited));
    await pool.close();
  });

  it('keep what listens on localhost from other pods', async () => {
    const pool = await reserveAddresses();
    const port = await freePort();
    const { ip, localhost } = pool.takePod();
    const { running, output } = await nodeProgram(
      `require('node:http').createServer((q, r) => r.end('private')).listen(${port}, '127.0.0.1', function () { console.log(this.address().address) })`,
      podEnvironment(ip, localhost),
    );
    await until(() => output.text() !== '', 'the program to listen');
    expect(output.text()).toBe(`${localhost}\n`);
    await expect(fetch(`http://${ip}:${port}/`)).rejects.toThrow('fetch failed');
    running.killGroup();
    await running.exited;
    await pool.close();
  });
});

describe.skipIf(process.platform !== 'linux')('a port that this machine has in use on every address', () => {
  it('is another one, which the cluster knows, and stays what the program asked for to itself', async () => {
    const holder = createServer();
    const port = await new Promise<number>((resolve) => {
      holder.listen(0, '0.0.0.0', () => resolve(portOf(holder)));
    });
    const pool = await reserveAddresses();
    const { ip, localhost } = pool.takePod();
    const env = podEnvironment(ip, localhost);
    const { running, output } = await nodeProgram(
      `const http = require('node:http');
       let called = 0;
       http.createServer((q, r) => r.end('mine')).listen(${port}, () => {
         called += 1;
         http.get('http://localhost:${port}/', (r) => r.on('data', (d) => console.log(called + ' ' + d)));
         http.createServer().on('error', (error) => console.log(error.code)).listen(${port});
       });`,
      env,
    );
    await until(() => output.text().split('\n').length > 2, 'both lines');
    expect(
      output
        .text()
        .trim()
        .split('\n')
        .toSorted((a, b) => (a < b ? -1 : 1)),
    ).toEqual(['1 mine', 'EADDRINUSE']);
    const found = listenerOf(env[PRELOAD_VARIABLES.ports] ?? '', ip, port);
    expect(found.host).toBe(ip);
    expect(found.port).not.toBe(port);
    expect(await (await fetch(`http://${found.host}:${found.port}/`)).text()).toBe('mine');
    running.killGroup();
    await running.exited;
    holder.close();
    await pool.close();
  });
});

describe.skipIf(process.platform !== 'linux')('names of Services', () => {
  it('resolve in every form that Kubernetes has, for http and fetch, and follow the hosts file', async () => {
    const pool = await reserveAddresses();
    const { ip, localhost } = pool.takePod();
    const service = pool.takeService();
    const target = createServer((socket) =>
      socket.resume().end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok'),
    );
    await new Promise<void>((resolve) => {
      target.listen(0, service, resolve);
    });
    const address = target.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const hosts = hostsFile(work.path);
    hosts.write({
      names: { 'mail.default': [service], 'mail.other': [service] },
      moved: { [`${service}:80`]: { host: service, port } },
    });
    const { running, output } = await nodeProgram(
      `(async () => {
        for (const name of ['mail', 'mail.other', 'mail.default.svc', 'mail.other.svc.cluster.local']) {
          console.log(name, await (await fetch('http://' + name + ':${port}/')).text());
        }
        console.log('moved', await (await fetch('http://mail/')).text());
      })()`,
      podEnvironment(ip, localhost, hosts.path),
    );
    await running.exited;
    expect(output.text().trim().split('\n')).toEqual([
      'mail ok',
      'mail.other ok',
      'mail.default.svc ok',
      'mail.other.svc.cluster.local ok',
      'moved ok',
    ]);
    await new Promise((resolve) => {
      target.close(resolve);
    });
    await pool.close();
  });
});

describe('a program whose cluster is killed', () => {
  it('ends with it', async () => {
    const child = path.join(work.path, 'pod.cjs');
    writeFileSync(child, 'console.log(process.pid); setInterval(() => {}, 1000)');
    const runtime = path.resolve(import.meta.dirname, 'index.ts');
    const parentFile = path.join(work.path, 'cluster.mts');
    const env = JSON.stringify(podEnvironment('127.0.0.1', '127.0.0.1'));
    writeFileSync(
      parentFile,
      `import { openWorkFolder, startProcess } from ${JSON.stringify(runtime)};
       const work = openWorkFolder(${JSON.stringify(path.join(parent, 'inner'))}, ${JSON.stringify(runs())});
       await startProcess({ program: process.execPath, args: [${JSON.stringify(child)}], cwd: work.path, env: ${env}, onOutput: (chunk) => process.stdout.write(chunk) }, work);`,
    );
    const output = logBuffer(Date.now);
    const cluster = await startProcess(
      {
        program: process.execPath,
        args: ['--import', import.meta.resolve('tsx'), parentFile],
        cwd: path.resolve(import.meta.dirname, '../../..'),
        env: { PATH: process.env['PATH'] ?? '' },
        onOutput: (chunk) => output.write(chunk),
      },
      work,
    );
    await until(() => /^\d+\n/.test(output.text()), `the pod to start: ${output.text()}`);
    const pod = Number.parseInt(output.text(), 10);
    expect(isAlive(pod)).toBe(true);
    cluster.signal('SIGKILL');
    await cluster.exited;
    await until(() => !isAlive(pod), 'the pod to end');
  });
});

describe('a command', () => {
  function image(): string {
    const root = path.join(work.path, 'image');
    mkdirSync(path.join(root, 'app'), { recursive: true });
    mkdirSync(path.join(root, 'usr/bin'), { recursive: true });
    writeFileSync(path.join(root, 'app/main.js'), '');
    writeFileSync(path.join(root, 'usr/bin/tool'), '#!/bin/sh\n', { mode: 0o755 });
    return root;
  }

  it('of node runs with the program that runs the cluster, and its files are those of the image', () => {
    const root = image();
    const command = {
      root,
      argv: ['node', '/app/main.js', '/etc/passwd'],
      workingDir: '/app',
      path: undefined,
    };
    expect(resolveCommand(command)).toEqual({
      program: process.execPath,
      // Not in the image: passed on as it is written.
      args: [path.join(root, 'app/main.js'), '/etc/passwd'],
      cwd: path.join(root, 'app'),
    });
  });

  it('is found on the PATH of the image first', () => {
    const root = image();
    const command = { root, argv: ['tool'], workingDir: '/', path: '/usr/bin' };
    expect(resolveCommand(command).program).toBe(path.join(root, 'usr/bin/tool'));
  });

  it('that the image does not have is refused as containerd refuses it', () => {
    const command = { root: image(), argv: ['/bin/nothing'], workingDir: '/', path: undefined };
    expect(() => resolveCommand(command)).toThrow('exec: "/bin/nothing": no such file or directory');
    expect(() => resolveCommand({ ...command, argv: ['no-such-program'] })).toThrow(
      'executable file not found in $PATH',
    );
    expect(() => resolveCommand({ ...command, workingDir: '/missing' })).toThrow(
      '"/missing" is not a folder',
    );
  });
});

describe('a log', () => {
  it('keeps the newest lines within its bound and splits what is too long', async () => {
    const log = logBuffer(() => 0, 1000);
    log.write(Buffer.from('x'.repeat(40_000)));
    for (let index = 0; index < 200; index++) log.write(Buffer.from(`line ${index}\n`));
    const text = log.text();
    expect(text.length).toBeLessThanOrEqual(1000);
    expect(text.endsWith('line 199\n')).toBe(true);
    const tail: string[] = [];
    for await (const line of log.read({ tailLines: 2 }, new AbortController().signal)) tail.push(line);
    expect(tail).toEqual(['line 198\n', 'line 199\n']);
  });

  it('is followed until it ends', async () => {
    const log = logBuffer(() => Date.UTC(2026, 0, 1));
    log.write(Buffer.from('one\ntw'));
    const lines: string[] = [];
    const reading = (async () => {
      const options = { follow: true, timestamps: true };
      for await (const line of log.read(options, new AbortController().signal)) lines.push(line);
    })();
    log.write(Buffer.from('o\nthree'));
    log.end();
    await reading;
    expect(lines).toEqual(['one', 'two', 'three'].map((line) => `2026-01-01T00:00:00.000000000Z ${line}\n`));
  });
});

describe('a forwarder', () => {
  it('takes endpoints in turn and skips those that refuse', async () => {
    const serve = (text: string) =>
      new Promise<{ port: number; close: () => void }>((resolve) => {
        const server = createServer((socket) => socket.resume().end(text));
        server.listen(0, '127.0.0.1', () => {
          const address = server.address();
          const port = typeof address === 'object' && address !== null ? address.port : 0;
          resolve({ port, close: () => server.close() });
        });
      });
    const [one, two, gone] = [await serve('one'), await serve('two'), await serve('gone')];
    gone.close();
    const targets = [one, gone, two].map(({ port }) => ({ host: '127.0.0.1', port }));
    const forwarder = await startForwarder({ host: '127.0.0.1', port: 0 }, () => targets);
    const ask = () =>
      new Promise<string>((resolve, reject) => {
        let text = '';
        connect(forwarder?.port ?? 0, '127.0.0.1')
          .on('data', (chunk) => {
            text += chunk.toString();
          })
          .on('error', reject)
          .on('close', () => resolve(text));
      });
    expect([await ask(), await ask(), await ask()]).toEqual(['one', 'two', 'two']);
    forwarder?.close();
    one.close();
    two.close();
  });
});
