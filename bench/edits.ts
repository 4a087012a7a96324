import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { renderApplication } from '../src/boundaries/index.ts';
import { createGitMirrors } from '../src/git/index.ts';
import type { FileTexts, FileTree } from '../src/git/index.ts';
import { systemClock } from '../src/kernel/index.ts';
import { createRenderCache } from '../src/kustomize/index.ts';
import { editImages } from '../src/pipeline/edits/index.ts';
import { markdown, median, milliseconds, type Row } from './table.ts';

const OVERLAYS = 300;
const SAMPLE = 20;
const IMAGE = 'registry.example.com/shop/app';
const DIGEST = `sha256:${'0123abcd'.repeat(8)}`;
const run = promisify(execFile);

/** One release over a repository of 300 overlays of one base: every overlay rendered, edited, and proven. */
export async function benchEdits(): Promise<string> {
  const root = await mkdtemp(path.join(tmpdir(), 'landfall-bench-edits-'));
  const mirrors = createGitMirrors({ folder: path.join(root, 'cache'), clock: systemClock });
  try {
    const folder = path.join(root, 'devops');
    await write(folder, overlays());
    await git(folder, 'init', '--quiet', '--initial-branch=main');
    await git(folder, 'add', '--all');
    await git(folder, 'commit', '--quiet', '-m', 'Begin');
    const mirror = mirrors.open(folder);
    const { commit } = await mirror.resolve('main');
    const tree = mirror.tree(commit);
    const rows: Row[] = [];
    for (const [what, cached] of [
      ['first time', false],
      ['with the renders of before at hand', true],
    ] as const) {
      rows.push(await release(tree, what, cached));
    }
    const started = performance.now();
    const files = (await editAll(tree, createRenderCache({ maxEntries: OVERLAYS * 2 }))).files;
    const made = await mirror.commit({
      branch: 'main',
      files,
      message: 'Release shop/app v2',
      author: { name: 'Landfall', email: 'landfall@example.com' },
    });
    if (!made.changed || Object.keys(files).length !== OVERLAYS)
      throw new Error('not every overlay was changed');
    rows.push({
      what: 'the same, and one commit',
      ours: milliseconds(performance.now() - started),
      other: '',
      ratio: '',
    });
    rows.push(await kubectl(folder));
    return markdown(
      `One release in ${OVERLAYS} overlays`,
      { ours: 'Landfall', other: 'kubectl kustomize' },
      rows,
    );
  } finally {
    mirrors.close();
    await rm(root, { recursive: true, force: true });
  }
}

async function release(tree: FileTree, what: string, cached: boolean): Promise<Row> {
  const cache = createRenderCache({ maxEntries: OVERLAYS * 2 });
  if (cached)
    for (let index = 0; index < OVERLAYS; index += 1) await renderApplication(tree, place(index), { cache });
  const { each } = await editAll(tree, cache);
  const total = each.reduce((sum, ms) => sum + ms, 0);
  return {
    what: `render, edit and render again, ${what}`,
    ours: `${milliseconds(total)} (median ${milliseconds(median(each))} an overlay)`,
    other: '',
    ratio: '',
  };
}

async function editAll(
  tree: FileTree,
  cache: ReturnType<typeof createRenderCache>,
): Promise<{ readonly files: FileTexts; readonly each: readonly number[] }> {
  const files: Record<string, string> = {};
  const each: number[] = [];
  for (let index = 0; index < OVERLAYS; index += 1) {
    const started = performance.now();
    const made = await editImages({
      tree,
      folder: place(index),
      changes: [{ image: IMAGE, tag: 'v2', digest: DIGEST }],
      target: { kind: 'auto' },
      render: (given) => renderApplication(given, place(index), { cache }),
      signal: new AbortController().signal,
    });
    Object.assign(files, made.files);
    each.push(performance.now() - started);
  }
  return { files, each };
}

/** Two renders of some overlays, which is what proving an edit takes with the program. */
async function kubectl(folder: string): Promise<Row> {
  const what = `two renders an overlay, ${SAMPLE} of them`;
  const missing = await run('kubectl', ['version', '--client']).then(
    () => false,
    () => true,
  );
  if (missing) return { what, ours: '', other: 'kubectl is not installed', ratio: '' };
  const started = performance.now();
  for (let index = 0; index < SAMPLE; index += 1) {
    for (const _ of ['before', 'after']) await run('kubectl', ['kustomize', path.join(folder, place(index))]);
  }
  const took = performance.now() - started;
  return {
    what,
    ours: '',
    other: `${milliseconds(took)} (${milliseconds(took / SAMPLE)} an overlay)`,
    ratio: '',
  };
}

function place(index: number): string {
  return `overlays/shop-${String(index).padStart(3, '0')}`;
}

function overlays(): FileTexts {
  const files: Record<string, string> = {
    'base/kustomization.yaml': 'resources: [api.yaml, async.yaml, service.yaml]\n',
    'base/service.yaml':
      'apiVersion: v1\nkind: Service\nmetadata: {name: api}\nspec:\n  selector: {app: api}\n  ports: [{port: 80}]\n',
  };
  for (const name of ['api', 'async']) {
    files[`base/${name}.yaml`] =
      `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ${name}}\nspec:\n  selector: {matchLabels: {app: ${name}}}\n  template:\n    metadata: {labels: {app: ${name}}}\n    spec:\n      containers:\n      - name: app\n        image: ${IMAGE}\n      - name: proxy\n        image: envoy:1.30\n`;
  }
  for (let index = 0; index < OVERLAYS; index += 1) {
    files[`${place(index)}/kustomization.yaml`] =
      `namespace: shop-${index}\nresources: [../../base]\npatches:\n- path: replicas.yaml\nimages:\n- name: ${IMAGE} # by the bot\n  newTag: v1\n- name: envoy\n  newTag: "1.31"\n`;
    files[`${place(index)}/replicas.yaml`] =
      `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {replicas: ${(index % 5) + 1}}\n`;
  }
  return files;
}

async function write(folder: string, files: FileTexts): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
}

async function git(folder: string, ...args: string[]): Promise<void> {
  const who = {
    GIT_AUTHOR_NAME: 'A',
    GIT_AUTHOR_EMAIL: 'a@example.com',
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@example.com',
  };
  await run('git', args, { cwd: folder, env: { ...process.env, ...who } });
}
