import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../kernel/index.ts';
import type { ManualClock } from '../kernel/index.ts';
import { createGitMirrors } from '../git/index.ts';
import type { GitMirror, GitMirrors } from '../git/index.ts';
import { createRepositories } from './repositories.ts';

const run = promisify(execFile);
const { signal } = new AbortController();

let folder: string;
let mirrors: GitMirrors;
let clock: ManualClock;
let fetches: number;

/** The real mirrors, with their fetches counted. */
function counted(): GitMirrors {
  return {
    ...mirrors,
    open(url) {
      const mirror = mirrors.open(url);
      return {
        ...mirror,
        fetch(asked) {
          fetches += 1;
          return mirror.fetch(asked);
        },
      };
    },
  };
}

async function commit(): Promise<string> {
  const git = async (...args: string[]) =>
    (
      await run('git', ['-c', 'user.name=T', '-c', 'user.email=t@corp.io', ...args], { cwd: folder })
    ).stdout.trim();
  await git('commit', '-q', '--allow-empty', '-m', 'change');
  return git('rev-parse', 'HEAD');
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-repositories-'));
  await run('git', ['init', '-q', '-b', 'main', folder]);
  clock = manualClock();
  mirrors = createGitMirrors({ folder: join(folder, 'mirrors'), clock });
  fetches = 0;
});

afterEach(async () => {
  mirrors.close();
  await rm(folder, { recursive: true, force: true });
});

/** Every project sees with the same credentials. */
function opener() {
  const opened = new Map<string, GitMirror>();
  return (url: string) => {
    const mirror = opened.get(url) ?? counted().open(url);
    opened.set(url, mirror);
    return Promise.resolve(mirror);
  };
}

describe('the repositories of a controller', () => {
  it('are asked once for everybody who asks at the same time', async () => {
    const first = await commit();
    const repositories = createRepositories(opener(), clock);
    const asking = Array.from({ length: 50 }, () =>
      repositories.resolve(folder, 'main', 'asked', 'default', signal),
    );
    expect(new Set(await Promise.all(asking))).toEqual(new Set([first]));
    expect(fetches).toBe(2);
  });

  it('never answer a request from before it', async () => {
    await commit();
    const repositories = createRepositories(opener(), clock);
    await repositories.resolve(folder, 'main', 'asked', 'default', signal);
    const second = await commit();
    expect(await repositories.resolve(folder, 'main', 'asked', 'default', signal)).toBe(second);
    expect(await repositories.resolve(folder, 'main', 'hard', 'default', signal)).toBe(second);
  });

  it('answer a poll from what was asked a moment ago, and not for longer', async () => {
    const first = await commit();
    const repositories = createRepositories(opener(), clock);
    await repositories.resolve(folder, 'main', 'git', 'default', signal);
    const second = await commit();
    expect(await repositories.resolve(folder, 'main', 'git', 'default', signal)).toBe(first);
    await clock.advance(2000);
    expect(await repositories.resolve(folder, 'main', 'git', 'default', signal)).toBe(second);
    expect(fetches).toBe(2);
  });

  it('take a full commit as it is when only the cluster is looked at again', async () => {
    const first = await commit();
    const repositories = createRepositories(opener(), clock);
    expect(await repositories.resolve(folder, first, 'live', 'default', signal)).toBe(first);
    expect(fetches).toBe(0);
  });

  it('tell each who asks what is wrong with its own revision', async () => {
    const first = await commit();
    const repositories = createRepositories(opener(), clock);
    const [good, bad] = await Promise.allSettled([
      repositories.resolve(folder, 'main', 'asked', 'default', signal),
      repositories.resolve(folder, 'no-such-branch', 'asked', 'default', signal),
    ]);
    expect(good).toEqual({ status: 'fulfilled', value: first });
    expect(bad.status).toBe('rejected');
    await expect(
      repositories.resolve(join(folder, 'nowhere'), 'main', 'asked', 'default', signal),
    ).rejects.toMatchObject({
      kind: expect.stringMatching(/not-found|invalid-input/) as string,
    });
  });
});
