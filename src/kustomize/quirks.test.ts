import { expect, test } from 'vitest';
import { mapBounded } from '../kernel/index.ts';
import { memoryTree, render } from './index.ts';
import { originalHere, renderOriginal } from '../../test/kustomize/compare-trees.ts';
import { keptLayouts } from '../../test/kustomize/kept-layouts.ts';
import { keptRefusals } from '../../test/kustomize/kept-refusals.ts';
import { keptComments } from '../../test/kustomize/kept-comments.ts';
import { keptSteps } from '../../test/kustomize/kept-steps.ts';
import { keptValues } from '../../test/kustomize/kept-values.ts';

const kept = [...keptValues, ...keptSteps, ...keptComments, ...keptLayouts];
const { isReference } = originalHere();

test.each(kept)('%s', async (_, { files, yaml }) => {
  expect((await render(memoryTree(files), '')).yaml).toBe(yaml);
});

test.each(keptRefusals)('refused: %s', async (_, { files, message }) => {
  await expect(render(memoryTree(files), '')).rejects.toThrow(message);
});

test.skipIf(!isReference)(
  'the original gives the same for every case that is kept',
  async () => {
    await mapBounded(kept, 3, async ([title, { files, yaml }]) => {
      expect(await renderOriginal({ files, dir: '' }), title).toEqual({ ok: true, yaml });
    });
    await mapBounded(keptRefusals, 3, async ([title, { files }]) => {
      expect((await renderOriginal({ files, dir: '' })).ok, title).toBe(false);
    });
  },
  120_000,
);
