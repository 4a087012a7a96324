/** A commit to a remote whose process is killed right after one of its calls of git, and made again. */
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { childProgram } from './child-program.ts';
import { systemClock } from '../src/kernel/index.ts';
import { createGitMirrors } from '../src/git/index.ts';
import {
  commitAll,
  createRepository,
  git,
  publish,
  serveGit,
  temporaryFolder,
} from '../src/git/test-support.ts';

const request = {
  branch: 'main',
  files: { 'a.yaml': 'two\n' },
  message: 'Pin the image',
  author: { name: 'Landfall', email: 'landfall@example.com' },
  once: { key: 'Landfall-Update', value: 'update-42' },
};

/** Commits once to the repository of the URL that it is given. */
const PROGRAM = `
import { createGitMirrors } from './src/git/index.ts';
import { systemClock } from './src/kernel/index.ts';
const [folder = '', url = ''] = process.argv.slice(-2);
const mirrors = createGitMirrors({ folder, clock: systemClock });
await mirrors.open(url).commit(${JSON.stringify(request)});
mirrors.close();
`;

/** What was there after the process died, and after the commit was made again. */
export interface Killed {
  /** Subjects of the branch, newest first. */
  readonly left: readonly string[];
  readonly after: readonly string[];
  /** Whether the second attempt found the commit of the first one. */
  readonly found: boolean;
  /** Whether the branch has all of the files of a commit that nobody killed. */
  readonly whole: boolean;
}

export interface KilledCommits {
  /** The commands of git that one commit calls, in their order: `clone`, `push`. */
  readonly calls: readonly string[];
  /** Kills after the call of that number, from 1 on. */
  suffer(at: number): Promise<Killed>;
  close(): Promise<void>;
}

export async function openKilledCommits(): Promise<KilledCommits> {
  const temporary = await temporaryFolder();
  const root = path.join(temporary.path, 'served');
  await mkdir(root);
  const server = await serveGit(root);
  const program = await childProgram(PROGRAM);
  const repository = await createRepository(path.join(temporary.path, 'repository'));
  const first = await commitAll(repository, { 'a.yaml': 'one\n', 'b.yaml': 'b\n' }, 'First');
  const bare = await publish(repository, root, 'repository.git');
  const url = `${server.url}/repository.git`;
  const real = path.join((await git(repository, '--exec-path')).trim(), 'git');

  const subjects = async () => (await git(bare, 'log', '--format=%s', 'main')).trim().split('\n');
  const files = async () => (await git(bare, 'rev-parse', 'main^{tree}')).trim();

  /** Runs the program with a git that kills whoever called it after its call number `at`. Gives the calls made. */
  async function run(folder: string, at: number): Promise<readonly string[]> {
    const bin = await mkdtemp(path.join(temporary.path, 'bin-'));
    const calls = path.join(bin, 'calls');
    await writeFile(calls, '');
    await writeFile(
      path.join(bin, 'git'),
      [
        '#!/bin/sh',
        'value=""',
        'for each in "$@"; do',
        '  if [ -n "$value" ]; then value=""; continue; fi',
        '  case "$each" in -c) value=next;; -*) ;; *) break;; esac',
        'done',
        `echo "$each" >> '${calls}'`,
        `n=$(wc -l < '${calls}')`,
        `'${real}' "$@"`,
        'code=$?',
        `if [ "$n" -eq ${at} ]; then kill -9 $PPID; fi`,
        'exit $code',
        '',
      ].join('\n'),
    );
    await chmod(path.join(bin, 'git'), 0o755);
    const child = spawn(process.execPath, [program.file, folder, url], {
      env: { ...process.env, PATH: `${bin}:${process.env['PATH']}` },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await new Promise((resolve) => child.once('close', resolve));
    return (await readFile(calls, 'utf8')).trim().split('\n');
  }

  const calls = await run(await mkdtemp(path.join(temporary.path, 'whole-')), 0);
  const wanted = await files();
  return {
    calls,
    async suffer(at) {
      await git(bare, 'update-ref', 'refs/heads/main', first);
      const folder = await mkdtemp(path.join(temporary.path, 'killed-'));
      await run(folder, at);
      const left = await subjects();
      const mirrors = createGitMirrors({ folder, clock: systemClock });
      try {
        const { found } = await mirrors.open(url).commit(request);
        return { left, found: found === true, after: await subjects(), whole: (await files()) === wanted };
      } finally {
        mirrors.close();
      }
    },
    async close() {
      program.remove();
      await server[Symbol.asyncDispose]();
      await temporary[Symbol.asyncDispose]();
    },
  };
}

/** What has to be true of each. */
export function isOnce({ left, after, found, whole }: Killed): boolean {
  const [none, all] = ['First', 'Pin the image|First'];
  const was = left.join('|');
  return (was === none || was === all) && after.join('|') === all && found === (was === all) && whole;
}
