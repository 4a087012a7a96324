import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { windowsAt } from './windows.ts';

type Windows = NonNullable<Parameters<typeof windowsAt>[0]>;

const MINUTE = 60_000;
/** Half an hour of summer time, none at all, a quarter of an hour from UTC, and two that change by an hour. */
const ZONES = ['Australia/Lord_Howe', 'UTC', 'Asia/Kathmandu', 'Europe/Berlin', 'America/New_York'];
/** Hours around which clocks change, and one around which none does. */
const MOMENTS = [
  '2026-03-29T00:00:00Z',
  '2026-10-25T00:00:00Z',
  '2026-03-08T06:00:00Z',
  '2026-11-01T05:00:00Z',
  '2026-04-04T14:00:00Z',
  '2026-10-03T14:30:00Z',
  '2026-06-30T22:00:00Z',
];

const time = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom(0, 15, 30, 59))
  .map(([hours, minutes]) => `${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`);
const window = fc
  .record({
    kind: fc.constantFrom('open' as const, 'closed' as const),
    days: fc.option(fc.constantFrom(['sun' as const], ['sat' as const, 'mon' as const]), { nil: undefined }),
    from: time,
    to: time,
    timeZone: fc.constantFrom(...ZONES),
  })
  .filter(({ from, to }) => from !== to)
  .map(({ days, ...rest }) => (days === undefined ? rest : { ...rest, days }) as Windows[number]);

describe('when windows open', () => {
  it('is the first minute at which they are open, whatever clocks do', () => {
    fc.assert(
      fc.property(
        fc.array(window, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(...MOMENTS),
        fc.integer({ min: -200, max: 200 }),
        (windows, moment, away) => {
          const now = Date.parse(moment) + away * MINUTE + 1234;
          const { open, opensAt } = windowsAt(windows, now);
          if (open) return;
          const isOpen = (at: number) => windowsAt(windows, at, 0).open;
          // What is told is so, and no minute before it is open: each asked by itself, as if it were now.
          if (opensAt !== undefined) expect(isOpen(opensAt)).toBe(true);
          const next = Math.floor(now / MINUTE) * MINUTE + MINUTE;
          for (
            let at = next;
            at < Math.min(opensAt ?? Number.POSITIVE_INFINITY, next + 90 * MINUTE);
            at += MINUTE
          )
            expect(isOpen(at), new Date(at).toISOString()).toBe(false);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is found out for a month ahead without a noticeable pause', () => {
    const windows: Windows = ZONES.map((timeZone) => ({
      kind: 'open',
      since: '2020-01-01',
      until: '2020-01-02',
      timeZone,
    }));
    const before = process.cpuUsage();
    expect(windowsAt(windows, Date.parse('2026-03-01T00:00:00Z')).opensAt).toBeUndefined();
    const { user } = process.cpuUsage(before);
    // Asked at every minute of the month, this took seconds.
    expect(user / 1000).toBeLessThan(500);
  });
});
