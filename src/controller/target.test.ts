import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applicationSource, applicationSpec } from '../boundaries/sync/index.ts';
import { createGitMirrors } from '../git/index.ts';
import type { GitMirrors } from '../git/index.ts';
import { manualClock } from '../kernel/index.ts';
import type { KubeClient } from '../kube/index.ts';
import { createRenderCache } from '../kustomize/index.ts';
import type { RenderCache } from '../kustomize/index.ts';
import { createRepositories } from './repositories.ts';
import { createTargetLoader } from './target.ts';
import type { Asker, TargetLoader } from './target.ts';

const run = promisify(execFile);
const { signal } = new AbortController();
const OVERLAYS = 50;

let folder: string;
let mirrors: GitMirrors;
let renders: RenderCache;
let targets: TargetLoader;

async function commit(files: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  const git = (...args: string[]) =>
    run('git', ['-c', 'user.name=T', '-c', 'user.email=t@corp.io', ...args], { cwd: folder });
  await git('add', '--all', 'apps');
  await git('commit', '-q', '-m', 'change');
  return (await git('rev-parse', 'HEAD')).stdout.trim();
}

const overlay = (index: number, replicas: number) => ({
  [`apps/overlay-${index}/kustomization.yaml`]: `resources: [../base]\nnamePrefix: o${index}-\nreplicas: [{name: web, count: ${replicas}}]\n`,
});

function source(dir: string) {
  return applicationSource({ repoURL: folder, path: `apps/${dir}`, targetRevision: 'main' });
}

/** Rendering asks no cluster; placing does, and is not what is looked at here. */
function asker(index: number): Asker {
  const object = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name: `o${index}` } };
  return {
    instance: `o${index}`,
    name: `o${index}`,
    spec: applicationSpec(object),
    cluster: { client: {} as KubeClient },
  };
}

async function replicas(at: string, index: number, level: 'hard' | 'asked' = 'asked'): Promise<unknown> {
  const set = await targets.render([source(`overlay-${index}`)], [at], 0, level, asker(index), signal);
  const spec = set.objects[0]?.object['spec'] as { readonly replicas: number } | undefined;
  return spec?.replicas;
}

/** How many overlays are rendered and not found when every one is asked for. */
async function rendered(at: string): Promise<number> {
  const before = renders.statistics.misses;
  for (let index = 0; index < OVERLAYS; index++) await replicas(at, index);
  return renders.statistics.misses - before;
}

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'landfall-targets-'));
  await run('git', ['init', '-q', '-b', 'main', folder]);
  const clock = manualClock();
  mirrors = createGitMirrors({ folder: path.join(folder, 'mirrors'), clock });
  renders = createRenderCache();
  const mirror = (url: string) => Promise.resolve(mirrors.open(url));
  targets = createTargetLoader({
    access: { mirror, credentials: () => Promise.resolve(undefined) },
    repositories: createRepositories(mirror, clock),
    renders,
  });
  const files = Object.assign({}, ...Array.from({ length: OVERLAYS }, (_, index) => overlay(index, 1)));
  await commit({
    ...(files as Record<string, string>),
    'apps/base/kustomization.yaml': 'resources: [web.yaml]\n',
    'apps/base/web.yaml':
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1, paused: false}\n',
  });
});

afterEach(async () => {
  mirrors.close();
  await rm(folder, { recursive: true, force: true });
});

describe(`${OVERLAYS} overlays of one repository`, () => {
  it('are rendered once, and of a commit that touches one only that one', async () => {
    const first = await commit({ 'apps/other.txt': 'first' });
    expect(await rendered(first)).toBe(OVERLAYS);
    expect(await rendered(first)).toBe(0);
    const second = await commit(overlay(7, 3));
    expect(await rendered(second)).toBe(1);
    expect(await replicas(second, 7)).toBe(3);
    expect(await replicas(second, 8)).toBe(1);
  });

  it('are all rendered when what they share changes, or a file appears that was looked for', async () => {
    const first = await commit({ 'apps/other.txt': 'first' });
    expect(await rendered(first)).toBe(OVERLAYS);
    const second = await commit({
      'apps/base/web.yaml':
        'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1, paused: true}\n',
    });
    expect(await rendered(second)).toBe(OVERLAYS);
    const third = await commit({ 'apps/overlay-3/Kustomization': 'resources: [../base]\n' });
    expect(await rendered(third)).toBe(1);
  });

  it('go back to an earlier commit by what that holds', async () => {
    const first = await commit(overlay(7, 2));
    const second = await commit(overlay(7, 3));
    expect(await replicas(second, 7)).toBe(3);
    expect(await replicas(first, 7)).toBe(2);
  });

  it('are rendered again for who refreshes hard', async () => {
    const first = await commit({ 'apps/other.txt': 'first' });
    await rendered(first);
    const { hits, misses } = renders.statistics;
    expect(await replicas(first, 7, 'hard')).toBe(1);
    expect(renders.statistics).toMatchObject({ hits, misses });
  });
});
