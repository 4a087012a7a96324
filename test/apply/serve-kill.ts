import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LandfallError, getObject, getString, systemClock } from '../../src/kernel/index.ts';
import { loadKubeClient } from '../../src/kube/index.ts';
import type { KubeClient, KubeObject } from '../../src/kube/index.ts';
import { openLedger } from '../../src/ledger/index.ts';
import { startCluster } from '../../src/drydock/index.ts';
import type { Cluster } from '../../src/drydock/index.ts';
import type { ApiEffect } from '../../src/drydock/faults/index.ts';
import { commitAll, createRepository } from '../../src/git/test-support.ts';
import type { Binary, Started } from '../cli/binary.ts';

/** Where `landfall serve` is killed while it carries out the new set. */
export type Kill =
  /** While the k-th write is under way: before the server has carried it out, or after that and before its answer. */
  | { readonly at: 'write'; readonly nth: number; readonly written: boolean }
  /** When the first wave is there and not healthy yet. */
  | { readonly at: 'between-waves' };

export interface KillStage {
  readonly cluster: Cluster;
  readonly kube: KubeClient;
  /**
   * Delivers the old set by a controller, kills it in the middle of the new one, and starts it again. `wanted` says
   * whether somebody still wants the new set by then. Gives what is there once it is at rest: `old`, `new`, or a list.
   */
  suffer(kill: Kill, wanted: boolean): Promise<{ readonly hit: boolean; readonly state: string }>;
  close(): Promise<void>;
}

const PATIENCE = 150_000;
const APPLICATION = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', namespace: 'argocd' };

const map = (name: string, value: string, wave: number) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n  annotations: { argocd.argoproj.io/sync-wave: "${wave}" }\ndata: { key: ${value} }\n`;

/** No pod of it starts where `waits` names a node that is not there yet. */
const web = (value: string, waits: string) => `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, annotations: { argocd.argoproj.io/sync-wave: "0" } }
spec:
  replicas: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
