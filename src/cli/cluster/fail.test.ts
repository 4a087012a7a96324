import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processStart, systemClock } from '../../kernel/index.ts';
import { startCluster } from '../../drydock/index.ts';
import type { Cluster } from '../../drydock/index.ts';
import { runCli } from '../run.ts';
import { claimRecord } from './record.ts';

let cluster: Cluster;
let state: string;

beforeAll(async () => {
  state = await mkdtemp(path.join(tmpdir(), 'fail-test-'));
  cluster = await startCluster({ nodes: 1 });
  const kubeconfig = path.join(state, 'kubeconfig');
  await cluster.writeKubeconfig(kubeconfig);
  await claimRecord(path.join(state, 'landfall'), {
    name: 'landfall',
    pid: process.pid,
    born: processStart(process.pid) ?? '',
    url: cluster.url,
    registry: cluster.registry.host,
    kubeconfig,
    startedAt: new Date().toISOString(),
  });
});
afterAll(async () => {
  await cluster.close();
  await rm(state, { recursive: true, force: true });
});

async function run(
  line: string,
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let out = '';
  let err = '';
  const code = await runCli(['cluster', 'fail', ...line.split(' ')], {
    out: (text) => (out += text),
    err: (text) => (err += text),
    outTerminal: {},
    errTerminal: {},
    env: { XDG_STATE_HOME: state },
    cwd: state,
    clock: systemClock,
    signal: new AbortController().signal,
    stdin: () => Promise.resolve(''),
  });
  return { code, out, err };
}

describe('landfall cluster fail', () => {
  it.each([
    [
      'api --verb patch,create --resource deployments --every 3 --dry-runs not --status 503 --retry-after 2',
      'every 3rd patch or create of deployments that is no dry run is answered 503',
    ],
    [
      'api --nth 12 --reset --after-write',
      'the 12th request is done and loses its answer with the connection',
    ],
    ['api --late --times 1', 'every request is carried out only once its client has gone, once'],
    ['api --end-watch expired --after-events 4', 'every watch is told 410 after 4 events'],
    [
      'registry --repository shop/web --reference v1 --hang',
      'every request of the registry for shop/web:v1 gets no answer',
    ],
    ['pull --image nginx:* --slow 90s', 'every pull of nginx:* takes 90 s longer'],
    ['node node-1 --pressure disk', 'node-1 says that it runs out of disk'],
    [
      'pods -l app=web -n shop --crash --exit-code 3 --after 30s',
      'every run of a container of pods with app=web in namespace shop ends with code 3 after 30 s',
    ],
  ])('%s', async (line, says) => {
    const { code, out, err } = await run(line);
    expect(err).toBe('');
    const [first = '', second = ''] = out.split('\n');
    const id = /^! (\S+) /.exec(first)?.[1] ?? '';
    expect(first).toBe(`! ${id}  ${says}`);
    expect(second).toBe(`  heal: landfall cluster fail heal ${id}`);
    expect(code).toBe(0);
    expect(cluster.faults.list().map((fault) => fault.id)).toEqual([id]);
    expect((await run(`heal ${id}`)).out).toBe(`✓ healed ${id}\n`);
    expect(cluster.faults.list()).toEqual([]);
  });

  it('lists what is on with its hits, and heals everything', async () => {
    expect((await run('list')).out).toBe('Nothing fails on purpose in landfall.\n');
    const fault = cluster.faults.add({ on: 'api', times: 1, effect: { type: 'status', status: 500 } });
    await run('node node-1 --not-ready');
    const node = cluster.faults.list()[1]?.id;
    expect((await run('list')).out).toBe(
      `${fault.id}  every request is answered 500, once  (0 hits of 0)\n` +
        `${node ?? ''}  node-1 says that it is not ready\n`,
    );
    expect(JSON.parse((await run('list -o json')).out)).toMatchObject([{ id: fault.id }, { id: node }]);
    expect((await run('heal')).out).toBe('✓ healed 2 faults\n');
  });

  it('says what is wrong, and starts nothing then', async () => {
    const wrong: readonly (readonly [string, RegExp])[] = [
      ['api', /What is to happen to the requests was not said/],
      ['api --hang --reset', /--hang and --reset were given/],
      ['api --status 99', /effect\.status/],
      ['api --verb apply --hang', /'apply' is no verb/],
      ['node node-7 --lost', /There is no node node-7\..*node-1/s],
      ['pods -l a=b=c --oom', /is no label selector/],
      ['heal fault-99', /There is no fault fault-99/],
      ['list --name other', /No cluster 'other' was started/],
    ];
    for (const [line, message] of wrong) {
      const { code, err } = await run(line);
      expect(err, line).toMatch(message);
      expect(code, line).toBe(3);
    }
    expect(cluster.faults.list()).toEqual([]);
  });
});
