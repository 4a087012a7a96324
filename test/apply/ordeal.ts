import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LandfallError, getObject, jsonEqual, systemClock } from '../../src/kernel/index.ts';
import type { JsonObject, JsonValue } from '../../src/kernel/index.ts';
import { loadKubeClient } from '../../src/kube/index.ts';
import type { KubeClient, KubeObject } from '../../src/kube/index.ts';
import { startCluster } from '../../src/drydock/index.ts';
import type { Cluster } from '../../src/drydock/index.ts';
import type { ApiEffect } from '../../src/drydock/faults/index.ts';
import { newPerson } from '../cli/terminal.ts';
import type { Person } from '../cli/terminal.ts';
import { hurriedClock } from './hurried-clock.ts';

/**
 * What happens to the k-th call of an apply. `killed-…`: its process is killed by SIGKILL while that call is under way:
 * before it was carried out, after that and before the answer, or so that the server carries it out only then.
 */
export const ORDEALS = [
  'fails',
  'busy',
  'cut',
  'answer-lost',
  'hangs',
  'killed-before',
  'killed-after',
  'killed-late',
] as const;
export type Ordeal = (typeof ORDEALS)[number];

const EFFECTS: Readonly<Record<Ordeal, ApiEffect>> = {
  fails: { type: 'status', status: 500 },
  busy: { type: 'status', status: 503 },
  cut: { type: 'reset' },
  'answer-lost': { type: 'reset', written: true },
  hangs: { type: 'hang' },
  'killed-before': { type: 'hang' },
  'killed-after': { type: 'hang', written: true },
  'killed-late': { type: 'late' },
};

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** Thirty objects of six kinds; from the old set to the new one some come, most change, and three go. */
function manifests(namespace: string, which: 'old' | 'new'): readonly KubeObject[] {
  const at = (name: string) => ({ name, namespace });
  const isNew = which === 'new';
  const value = isNew ? 'two' : 'one';
  const map = (name: string, data: Record<string, string>): KubeObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: at(name),
    data,
  });
  return [
    ...numbers(isNew ? 12 : 8).map((n) =>
      map(`map-${n}`, n === 1 ? { key: 'same' } : { key: value, [value]: 'x' }),
    ),
    ...(isNew ? [] : numbers(3).map((n) => map(`gone-${n}`, { key: 'x' }))),
    ...numbers(isNew ? 5 : 3).map((n): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: at(`secret-${n}`),
      stringData: { password: value },
    })),
    ...numbers(isNew ? 4 : 3).map((n): KubeObject => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: at(`account-${n}`),
    })),
    ...numbers(4).map((n): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...at(`service-${n}`), labels: { value } },
      spec: { ports: [{ port: isNew ? 81 : 80, name: 'http' }] },
    })),
    ...numbers(isNew ? 5 : 4).map((n): KubeObject => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: at(`web-${n}`),
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: `web-${n}` } },
        template: {
          metadata: { labels: { app: `web-${n}` } },
          spec: { containers: [{ name: 'main', image: `app:${value}`, env: [{ name: value, value: 'x' }] }] },
        },
      },
    })),
  ];
}

const KINDS = [
  ['v1', 'ConfigMap'],
  ['v1', 'Secret'],
  ['v1', 'ServiceAccount'],
  ['v1', 'Service'],
  ['apps/v1', 'Deployment'],
] as const;

/** What a restore promises to bring back: everything but uid, resourceVersion, generation, status and times. */
function content(object: KubeObject): JsonValue {
  const { labels, annotations, name, managedFields } = object.metadata;
  const { status: _status, metadata: _metadata, ...whole } = object;
  const { clusterIP: _ip, clusterIPs: _ips, ...spec } = getObject(object, 'spec') ?? {};
  const rest = { ...whole, spec };
  const notes = Object.entries(annotations ?? {}).filter(([key]) => !key.startsWith('deployment.'));
  const owners = (managedFields ?? [])
    .filter((entry) => entry['subresource'] !== 'status' && entry['manager'] !== 'kube-controller-manager')
    .map(({ time: _time, ...entry }) => JSON.stringify(entry))
    .toSorted();
  return { ...rest, name, labels: labels ?? {}, annotations: Object.fromEntries(notes), owners };
}

/** A cluster, a person, and a namespace for each ordeal. */
export interface OrdealStage {
  readonly cluster: Cluster;
  readonly person: Person;
  readonly kubeconfig: string;
  readonly kube: KubeClient;
  /** Applies the old set into a fresh namespace; gives what the new one is applied with. */
  prepare(): Promise<Prepared>;
  close(): Promise<void>;
}

export interface Prepared {
  readonly namespace: string;
  readonly folder: string;
  readonly args: readonly string[];
  /** `old`, `new`, or what is between them. */
  state(): Promise<string>;
  recover(): Promise<{ readonly code: number; readonly out: string; readonly err: string }>;
}

