import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runGit } from '../../src/git/index.ts';
import { systemClock } from '../../src/kernel/index.ts';
import type { Clock } from '../../src/kernel/index.ts';
import { openTcpGate } from '../tcp-gate.ts';
import type { TcpGate } from '../tcp-gate.ts';
import { openLab } from './stage.ts';
import type { Changed, Lab } from './stage.ts';

// staging → prod behind every gate: soak by a clock that is moved, an approval by somebody else, and checks of each kind
// that first say no and then yes.
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DEV = 'apps/payment-api/overlays/dev/patch-image.yaml';

let lab: Lab;
let server: Server;
let address = '';
let gate: TcpGate | undefined;
/** What everybody who is asked answers. */
let well = false;
/** How far the person's clock is behind: what is moved is the past, so that the cluster's own times fit in the end. */
let behind = HOUR + MINUTE;
const clock: Clock = {
  now: () => systemClock.now() - behind,
  after: (ms, callback) => systemClock.after(ms, callback),
};

function declared(flag: string): string {
  return `apiVersion: landfall.dev/v1
environments:
  - name: dev
    applications: [payment-api-dev]
  - name: staging
    applications: [payment-api-staging]
  - name: prod
    applications: [payment-api-prod]
    promotion:
      from: staging
      soak: 1h
      approvals: { count: 1, by: ['group:release'], notAuthor: true }
      checks:
        - { name: smoke, run: [test, -e, ${flag}] }
        - { name: status, url: "${address}/ok" }
        - { name: errors, prometheus: "${address}/metrics", query: "sum(rate(errors[5m]))", max: 0.01 }
        - { name: dev, landed: payment-api-dev }
`;
}

/** At the time that the test says. */
function change(args: readonly string[], kubeconfig = lab.kubeconfig) {
  return lab.change(args, { clock, env: { KUBECONFIG: kubeconfig } });
}

/** The same cluster at another address. */
async function forwarded(): Promise<string> {
  const own = await readFile(lab.kubeconfig, 'utf8');
  const [, port = ''] = /https:\/\/127\.0\.0\.1:(\d+)/.exec(own) ?? [];
  gate = await openTcpGate({ host: '127.0.0.1', port: Number(port) });
  const file = path.join(lab.home, 'forwarded');
  await writeFile(file, own.replace(`https://127.0.0.1:${port}`, `https://127.0.0.1:${gate.port}`));
  return file;
}

async function settled(environment: string, summary = 'landed'): Promise<void> {
  await lab.refresh(`payment-api-${environment}`);
  const { proof } = await lab.prove(`payment-api-${environment}`, ['--wait', '60s'], { clock });
  expect(proof.verdict.summary, JSON.stringify(proof.boundaries, undefined, 1)).toContain(summary);
}

beforeAll(async () => {
  server = createServer((request, response) => {
    const query = new URL(request.url ?? '/', 'http://localhost').searchParams.get('query');
    if (request.url?.startsWith('/metrics/api/v1/query') !== true) {
      response.writeHead(well ? 200 : 503).end();
      return;
    }
    const value = query === 'sum(rate(errors[5m]))' && well ? '0.002' : '0.5';
    const result = [{ metric: {}, value: [1, value] }];
    response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  address = `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
  lab = await openLab();
  await lab.onboard({ 'landfall.yaml': declared(path.join(lab.home, 'smoke')) });
  for (const environment of ['dev', 'staging', 'prod'] as const) await lab.register(environment);
  for (const environment of ['dev', 'staging', 'prod']) await settled(environment);
}, 3 * MINUTE);

afterAll(async () => {
  await gate?.close();
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
  await lab?.close();
});

it(
  'a release goes from staging to production once it has soaked, somebody has approved and every check says yes',
  async () => {
    const first = await change(['promote', 'payment-api', '--to', 'staging', '--wait', '90s']);
    expect([first.code, first.report.state], JSON.stringify(first.report)).toEqual([0, 'landed']);
    const waiting = await change(['promote', 'payment-api', '--to', 'prod', '--wait', '0']);
    expect([waiting.code, waiting.report.state]).toEqual([2, 'waiting']);
    const id = waiting.report.id ?? '';
    const gates = ({ report }: Changed) => report.gates.map(({ gate, state }) => `${gate} ${state}`);
    expect(gates(waiting).slice(0, 3)).toEqual(['landed open', 'soak waiting', 'approvals waiting']);

    const approved = await change(['promote', 'approve', id, '--wait', '0'], await lab.as('ana', 'release'));
    expect(gates(approved).slice(0, 3)).toEqual(['landed open', 'soak waiting', 'approvals open']);

    // An hour later it has soaked; whoever is asked says no, dev among them.
    await lab.commit({ [DEV]: (await lab.read(DEV)).replace(/image: .*/, 'image: nginx:9.9.9') });
    behind = 0;
    await settled('dev', 'stopped');
    await settled('staging');
    const refused = await change(['promote', 'resume', id, '--wait', '0'], await forwarded());
    expect([refused.code, refused.report.state], JSON.stringify(refused.report)).toEqual([2, 'waiting']);
    expect(refused.report.gates.slice(0, 3).map(({ state }) => state)).toEqual(['open', 'open', 'open']);
    expect(refused.report.gates.filter(({ gate }) => gate === 'check')).toEqual([
      { gate: 'check', state: 'waiting', text: 'smoke: exit 1' },
      { gate: 'check', state: 'waiting', text: 'status: answered 503, wanted 200' },
      { gate: 'check', state: 'waiting', text: 'errors: is 0.5, wanted at most 0.01' },
      { gate: 'check', state: 'waiting', text: expect.stringMatching(/^dev: payment-api-dev /) as string },
    ]);
    const commits = () => runGit('Reading the log', ['log', '--format=%s', 'main'], { cwd: lab.repository });
    expect(await commits()).not.toContain('to prod');

    // Then all of them say yes.
    well = true;
    await writeFile(path.join(lab.home, 'smoke'), '');
    await lab.commit({ [DEV]: (await lab.read(DEV)).replace(/image: .*/, 'image: nginx:1.27.6') });
    await settled('dev');
    const done = await change(['promote', 'resume', id, '--wait', '90s']);
    expect([done.code, done.report.state, done.report.id], JSON.stringify(done.report, undefined, 1)).toEqual(
      [0, 'landed', id],
    );
    expect(done.report.gates.every(({ state }) => state === 'open')).toBe(true);
    await rm(path.join(lab.home, 'smoke'));

    const { proof } = await lab.prove('payment-api-prod', ['--revision', done.report.commit ?? ''], {
      clock,
    });
    expect([proof.verdict.state, proof.release.digest]).toEqual(['landed', first.report.release.digest]);
    const message = await runGit('Reading', ['show', '-s', '--format=%B', done.report.commit ?? ''], {
      cwd: lab.repository,
    });
    expect(message).toContain('Promote payment-api 1.27.6 to prod');
    expect(message).toContain('approvals: approved by ana');
    expect((await commits()).split('\n').filter((line) => line.includes('to prod'))).toHaveLength(1);
  },
  4 * MINUTE,
);
