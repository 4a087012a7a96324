import { describe, expect, it } from 'vitest';
import { manualClock } from '../../kernel/index.ts';
import { workQueue } from './queue.ts';
import type { WorkQueue } from './queue.ts';

const turn = () =>
  new Promise<void>((resolve) => {
    setImmediate(resolve);
  });

describe('a work queue', () => {
  it('never works twice on one key at a time, even when the work itself adds the key', async () => {
    let running = 0;
    let most = 0;
    let passes = 0;
    const queue: WorkQueue = workQueue({
      clock: manualClock(),
      async reconcile(key) {
        most = Math.max(most, ++running);
        if (++passes < 3) queue.add(key);
        await turn();
        running -= 1;
        return undefined;
      },
    });
    queue.add('a');
    for (let turns = 0; turns < 20; turns++) await turn();
    expect({ most, passes }).toEqual({ most: 1, passes: 3 });
    await queue.close();
  });

  it('works once on a key that was added many times', async () => {
    let passes = 0;
    const queue = workQueue({
      clock: manualClock(),
      reconcile() {
        passes += 1;
        return Promise.resolve(undefined);
      },
    });
    for (let added = 0; added < 10; added++) queue.add('a');
    for (let turns = 0; turns < 5; turns++) await turn();
    expect(passes).toBe(1);
    await queue.close();
  });

  it('tries again after 5, 10, 20 ms when a pass fails, and from the start after one that does not', async () => {
    const clock = manualClock(0);
    const at: number[] = [];
    const queue = workQueue({
      clock,
      reconcile() {
        at.push(clock.now());
        return at.length < 4 ? Promise.reject(new Error('no')) : Promise.resolve(undefined);
      },
    });
    queue.add('a');
    for (let ms = 0; ms < 50; ms++) {
      await clock.advance(1);
      await turn();
      await turn();
    }
    const waits = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    expect(waits.map((wait, index) => wait - 5 * 2 ** index).every((late) => late >= 0 && late <= 2)).toBe(
      true,
    );
    await queue.close();
  });

  it('begins nothing once it is closed', async () => {
    let passes = 0;
    const queue = workQueue({
      clock: manualClock(),
      reconcile() {
        passes += 1;
        return Promise.resolve(undefined);
      },
    });
    queue.add('a');
    await queue.close();
    queue.add('b');
    for (let turns = 0; turns < 5; turns++) await turn();
    expect(passes).toBe(0);
  });
});