export async function openOrdeals(): Promise<OrdealStage> {
  const person = await newPerson();
  const cluster = await startCluster({ nodes: 1, workDir: path.join(person.home, 'cluster') });
  const kubeconfig = path.join(person.home, 'kubeconfig');
  await cluster.writeKubeconfig(kubeconfig);
  const kube = await loadKubeClient({ kubeconfig, clock: systemClock, env: {} });
  const env = { KUBECONFIG: kubeconfig };
  let count = 0;

  async function snapshot(namespace: string): Promise<Readonly<Record<string, JsonValue>>> {
    const found: Record<string, JsonValue> = {};
    for (const [apiVersion, kind] of KINDS) {
      const { items } = await kube.list({ apiVersion, kind }, { namespace });
      for (const item of items) {
        const { name } = item.metadata;
        if (name === 'default' || name === 'kube-root-ca.crt') continue;
        found[`${kind}/${name}`] = content(item);
      }
    }
    return found;
  }

  async function written(folder: string, namespace: string, which: 'old' | 'new'): Promise<void> {
    const items = manifests(namespace, which) as unknown as JsonValue;
    await writeFile(path.join(folder, 'all.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  }

  async function apply(folder: string, namespace: string): Promise<void> {
    const args = ['apply', folder, '-n', namespace, '--name', namespace, '--prune', '--timeout', '20s'];
    const ran = await person.run(args, { env });
    if (ran.code !== 0) throw new Error(`${ran.out}${ran.err}`);
  }

  // What the new set looks like, from one that went through.
  let model: { readonly old: JsonObject; readonly new: JsonObject } | undefined;
  const named = (all: Readonly<Record<string, JsonValue>>, namespace: string): JsonObject =>
    JSON.parse(JSON.stringify(all).replaceAll(namespace, 'NAMESPACE')) as JsonObject;

  async function fresh(): Promise<{ readonly namespace: string; readonly folder: string }> {
    count += 1;
    const namespace = `ordeal-${count}`;
    const folder = path.join(person.folder, namespace);
    await mkdir(folder);
    await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await written(folder, namespace, 'old');
    await apply(folder, namespace);
    return { namespace, folder };
  }

  async function models(): Promise<{ readonly old: JsonObject; readonly new: JsonObject }> {
    if (model !== undefined) return model;
    const { namespace, folder } = await fresh();
    const old = named(await snapshot(namespace), namespace);
    await written(folder, namespace, 'new');
    await apply(folder, namespace);
    model = { old, new: named(await snapshot(namespace), namespace) };
    return model;
  }

  return {
    cluster,
    person,
    kubeconfig,
    kube,
    async prepare() {
      const known = await models();
      const { namespace, folder } = await fresh();
      await written(folder, namespace, 'new');
      return {
        namespace,
        folder,
        args: ['apply', folder, '-n', namespace, '--name', namespace, '--prune', '--timeout', '20s'],
        async state() {
          const now = named(await snapshot(namespace), namespace);
          if (jsonEqual(now, known.old)) return 'old';
          if (jsonEqual(now, known.new)) return 'new';
          const keys = new Set([...Object.keys(now), ...Object.keys(known.old), ...Object.keys(known.new)]);
          return [...keys]
            .map((key) => {
              const is = (other: JsonObject) => jsonEqual(now[key], other[key]);
              if (is(known.old) && is(known.new)) return undefined;
              if (is(known.old)) return `${key} old`;
              if (is(known.new)) return `${key} new`;
              return `${key} ${JSON.stringify(now[key] ?? null)}`;
            })
            .filter((line) => line !== undefined)
            .join('\n');
        },
        recover: () => person.run(['recover', namespace], { env }),
      };
    },
    async close() {
      kube.close();
      await cluster.close();
      await person.leave();
    },
  };
}

export interface Suffered {
  /** False: the apply makes fewer calls than that. */
  readonly hit: boolean;
  readonly state: string;
  readonly code: number | null;
  readonly text: string;
}

const PATIENCE = 20_000;

async function until(what: string, done: () => boolean): Promise<void> {
  const end = systemClock.now() + PATIENCE;
  while (!done()) {
    if (systemClock.now() > end) throw new LandfallError(`never: ${what}`, { kind: 'bug', code: 'test' });
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** One apply of the new set whose k-th call suffers; afterwards whatever is left half done is recovered. */
export async function suffer(
  stage: OrdealStage,
  ordeal: Ordeal,
  nth: number,
  script: string,
): Promise<Suffered> {
  const prepared = await stage.prepare();
  const env = { KUBECONFIG: stage.kubeconfig };
  const fault = stage.cluster.faults.add({
    on: 'api',
    client: 'landfall/',
    nth,
    effect: EFFECTS[ordeal],
  });
  let code: number | null;
  let text: string;
  if (ordeal.startsWith('killed')) {
    const child = spawn(process.execPath, [script, ...prepared.args], {
      cwd: stage.person.folder,
      env: { PATH: process.env['PATH'] ?? '', HOME: stage.person.home, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
    let over = false;
    const ended = new Promise<number | null>((resolve) => {
      child.once('close', (exit) => {
        over = true;
        resolve(exit);
      });
    });
    await until(`call ${nth}`, () => over || fault.hits > 0);
    // An answer that is withheld has been worked out by the next turn or two.
    if (ordeal === 'killed-after') await new Promise((resolve) => setTimeout(resolve, 30));
    child.kill('SIGKILL');
    code = await ended;
  } else {
    const clock = ordeal === 'hangs' ? hurriedClock(30) : systemClock;
    const ran = await stage.person.run(prepared.args, { env, clock });
    code = ran.code;
    text = ran.out + ran.err;
  }
  const hit = fault.hits > 0;
  // What hung goes nowhere any more: its client is gone.
  if (ordeal === 'killed-late') await new Promise((resolve) => setTimeout(resolve, 30));
  fault.heal();
  const recovered = await prepared.recover();
  return { hit, state: await prepared.state(), code, text: `${text}\n${recovered.out}${recovered.err}` };
}
