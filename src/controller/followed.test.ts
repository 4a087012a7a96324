import { getEventListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCluster } from '../drydock/index.ts';
import type { Cluster } from '../drydock/index.ts';
import { systemClock } from '../kernel/index.ts';
import { loadKubeClient } from '../kube/index.ts';
import type { KubeClient } from '../kube/index.ts';
import { follow } from './followed.ts';

const NAMESPACES = { apiVersion: 'v1', kind: 'Namespace' };

let folder: string;
let cluster: Cluster;
let kube: KubeClient;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'landfall-followed-'));
  cluster = await startCluster({ nodes: 1, workDir: folder });
  const kubeconfig = path.join(folder, 'kubeconfig');
  await cluster.writeKubeconfig(kubeconfig);
  kube = await loadKubeClient({ kubeconfig, clock: systemClock, env: {} });
});
afterAll(async () => {
  kube.close();
  await cluster.close();
  await rm(folder, { recursive: true, force: true });
});

it('leaves nothing on the signal of whoever asks, however often', async () => {
  const followed = follow(kube, NAMESPACES, { clock: systemClock });
  try {
    const { signal } = new AbortController();
    // Both before and after the first list has come.
    const lists = await Promise.all(Array.from({ length: 20 }, () => followed.list(signal)));
    for (let more = 0; more < 20; more += 1) lists.push(await followed.list(signal));
    expect(new Set(lists.map((list) => list.length)).size).toBe(1);
    expect(lists[0]?.length).toBeGreaterThan(0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  } finally {
    await followed.close();
  }
});

it('waits no longer than whoever asks', async () => {
  const followed = follow(kube, NAMESPACES, { clock: systemClock });
  try {
    await expect(followed.list(AbortSignal.abort())).rejects.toMatchObject({ kind: 'cancelled' });
  } finally {
    await followed.close();
  }
});
