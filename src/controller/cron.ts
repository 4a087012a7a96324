/** A schedule in the five fields of cron. */
export interface Cron {
  /** The first time after `ms` (both as if UTC were the wall clock) that the schedule names; undefined within five years. */
  next(ms: number): number | undefined;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MINUTE = 60_000;
const DAY = 86_400_000;
const FAR = 5 * 366;

interface Field {
  readonly values: ReadonlySet<number>;
  /** `*` or `?`; a step of more than one makes it a choice. */
  readonly any: boolean;
}

/** Undefined where the text is no schedule. Source: robfig/cron, standard parser, as Argo CD's sync windows use it. */
export function parseCron(text: string): Cron | undefined {
  const parts = text.trim().split(/\s+/);
  if (parts.length !== 5) return undefined;
  const [minute, hour, day, month, weekday] = [
    fieldOf(parts[0] ?? '', 0, 59, []),
    fieldOf(parts[1] ?? '', 0, 23, []),
    fieldOf(parts[2] ?? '', 1, 31, []),
    fieldOf(parts[3] ?? '', 1, 12, MONTHS),
    fieldOf(parts[4] ?? '', 0, 6, DAYS),
  ];
  if (!minute || !hour || !day || !month || !weekday) return undefined;
  const isDay = (at: Date) => {
    if (!month.values.has(at.getUTCMonth() + 1)) return false;
    const [byDay, byWeekday] = [day.values.has(at.getUTCDate()), weekday.values.has(at.getUTCDay())];
    return day.any || weekday.any ? byDay && byWeekday : byDay || byWeekday;
  };
  return {
    next(ms) {
      let at = Math.floor(ms / MINUTE) * MINUTE + MINUTE;
      for (let days = 0; days < FAR; days += 1) {
        const midnight = Math.floor(at / DAY) * DAY;
        if (isDay(new Date(midnight))) {
          for (; at < midnight + DAY; at += MINUTE) {
            const time = new Date(at);
            if (hour.values.has(time.getUTCHours()) && minute.values.has(time.getUTCMinutes())) return at;
          }
        }
        at = midnight + DAY;
      }
      return undefined;
    },
  };
}

function fieldOf(text: string, min: number, max: number, names: readonly string[]): Field | undefined {
  const values = new Set<number>();
  let any = false;
  for (const part of text.split(',')) {
    const match = /^([^/]+)(?:\/(\d+))?$/.exec(part);
    if (match === null) return undefined;
    const [, range = '', step] = match;
    const every = step === undefined ? 1 : Number(step);
    const ends = endsOf(range, min, max, names, step !== undefined);
    if (ends === undefined || every < 1) return undefined;
    any ||= ends.any && every === 1;
    for (let value = ends.from; value <= ends.to; value += every) values.add(value);
  }
  return { values, any };
}

function endsOf(range: string, min: number, max: number, names: readonly string[], stepped: boolean) {
  if (range === '*' || range === '?') return { from: min, to: max, any: true };
  const value = (text: string) => {
    const named = names.indexOf(text.toLowerCase());
    return named >= 0 ? named + min : /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  };
  const [first = '', last, ...more] = range.split('-');
  const from = value(first);
  const to = last === undefined ? (stepped ? max : from) : value(last);
  const fits = more.length === 0 && from >= min && to <= max && from <= to;
  return fits ? { from, to, any: false } : undefined;
}
