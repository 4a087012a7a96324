import { string } from 'zod';

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const PART = /(\d+)([smhd])/g;

/** `90s`, `10m`, `1h30m`, `7d`; in milliseconds. */
export const duration = string()
  .regex(/^(?:\d{1,6}[smhd])+$/, 'a duration such as 90s, 10m, 1h30m or 7d is wanted')
  .transform((text) =>
    [...text.matchAll(PART)].reduce(
      (sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? 0),
      0,
    ),
  )
  .refine((ms) => ms > 0 && ms <= 366 * 86_400_000, 'more than nothing and at most a year is wanted');
