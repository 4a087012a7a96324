import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWorkFolder, startProcess } from './index.ts';
import { isAlive, runtimeFixture, until } from './runtime-fixture.ts';
import type { RuntimeFixture } from './runtime-fixture.ts';

let fixture: RuntimeFixture;

beforeEach(() => {
  fixture = runtimeFixture();
});

afterEach(() => fixture.close());

describe('a process', () => {
  it('reports its exit code and its output', async () => {
    const { running, output } = await fixture.nodeProgram(
      'console.log("out"); console.error("err"); process.exitCode = 3',
    );
    expect(await running.exited).toEqual({ exitCode: 3, signal: undefined });
    expect(output.text().split('\n').toSorted()).toEqual(['', 'err', 'out']);
  });

  it('reports 128 and the number of the signal that ended it', async () => {
    const { running } = await fixture.nodeProgram('setInterval(() => {}, 1000)');
    running.signal('SIGKILL');
    expect(await running.exited).toEqual({ exitCode: 137, signal: 9 });
  });

  it('gets no variable that is not its own', async () => {
    const { running, output } = await fixture.nodeProgram('console.log(Object.keys(process.env).join())', {
      ONLY: '1',
    });
    await running.exited;
    expect(output.text()).toBe('ONLY\n');
  });

  it('takes what it started with it', async () => {
    const { running, output } = await fixture.nodeProgram(
      `const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
       console.log(child.pid); child.unref(); setTimeout(() => process.exit(0), 50);`,
    );
    await running.exited;
    const child = Number(output.text());
    await until(() => !isAlive(child), 'the grandchild to end');
  });

  it('that cannot be started says which program', async () => {
    await expect(
      startProcess(
        { program: '/no/such/program', args: [], cwd: fixture.work.path, env: {}, onOutput() {} },
        fixture.work,
      ),
    ).rejects.toThrow('/no/such/program');
  });
});

describe('what an earlier, killed cluster left', () => {
  it('is ended and removed at the next start', async () => {
    const { running } = await fixture.nodeProgram('setInterval(() => {}, 1000)');
    fixture.abandon();
    const next = openWorkFolder(fixture.parent, fixture.runs);
    expect(await running.exited).toMatchObject({ exitCode: 137 });
    expect(existsSync(fixture.work.path)).toBe(false);
    next.remove();
  });

  it('is not ended when the process id belongs to another process now', async () => {
    const { running } = await fixture.nodeProgram('setInterval(() => {}, 1000)');
    fixture.abandon();
    writeFileSync(
      path.join(fixture.work.path, 'pids', String(running.pid)),
      JSON.stringify({ pid: running.pid, start: 'another time' }),
    );
    openWorkFolder(fixture.parent, fixture.runs).remove();
    expect(isAlive(running.pid)).toBe(true);
    running.killGroup();
    await running.exited;
  });

  it('is left alone where its process ids mean something else', () => {
    fixture.abandon('pid:[1]');
    openWorkFolder(fixture.parent, fixture.runs).remove();
    expect(existsSync(fixture.work.path)).toBe(true);
  });

  it('is left alone while its owner lives', () => {
    openWorkFolder(fixture.parent, fixture.runs).remove();
    expect(existsSync(fixture.work.path)).toBe(true);
    expect(readdirSync(fixture.runs)).toHaveLength(1);
  });
});

describe('a program whose cluster is killed', () => {
  it('ends with it', async () => {
    const child = path.join(fixture.work.path, 'pod.cjs');
    writeFileSync(child, 'console.log(process.pid); setInterval(() => {}, 1000)');
    const runtime = path.resolve(import.meta.dirname, 'index.ts');
    const parentFile = path.join(fixture.work.path, 'cluster.mts');
    const env = JSON.stringify(fixture.podEnvironment('127.0.0.1', '127.0.0.1'));
    writeFileSync(
      parentFile,
      `import { openWorkFolder, startProcess } from ${JSON.stringify(runtime)};
       const work = openWorkFolder(${JSON.stringify(path.join(fixture.parent, 'inner'))}, ${JSON.stringify(fixture.runs)});
       await startProcess({ program: process.execPath, args: [${JSON.stringify(child)}], cwd: work.path, env: ${env}, onOutput: (chunk) => process.stdout.write(chunk) }, work);`,
    );
    const { running: cluster, output } = await fixture.start({
      program: process.execPath,
      args: ['--import', import.meta.resolve('tsx'), parentFile],
      cwd: path.resolve(import.meta.dirname, '../../..'),
      env: { PATH: process.env['PATH'] ?? '' },
    });
    await until(() => /^\d+\n/.test(output.text()), `the pod to start: ${output.text()}`);
    const pod = Number.parseInt(output.text(), 10);
    expect(isAlive(pod)).toBe(true);
    cluster.signal('SIGKILL');
    await cluster.exited;
    await until(() => !isAlive(pod), 'the pod to end');
  });
});
