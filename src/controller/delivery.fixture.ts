/** One cluster, Git over HTTP and a controller, for tests of where things come from and go to. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { silentLogger, systemClock } from '../kernel/index.ts';
import type { ManualClock } from '../kernel/index.ts';
import { createGitMirrors } from '../git/index.ts';
import type { GitMirrors } from '../git/index.ts';
import { loadKubeClient } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { startController } from './controller.ts';
import type { Controller, ControllerOptions } from './contract.ts';

const run = promisify(execFile);

export interface Repository {
  readonly path: string;
  /** Writes files (undefined removes one), commits, and gives the commit. */
  readonly commit: (changes: Readonly<Record<string, string | undefined>>) => Promise<string>;
}

export async function makeRepository(
  path: string,
  files: Readonly<Record<string, string>>,
): Promise<Repository & { readonly first: string }> {
  await mkdir(path, { recursive: true });
  const git = async (...args: string[]) =>
    (
      await run('git', ['-c', 'user.name=T', '-c', 'user.email=t@corp.io', ...args], { cwd: path })
    ).stdout.trim();
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
  return { path, commit, first: await commit(files) };
}

export function configMap(name: string, value: string, more = ''): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${more}data:\n  key: ${value}\n`;
}

export interface Scene {
  readonly folder: string;
  readonly client: KubeClient;
  readonly mirrors: GitMirrors;
  readonly lines: string[];
  controller(options?: Partial<ControllerOptions>): Promise<Controller>;
  close(): Promise<void>;
}

export async function openScene(writeKubeconfig: (file: string) => Promise<void>): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'landfall-delivery-'));
  await writeKubeconfig(join(folder, 'config'));
  const client = await loadKubeClient({ kubeconfig: join(folder, 'config') });
  const mirrors = createGitMirrors({ folder: join(folder, 'mirrors'), clock: systemClock });
  const lines: string[] = [];
  const controllers: Controller[] = [];
  return {
    folder,
    client,
    mirrors,
    lines,
    async controller(options = {}) {
      const controller = startController({
        client,
        mirrors,
        clock: systemClock,
        logger: {
          ...silentLogger,
          info: (message, fields) => lines.push(`${message} ${JSON.stringify(fields)}`),
          warn: (message, fields) => lines.push(`${message} ${JSON.stringify(fields)}`),
        },
        random: () => 0,
        ...options,
      });
      controllers.push(controller);
      await controller.ready;
      return controller;
    },
    async close() {
      await Promise.all(controllers.map((controller) => controller.close()));
      mirrors.close();
      client.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** How long tests wait for something good, ms of real time: a machine may be busy with other things. */
const LIMIT = 100_000;

/** Asks every few ms until the answer fits; the last answer is in the error. */
export async function until<T>(
  read: () => Promise<T>,
  fits: (value: T) => boolean,
  limitMs = LIMIT,
  pause: () => Promise<void> = () => new Promise((resolve) => setTimeout(resolve, 20)),
): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const value = await read();
    if (fits(value)) return value;
    if (Date.now() > end) throw new Error(`Never became so: ${JSON.stringify(value)?.slice(-2500)}`);
    await pause();
  }
}

/**
 * As `until`, of what goes by a clock that stands still otherwise. In small steps, so that what becomes good does so
 * long before a deadline; a `step` above it lets one pass.
 */
export function untilBy(clock: ManualClock) {
  return <T>(read: () => Promise<T>, fits: (value: T) => boolean, step = 200): Promise<T> =>
    until(read, fits, LIMIT, async () => {
      await clock.advance(step);
      // Servers, git and programs answer in real time.
      await new Promise((resolve) => setTimeout(resolve, 5));
    });
}

export function secret(
  name: string,
  type: string,
  data: Readonly<Record<string, string>>,
  labels = {},
): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'argocd', labels: { 'argocd.argoproj.io/secret-type': type, ...labels } },
    data: Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  };
}
