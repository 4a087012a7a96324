import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterFixture, program } from '../src/drydock/cluster/cluster-fixture.ts';
import type { ClusterFixture } from '../src/drydock/cluster/cluster-fixture.ts';
import { systemClock } from '../src/kernel/index.ts';
import { loadKubeClient } from '../src/kube/index.ts';
import type { KubeClient } from '../src/kube/index.ts';
import { findingsOf } from '../src/verdict/index.ts';
import type { Finding } from '../src/verdict/index.ts';
import { LIVE } from './findings-live-cases.ts';
import { objectsIn, stageOf, worldOf } from './findings-live-stage.ts';
import type { LiveCase, Played, Stage } from './findings-live-stage.ts';
import { asked } from './findings-worlds.ts';

// Every failure in a namespace of its own, all at once, on one cluster; each beside a twin that is well.

let fixture: ClusterFixture;
let kube: KubeClient;
let folder: string;
let env: Record<string, string>;

/** One program for all: what it does, its environment says. */
const SERVER = program(`
const mode = process.env.MODE ?? 'web';
if (mode === 'exit') { console.error('no STRIPE_KEY'); process.exit(3); }
if (mode === 'database') { console.error('Error: connect ECONNREFUSED 10.1.2.3:5432'); process.exit(1); }
if (mode === 'done') process.exit(0);
const server = require('node:http').createServer((request, response) => {
  response.statusCode = request.url === '/ready' && mode === 'never' ? 503 : request.url === '/live' && mode === 'ill' ? 500 : 200;
  response.end('ok');
});
server.listen(8080);
process.on('SIGTERM', () => process.exit(0));
`);

const present = spawnSync('kubectl', ['version', '--client']).status === 0;

beforeAll(async () => {
  fixture = await clusterFixture({ rbac: true, metrics: () => ({ cpu: 0.01, memory: 1e7 }) });
  folder = await mkdtemp(path.join(tmpdir(), 'landfall-findings-'));
  const kubeconfig = path.join(folder, 'kubeconfig');
  await fixture.cluster.writeKubeconfig(kubeconfig);
  kube = await loadKubeClient({ kubeconfig, clock: systemClock, env: {} });
  env = { PATH: process.env['PATH'] ?? '', HOME: folder, KUBECONFIG: kubeconfig };
  await fixture.push('api', '1.0.0', SERVER);
  await fixture.push('api', '1.1.0', SERVER);
  await kube.create(
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'public' },
      spec: { controller: 'example.com/ingress' },
    },
    {},
  );
}, 60_000);

afterAll(async () => {
  kube?.close();
  await fixture?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function play(
  one: LiveCase,
  broken: boolean,
): Promise<{ readonly stage: Stage; readonly played: Played }> {
  const namespace = `${one.name}-${broken ? 'broken' : 'twin'}`;
  const played: Played = { namespace, answers: [], digests: [] };
  const stage = stageOf(fixture, kube, env, played, broken);
  await kube.create(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: one.labels ?? {} } },
    {},
  );
  for (const object of objectsIn(one.objects(broken)))
    await kube.create({ ...object, metadata: { ...object.metadata, namespace } }, {});
  await one.happens?.(stage);
  return { stage, played };
}

const look = async (one: LiveCase, played: Played, broken: boolean) =>
  findingsOf(
    await worldOf(
      kube,
      played,
      one.desired === undefined ? [] : asked(one.desired(broken), played.namespace),
      one.laterMs ?? 0,
    ),
  );

/** Until the failure is the first thing that is said; a loaded machine takes its time. */
async function eventually(one: LiveCase, played: Played): Promise<readonly Finding[]> {
  const end = systemClock.now() + 40_000;
  for (;;) {
    const found = await look(one, played, true);
    if (found[0]?.id === one.id) return found;
    if (systemClock.now() > end)
      throw new Error(
        `${one.name} shows ${found.map(({ id, confidence }) => `${id} ${confidence}`).join(', ')}`,
      );
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
}

describe.skipIf(!present && process.env['CI'] === undefined)('live', () => {
  it.concurrent.each(LIVE.map((one) => [`${one.failure} ${one.name}`, one] as const))(
    '%s',
    async (_name, one) => {
      const [broken, twin] = await Promise.all([play(one, true), play(one, false)]);
      const [first] = await eventually(one, broken.played);
      if (one.still !== true) await twin.stage.ready();
      expect(first).toMatchObject({ id: one.id, failure: one.failure, boundary: one.boundary });
      const well = await look(one, twin.played, false);
      expect(well.filter(({ kind, failure }) => kind === 'cause' || failure === one.failure)).toEqual([]);
    },
    90_000,
  );
});
