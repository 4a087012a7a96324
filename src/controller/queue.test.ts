import { describe, expect, it } from 'vitest';
import { LandfallError, manualClock, silentLogger } from '../kernel/index.ts';
import type { ManualClock } from '../kernel/index.ts';
import { createQueue } from './queue.ts';
import type { Handler, Turn } from './queue.ts';

/** A gate that a test opens. */
function gate() {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

function start(handler: Handler, concurrency = 2) {
  const clock = manualClock();
  const queue = createQueue({ clock, logger: silentLogger, concurrency, random: () => 1 }, handler);
  return { clock, queue };
}

const settle = (clock: ManualClock) => clock.advance(0);
const broken = () => new LandfallError('away', { kind: 'unavailable', code: 'away' });

describe('the queue', () => {
  it('works on a key once for everything that asked before, at the highest level', async () => {
    const turns: string[] = [];
    const held = gate();
    const { clock, queue } = start(async (key, { level }) => {
      turns.push(`${key} ${level}`);
      await held.opened;
      return undefined;
    }, 1);
    queue.add('first', 'live');
    queue.add('a', 'live');
    queue.add('a', 'hard');
    queue.add('a', 'git');
    held.open();
    await settle(clock);
    expect(turns).toEqual(['first live', 'a hard']);
    await queue.close();
  });

  it('never works on one key twice at a time, and gives what came meanwhile another turn', async () => {
    let now = 0;
    let most = 0;
    let turns = 0;
    const held = gate();
    const { clock, queue } = start(async () => {
      turns += 1;
      now += 1;
      most = Math.max(most, now);
      await held.opened;
      now -= 1;
      return undefined;
    });
    queue.add('a', 'live');
    await settle(clock);
    queue.add('a', 'live');
    queue.add('a', 'live');
    await settle(clock);
    held.open();
    await settle(clock);
    await settle(clock);
    expect([turns, most]).toEqual([2, 1]);
    await queue.close();
  });

  it('tries a failed key again after growing waits, and others do not wait for it', async () => {
    const attempts: number[] = [];
    let good = 0;
    const { clock, queue } = start((key) => {
      if (key === 'good') {
        good += 1;
        return Promise.resolve(undefined);
      }
      attempts.push(clock.now());
      return Promise.reject(broken());
    });
    const begin = clock.now();
    queue.add('bad', 'git');
    for (let second = 0; second < 20; second += 1) {
      queue.add('good', 'live');
      await clock.advance(1000);
    }
    expect(attempts.map((at) => (at - begin) / 1000)).toEqual([0, 1, 3, 7, 15]);
    expect(good).toBe(20);
    await queue.close();
  });

  it('does not forget a failed look at Git because a look at the cluster went well', async () => {
    const turns: string[] = [];
    const { clock, queue } = start((_key, { level }) => {
      turns.push(level);
      return level === 'git' && turns.length === 1
        ? Promise.reject(broken())
        : Promise.resolve({ again: 180_000 });
    });
    queue.add('a', 'git');
    await settle(clock);
    queue.add('a', 'live');
    await clock.advance(2000);
    expect(turns).toEqual(['git', 'live', 'git']);
    await queue.close();
  });

  it('gives its place away while a turn waits for somebody else', async () => {
    const held = gate();
    const done: string[] = [];
    const handler = async (key: string, turn: Turn) => {
      if (key.startsWith('slow')) await turn.outside(() => held.opened);
      done.push(key);
      return undefined;
    };
    const { clock, queue } = start(handler, 1);
    queue.add('slow-1', 'git');
    queue.add('slow-2', 'git');
    queue.add('quick', 'git');
    await settle(clock);
    expect(done).toEqual(['quick']);
    held.open();
    await settle(clock);
    await settle(clock);
    expect(done).toEqual(['quick', 'slow-1', 'slow-2']);
    await queue.close();
  });

  it('gives its place away when a turn takes long, once, however it waits', async () => {
    const held = gate();
    const done: string[] = [];
    const handler = async (key: string, turn: Turn) => {
      if (key === 'hanging') {
        await held.opened;
        await Promise.all([turn.outside(() => settle(clock)), turn.outside(() => settle(clock))]);
      } else {
        await turn.outside(() => Promise.resolve());
      }
      done.push(key);
      return undefined;
    };
    const { clock, queue } = start(handler, 1);
    queue.add('hanging', 'git');
    queue.add('quick', 'git');
    await clock.advance(4999);
    expect(done).toEqual([]);
    await clock.advance(1);
    await settle(clock);
    expect(done).toEqual(['quick']);
    held.open();
    for (let round = 0; round < 5; round += 1) await settle(clock);
    expect(done).toEqual(['quick', 'hanging']);
    // Every place was given back exactly once: one is left, and no more than that.
    for (const key of ['a', 'b', 'c']) queue.add(key, 'git');
    for (let round = 0; round < 5; round += 1) await settle(clock);
    expect(done).toEqual(['quick', 'hanging', 'a', 'b', 'c']);
    await queue.close();
  });

  it('looks again when the handler says so, and tells who waits how a turn ended', async () => {
    let turns = 0;
    const { clock, queue } = start(() => {
      turns += 1;
      return turns === 3 ? Promise.reject(broken()) : Promise.resolve({ again: 60_000 });
    });
    await queue.run('a', 'git');
    await clock.advance(59_000);
    expect(turns).toBe(1);
    await clock.advance(1000);
    expect(turns).toBe(2);
    await expect(queue.run('a', 'git')).rejects.toMatchObject({ code: 'away' });
    await queue.close();
    await expect(queue.run('a', 'git')).rejects.toMatchObject({ kind: 'cancelled' });
  });

  it('ends running turns by their signal when it is closed', async () => {
    const { clock, queue } = start(
      (_key, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(broken()))),
    );
    const waiting = queue.run('a', 'git');
    waiting.catch(() => {});
    await settle(clock);
    await queue.close();
    await expect(waiting).rejects.toBeInstanceOf(LandfallError);
  });
});
