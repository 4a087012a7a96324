import path from 'node:path';
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';

/** Whoever starts clusters and processes takes tens of seconds; begun last, one of them would run on alone. */
const LONGEST_FIRST = [
  'test/tomoda',
  'test/lab',
  'test',
  'examples',
  'src/controller',
  'src/pipeline',
  'src',
];

function rank(root: string, file: string): number {
  const name = path.relative(root, file).split(path.sep).join('/');
  const found = LONGEST_FIRST.findIndex((folder) => name.startsWith(`${folder}/`));
  return found < 0 ? LONGEST_FIRST.length : found;
}

/**
 * Long files first: where a file took long before, by that (vitest remembers); in a fresh clone, by what its folder
 * does.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config;
    const known = (file: TestSpecification) =>
      this.ctx.cache.getFileTestResults(`${file.project.name}:${path.relative(root, file.moduleId)}`);
    const sorted = await super.sort(files);
    if (files.every((file) => known(file) !== undefined)) return sorted;
    return sorted.toSorted((a, b) => rank(root, a.moduleId) - rank(root, b.moduleId));
  }
}
