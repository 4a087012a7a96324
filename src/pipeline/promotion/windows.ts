import type { PromotionPolicy } from '../landfall-yaml/index.ts';

type Window = NonNullable<PromotionPolicy['windows']>[number];

/** Whether promotions may go on at a moment. */
export interface WindowAnswer {
  readonly open: boolean;
  /** Why not, for people. */
  readonly why: string;
  /** When they may again, in ms since the epoch; undefined where that is too far away. */
  readonly opensAt: number | undefined;
}

/** What the wall clock of a zone shows. */
interface Wall {
  readonly date: string;
  /** Minutes since midnight. */
  readonly minute: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY_MINUTES = 24 * 60;
const MONTH_HOURS = 31 * 24;

interface WallClock {
  at(moment: number): Wall;
  /** Whether the clock only goes forward, minute by minute, in the hour that begins then. */
  isSteady(hour: number): boolean;
}

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
  });
  function shownAt(moment: number): Wall {
    const parts = new Map(format.formatToParts(moment).map(({ type, value }) => [type, value]));
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? '';
    return {
      date: `${part('year')}-${part('month')}-${part('day')}`,
      minute: Number(part('hour')) * 60 + Number(part('minute')),
    };
  }
  // Formatting is what costs: whole hours are formatted once, and a steady hour is counted through.
  const hours = new Map<number, Wall>();
  function atHour(hour: number): Wall {
    const known = hours.get(hour) ?? shownAt(hour);
    hours.set(hour, known);
    return known;
  }
  const isSteady = (hour: number) => (atHour(hour).minute + 60) % DAY_MINUTES === atHour(hour + HOUR).minute;
  return {
    isSteady,
    at(moment) {
      const hour = Math.floor(moment / HOUR) * HOUR;
      if (!isSteady(hour)) return shownAt(moment);
      const begin = atHour(hour);
      const minute = begin.minute + Math.floor((moment - hour) / MINUTE);
      return minute < DAY_MINUTES
        ? { date: begin.date, minute }
        : { date: atHour(hour + HOUR).date, minute: minute - DAY_MINUTES };
    },
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

/** From when to when, in minutes of a day. */
function spanOf(window: Window): readonly [from: number, to: number] {
  return [minutesOf(window.from ?? '00:00'), minutesOf(window.to ?? '24:00')];
}

function isIn(window: Window, wall: Wall): boolean {
  const [from, to] = spanOf(window);
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

interface Clocked {
  readonly window: Window;
  readonly clock: WallClock;
}

/** A closed window counts more than an open one; where any open one is declared, one of them has to be open. */
function answerAt(windows: readonly Clocked[], at: number): string | undefined {
  const active = windows.filter(({ window, clock }) => isIn(window, clock.at(at)));
  const closed = active.find(({ window }) => window.kind === 'closed');
  if (closed !== undefined) return `closed ${shown(closed.window)}`;
  const allowing = windows.filter(({ window }) => window.kind !== 'closed');
  if (allowing.length === 0 || active.length > 0) return undefined;
  return `open only ${allowing.map(({ window }) => shown(window)).join('; ')}`;
}

const EVERY_MINUTE = Array.from({ length: 60 }, (_, minute) => minute);

/** Minutes of an hour at which an answer may differ from the minute before: its first one, and ends of windows in it. */
function turns(windows: readonly Clocked[], hour: number): readonly number[] {
  if (windows.some(({ clock }) => !clock.isSteady(hour))) return EVERY_MINUTE;
  const found = new Set([0]);
  for (const { window, clock } of windows) {
    const begin = clock.at(hour).minute;
    for (const end of [0, ...spanOf(window)]) {
      const away = (end - begin + DAY_MINUTES) % DAY_MINUTES;
      if (away < 60) found.add(away);
    }
  }
  return [...found].toSorted((a, b) => a - b);
}

/**
 * Whether windows let a promotion go on now, and when they will within `aheadHours` (a month by default). Time zones and
 * changes of the clock count.
 */
export function windowsAt(
  declared: PromotionPolicy['windows'],
  now: number,
  aheadHours = MONTH_HOURS,
): WindowAnswer {
  const windows = (declared ?? []).map((window) => ({ window, clock: wallClock(window.timeZone ?? 'UTC') }));
  const why = answerAt(windows, now);
  if (why === undefined) return { open: true, why: '', opensAt: undefined };
  const first = Math.floor(now / HOUR) * HOUR;
  for (let ahead = 0; ahead <= aheadHours; ahead += 1) {
    const hour = first + ahead * HOUR;
    for (const minute of turns(windows, hour)) {
      const at = hour + minute * MINUTE;
      if (at > now && answerAt(windows, at) === undefined) return { open: false, why, opensAt: at };
    }
  }
  return { open: false, why, opensAt: undefined };
}
