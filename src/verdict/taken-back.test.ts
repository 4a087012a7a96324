import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGitMirrors, runGit } from '../git/index.ts';
import type { GitMirror, GitMirrors } from '../git/index.ts';
import { systemClock } from '../kernel/index.ts';
import { takenBackBy } from './taken-back.ts';

const { signal } = new AbortController();
const WHO = { GIT_AUTHOR_NAME: 'T', GIT_AUTHOR_EMAIL: 't@corp.io' };
const env = { ...WHO, GIT_COMMITTER_NAME: 'T', GIT_COMMITTER_EMAIL: 't@corp.io' };

let folder: string;
let mirrors: GitMirrors;
let mirror: GitMirror;

const git = (...args: string[]) => runGit('Making a history', args, { cwd: folder, env, signal });
const tip = async () => (await git('rev-parse', 'HEAD')).trim();

async function commit(text: string, file = 'overlay.yaml'): Promise<string> {
  await writeFile(path.join(folder, file), `${text}\n`);
  await git('add', '--all');
  await git('commit', '--quiet', '--message', text);
  return tip();
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'taken-back-'));
  await git('init', '--quiet', '--initial-branch', 'main');
  await commit('first');
  mirrors = createGitMirrors({ folder: path.join(folder, 'mirrors'), clock: systemClock });
  mirror = mirrors.open(folder);
});

afterAll(async () => {
  mirrors.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a commit that the branch contains', () => {
  it('stands until it is reverted, and again when the revert is', { timeout: 60_000 }, async () => {
    const release = await commit('2.5.0');
    expect(await takenBackBy(mirror, release, await tip(), signal)).toBeUndefined();
    await commit('other', 'other.yaml');
    await git('revert', '--no-edit', release);
    const back = await tip();
    expect(await takenBackBy(mirror, release, back, signal)).toBe(back);
    await commit('more', 'other.yaml');
    expect(await takenBackBy(mirror, release, await tip(), signal)).toBe(back);
    await git('revert', '--no-edit', back);
    expect(await takenBackBy(mirror, release, await tip(), signal)).toBeUndefined();
  });

  it('stands where it was put back in another way', { timeout: 60_000 }, async () => {
    const release = await commit('2.6.0');
    await git('revert', '--no-edit', release);
    expect(await takenBackBy(mirror, release, await tip(), signal)).toBe(await tip());
    await commit('2.6.0');
    expect(await takenBackBy(mirror, release, await tip(), signal)).toBeUndefined();
  });

  it('goes with the merge that brought it', { timeout: 60_000 }, async () => {
    const before = await tip();
    await git('checkout', '--quiet', '-b', 'feature');
    const release = await commit('2.7.0');
    await git('checkout', '--quiet', 'main');
    await git('merge', '--quiet', '--no-ff', '--no-edit', 'feature');
    expect(await takenBackBy(mirror, release, await tip(), signal)).toBeUndefined();
    await git('revert', '--no-edit', '--mainline', '1', 'HEAD');
    const back = await tip();
    expect(await takenBackBy(mirror, release, back, signal)).toBe(back);
    expect(await takenBackBy(mirror, before, back, signal)).toBeUndefined();
  });
});
