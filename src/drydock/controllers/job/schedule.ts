import { LandfallError } from '../../../kernel/index.ts';

export interface Schedule {
  /** The first time strictly after `ms` that the schedule names, in milliseconds; undefined within five years. */
  next(ms: number): number | undefined;
}

const FIELDS = [
  { name: 'minute', from: 0, to: 59, words: [] },
  { name: 'hour', from: 0, to: 23, words: [] },
  { name: 'day of month', from: 1, to: 31, words: [] },
  {
    name: 'month',
    from: 1,
    to: 12,
    words: ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { name: 'day of week', from: 0, to: 7, words: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
] as const;

const NAMED: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const MOST_DAYS = 5 * 366;

/** A cron schedule of five fields, or a named one, in UTC. Throws `schedule-syntax`. */
export function parseSchedule(text: string): Schedule {
  const fields = (NAMED[text.trim()] ?? text.trim()).split(/\s+/);
  if (fields.length !== FIELDS.length) throw wrong(text, `expected exactly 5 fields, found ${fields.length}`);
  const [minutes, hours, days, months, weekdays] = FIELDS.map((_, index) =>
    values(text, fields[index] ?? '', index),
  );
  if (!minutes || !hours || !days || !months || !weekdays) throw wrong(text, 'a field is missing');
  const week = new Set([...weekdays].map((day) => day % 7));
  const anyDay = fields[2] === '*' || fields[2] === '?';
  const anyWeekday = fields[4] === '*' || fields[4] === '?';

  function namesDay(date: Date): boolean {
    if (!months?.has(date.getUTCMonth() + 1)) return false;
    const day = days?.has(date.getUTCDate()) === true;
    const weekday = week.has(date.getUTCDay());
    // Where both are restricted, either will do.
    return anyDay || anyWeekday ? day && weekday : day || weekday;
  }

  return {
    next(ms) {
      const first = Math.floor(ms / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
      for (let nth = 0, day = Math.floor(first / DAY_MS) * DAY_MS; nth < MOST_DAYS; nth++, day += DAY_MS) {
        if (!namesDay(new Date(day))) continue;
        for (const hour of hours) {
          for (const minute of minutes) {
            const at = day + hour * 3_600_000 + minute * MINUTE_MS;
            if (at >= first) return at;
          }
        }
      }
      return undefined;
    },
  };
}

function values(text: string, field: string, index: number): Set<number> {
  const { name, from, to, words } = FIELDS[index] ?? FIELDS[0];
  const found = new Set<number>();
  const numberOf = (word: string): number => {
    const named = (words as readonly string[]).indexOf(word.toLowerCase());
    const value = named >= 0 && word !== '' ? named : Number(word);
    if (!Number.isInteger(value) || value < from || value > to || word === '') {
      throw wrong(text, `"${word}" is no ${name}`);
    }
    return value;
  };
  for (const part of field.split(',')) {
    const [span = '', step] = part.split('/');
    const every = step === undefined ? 1 : Number(step);
    if (!Number.isInteger(every) || every < 1) throw wrong(text, `"${part}" has no valid step`);
    const [low = '', high] = span.split('-');
    const any = span === '*' || span === '?';
    const start = any ? from : numberOf(low);
    const end =
      any || (high === undefined && step !== undefined) ? to : high === undefined ? start : numberOf(high);
    if (end < start) throw wrong(text, `"${part}" ends before it begins`);
    for (let value = start; value <= end; value += every) found.add(value);
  }
  return new Set([...found].sort((a, b) => a - b));
}

function wrong(text: string, reason: string): LandfallError {
  return new LandfallError(`The schedule "${text}" is not valid: ${reason}.`, {
    kind: 'invalid-input',
    code: 'schedule-syntax',
    object: text,
    hint: 'Give five fields (minute, hour, day of month, month, day of week) or one of @hourly, @daily, @weekly, @monthly, @yearly.',
  });
}
