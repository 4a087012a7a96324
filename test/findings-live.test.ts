import { afterAll, beforeAll, expect, it } from 'vitest';
import { program, clusterFixture } from '../src/drydock/cluster/cluster-fixture.ts';
import type { ClusterFixture } from '../src/drydock/cluster/cluster-fixture.ts';
import { systemClock } from '../src/kernel/index.ts';
import { loadKubeClient } from '../src/kube/index.ts';
import type { KubeClient, KubeObject } from '../src/kube/index.ts';
import { findingsOf, liveObject } from '../src/verdict/index.ts';
import type { World } from '../src/verdict/index.ts';
import { eventFact } from '../src/verdict/world/objects.ts';
import { LIVE } from './findings-live-cases.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

// Every failure in a namespace of its own, all at once, on one cluster; each beside a twin that is well.

let fixture: ClusterFixture;
let kube: KubeClient;
let folder: string;

const KINDS = [
  ['v1', 'Pod'],
  ['v1', 'Event'],
  ['v1', 'Service'],
  ['v1', 'ConfigMap'],
  ['v1', 'PersistentVolumeClaim'],
  ['v1', 'ResourceQuota'],
  ['apps/v1', 'Deployment'],
  ['apps/v1', 'ReplicaSet'],
  ['apps/v1', 'StatefulSet'],
  ['batch/v1', 'Job'],
  ['discovery.k8s.io/v1', 'EndpointSlice'],
  ['networking.k8s.io/v1', 'Ingress'],
] as const;

/** What the API says of one namespace, as rules see it. */
async function worldOf(namespace: string): Promise<World> {
  const lists = await Promise.all(
    KINDS.map(async ([apiVersion, kind]) => (await kube.list({ apiVersion, kind }, { namespace })).items),
  );
  const objects: readonly KubeObject[] = lists.flat();
  return {
    live: objects.filter(({ kind }) => kind !== 'Event').map(liveObject),
    desired: [],
    files: [],
    events: objects.filter(({ kind }) => kind === 'Event').flatMap((event) => eventFact(event) ?? []),
    logs: [],
    samples: [],
    builds: [],
    commits: [],
    digests: [],
    engines: [],
    answers: [],
    unreadable: [],
    at: new Date(systemClock.now()).toISOString(),
  };
}

const SERVER = program(`
const mode = process.env.MODE ?? 'web';
if (mode === 'exit') { console.error('no database'); process.exit(3); }
const server = require('node:http').createServer((request, response) => {
  response.statusCode = request.url === '/ready' && mode === 'never' ? 503 : request.url === '/live' && mode === 'ill' ? 500 : 200;
  response.end('ok');
});
server.listen(8080);
process.on('SIGTERM', () => process.exit(0));
`);

beforeAll(async () => {
  fixture = await clusterFixture();
  folder = await mkdtemp(path.join(tmpdir(), 'landfall-findings-'));
  const kubeconfig = path.join(folder, 'kubeconfig');
  await fixture.cluster.writeKubeconfig(kubeconfig);
  kube = await loadKubeClient({ kubeconfig, clock: systemClock, env: {} });
  await fixture.push('api', '1.0.0', SERVER);
  for (const { name, objects, before } of LIVE)
    for (const side of ['broken', 'twin'] as const) {
      const namespace = `${name}-${side}`;
      await kube.create(
        {
          apiVersion: 'v1',
          kind: 'Namespace',
          metadata: { name: namespace, ...(side === 'broken' ? before : {}) },
        },
        {},
      );
      for (const object of objects(side === 'broken')) {
        await kube.create({ ...object, metadata: { ...object.metadata, namespace } }, {});
      }
    }
}, 60_000);

afterAll(async () => {
  kube?.close();
  await fixture?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

it.concurrent.each(LIVE.map((one) => [`${one.failure} ${one.name}`, one] as const))(
  '%s',
  async (_name, one) => {
    await fixture.until(`${one.id} in ${one.name}`, async () =>
      findingsOf(await worldOf(`${one.name}-broken`)).some(
        ({ id, kind }) => id === one.id && kind === 'cause',
      ),
    );
    await fixture.until(`pods of ${one.name}-twin`, async () => {
      const { live } = await worldOf(`${one.name}-twin`);
      const workload = live.find(({ kind }) => kind === 'Deployment');
      return (workload?.value['status'] as { readyReplicas?: number } | undefined)?.readyReplicas === 1;
    });
    const [first] = findingsOf(await worldOf(`${one.name}-broken`));
    expect(first).toMatchObject({ id: one.id, failure: one.failure, boundary: one.boundary });
    expect(findingsOf(await worldOf(`${one.name}-twin`)).filter(({ kind }) => kind === 'cause')).toEqual([]);
  },
  60_000,
);
