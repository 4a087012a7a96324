import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { LandfallError } from '../kernel/index.ts';
import { memoryTree, render } from './index.ts';
import { randomTree } from '../../test/kustomize/random-tree.ts';
import type { RandomTree } from '../../test/kustomize/random-tree.ts';

const probe = spawnSync('kubectl', ['version', '--client']);
const version = /Kustomize Version: (\S+)/.exec(probe.stdout?.toString() ?? '')?.[1];
const isReference = version === 'v5.5.0';
const trees = Number(process.env['LANDFALL_TREES'] ?? 200);
const seed = process.env['LANDFALL_SEED'];
const folder = mkdtempSync(join(tmpdir(), 'landfall-trees-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  readonly ok: boolean;
  readonly yaml: string;
}

function original(tree: RandomTree): Outcome {
  const root = join(folder, 'tree');
  rmSync(root, { recursive: true, force: true });
  for (const [path, content] of Object.entries(tree.files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  const ran = spawnSync('kubectl', ['kustomize', join(root, tree.dir)], { maxBuffer: 1e9 });
  return ran.status === 0 ? { ok: true, yaml: ran.stdout.toString() } : { ok: false, yaml: '' };
}

async function ours(tree: RandomTree): Promise<Outcome> {
  try {
    return { ok: true, yaml: (await render(memoryTree(tree.files), tree.dir)).yaml };
  } catch (error) {
    if (error instanceof LandfallError && error.kind !== 'bug') return { ok: false, yaml: '' };
    throw error;
  }
}

test.skipIf(!isReference)(
  `${trees} random trees give what kubectl kustomize gives (found ${version ?? 'no kubectl'}; v5.5.0 is wanted)`,
  async () => {
    await fc.assert(
      fc.asyncProperty(randomTree, async (tree) => {
        expect(await ours(tree)).toEqual(original(tree));
      }),
      { numRuns: trees, ...(seed === undefined ? {} : { seed: Number(seed) }) },
    );
  },
  Math.max(120_000, trees * 1000),
);

test('rendering twice gives the same, and so does listing files in another order', async () => {
  await fc.assert(
    fc.asyncProperty(randomTree, async (tree) => {
      const reversed = Object.fromEntries(Object.entries(tree.files).toReversed());
      const first = await ours(tree);
      expect(await ours(tree)).toEqual(first);
      expect(await ours({ ...tree, files: reversed })).toEqual(first);
    }),
    { numRuns: 100 },
  );
});

test('every scalar of a render points to a line that holds it, or names what made it', async () => {
  await fc.assert(
    fc.asyncProperty(randomTree, async (tree) => {
      let objects;
      try {
        ({ objects } = await render(memoryTree(tree.files), tree.dir));
      } catch {
        return;
      }
      for (const object of objects) {
        for (const { path, origins } of object.fields()) {
          const [origin] = origins;
          if (typeof origin?.value === 'object' && origin.value !== null) continue;
          expect(origin, `${object.kind}/${object.name} ${path.join('.')}`).toBeDefined();
          if (origin === undefined || origin.by !== undefined) continue;
          const lines = tree.files[origin.file]?.split('\n');
          expect(lines, `${path.join('.')} in ${origin.file}`).toBeDefined();
          const { value } = origin;
          if (typeof value !== 'string' || !/^[a-z0-9./:-]+$/.test(value)) continue;
          const near = lines?.slice(origin.line - 1, origin.line + 1).join('\n') ?? '';
          expect(near, `${path.join('.')} in ${origin.file}:${origin.line}`).toContain(value.slice(0, 20));
        }
      }
    }),
    { numRuns: 150 },
  );
});
