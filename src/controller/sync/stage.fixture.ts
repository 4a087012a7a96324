import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import {
  getArray,
  getObject,
  getString,
  isJsonObject,
  manualClock,
  silentLogger,
  systemClock,
} from '../../kernel/index.ts';
import type { Clock, JsonObject, JsonValue, ManualClock } from '../../kernel/index.ts';
import { createGitMirrors } from '../../git/index.ts';
import { loadKubeClient } from '../../kube/index.ts';
import type { KubeClient, KubeObject, ObjectRef } from '../../kube/index.ts';
import { APPLICATION_KIND, applicationStatus } from '../../boundaries/sync/index.ts';
import { startController } from '../controller.ts';
import type { Controller, ControllerOptions } from '../contract.ts';

const run = promisify(execFile);

export interface Repository {
  readonly path: string;
  readonly first: string;
  /** Commits these files; undefined removes one. Gives the commit. */
  readonly commit: (changes: Readonly<Record<string, string | undefined>>) => Promise<string>;
}

/** A cluster, Git repositories and a controller between them, all by one clock that only tests move. */
export interface Delivery {
  readonly client: KubeClient;
  readonly clock: ManualClock;
  /** The namespace that this test delivers to. */
  readonly namespace: string;
  repository(files: Readonly<Record<string, string>>): Promise<Repository>;
  begin(options?: Partial<ControllerOptions>): Promise<Controller>;
  /** Makes an Application of the folder `k8s` of a repository. Gives its name. */
  register(repoURL: string, policy: JsonObject, more?: JsonObject, metadata?: JsonObject): Promise<string>;
  application(name: string): Promise<KubeObject>;
  /** `status.operationState`. */
  operation(name: string): Promise<JsonObject>;
  /** `KIND/NAME PHASE HOOKPHASE` of everything that the operation touched, in its order. */
  results(name: string): Promise<readonly string[]>;
  ask(name: string, patch: JsonValue): Promise<void>;
  get(kind: string, name: string): Promise<KubeObject | undefined>;
  /** Lets a Job go on that waits. */
  release(job: string): Promise<void>;
  /** Moves the clock until something has come true. */
  until(what: string, done: () => Promise<boolean> | boolean, step?: number): Promise<void>;
  /** Until the operation has ended that way, and gives its message. */
  ended(name: string, phase: string): Promise<string>;
  /** Until the operation runs and its message says so. */
  waiting(name: string, message: RegExp): Promise<void>;
}

const API_VERSIONS: Readonly<Record<string, string>> = {
  Deployment: 'apps/v1',
  Job: 'batch/v1',
  CustomResourceDefinition: 'apiextensions.k8s.io/v1',
};

