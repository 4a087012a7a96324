import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { startRegistry } from '../../drydock/registry/index.ts';
import { sleep, systemClock } from '../../kernel/index.ts';
import { updatesIn } from './message.ts';
import { createPublish } from './publish.ts';
import type { Registries } from './registries.ts';
import { benches, run, signal, type Bench } from './updates.fixture.ts';

const publish = createPublish({ clock: systemClock });
const { open, close } = benches(startRegistry);
afterEach(close);

async function bench(): Promise<Bench & { readonly url: string }> {
  const opened = await open();
  await opened.push('1.1.0');
  return Object.assign(opened, { url: opened.server.url });
}

/** Ends the process as far as anybody can see: nothing after the call happens, whatever it was. */
class Died extends Error {}

/** One cycle that dies before its n-th call of something outside; undefined where it had no so many. */
async function dieBefore(on: Bench, n: number): Promise<'died' | 'finished'> {
  let calls = 0;
  const counted =
    <A extends readonly unknown[], T>(work: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      calls += 1;
      if (calls === n) throw new Died();
      return work(...args);
    };
  const registries = on.registries();
  const cycle = on.cycle({
    registries: {
      forget: () => registries.forget(),
      tags: counted((...asked: Parameters<Registries['tags']>) => registries.tags(...asked)),
      resolve: counted((...asked: Parameters<Registries['resolve']>) => registries.resolve(...asked)),
      digestNow: counted((...asked: Parameters<Registries['digestNow']>) => registries.digestNow(...asked)),
      builtAt: counted((...asked: Parameters<Registries['builtAt']>) => registries.builtAt(...asked)),
    },
    platforms: counted(() => Promise.resolve(on.platforms)),
    holds: counted(() => Promise.resolve(on.holds)),
    // Dies before it commits, or right after, before anything is done with the answer.
    publish: counted(async (publication, limit) => {
      const published = await publish(publication, limit);
      return counted(() => Promise.resolve(published))();
    }),
  });
  try {
    await cycle.run([on.updater([{}])], {}, signal);
    return 'finished';
  } catch {
    return 'died';
  }
}

describe('an updater that dies', () => {
  it('at any step leaves no half commit, and the next one makes no second', async () => {
    let died = 0;
    for (let step = 1; ; step += 1) {
      const on = await bench();
      const outcome = await dieBefore(on, step);
      const between = on.log().length;
      expect(between).toBeLessThanOrEqual(2);
      await on.cycle().run([on.updater([{}])], {}, signal);
      expect(on.log()).toEqual(['Update shop to 1.1.0', 'Begin']);
      const body = run(on.deployments, 'log', '-1', '--format=%b', 'main');
      expect(updatesIn(body)).toHaveLength(1);
      run(on.deployments, 'fsck', '--strict');
      if (outcome === 'finished') break;
      died += 1;
    }
    // Tags, platforms, the look below the tag, holds, the second look, the commit and what follows it.
    expect(died).toBeGreaterThanOrEqual(7);
  }, 120_000);

  it('by kill -9 is followed by one that finishes, and never by a second commit', async () => {
    const on = await bench();
    const script = fileURLToPath(new URL('updater-process.fixture.ts', import.meta.url));
    for (const wait of [0, 300, 700, 1200, 2000]) {
      const child = spawn(process.execPath, ['--import', 'tsx', script, on.url, on.folder], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = once(child, 'exit');
      // It says when it begins to work; how far it gets until it is killed is left to chance.
      await Promise.race([once(child.stdout, 'data'), ended]);
      await sleep(systemClock, wait);
      child.kill('SIGKILL');
      await ended;
      expect(on.log().length).toBeLessThanOrEqual(2);
      run(on.deployments, 'fsck', '--strict');
    }
    await on.cycle().run([on.updater([{}])], {}, signal);
    expect(on.log()).toEqual(['Update shop to 1.1.0', 'Begin']);
  }, 120_000);
});
