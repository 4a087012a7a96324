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
    expect(await all.through()).toBe(4);
    all.end(0);
    all.end(1);
    expect(await all.through()).toBe(6);
  });

  it('lets more and more through while they wait, up to what one server is asked at a time', async () => {
    const clock = manualClock();
    const all = calls(createGate(clock));
    all.start(100);
    const seen: number[] = [];
    for (let step = 0; step < 6; step += 1) {
      await clock.advance(50);
      seen.push(await all.through());
    }
    expect(seen).toEqual([8, 16, 32, 32, 32, 32]);
  });

  it('stays as it is where everybody has their turn soon', async () => {
    const clock = manualClock();
    const all = calls(createGate(clock));
    all.start(8);
    expect(await all.through()).toBe(4);
    for (let index = 0; index < 20; index += 1) {
      await clock.advance(10);
      all.end(index);
      all.start(1);
      expect(await all.through()).toBe(5 + index);
    }
  });

  it('forgets a call that was stopped before its turn', async () => {
    const all = calls(createGate(manualClock()));
    all.start(6);
    const error = new LandfallError('too late', { kind: 'unavailable', code: 'timeout' });
    all.stops[0]?.(error);
    expect(await all.through()).toBe(4);
    expect(all.failed).toEqual([error]);
    all.end(0);
    all.end(1);
    expect(await all.through()).toBe(5);
  });
});
