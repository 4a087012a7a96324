import { LandfallError } from '../kernel/index.ts';
import { gitFailure } from './failures.ts';
import { runGit, tryGit } from './program.ts';
import type { Repository } from './revisions.ts';

export interface WorkTreeUpdate {
  readonly repository: Repository;
  readonly ref: string;
  readonly commit: string;
  readonly parent: string;
  readonly paths: readonly string[];
  readonly signal: AbortSignal | undefined;
}

/**
 * Moves a branch with `swap`, and where some work tree has it checked out, its files and index with it. Files with
 * changes of their own are never overwritten: that is a conflict before anything moves. False when the branch had
 * moved; then files and index are back as they were.
 */
export async function updateWorkTree(update: WorkTreeUpdate, swap: () => Promise<boolean>): Promise<boolean> {
  const { repository, commit, parent, signal } = update;
  const folder = await checkedOutAt(update);
  if (folder === undefined) return swap();
  await assertClean(update, folder);
  // A two-tree merge changes what differs between the trees, keeps all else, and refuses to lose anything.
  const forward = await tryGit(['read-tree', '-m', '-u', parent, commit], { cwd: folder, signal });
  if (forward.code !== 0) {
    if (/not uptodate|would be overwritten|index\.lock|not up to date/i.test(forward.stderr)) {
      throw dirty(repository, folder, update.paths.join(', '));
    }
    throw gitFailure(`Updating the files of ${folder}`, forward.stderr);
  }
  const back = () =>
    runGit(`Restoring the files of ${folder}`, ['read-tree', '-m', '-u', commit, parent], { cwd: folder });
  let moved: boolean;
  try {
    moved = await swap();
  } catch (error) {
    await back();
    throw error;
  }
  if (!moved) await back();
  return moved;
}

async function checkedOutAt(update: WorkTreeUpdate): Promise<string | undefined> {
  const text = await runGit(
    `Reading the work trees of ${update.repository.display}`,
    ['worktree', 'list', '--porcelain'],
    { gitDir: update.repository.gitDir, signal: update.signal },
  );
  for (const record of text.split('\n\n')) {
    const lines = record.split('\n');
    if (lines.includes(`branch ${update.ref}`) && !lines.some((line) => line.startsWith('prunable'))) {
      return lines.find((line) => line.startsWith('worktree '))?.slice('worktree '.length);
    }
  }
  return undefined;
}

async function assertClean(update: WorkTreeUpdate, folder: string): Promise<void> {
  if (update.paths.length === 0) return;
  const status = await runGit(
    `Looking for changes in ${folder}`,
    [
      'status',
      '--porcelain',
      '-z',
      '--no-renames',
      '--untracked-files=all',
      '--ignored=matching',
      '--',
      ...update.paths,
    ],
    { cwd: folder, signal: update.signal },
  );
  const changed = status
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => line.slice(3));
  const [first] = changed;
  if (first === undefined || (await isAhead(update, folder, changed))) return;
  throw dirty(update.repository, folder, first);
}

/**
 * Whether files and index have what the commit brings already: a process that died between the files and the branch
 * left them so, and nothing is lost when the branch follows.
 */
async function isAhead(
  { commit, signal }: WorkTreeUpdate,
  folder: string,
  paths: readonly string[],
): Promise<boolean> {
  for (const against of [[], ['--cached']]) {
    const args = ['diff', '--quiet', '--no-ext-diff', ...against, commit, '--', ...paths];
    if ((await tryGit(args, { cwd: folder, signal })).code !== 0) return false;
  }
  return true;
}

function dirty(repository: Repository, folder: string, files: string): LandfallError {
  return new LandfallError(
    `A commit was to change ${files} in ${repository.display}, and the checked-out file in ${folder} has changes that are not committed.`,
    {
      kind: 'conflict',
      code: 'git-dirty-files',
      object: files,
      hint: 'Commit or stash them, then try again.',
    },
  );
}
