/** A deployment repository, a source repository and a registry, all real, for the tests of this folder. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { renderApplication } from '../../boundaries/index.ts';
import { createGitMirrors, type GitMirrors } from '../../git/index.ts';
import { systemClock, type Clock } from '../../kernel/index.ts';
import type { Hold } from '../../ledger/index.ts';
import { createRegistryClient, type Platform, type RegistryClient } from '../../oci/index.ts';
import { editImages } from '../edits/index.ts';
import { createAncestry } from './ancestry.ts';
import type { ImageRule, Updater } from './configuration/index.ts';
import { createCycle, type Cycle, type CycleSources } from './cycle.ts';
import { createPublish } from './publish.ts';
import { createRegistries, type Registries } from './registries.ts';
import type { UpdateReport } from './report.ts';

export const REGISTRY = 'registry.corp.io';
export const IMAGE = `${REGISTRY}/shop/app`;
export const { signal } = new AbortController();

export function run(cwd: string, ...args: readonly string[]): string {
  return execFileSync('git', args, {
    cwd,
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'],
      GIT_AUTHOR_NAME: 'Ada',
      GIT_AUTHOR_EMAIL: 'ada@example.com',
      GIT_COMMITTER_NAME: 'Ada',
      GIT_COMMITTER_EMAIL: 'ada@example.com',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}

export function commit(folder: string, files: Readonly<Record<string, string>>, message: string): string {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  run(folder, 'add', '--all');
  run(folder, 'commit', '--quiet', '--allow-empty', '-m', message);
  return run(folder, 'rev-parse', 'HEAD');
}

function deployment(name: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      containers:
        - {name: app, image: ${IMAGE}}
`;
}

export function overlay(tag: string): string {
  return `# What runs in dev.
resources: [api.yaml, async.yaml]
images:
  - name: ${IMAGE}
    newTag: ${tag} # by the updater
`;
}

export interface Bench {
  readonly folder: string;
  /** Bare, and cloned beside it for people. */
  readonly deployments: string;
  readonly people: string;
  readonly source: string;
  readonly registry: RegistryClient;
  readonly mirrors: GitMirrors;
  /** Pushes an image of one commit; gives its digest. */
  push(
    tag: string,
    image?: { readonly revision?: string; readonly created?: string; readonly architecture?: string },
    repository?: string,
  ): Promise<string>;
  updater(images: readonly Partial<ImageRule>[], rest?: Partial<Updater>): Updater;
  cycle(sources?: Partial<CycleSources>): Cycle;
  registries(clock?: Clock): Registries;
  /** The kustomization at the tip of main. */
  overlay(): string;
  log(): readonly string[];
  holds: Hold[];
  platforms: Platform[];
  close(): void;
}

/** `url` is where the registry is; the deployment repository asks for `tag`. */
export function openBench(url: string, tag = '1.0.0'): Bench {
  const folder = mkdtempSync(path.join(tmpdir(), 'landfall-updates-'));
  const people = path.join(folder, 'people');
  const source = path.join(folder, 'source');
  const deployments = path.join(folder, 'deployments.git');
  for (const each of [people, source]) {
    mkdirSync(each);
    run(each, 'init', '--quiet', '--initial-branch=main');
  }
  commit(
    people,
    {
      'overlays/dev/kustomization.yaml': overlay(tag),
      'overlays/dev/api.yaml': deployment('api'),
      'overlays/dev/async.yaml': deployment('async'),
    },
    'Begin',
  );
  run(folder, 'clone', '--quiet', '--bare', people, deployments);
  run(people, 'remote', 'add', 'origin', deployments);
  return reopenBench(url, folder);
}

