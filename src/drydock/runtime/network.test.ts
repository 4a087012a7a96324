import { mkdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  hostsFile,
  listenerOf,
  PRELOAD_VARIABLES,
  reserveAddresses,
  startForwarder,
  writePreload,
} from './index.ts';
import { freePort, portOf, runtimeFixture, until } from './runtime-fixture.ts';
import type { RuntimeFixture } from './runtime-fixture.ts';

let fixture: RuntimeFixture;

beforeEach(() => {
  fixture = runtimeFixture();
});

afterEach(() => fixture.close());

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
        const ports = path.join(fixture.work.path, `ports-${index}`);
        mkdirSync(ports);
        return await fixture.nodeProgram(source, {
          ...fixture.podEnvironment(ip, localhost),
          [PRELOAD_VARIABLES.ports]: ports,
        });
      }),
    );
    for (const [index, { ip }] of pods.entries()) {
      const { output } = programs[index] ?? { output: undefined };
      await until(() => output?.text().includes('self') === true, 'the program to reach itself');
      expect(output?.text()).toBe(`self ${ip}\n`);
      // Where the cluster finds it: at its port, or elsewhere if a program of this machine has taken that meanwhile.
      const at = listenerOf(path.join(fixture.work.path, `ports-${index}`), ip, port);
      expect(await (await fetch(`http://${at.host}:${at.port}/`)).text()).toBe(ip);
    }
    for (const { running } of programs) running.killGroup();
    await Promise.all(programs.map(({ running }) => running.exited));
    await pool.close();
  });

  it("are a program's own also where the file that sees to it is written while it starts", async () => {
    const { ip, localhost } = { ip: '127.1.1.1', localhost: '127.1.1.2' };
    const env = fixture.podEnvironment(ip, localhost);
    let writing = true;
    const write = (): void => {
      writePreload(fixture.work.path);
      if (writing) setImmediate(write);
    };
    write();
    const source = `require('node:net').createServer().listen(0, function () { console.log(this.address().address); this.close(); })`;
    const programs = await Promise.all([1, 2, 3].map(() => fixture.nodeProgram(source, env)));
    await Promise.all(programs.map(({ running }) => running.exited));
    writing = false;
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    expect(programs.map(({ output }) => output.text())).toEqual([`${ip}\n`, `${ip}\n`, `${ip}\n`]);
  });

  it('keep what listens on localhost from other pods', async () => {
    const pool = await reserveAddresses();
    const port = await freePort();
    const { ip, localhost } = pool.takePod();
    const { running, output } = await fixture.nodeProgram(
      `require('node:http').createServer((q, r) => r.end('private')).listen(${port}, '127.0.0.1', function () { console.log(this.address().address) })`,
      fixture.podEnvironment(ip, localhost),
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
    const env = fixture.podEnvironment(ip, localhost);
    const { running, output } = await fixture.nodeProgram(
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
    const hosts = hostsFile(fixture.work.path);
    hosts.write({
      names: { 'mail.default': [service], 'mail.other': [service] },
      moved: { [`${service}:80`]: { host: service, port } },
    });
    const { running, output } = await fixture.nodeProgram(
      `(async () => {
        for (const name of ['mail', 'mail.other', 'mail.default.svc', 'mail.other.svc.cluster.local']) {
          console.log(name, await (await fetch('http://' + name + ':${port}/')).text());
        }
        console.log('moved', await (await fetch('http://mail/')).text());
      })()`,
      fixture.podEnvironment(ip, localhost, hosts.path),
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
