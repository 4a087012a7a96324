import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { startCluster } from '../src/drydock/index.ts';
import type { Cluster } from '../src/drydock/index.ts';
import { loadKubeClient } from '../src/kube/index.ts';
import type { KubeClient, KubeObject } from '../src/kube/index.ts';

/** A cluster that Landfall's client and stock kubectl work on side by side. */
export interface KubectlStage {
  readonly cluster: Cluster;
  readonly client: KubeClient;
  /** Makes a namespace that no test has had, and gives its name. */
  nextNamespace(): Promise<string>;
  /** kubectl as a person uses it, in the newest namespace; with `-f` for the objects that are given. */
  kubectl(args: readonly string[], ...objects: readonly KubeObject[]): Promise<void>;
  close(): Promise<void>;
}

export async function openKubectlStage(): Promise<KubectlStage> {
  const folder = await mkdtemp(path.join(tmpdir(), 'landfall-kubectl-'));
  const kubeconfig = path.join(folder, 'config');
  const cluster = await startCluster({ nodes: 1 });
  await cluster.writeKubeconfig(kubeconfig);
  const client = await loadKubeClient({ kubeconfig });
  let made = 0;
  const newest = () => `ns-${made}`;
  return {
    cluster,
    client,
    async nextNamespace() {
      made += 1;
      await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: newest() } });
      return newest();
    },
    async kubectl(args, ...objects) {
      const file = path.join(folder, 'objects.json');
      const given = objects.length > 0 ? ['-f', file] : [];
      await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
      await promisify(execFile)('kubectl', ['--kubeconfig', kubeconfig, '-n', newest(), ...args, ...given]);
    },
    async close() {
      client.close();
      await cluster.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
