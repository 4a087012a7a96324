import { describe, expect, it } from 'vitest';
import { LandfallError, manualClock } from '../kernel/index.ts';
import { createGate } from './gate.ts';

/** Calls that never end by themselves: how many of them got through. */
function calls(gate: ReturnType<typeof createGate>) {
  const leaves: (() => void)[] = [];
  const stops: ((error: LandfallError) => void)[] = [];
  const failed: unknown[] = [];
  return {
    failed,
    stops,
    start(count: number) {
      for (let index = 0; index < count; index += 1) {
        gate
          .enter((stop) => stops.push(stop))
          .then(
            (leave) => leaves.push(leave),
            (error: unknown) => failed.push(error),
          );
      }
    },
    async through(): Promise<number> {
      await new Promise((resolve) => setImmediate(resolve));
      return leaves.length;
    },
    end: (index: number) => leaves[index]?.(),
  };
}

describe('the gate of a transport', () => {
  it('lets few through at a time, the next one when one has ended', async () => {
    const all = calls(createGate(manualClock()));
    all.start(10);
    expect(await all.through()).toBe(2);
    all.end(0);
    all.end(1);
    expect(await all.through()).toBe(4);
  });

  it('lets more and more through while they wait, up to what one server is asked at a time', async () => {
    const clock = manualClock();
    const all = calls(createGate(clock));
    all.start(100);
    const seen: number[] = [];
    for (let step = 0; step < 7; step += 1) {
      await clock.advance(50);
      seen.push(await all.through());
    }
    expect(seen).toEqual([4, 8, 16, 32, 32, 32, 32]);
  });

  it('stays as it is where everybody has their turn soon', async () => {
    const clock = manualClock();
    const all = calls(createGate(clock));
    all.start(8);
    expect(await all.through()).toBe(2);
    for (let ended = 0; ended < 40; ended += 2) {
      await clock.advance(1);
      all.end(ended);
      all.end(ended + 1);
      all.start(2);
      expect(await all.through()).toBe(4 + ended);
    }
  });

  it('lets more through to a server that is far, as soon as its answers show it, and not for the first of them', async () => {
    const clock = manualClock();
    const all = calls(createGate(clock));
    all.start(6);
    // The first two make their connections.
    await clock.advance(20);
    for (const index of [0, 1]) all.end(index);
    await all.through();
    for (const index of [2, 3]) {
      await clock.advance(5);
      all.end(index);
    }
    expect(await all.through()).toBe(6);
    all.start(50);
    expect(await all.through()).toBe(6);
    await clock.advance(5);
    all.end(4);
    // Fifteen at a time.
    expect(await all.through()).toBe(5 + 15);
  });

  it('forgets a call that was stopped before its turn', async () => {
    const all = calls(createGate(manualClock()));
    all.start(6);
    const error = new LandfallError('too late', { kind: 'unavailable', code: 'timeout' });
    all.stops[0]?.(error);
    expect(await all.through()).toBe(2);
    expect(all.failed).toEqual([error]);
    all.end(0);
    all.end(1);
    expect(await all.through()).toBe(4);
    expect(all.failed).toEqual([error]);
  });
});
