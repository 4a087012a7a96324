import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';

export interface ChildProgram {
  readonly file: string;
  remove(): void;
}

/** A program of its own, out of TypeScript that imports from this repository: for processes that are killed. */
export async function childProgram(source: string): Promise<ChildProgram> {
  const folder = mkdtempSync(path.join(tmpdir(), 'landfall-child-'));
  const root = path.resolve(import.meta.dirname, '..');
  const bundled = await build({
    stdin: { contents: source, resolveDir: root, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    packages: 'external',
    absWorkingDir: root,
    logLevel: 'error',
  });
  const file = path.join(folder, 'child.mjs');
  writeFileSync(file, bundled.outputFiles[0]?.text ?? '');
  // Packages are looked for beside the program.
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  return { file, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
