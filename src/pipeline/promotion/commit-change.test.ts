import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { createGitMirrors } from '../../git/index.ts';
import type { GitMirror } from '../../git/index.ts';
import {
  commitAll,
  createRepository,
  git,
  publish,
  serveGit,
  temporaryFolder,
} from '../../git/test-support.ts';
import { systemClock } from '../../kernel/index.ts';
import { commitChange } from './commit-change.ts';
import type { ChangePlan } from './plan.ts';

const AUTHOR = { name: 'landfall', email: 'landfall@localhost' };
const signal = new AbortController().signal;

interface Stage {
  readonly mirror: GitMirror;
  /** Somebody else's commit, as it comes in between. */
  readonly push: (file: string, text: string) => Promise<void>;
  /** Runs before each push of ours is answered. */
  onPush: (() => Promise<void>) | undefined;
  readonly log: () => Promise<readonly string[]>;
}

async function withRemote(work: (stage: Stage) => Promise<void>): Promise<void> {
  await using folder = await temporaryFolder();
  const source = await createRepository(path.join(folder.path, 'source'));
  await commitAll(source, { 'staging/a.yaml': 'image: old\n', 'other/b.yaml': '1\n' });
  const bare = await publish(source, folder.path, 'deploy.git');
  await using server = await serveGit(folder.path);
  const mirrors = createGitMirrors({ folder: path.join(folder.path, 'mirrors'), clock: systemClock });
  const stage: Stage = {
    mirror: mirrors.open(`${server.url}/deploy.git`),
    onPush: undefined,
    async push(file, text) {
      await git(source, 'fetch', '--quiet', bare, 'main');
      await git(source, 'reset', '--quiet', '--hard', 'FETCH_HEAD');
      await commitAll(source, { [file]: text }, `Change ${file}`);
      await git(source, 'push', '--quiet', bare, 'main');
    },
    log: async () => (await git(bare, 'log', '--format=%s', 'main')).trim().split('\n'),
  };
  server.onRequest = async (at) => {
    if (at.endsWith('/git-receive-pack')) await stage.onPush?.();
  };
  try {
    await work(stage);
  } finally {
    mirrors.close();
  }
}

function planOn(parent: string, text: string): ChangePlan {
  return {
    parent,
    files: { 'staging/a.yaml': text },
    edits: [],
    changes: [],
    rendered: [],
    unchanged: [],
    unread: [],
    refusals: [],
    inputs: ['staging', 'base'],
  };
}

async function check(stage: Stage, replan: (parent: string) => Promise<ChangePlan>, id = 'p1') {
  const { mirror } = stage;
  await mirror.fetch(signal);
  const { commit } = await mirror.resolve('main', signal);
  return commitChange({
    mirror,
    branch: 'main',
    plan: planOn(commit, 'image: new\n'),
    replan,
    message: 'Promote it',
    author: AUTHOR,
    trailer: 'Landfall-Promotion',
    id,
    clock: systemClock,
    signal,
  });
}

const never = () => Promise.reject(new Error('planned again for nothing'));

describe('a change is committed once', () => {
  test(
    'between commits of others that do not touch what it rests on, without being planned again',
    { timeout: 60_000 },
    async () => {
      await withRemote(async (stage) => {
        let others = 0;
        stage.onPush = async () => {
          if (others === 3) return;
          others += 1;
          await stage.push('other/b.yaml', `round ${others}\n`);
        };
        const { commit } = await check(stage, never);
        expect(others).toBe(3);
        expect((await stage.log()).filter((line) => line === 'Promote it')).toHaveLength(1);
        expect((await stage.mirror.resolve('main', signal)).commit).toBe(commit);
      });
    },
  );

  test('and planned again where somebody touched what it rests on', { timeout: 60_000 }, async () => {
    await withRemote(async (stage) => {
      stage.onPush = async () => {
        stage.onPush = undefined;
        await stage.push('base/c.yaml', 'new\n');
      };
      const planned: string[] = [];
      const { plan } = await check(stage, (parent) => {
        planned.push(parent);
        return Promise.resolve(planOn(parent, 'image: newer\n'));
      });
      expect(planned).toHaveLength(1);
      expect(plan.files['staging/a.yaml']).toBe('image: newer\n');
      expect((await stage.log()).slice(0, 2)).toEqual(['Promote it', 'Change base/c.yaml']);
    });
  });

  test('or not at all where it is refused on what was met', { timeout: 60_000 }, async () => {
    await withRemote(async (stage) => {
      stage.onPush = async () => {
        stage.onPush = undefined;
        await stage.push('base/c.yaml', 'new\n');
      };
      const refusal = { code: 'promotion-reaches-others', message: 'no', lines: [], hint: '' };
      const { commit, plan } = await check(stage, (parent) =>
        Promise.resolve({ ...planOn(parent, 'x\n'), refusals: [refusal] }),
      );
      expect([commit, plan.refusals]).toEqual([undefined, [refusal]]);
      expect(await stage.log()).not.toContain('Promote it');
    });
  });

  test('and found again by whoever repeats it, whatever came after', { timeout: 60_000 }, async () => {
    await withRemote(async (stage) => {
      const { commit } = await check(stage, never);
      await stage.push('other/b.yaml', 'later\n');
      const again = await check(stage, never);
      expect(again.commit).toBe(commit);
      const other = await check(stage, never, 'p2');
      expect(other.commit).not.toBe(undefined);
      expect((await stage.log()).filter((line) => line === 'Promote it')).toHaveLength(1);
    });
  });
});
