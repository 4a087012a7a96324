import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRenderCache, memoryTree, render } from './index.ts';
import { randomTree } from '../../test/kustomize/random-tree.ts';

/** Changes one value somewhere in the objects of a tree. */
function change(files: Readonly<Record<string, string>>, salt: number): Record<string, string> {
  const names = Object.keys(files).filter((name) => name.endsWith('objects.yaml'));
  const name = names[salt % names.length] ?? '';
  const lines = (files[name] ?? '').split('\n');
  const at = salt % lines.length;
  const line = lines[at] ?? '';
  lines[at] = /: (?!\||>|\{|\[)\S/.test(line)
    ? line.replace(/: .*$/, salt % 2 === 0 ? ': changed' : ': 7')
    : line;
  return { ...files, [name]: lines.join('\n') };
}

async function outcome(work: Promise<{ readonly yaml: string; readonly findings: unknown }>) {
  try {
    const { yaml, findings } = await work;
    return { yaml, findings };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : '' };
  }
}

test('what is rendered from a change and the last render is what is rendered from nothing', async () => {
  await fc.assert(
    fc.asyncProperty(
      randomTree,
      fc.array(fc.nat(1000), { minLength: 1, maxLength: 3 }),
      async (tree, salts) => {
        const cache = createRenderCache();
        let { files } = tree;
        await outcome(cache.render(memoryTree(files), tree.dir));
        for (const salt of salts) {
          files = change(files, salt);
          const cached = await outcome(cache.render(memoryTree(files), tree.dir));
          expect(cached).toEqual(await outcome(render(memoryTree(files), tree.dir)));
        }
      },
    ),
    { numRuns: 120 },
  );
}, 120_000);