export interface Stage {
  /** Everything anew for the next test but the cluster. */
  next(): Delivery;
  /** Ends what the test began. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** How tests start the cluster that they deliver to. */
export type OpenCluster = (options: { readonly nodes: number; readonly clock: Clock }) => Promise<{
  writeKubeconfig(file: string): Promise<void>;
  close(): Promise<void>;
}>;

export async function startStage(open: OpenCluster): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'landfall-delivery-'));
  const clock = manualClock(Date.now());
  const cluster = await open({ nodes: 1, clock });
  await cluster.writeKubeconfig(join(folder, 'config'));
  const client = await loadKubeClient({ kubeconfig: join(folder, 'config') });
  await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
  // Git answers in real time, however far a test moves the clock meanwhile.
  const mirrors = createGitMirrors({ folder: join(folder, 'mirrors'), clock: systemClock });
  const cleanups: (() => unknown)[] = [];
  let counter = 0;

  async function repository(files: Readonly<Record<string, string>>): Promise<Repository> {
    const path = await mkdtemp(join(folder, 'repo-'));
    const identity = ['-c', 'user.name=T', '-c', 'user.email=t@corp.io'];
    const git = async (...args: string[]) =>
      (await run('git', [...identity, ...args], { cwd: path })).stdout.trim();
    await git('init', '-q', '-b', 'main');
    const commit = async (changes: Readonly<Record<string, string | undefined>>) => {
      for (const [name, text] of Object.entries(changes)) {
        const file = join(path, name);
        await mkdir(dirname(file), { recursive: true });
        if (text === undefined) await rm(file, { recursive: true });
        else await writeFile(file, text);
      }
      await git('add', '-A');
      await git('commit', '-q', '--allow-empty', '-m', 'change');
      return git('rev-parse', 'HEAD');
    };
    return { path, first: await commit(files), commit };
  }

  async function until(
    what: string,
    done: () => Promise<boolean> | boolean,
    step = 200,
    instead: () => Promise<string> | string = () => '',
  ): Promise<void> {
    const end = Date.now() + 100_000;
    while (!(await done())) {
      if (Date.now() > end) throw new Error(`never: ${what} ${await instead()}`);
      await clock.advance(step);
      // Servers and git answer in real time.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  function next(): Delivery {
    counter += 1;
    const namespace = `shop-${counter}`;
    const ref = (name: string): ObjectRef => ({ ...APPLICATION_KIND, namespace: 'argocd', name });
    const application = async (name: string) => {
      const found = await client.get(ref(name));
      if (found === undefined) throw new Error(`no Application ${name}`);
      return found;
    };
    const operation = async (name: string) =>
      getObject(await application(name), 'status', 'operationState') ?? {};
    return {
      client,
      clock,
      namespace,
      repository,
      until,
      application,
      operation,
      async begin(options = {}) {
        const controller = startController({
          client,
          mirrors,
          clock,
          logger: silentLogger,
          random: () => 0,
          ...options,
        });
        cleanups.push(() => controller.close());
        await controller.ready;
        return controller;
      },
      async register(repoURL, policy, more = {}, metadata = {}) {
        const name = `app-${counter}-${cleanups.length}`;
        await client.create({
          ...APPLICATION_KIND,
          metadata: { ...metadata, name, namespace: 'argocd' },
          spec: {
            project: 'default',
            source: { repoURL, path: 'k8s', targetRevision: 'main' },
            destination: { server: 'https://kubernetes.default.svc', namespace },
            syncPolicy: policy,
            ...more,
          },
        });
        cleanups.push(() => client.delete(ref(name)));
        return name;
      },
      async results(name) {
        const listed = getArray(await operation(name), 'syncResult', 'resources').filter(isJsonObject);
        return listed.map(
          (item) =>
            `${getString(item, 'kind') ?? ''}/${getString(item, 'name') ?? ''} ${getString(item, 'syncPhase') ?? ''} ${getString(item, 'hookPhase') ?? ''}`,
        );
      },
      async ask(name, patch) {
        await client.patch(ref(name), 'merge', patch);
      },
      async release(name) {
        const { items } = await client.list({ apiVersion: 'v1', kind: 'Node' });
        for (const { metadata } of items) {
          const labels = { [`release-${name}`]: 'there' };
          await client.patch({ apiVersion: 'v1', kind: 'Node', name: metadata.name }, 'merge', {
            metadata: { labels },
          });
        }
      },
      get: (kind, name) =>
        client.get({
          apiVersion: API_VERSIONS[kind] ?? 'v1',
          kind,
          name,
          ...(kind === 'Namespace' || kind === 'CustomResourceDefinition' ? {} : { namespace }),
        }),
      async ended(name, phase) {
        await until(
          `${name} has ${phase}`,
          async () => {
            const status = applicationStatus(await application(name));
            return !status.requested && status.operation?.phase === phase;
          },
          100,
          async () => JSON.stringify(await operation(name)),
        );
        return applicationStatus(await application(name)).operation?.message ?? '';
      },
      async waiting(name, message) {
        await until(
          `${name} waits: ${message.source}`,
          async () => {
            const { operation: found } = applicationStatus(await application(name));
            return found?.phase === 'Running' && message.test(found.message);
          },
          100,
          async () => JSON.stringify(await operation(name)),
        );
      },
    };
  }

  return {
    next,
    async clear() {
      for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
    },
    async close() {
      mirrors.close();
      client.close();
      await cluster.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A ConfigMap as a manifest, with annotations where they are given. */
export function config(
  name: string,
  value: string,
  annotations: Readonly<Record<string, string>> = {},
): string {
  const lines = Object.entries(annotations).map(([key, text]) => `    ${key}: ${JSON.stringify(text)}\n`);
  const block = lines.length === 0 ? '' : `  annotations:\n${lines.join('')}`;
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${block}data:\n  key: ${JSON.stringify(value)}\n`;
}

/** What a Job comes to: done in a second, failed in two, never, or done a second after `release`. */
export type Ending = 'succeeds' | 'fails' | 'hangs' | 'waits';

/** A Job as a manifest; its pods are simulated, or cannot be scheduled. */
export function job(name: string, ending: Ending, annotations: Readonly<Record<string, string>>): string {
  const stuck = ending === 'waits' ? `release-${name}` : ending === 'succeeds' ? undefined : 'never';
  const lines = Object.entries(annotations).map(([key, text]) => `    ${key}: ${JSON.stringify(text)}\n`);
  return `apiVersion: batch/v1
kind: Job
metadata:
  ${name.endsWith('-') ? 'generateName' : 'name'}: ${name}
  annotations:
${lines.join('')}spec:
${ending === 'fails' ? '  activeDeadlineSeconds: 2\n' : ''}  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
${stuck === undefined ? '' : `      nodeSelector: { ${stuck}: there }\n`}      containers:
        - name: main
          image: registry.corp.io/migrate:1
`;
}
