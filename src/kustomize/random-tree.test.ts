import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryTree, render } from './index.ts';
import {
  compareTrees,
  describeDifference,
  originalHere,
  renderOurs,
} from '../../test/kustomize/compare-trees.ts';
import { randomTree } from '../../test/kustomize/random-tree.ts';

const { version, isReference } = originalHere();

test.skipIf(!isReference)(
  `200 random trees give what kubectl kustomize gives (found ${version ?? 'no kubectl'}; v5.5.0 is wanted)`,
  async () => {
    const { difference, rendered } = await compareTrees({ seed: 5, trees: 200, atOnce: 3 });
    expect(difference === undefined ? '' : describeDifference(difference)).toBe('');
    expect(rendered).toBeGreaterThan(50);
  },
  120_000,
);

test('rendering twice gives the same, and so does listing files in another order', async () => {
  await fc.assert(
    fc.asyncProperty(randomTree, async (tree) => {
      const reversed = Object.fromEntries(Object.entries(tree.files).toReversed());
      const first = await renderOurs(tree);
      expect(await renderOurs(tree)).toEqual(first);
      expect(await renderOurs({ ...tree, files: reversed })).toEqual(first);
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
