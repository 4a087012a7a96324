import { existsSync } from 'node:fs';
import path from 'node:path';
import { findRoot } from '../../git/index.ts';
import { LandfallError } from '../../kernel/index.ts';
import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';
import type { OutputOptions } from '../options.ts';
import { folderIn, readLayout } from './layout.ts';
import { renderLayout } from './output.ts';

/** Prints how a repository is laid out, and gives the exit code for it. */
export async function answerLayout(folder: string, options: OutputOptions, io: CliIo): Promise<number> {
  const start = path.resolve(io.cwd, folder);
  if (!existsSync(start)) {
    throw new LandfallError(`There is no folder ${start}.`, {
      kind: 'not-found',
      code: 'folder-not-found',
      object: start,
      hint: 'Name a deployment repository, or a folder in it.',
    });
  }
  const root = (await findRoot(start, io.signal))?.root ?? start;
  const environments = await readLayout(root, folderIn(root, start), io.signal);
  io.out(
    formatAnswer(options.output, { root, environments }, () =>
      renderLayout(root, environments, outStyle(io)),
    ),
  );
  const wrong = environments.some(
    ({ failure, services }) => failure !== undefined || services.some(({ reaches }) => reaches.length === 0),
  );
  return wrong || environments.length === 0 ? EXIT.broken : EXIT.ok;
}