/** The same bench for another process, with mirrors that all of them share. */
export function reopenBench(url: string, folder: string): Bench {
  const people = path.join(folder, 'people');
  const source = path.join(folder, 'source');
  const deployments = path.join(folder, 'deployments.git');
  const mirrors = createGitMirrors({ folder: path.join(folder, 'mirrors'), clock: systemClock });
  const registry = createRegistryClient({
    mirrors: { [REGISTRY]: { url, standIn: true } },
    retries: 0,
  });
  const registries = (clock: Clock = systemClock) =>
    createRegistries({ client: () => Promise.resolve(registry), clock, shareMs: 0 });
  const bench: Bench = {
    folder,
    deployments,
    people,
    source,
    registry,
    mirrors,
    holds: [],
    platforms: [{ os: 'linux', architecture: 'amd64' }],
    async push(name, image = {}, repository = IMAGE) {
      const { revision, created, architecture = 'amd64' } = image;
      const config = Buffer.from(
        JSON.stringify({
          os: 'linux',
          architecture,
          ...(created === undefined ? {} : { created }),
          config: {
            Labels: {
              tag: name,
              ...(revision === undefined ? {} : { 'org.opencontainers.image.revision': revision }),
            },
          },
        }),
      );
      const blob = await registry.pushBlob(repository, config, signal);
      const manifest = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: 'application/vnd.oci.image.manifest.v1+json',
          config: {
            mediaType: 'application/vnd.oci.image.config.v1+json',
            digest: blob.digest,
            size: config.length,
          },
          layers: [],
        }),
      );
      const { digest } = await registry.putManifest(
        `${repository}:${name}`,
        { mediaType: 'application/vnd.oci.image.manifest.v1+json', bytes: manifest },
        signal,
      );
      return digest;
    },
    updater: (images, rest = {}) => ({
      key: 'Application/argocd/shop',
      origin: 'landfall.yaml',
      application: { namespace: 'argocd', name: 'shop' },
      git: { url: deployments, project: 'default', revision: 'main', path: 'overlays/dev' },
      images: images.map((rule) => ({
        name: IMAGE,
        where: 'landfall.yaml',
        image: IMAGE,
        repository: IMAGE,
        policy: { kind: 'semver', range: '', strict: false },
        filter: {},
        platforms: [],
        force: false,
        target: { kind: 'auto' },
        ...rule,
      })),
      commit: { author: { name: 'Landfall', email: 'landfall@noreply.invalid' }, message: undefined },
      intervalMs: 120_000,
      perHour: 20,
      suspended: false,
      ...rest,
    }),
    registries,
    /** Every run of it is a round of its own. */
    cycle(sources = {}) {
      const cycle = createCycle({
        clock: systemClock,
        registries: registries(),
        ancestry: createAncestry((where) => Promise.resolve(mirrors.open(where))),
        edit: editImages,
        template: (text) => text,
        repository: ({ git }) => Promise.resolve(mirrors.open(`file://${git.url}`)),
        render: ({ git }, tree) => renderApplication(tree, git.path),
        platforms: () => Promise.resolve(bench.platforms),
        holds: () => Promise.resolve(bench.holds),
        publish: createPublish({ clock: systemClock }),
        ...sources,
      });
      return {
        forget: () => cycle.forget(),
        run(...asked) {
          cycle.forget();
          return cycle.run(...asked);
        },
      };
    },
    overlay: () => run(deployments, 'show', 'main:overlays/dev/kustomization.yaml'),
    log: () => run(deployments, 'log', '--format=%s', 'main').split('\n'),
    close() {
      mirrors.close();
      registry.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return bench;
}

/** Benches that each have a registry of their own; `close` ends what was opened, the newest first. */
export function benches<Server extends { readonly url: string; close(): Promise<void> }>(
  start: () => Promise<Server>,
): {
  readonly open: (tag?: string) => Promise<Bench & { readonly server: Server }>;
  readonly close: () => Promise<void>;
} {
  const cleanups: (() => Promise<void> | void)[] = [];
  return {
    async open(tag) {
      const server = await start();
      cleanups.push(() => server.close());
      const opened = openBench(server.url, tag);
      cleanups.push(() => opened.close());
      return Object.assign(opened, { server });
    },
    async close() {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    },
  };
}

/** The only report of a cycle. */
export function only(reports: readonly UpdateReport[]): UpdateReport {
  const [report, another] = reports;
  if (report === undefined || another !== undefined) throw new Error(`${reports.length} reports`);
  return report;
}
