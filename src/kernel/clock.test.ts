import { describe, expect, it, vi } from 'vitest';
import { manualClock, sleep, systemClock } from './clock.ts';

describe('the manual clock', () => {
  it('runs what falls due in the order of its time, and stands still otherwise', async () => {
    const clock = manualClock(0);
    const seen: string[] = [];
    clock.after(20, () => seen.push('b'));
    clock.after(10, () => {
      seen.push('a');
      clock.after(5, () => seen.push('a2'));
    });
    await clock.advance(15);
    expect(seen).toEqual(['a', 'a2']);
    expect(clock.now()).toBe(15);
    await clock.advance(5);
    expect(seen).toEqual(['a', 'a2', 'b']);
  });

  it('never calls back what was cancelled', async () => {
    const clock = manualClock(0);
    let called = false;
    clock.after(10, () => (called = true)).cancel();
    await clock.advance(100);
    expect(called).toBe(false);
  });

  it('lets a wait be cancelled, before and while it waits', async () => {
    const clock = manualClock(0);
    const stop = new AbortController();
    const waiting = sleep(clock, 1000, stop.signal);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ kind: 'cancelled' });
    await expect(sleep(clock, 1, stop.signal)).rejects.toMatchObject({ kind: 'cancelled' });
  });
});

describe('the clock of this machine', () => {
  it('waits longer than one timer of Node can, and can be cancelled on the way', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const month = 31 * 86_400_000;
      const seen: string[] = [];
      systemClock.after(month, () => seen.push('month'));
      const never = systemClock.after(month + 1, () => seen.push('never'));
      await vi.advanceTimersByTimeAsync(month - 1);
      expect(seen).toEqual([]);
      never.cancel();
      await vi.advanceTimersByTimeAsync(2);
      expect(seen).toEqual(['month']);
    } finally {
      vi.useRealTimers();
    }
  });
});
