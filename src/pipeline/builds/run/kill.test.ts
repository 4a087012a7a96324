import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildStage } from '../../../../test/builds-stage.ts';
import type { BuildStage } from '../../../../test/builds-stage.ts';
import { childProgram } from '../../../../test/child-program.ts';
import type { ChildProgram } from '../../../../test/child-program.ts';
import { isAlive } from '../../../kernel/index.ts';
import { readBuildRecords } from '../../../oci/index.ts';

const signal = new AbortController().signal;

/** Runs what is queued; writes a line before every call to the ledger and the registry, and waits for an answer. */
const CHILD = `
import { readSync, writeSync } from 'node:fs';
import { createGitMirrors } from './src/git/index.ts';
import { silentLogger, systemClock } from './src/kernel/index.ts';
import { openLedger } from './src/ledger/index.ts';
import { createRegistryClient } from './src/oci/index.ts';
import { runBuild } from './src/pipeline/index.ts';
const { folder, source, work, cache } = JSON.parse(process.argv[2]);
let marks = 0;
function mark(name) {
  writeSync(1, (marks += 1) + ' ' + name + '\\n');
  readSync(0, Buffer.alloc(1));
}
const watched = (object, quiet) => new Proxy(object, {
  get: (target, name) => typeof target[name] !== 'function' ? target[name] : (...args) => {
    if (!quiet.includes(name)) mark(String(name));
    return target[name](...args);
  },
});
const ledger = openLedger({ folder, clock: systemClock });
const mirrors = createGitMirrors({ folder: cache, clock: systemClock });
const build = await ledger.builds.claim();
const state = await runBuild({
  builds: watched(ledger.builds, ['keep']),
  openSource: async () => mirrors.open(source),
  registry: watched(createRegistryClient({ retries: 0 }), ['close']),
  clock: systemClock, logger: silentLogger, folder: work, env: process.env, graceMs: 300, heartbeatMs: 600000,
}, build, new AbortController().signal);
writeSync(1, 'ended ' + state + '\\n');
await ledger.close();
`;

let child: ChildProgram;
let stage: BuildStage;
beforeAll(async () => {
  child = await childProgram(CHILD);
  stage = await buildStage();
});
afterAll(async () => {
  child.remove();
  await stage.close();
});

const DECLARED = `  shop:
    repository: "@SOURCE@"
    on: { branch: main }
    image: "@REGISTRY@/shop"
    steps: [{ name: test, run: ["true"] }]
    package: { entrypoint: [node] }`;

function start() {
  const given = {
    folder: path.join(stage.folder, 'state'),
    source: stage.source,
    work: path.join(stage.folder, 'work'),
    cache: path.join(stage.folder, 'cache-of-the-child'),
  };
  const running = spawn(process.execPath, [child.file, JSON.stringify(given)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  running.stdin.on('error', () => {});
  return { running, exited: once(running, 'exit'), lines: createInterface(running.stdout) };
}

/** Lets it go on until the line before the given call, and kills it there. The calls that it made. */
async function killAt(mark: number): Promise<readonly string[]> {
  const { running, exited, lines } = start();
  const calls: string[] = [];
  for await (const line of lines) {
    calls.push(line);
    if (calls.length === mark) running.kill('SIGKILL');
    else running.stdin.write('.');
  }
  await exited;
  return calls;
}

describe('kill -9 of a build', () => {
  it(
    'before any call to the ledger or the registry leaves one image, one record and a build that ends',
    { timeout: 600_000 },
    async () => {
      const declared = stage.declare(DECLARED);
      await stage.commit({ n: '0' });
      await stage.look(declared);
      const whole = await killAt(Infinity);
      expect(whole.at(-1)).toBe('ended SUCCESS');
      const calls = whole.slice(0, -1).map((line) => line.split(' ')[1]);
      expect(calls).toEqual(expect.arrayContaining(['step', 'note', 'putManifest', 'attach', 'end']));
      for (const [index, call] of calls.entries()) {
        const commit = await stage.commit({ n: `${index + 1}` });
        const found = await stage.look(declared);
        await killAt(index + 1);
        const ended = await stage.run();
        const at = `killed before call ${index + 1}, ${call}`;
        expect([at, ended.id, ended.state, ended.runs]).toEqual([at, found.id, 'SUCCESS', 2]);
        const resolution = await stage.client.resolve(`${stage.registry.host}/shop:sha-${commit}`, signal);
        expect([at, ended.record?.['digest']]).toEqual([at, resolution.digest]);
        const records = await readBuildRecords(stage.client, resolution, signal);
        expect([at, records.map(({ record }) => record.build)]).toEqual([at, [found.id]]);
        expect([at, await stage.workspaces()]).toEqual([at, []]);
      }
    },
  );

  it('ends what its steps left running before they are run again, and gives up at the fourth', async () => {
    const declared = stage.declare(
      DECLARED.replace('shop:', 'dying:').replace(
        '["true"]',
        `[${JSON.stringify(process.execPath)}, -e, "console.log('pid', process.pid); setInterval(() => {}, 1000)"]`,
      ),
    );
    await stage.commit({ n: 'last' });
    const found = await stage.look(declared);
    const pids: number[] = [];
    for (let run = 1; run <= 3; run += 1) {
      const { running, exited, lines } = start();
      lines.on('line', () => running.stdin.write('.'));
      while (running.exitCode === null) {
        const [, step] = await stage.ledger.builds.steps(found.id);
        const pid = Number(/pid (\d+)/.exec(step?.head ?? '')?.[1] ?? 0);
        if (pid > 0 && !pids.includes(pid)) {
          pids.push(pid);
          break;
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      running.kill('SIGKILL');
      await exited;
      // Its step runs on, without anybody.
      expect(isAlive(pids.at(-1) ?? 0)).toBe(true);
    }
    const ended = await stage.run();
    expect(ended).toMatchObject({
      state: 'FAILURE',
      message: expect.stringContaining('3 processes') as string,
    });
    for (const pid of pids) expect(isAlive(pid)).toBe(false);
  }, 600_000);
});
