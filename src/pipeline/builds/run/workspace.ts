import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { LandfallError } from '../../../kernel/index.ts';

/** Folders of one run, for its owner alone. */
export interface Workspace {
  readonly root: string;
  readonly source: string;
  readonly home: string;
  readonly temporary: string;
  remove(): Promise<void>;
}

/** A fresh workspace of a build; what an earlier run of it left goes first. */
export async function createWorkspace(folder: string, build: string): Promise<Workspace> {
  await removeWorkspaces(folder, build);
  const root = path.join(folder, `${build}-${randomBytes(4).toString('hex')}`);
  const at = (name: string) => path.join(root, name);
  await mkdir(root, { recursive: true, mode: 0o700 });
  await mkdir(at('home'), { mode: 0o700 });
  await mkdir(at('tmp'), { mode: 0o700 });
  return {
    root,
    source: at('source'),
    home: at('home'),
    temporary: at('tmp'),
    remove: () => removeTree(root),
  };
}

/** Removes what runs of a build left behind; what cannot be removed stays, and is tried again the next time. */
export async function removeWorkspaces(folder: string, build: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names)
    if (name.startsWith(`${build}-`)) await removeTree(path.join(folder, name)).catch(() => undefined);
}

async function removeTree(root: string): Promise<void> {
  try {
    await rm(root, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // Caches of some tools are read-only.
    await makeWritable(root);
    await rm(root, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function makeWritable(folder: string): Promise<void> {
  const found = await lstat(folder).catch(() => undefined);
  if (found?.isDirectory() !== true) return;
  await chmod(folder, 0o700);
  for (const name of await readdir(folder)) await makeWritable(path.join(folder, name));
}

/** A folder of the checkout, after every link was followed. Throws `invalid-input` for one that leads out of it. */
export async function folderInside(source: string, folder: string): Promise<string> {
  const refuse = (why: string) =>
    new LandfallError(`The folder '${folder}' cannot be packaged: ${why}.`, {
      kind: 'invalid-input',
      code: 'build-folder',
      object: folder,
      hint: 'Name a folder of the repository, or one that a step makes there.',
    });
  const root = await realpath(source);
  let found: string;
  try {
    found = await realpath(path.resolve(root, folder));
  } catch {
    throw refuse('it is not there after the steps');
  }
  const relative = path.relative(root, found);
  if (relative === '..' || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative))
    throw refuse('it leads out of the checkout');
  if (!(await lstat(found)).isDirectory()) throw refuse('it is no folder');
  return found;
}
