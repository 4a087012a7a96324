import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { LandfallError, mapBounded } from '../../src/kernel/index.ts';
import { memoryTree, render } from '../../src/kustomize/index.ts';
import { randomTree } from './random-tree.ts';
import type { RandomTree } from './random-tree.ts';

/** The release that is the reference; another one may differ on purpose. */
const reference = 'v5.5.0';

/** What a tree gives. Of a failure only that it is one is compared. */
interface Outcome {
  readonly ok: boolean;
  readonly yaml: string;
}

/** A tree that the two render differently, made as small as it gets. */
export interface Difference {
  readonly tree: RandomTree;
  readonly ours: Outcome;
  readonly original: Outcome;
  /** For fast-check: with the seed it leads to this tree again. */
  readonly path: string;
}

/** The kustomize inside of the kubectl on this machine, and whether it is the reference. */
export function originalHere(): { readonly version: string | undefined; readonly isReference: boolean } {
  const probe = spawnSync('kubectl', ['version', '--client']);
  const version = /Kustomize Version: (\S+)/.exec(probe.stdout?.toString() ?? '')?.[1];
  return { version, isReference: version === reference };
}

/** Renders a tree with Landfall. Throws what is a bug. */
export async function renderOurs(tree: RandomTree): Promise<Outcome> {
  try {
    return { ok: true, yaml: (await render(memoryTree(tree.files), tree.dir)).yaml };
  } catch (error) {
    if (error instanceof LandfallError && error.kind !== 'bug') return { ok: false, yaml: '' };
    throw error;
  }
}

/** The same with `kubectl kustomize`, in a folder of its own. */
export async function renderOriginal(tree: RandomTree): Promise<Outcome> {
  const root = await mkdtemp(join(tmpdir(), 'landfall-tree-'));
  try {
    for (const [path, content] of Object.entries(tree.files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
    }
    return await new Promise((resolve) => {
      execFile('kubectl', ['kustomize', join(root, tree.dir)], { maxBuffer: 1e9 }, (error, stdout) =>
        resolve(error === null ? { ok: true, yaml: stdout } : { ok: false, yaml: '' }),
      );
    });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const same = (a: Outcome, b: Outcome) => a.ok === b.ok && a.yaml === b.yaml;

/**
 * Renders the trees that follow from a seed with Landfall and with `kubectl kustomize`, several at a time.
 * Returns the first difference, shrunk, and how many of the trees the original took.
 */
export async function compareTrees(options: {
  readonly seed: number;
  readonly trees: number;
  readonly atOnce: number;
  readonly signal?: AbortSignal;
}): Promise<{ readonly rendered: number; readonly difference: Difference | undefined }> {
  const { seed } = options;
  const trees = fc.sample(randomTree, { seed, numRuns: options.trees });
  let rendered = 0;
  let differs: number | undefined;
  await mapBounded([...trees.entries()], options.atOnce, async ([index, tree]) => {
    if (differs !== undefined) return;
    options.signal?.throwIfAborted();
    const original = await renderOriginal(tree);
    if (original.ok) rendered++;
    if (!same(await renderOurs(tree), original)) differs = Math.min(index, differs ?? index);
  });
  if (differs === undefined) return { rendered, difference: undefined };
  const property = fc.asyncProperty(randomTree, async (tree) =>
    same(await renderOurs(tree), await renderOriginal(tree)),
  );
  const found = await fc.check(property, { seed, path: String(differs) });
  const tree = found.counterexample?.[0] ?? trees[differs];
  if (tree === undefined) return { rendered, difference: undefined };
  return {
    rendered,
    difference: {
      tree,
      ours: await renderOurs(tree),
      original: await renderOriginal(tree),
      path: found.counterexamplePath ?? String(differs),
    },
  };
}

/** A difference for people: every file, and what the two print. */
export function describeDifference({ tree, ours, original, path }: Difference): string {
  const files = Object.entries(tree.files).map(([name, content]) => `--- ${name}\n${content}`);
  const print = (outcome: Outcome) => (outcome.ok ? outcome.yaml : '(refused)\n');
  return [
    `path ${path}, rendered in ${tree.dir}`,
    ...files,
    '=== kubectl kustomize',
    print(original),
    '=== Landfall',
    print(ours),
  ].join('\n');
}
