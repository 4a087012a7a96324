import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LandfallError, type Clock } from '../kernel/index.ts';
import { runGit } from './program.ts';
import type { Repository } from './revisions.ts';
import { signingConfig, type Signing } from './signing.ts';

/** New texts by path. Files that exist keep their mode; new ones are ordinary files. */
export type FileTexts = Readonly<Record<string, string>>;

/** Texts that come in or change, and files that go. */
export interface FileChanges {
  readonly texts: FileTexts;
  readonly deleted: readonly string[];
}

export interface CommitAuthor {
  readonly name: string;
  readonly email: string;
}

export interface CommitPlan {
  readonly repository: Repository;
  readonly parent: string;
  readonly changes: FileChanges;
  readonly message: string;
  readonly author: CommitAuthor;
  readonly sign: Signing | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

/** Writes blobs, tree and commit without touching a work tree; undefined when nothing differs from the parent. */
export async function makeCommit(plan: CommitPlan): Promise<string | undefined> {
  const { repository, parent, changes, clock, signal } = plan;
  const { gitDir, display } = repository;
  const attempted = `Making a commit in ${display}`;
  const index = path.join(gitDir, `landfall-index-${randomBytes(6).toString('hex')}`);
  const env = { GIT_INDEX_FILE: index };
  const git = async (args: readonly string[], input?: string, extra?: Readonly<Record<string, string>>) =>
    (
      await runGit(attempted, args, {
        gitDir,
        signal,
        env: { ...env, ...extra },
        ...(input === undefined ? {} : { input }),
      })
    ).trim();
  try {
    const names = Object.keys(changes.texts);
    // Blobs need no index: they are written while it is filled.
    const [blobs] = await Promise.all([
      blobsOf(git, Object.values(changes.texts)),
      git(['read-tree', parent]),
    ]);
    const modes = await modesOf(git, names, display);
    let updates = '';
    for (const [at, file] of names.entries()) updates += `${modes[at]} ${blobs[at]}\t${file}\0`;
    // Mode 0 takes a file out; what is not there is no file to take out.
    const zeros = '0'.repeat(parent.length);
    for (const file of changes.deleted) updates += `0 ${zeros}\t${file}\0`;
    await git(['update-index', '-z', '--index-info'], updates);
    const tree = await git(['write-tree']);
    const before = (await repository.reader.read(parent))?.body.toString('latin1') ?? '';
    if (before.startsWith(`tree ${tree}\n`)) return undefined;
    const { name, email } = assertAuthor(plan.author);
    const date = `@${Math.floor(clock.now() / 1000)} +0000`;
    const signing = [...signingConfig(plan.sign), 'commit-tree', ...(plan.sign === undefined ? [] : ['-S'])];
    return await git([...signing, tree, '-p', parent, '-F', '-'], assertMessage(plan.message), {
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: name,
      GIT_COMMITTER_EMAIL: email,
      GIT_COMMITTER_DATE: date,
    });
  } finally {
    await rm(index, { force: true });
    await rm(`${index}.lock`, { force: true });
  }
}

type Git = (args: readonly string[], input?: string) => Promise<string>;

/** A command line has an end. */
const AT_ONCE = 200;

async function modesOf(git: Git, files: readonly string[], display: string): Promise<readonly string[]> {
  const entries = new Map<string, string>();
  for (let at = 0; at < files.length; at += AT_ONCE) {
    const listed = await git(['ls-files', '--stage', '-z', '--', ...files.slice(at, at + AT_ONCE)]);
    for (const entry of listed.split('\0'))
      entries.set(entry.slice(entry.indexOf('\t') + 1), entry.slice(0, 6));
  }
  const folders = new Set([...entries.keys()].flatMap(foldersAbove));
  const modes: string[] = [];
  for (const file of files) {
    const mode = folders.has(file) ? '040000' : entries.get(file);
    if (mode === undefined) {
      const above = path.posix.dirname(file);
      if (above !== '.') await assertFolder(git, above, display);
    } else if (mode !== '100644' && mode !== '100755') throw notOrdinary(file, mode, display);
    modes.push(mode ?? '100644');
  }
  return modes;
}

function foldersAbove(file: string): readonly string[] {
  const steps = file.split('/');
  return steps.slice(1).map((_, at) => steps.slice(0, at + 1).join('/'));
}

/** Writes the texts into the object database: many with one git, by way of files. */
async function blobsOf(git: Git, texts: readonly string[]): Promise<readonly string[]> {
  const [only] = texts;
  if (only === undefined) return [];
  if (texts.length === 1) return [await git(['hash-object', '-w', '--stdin', '--no-filters'], only)];
  const folder = await mkdtemp(path.join(tmpdir(), 'landfall-commit-'));
  try {
    const files = texts.map((_, at) => path.join(folder, String(at)));
    for (const [at, file] of files.entries()) await writeFile(file, texts[at] ?? '');
    const written = await git(
      ['hash-object', '-w', '--no-filters', '--stdin-paths'],
      `${files.join('\n')}\n`,
    );
    return written.split('\n');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function notOrdinary(file: string, mode: string, display: string): LandfallError {
  const what = mode === '120000' ? 'symbolic link' : mode === '160000' ? 'submodule' : 'folder';
  return new LandfallError(`'${file}' was to be written in ${display}, where it is a ${what}.`, {
    kind: 'invalid-input',
    code: 'git-path',
    object: file,
    hint: 'Name an ordinary file.',
  });
}

/** A new file needs folders above it, and no files or links where they would have to be. */
async function assertFolder(git: Git, folder: string, display: string): Promise<void> {
  const entries = (await git(['ls-files', '--stage', '-z', '--', folder])).split('\0');
  if (entries.some((entry) => entry.endsWith(`\t${folder}`))) {
    throw new LandfallError(`A file was to be made below '${folder}' in ${display}, which is no folder.`, {
      kind: 'invalid-input',
      code: 'git-path',
      object: folder,
      hint: 'Name another place for the file.',
    });
  }
  const above = path.posix.dirname(folder);
  if (above !== '.' && entries.every((entry) => entry === '')) await assertFolder(git, above, display);
}

/** Refuses paths that leave the repository or reach into its `.git`. */
export function assertPath(file: string): string {
  const steps = file.split('/');
  const bad =
    file.length > 4000 ||
    /[\p{Cc}\\]/u.test(file) ||
    steps.some((step) => step === '' || step === '.' || step === '..' || /^\.git$/i.test(step));
  if (!bad) return file;
  throw new LandfallError(`'${file.slice(0, 200)}' cannot be a file in a commit.`, {
    kind: 'invalid-input',
    code: 'git-path',
    object: file.slice(0, 200),
    hint: 'Give a path from the root of the repository, without "..", and not inside of .git.',
  });
}

export function assertAuthor(author: CommitAuthor): CommitAuthor {
  for (const value of [author.name, author.email]) {
    if (value.trim() === '' || /[\p{Cc}<>]/u.test(value)) {
      throw new LandfallError(
        `'${value.slice(0, 100)}' cannot be the name or address of a commit's author.`,
        {
          kind: 'invalid-input',
          code: 'git-author',
          hint: 'Give a name and an e-mail address without < and >.',
        },
      );
    }
  }
  return author;
}

export function assertMessage(message: string): string {
  if (message.trim() !== '' && !message.includes('\0'))
    return message.endsWith('\n') ? message : `${message}\n`;
  throw new LandfallError('A commit was to be made without a message.', {
    kind: 'invalid-input',
    code: 'git-message',
    hint: 'Say in one line what changes.',
  });
}
