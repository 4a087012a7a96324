import type { PromotionPolicy } from '../landfall-yaml/index.ts';

type Window = NonNullable<PromotionPolicy['windows']>[number];

/** Whether promotions may go on at a moment. */
export interface WindowAnswer {
  readonly open: boolean;
  /** Why not, for people. */
  readonly why: string;
  /** When they may again, in ms since the epoch; undefined where that is not within a month. */
  readonly opensAt: number | undefined;
}

/** What the wall clock of a zone shows. */
interface Wall {
  readonly date: string;
  readonly weekday: string;
  /** Minutes since midnight. */
  readonly minute: number;
}

const MINUTE = 60_000;
const LOOKED_AHEAD = 31 * 24 * 60;

type WallClock = (at: number) => Wall;

/** The time of a zone as its wall clocks show it, so that a change of the clock moves no window. */
function wallClock(zone: string): WallClock {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    weekday: 'short',
  });
  return (at) => {
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? '';
    return {
      date: `${part('year')}-${part('month')}-${part('day')}`,
      weekday: part('weekday').toLowerCase(),
      minute: Number(part('hour')) * 60 + Number(part('minute')),
    };
  };
}

function minutesOf(text: string): number {
  const [hours = '0', minutes = '0'] = text.split(':');
  return Number(hours) * 60 + Number(minutes);
}

function dayBefore(date: string): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) - 24 * 60 * MINUTE).toISOString().slice(0, 10);
}

const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Whether the day on which a window begins is one of its days. */
function isDay(window: Window, date: string): boolean {
  const weekday = WEEKDAYS[new Date(`${date}T00:00:00Z`).getUTCDay()] ?? '';
  const { days, since, until } = window;
  return (
    (days === undefined || days.some((each) => each === weekday)) &&
    (since === undefined || date >= since) &&
    (until === undefined || date <= until)
  );
}

function isIn(window: Window, wall: Wall): boolean {
  const from = minutesOf(window.from ?? '00:00');
  const to = minutesOf(window.to ?? '24:00');
  const { date, minute } = wall;
  if (from < to) return isDay(window, date) && minute >= from && minute < to;
  // Over midnight: the day is the one on which it began.
  return (isDay(window, date) && minute >= from) || (isDay(window, dayBefore(date)) && minute < to);
}

function shown(window: Window): string {
  const { days, from, to, since, until, timeZone = 'UTC', reason } = window;
  const span = [since, until].filter((each) => each !== undefined).join(' to ');
  const parts = [days?.join(', '), span, from === undefined ? '' : `${from}–${to ?? ''}`, timeZone];
  const text = parts.filter((part) => part !== undefined && part !== '').join(' ');
  return reason === undefined ? text : `${text} (${reason})`;
}

/** A closed window counts more than an open one; where any open one is declared, one of them has to be open. */
function answerAt(
  windows: readonly { readonly window: Window; readonly clock: WallClock }[],
  at: number,
): string | undefined {
  const active = windows.filter(({ window, clock }) => isIn(window, clock(at)));
  const closed = active.find(({ window }) => window.kind === 'closed');
  if (closed !== undefined) return `closed ${shown(closed.window)}`;
  const allowing = windows.filter(({ window }) => window.kind !== 'closed');
  if (allowing.length === 0 || active.length > 0) return undefined;
  return `open only ${allowing.map(({ window }) => shown(window)).join('; ')}`;
}

/** Whether windows let a promotion go on now, and when they will. Time zones and changes of the clock count. */
export function windowsAt(declared: PromotionPolicy['windows'], now: number): WindowAnswer {
  const windows = (declared ?? []).map((window) => ({ window, clock: wallClock(window.timeZone ?? 'UTC') }));
  const why = answerAt(windows, now);
  if (why === undefined) return { open: true, why: '', opensAt: undefined };
  // Windows begin at whole minutes.
  const next = Math.floor(now / MINUTE) * MINUTE + MINUTE;
  for (let minute = 0; minute < LOOKED_AHEAD; minute += 1) {
    const at = next + minute * MINUTE;
    if (answerAt(windows, at) === undefined) return { open: false, why, opensAt: at };
  }
  return { open: false, why, opensAt: undefined };
}
