import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../kernel/index.ts';
import { PODS } from '../controllers/index.ts';
import { logBuffer, openWorkFolder, startProcess } from '../runtime/index.ts';
import { clusterFixture } from './cluster-fixture.ts';
import type { ClusterFixture } from './cluster-fixture.ts';

const run = spawnSync('kubectl', ['version', '--client']).status === 0 || process.env['CI'] !== undefined;
const IMAGE = { image: 'registry.corp.io/app:v1' };

describe.skipIf(!run)('stock kubectl and a process pod (skipped where kubectl is not installed)', () => {
  let fixture: ClusterFixture;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'exec-test-'));
    fixture = await clusterFixture();
    await fixture.cluster.writeKubeconfig(path.join(folder, 'config'));
    const main = `
      console.log('up');
      process.stdin.on('data', (d) => console.log('heard ' + d.toString().trim()));
      process.stdin.on('end', () => console.log('input ended'));
      setInterval(() => {}, 1000);`;
    await fixture.push('app', 'v1', { files: { 'app/main.js': main, 'app/text': 'from the image\n' } });
    await fixture.run('p', IMAGE, {});
    await fixture.until('the pod', () => fixture.pod('p')?.status?.phase === 'Running');
  });
  afterAll(async () => {
    await fixture.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const env = (more: NodeJS.ProcessEnv = {}) => ({
    PATH: process.env['PATH'],
    HOME: folder,
    KUBECONFIG: path.join(folder, 'config'),
    ...more,
  });

  async function kubectl(args: readonly string[], input?: string | Buffer, more?: NodeJS.ProcessEnv) {
    const result = await runProgram('kubectl', args, {
      env: env(more),
      timeoutMs: 20_000,
      ...(input === undefined ? {} : { input }),
    });
    return { code: result.code, out: result.stdout.toString('utf8'), errors: result.stderr };
  }

  /** kubectl in a terminal, as somebody who types has it. */
  async function typing(args: readonly string[]) {
    const output = logBuffer(Date.now);
    const work = openWorkFolder(folder, path.join(folder, 'runs'));
    const running = await startProcess(
      {
        program: '/usr/bin/env',
        args: ['kubectl', ...args],
        cwd: folder,
        env: { PATH: process.env['PATH'] ?? '', HOME: folder, KUBECONFIG: path.join(folder, 'config') },
        input: true,
        terminalNote: path.join(work.path, 'terminal'),
        onOutput: (chunk) => output.write(chunk),
      },
      work,
    );
    const shows = async (text: string) => {
      await fixture.until(text, () => output.text().includes(text)).catch((error: unknown) => {
        throw new Error(`the terminal shows ${JSON.stringify(output.text())}`, { cause: error });
      });
    };
    return { running, shows, text: () => output.text(), type: (text: string) => running.input?.write(text) };
  }

  const TRANSPORTS = [
    ['a WebSocket', {}],
    ['SPDY', { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' }],
  ] as const;

  it.each(TRANSPORTS)('exec gets output, errors and the exit code over %s', async (_name, more) => {
    const script = `console.log('a b'); console.error('wrong'); process.exitCode = 3`;
    const { code, out, errors } = await kubectl(['exec', 'p', '--', 'node', '-e', script], undefined, more);
    expect([code, out]).toEqual([3, 'a b\n']);
    expect(errors).toContain('wrong\n');
    expect(errors).toContain('command terminated with exit code 3');
  });

  it.each(TRANSPORTS)('exec -i passes input to its end over %s', async (_name, more) => {
    const input = Buffer.alloc(500_000, 'abcdefghi\n');
    const { code, out } = await kubectl(['exec', '-i', 'p', '--', 'wc', '-c'], input, more);
    expect([code, out.trim()]).toEqual([0, '500000']);
    const back = await kubectl(['exec', '-i', 'p', '--', 'cat'], input, more);
    expect(back.out === input.toString('utf8')).toBe(true);
  });

  it('exec -it is a terminal that echoes, has a size, and hears Ctrl-C', async () => {
    const session = await typing(['exec', '-it', 'p', '--', 'sh', '-c', 'test -t 0 && echo terminal; cat; echo $?']);
    await session.shows('terminal');
    session.type('hello\r');
    await fixture.until('the line and its echo', () => session.text().split('hello').length === 3);
    session.type('\u0003');
    expect((await session.running.exited).exitCode).toBe(130);
    const sized = await typing(['exec', '-it', 'p', '--', 'sh']);
    sized.running.terminal?.resize(97, 31);
    await fixture.until('the size to arrive', () => {
      sized.type('stty size\r');
      return sized.text().includes('31 97');
    });
    sized.type('exit 7\r');
    expect((await sized.running.exited).exitCode).toBe(7);
  });

  it('exec says what is wrong with a command, a container and a pod', async () => {
    const missing = await kubectl(['exec', 'p', '--', 'no-such-program']);
    expect(missing.code).toBe(1);
    expect(missing.errors).toContain('exec: "no-such-program": executable file not found in $PATH: unknown');
    expect((await kubectl(['exec', 'p', '-c', 'x', '--', 'true'])).errors).toContain('container x');
    expect((await kubectl(['exec', 'q', '--', 'true'])).errors).toContain('pods "q" not found');
    await fixture.run('simulated', { image: 'nginx:1' });
    await fixture.until('the pod', () => fixture.pod('simulated')?.status?.phase === 'Running');
    expect((await kubectl(['exec', 'simulated', '--', 'true'])).errors).toContain(
      'container main is simulated: it has no process',
    );
  });

  it('cp copies out of the image, into the container, and back', async () => {
    expect(await kubectl(['cp', 'p:/app/text', path.join(folder, 'text')])).toMatchObject({ code: 0 });
    expect(readFileSync(path.join(folder, 'text'), 'utf8')).toBe('from the image\n');
    writeFileSync(path.join(folder, 'local'), 'from here\n');
    expect(await kubectl(['cp', path.join(folder, 'local'), 'p:/app/copied'])).toMatchObject({ code: 0 });
    expect((await kubectl(['exec', 'p', '--', 'cat', '/app/copied'])).out).toBe('from here\n');
  });

  it('attach -i talks to the program itself, and leaves it when it goes', async () => {
    await fixture.run('talks', { ...IMAGE, stdin: true });
    await fixture.until('the pod', () => fixture.pod('talks')?.status?.phase === 'Running');
    const log = fixture.follow('talks');
    await fixture.until('it to be up', () => log().includes('up'));
    const session = await typing(['attach', '-i', 'talks']);
    session.type('one\r');
    await session.shows('heard one');
    session.running.killGroup();
    await session.running.exited;
    const again = await typing(['attach', '-i', 'talks']);
    again.type('two\r');
    await again.shows('heard two');
    again.running.killGroup();
    expect(log()).not.toContain('input ended');
  });

  it('run -i --rm runs a program with input once, shows what it says, and removes the pod', async () => {
    const reply = `process.stdin.on('data', (d) => console.log('got ' + d)).on('end', () => process.exit(0))`;
    const args = ['run', 'once', '-i', '--rm', '--restart=Never', '--quiet', `--image=${IMAGE.image}`];
    const { code, out } = await kubectl([...args, '--command', '--', 'node', '-e', reply], 'hello\n');
    expect([code, out]).toEqual([0, expect.stringContaining('got hello')]);
    await fixture.until('the pod to go', () => fixture.api.get(PODS, 'default', 'once') === undefined);
  });

  it('run -it --rm gives a shell', async () => {
    const args = ['run', 'shell', '-it', '--rm', '--restart=Never', `--image=${IMAGE.image}`];
    const session = await typing([...args, '--command', '--', 'sh']);
    await session.shows('try pressing enter');
    session.type('echo $((6*7))\r');
    await session.shows('42');
    session.type('exit\r');
    await session.shows('pod "shell" deleted');
    expect((await session.running.exited).exitCode).toBe(0);
  });
});