${waits === '' ? '' : `      nodeSelector: { ${waits}: there }\n`}      containers: [{ name: main, image: "registry.corp.io/web:${value}" }]
`;

/** Two waves; from the old set to the new one some change, one comes in each wave, one goes. */
function manifests(folder: string, which: 'old' | 'new', waits: string): Record<string, string> {
  const isNew = which === 'new';
  const first = ['a1', 'a2', ...(isNew ? ['a3'] : [])].map((name) => map(name, which, 0));
  const second = ['b1', 'b2', ...(isNew ? ['b3'] : ['gone'])].map((name) => map(name, which, 1));
  return { [`${folder}/all.yaml`]: [...first, web(which, isNew ? waits : ''), ...second].join('---\n') };
}

const WANTED = {
  old: 'a1=old a2=old b1=old b2=old gone=old web=old',
  new: 'a1=new a2=new a3=new b1=new b2=new b3=new web=new',
};

async function until(what: string, done: () => Promise<boolean> | boolean): Promise<void> {
  const end = systemClock.now() + PATIENCE;
  while (!(await done())) {
    if (systemClock.now() > end) throw new LandfallError(`never: ${what}`, { kind: 'bug', code: 'test' });
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export async function openKills(binary: Binary): Promise<KillStage> {
  const cluster = await startCluster({ nodes: 1, definitions: ['argocd'] });
  const kubeconfig = path.join(binary.home, 'kubeconfig');
  await cluster.writeKubeconfig(kubeconfig);
  const kube = await loadKubeClient({ kubeconfig, clock: systemClock, env: {} });
  await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
  const repository = await createRepository(path.join(binary.home, 'deploy'));
  await writeFile(path.join(repository, 'README.md'), 'Deployments\n');
  let count = 0;

  const serve = (): Started =>
    binary.start(['serve', '--poll', '1s', '--no-leases', '--quiet'], { env: { KUBECONFIG: kubeconfig } });

  async function stateOf(namespace: string): Promise<string> {
    const { items } = await kube.list({ apiVersion: 'v1', kind: 'ConfigMap' }, { namespace });
    const deployment = await kube.get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: 'web' });
    const image = /"registry\.corp\.io\/web:(\w+)"/.exec(JSON.stringify(deployment?.['spec'] ?? {}))?.[1];
    const found = [
      ...items
        .filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt')
        .map((item) => `${item.metadata.name}=${getString(item, 'data', 'key') ?? ''}`),
      ...(image === undefined ? [] : [`web=${image}`]),
    ];
    const text = found.toSorted().join(' ');
    return text === WANTED.old ? 'old' : text === WANTED.new ? 'new' : text;
  }

  async function release(label: string): Promise<void> {
    const { items } = await kube.list({ apiVersion: 'v1', kind: 'Node' });
    for (const { metadata } of items) {
      await kube.patch({ apiVersion: 'v1', kind: 'Node', name: metadata.name }, 'merge', {
        metadata: { labels: { [label]: 'there' } },
      });
    }
  }

  return {
    cluster,
    kube,
    async suffer(kill, wanted) {
      count += 1;
      const name = `kill-${count}`;
      const ref = { ...APPLICATION, name };
      const application = async (): Promise<KubeObject | undefined> => kube.get(ref);
      const operation = async () => getObject(await application(), 'status', 'operationState');
      const isDone = async (revision: string) =>
        getString(await operation(), 'phase') === 'Succeeded' &&
        getString(await operation(), 'syncResult', 'revision') === revision;
      const label = `release-${count}`;
      const first = await commitAll(repository, manifests(name, 'old', ''));
      const controller = serve();
      await kube.create({
        ...APPLICATION,
        metadata: { name, namespace: 'argocd' },
        spec: {
          project: 'default',
          source: { repoURL: repository, path: name, targetRevision: 'main' },
          destination: { server: 'https://kubernetes.default.svc', namespace: name },
          syncPolicy: {
            automated: { prune: true },
            syncOptions: ['CreateNamespace=true'],
            retry: { limit: 0 },
          },
        },
      });
      await until('the old set is there', () => isDone(first));
      const effect: ApiEffect =
        kill.at === 'write' && kill.written ? { type: 'hang', written: true } : { type: 'hang' };
      const fault =
        kill.at === 'write'
          ? cluster.faults.add({
              on: 'api',
              client: 'landfall/',
              verbs: ['patch', 'delete'],
              namespace: name,
              dryRun: false,
              nth: kill.nth,
              effect,
            })
          : undefined;
      // Without a fault the first wave waits until its node is there.
      if (fault !== undefined) await release(label);
      const second = await commitAll(repository, manifests(name, 'new', label));
      await until('it is in the middle, or through', async () =>
        fault === undefined
          ? (await stateOf(name)).includes('a3=new') && !(await stateOf(name)).includes('b1=new')
          : fault.hits > 0 || isDone(second),
      );
      if (fault === undefined) {
        await until('it waits', async () =>
          (getString(await operation(), 'message') ?? '').includes('healthy state of'),
        );
      }
      const hit = fault === undefined || fault.hits > 0;
      controller.kill('SIGKILL');
      await controller.ended;
      fault?.heal();
      if (!wanted) {
        // Somebody took the operation away while nobody was at work, and does not want another one by itself.
        await kube.patch(ref, 'merge', {
          operation: null,
          status: { operationState: null },
          spec: { syncPolicy: { automated: null } },
        });
      }
      const again = serve();
      try {
        if (wanted) {
          await release(label);
          await until(`${name} is new`, () => isDone(second));
        } else
          await until(
            `${name} is old again`,
            async () => (await stateOf(name)) !== '' && (await isAtRest(name)),
          );
        return { hit, state: await stateOf(name) };
      } finally {
        again.kill('SIGTERM');
        await again.ended;
        await kube.delete(ref);
      }
    },
    async close() {
      kube.close();
      await cluster.close();
    },
  };

  /** No journal of it is open any more, and its last delivery has ended. */
  async function isAtRest(name: string): Promise<boolean> {
    const ledger = openLedger({
      folder: path.join(binary.home, '.local/state/landfall'),
      clock: systemClock,
    });
    try {
      const subject = { namespace: 'argocd', application: name };
      const [last] = await ledger.deliveries.list(subject, 1);
      return (
        (await ledger.journals.unfinished(subject)).length === 0 &&
        (last?.state === 'restored' || last?.state === 'applied')
      );
    } finally {
      await ledger.close();
    }
  }
}
