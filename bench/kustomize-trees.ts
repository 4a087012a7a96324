import { compareTrees, describeDifference, originalHere } from '../test/kustomize/compare-trees.ts';

/**
 * Random kustomization trees against `kubectl kustomize`, with a seed that is printed: what runs at night. Ends
 * with 1 at the first difference, which is shrunk and printed, to be kept as a case.
 *
 *     npx tsx bench/kustomize-trees.ts [TREES] [SEED]
 */
const [treesText = '5000', seedText] = process.argv.slice(2);
const trees = Number(treesText);
const firstSeed = seedText === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(seedText);
/** Trees of one seed, so that progress is seen and a difference is found again soon. */
const slice = 500;

if (!Number.isInteger(trees) || trees < 1 || !Number.isInteger(firstSeed)) {
  process.stderr.write('Usage: npx tsx bench/kustomize-trees.ts [TREES] [SEED], both whole numbers.\n');
  process.exit(3);
}
const { version, isReference } = originalHere();
if (!isReference) {
  process.stderr.write(`kubectl with kustomize v5.5.0 is needed; found ${version ?? 'no kubectl'}.\n`);
  process.exit(3);
}
process.stdout.write(`seed ${firstSeed}, ${trees} trees\n`);
let rendered = 0;
for (let done = 0; done < trees; done += slice) {
  const seed = firstSeed + done / slice;
  const count = Math.min(slice, trees - done);
  const outcome = await compareTrees({ seed, trees: count, atOnce: 3 });
  rendered += outcome.rendered;
  if (outcome.difference !== undefined) {
    process.stdout.write(`seed ${seed}: a difference\n${describeDifference(outcome.difference)}\n`);
    process.exit(1);
  }
  process.stdout.write(`${done + count} trees, ${rendered} rendered by both, the others refused by both\n`);
}
