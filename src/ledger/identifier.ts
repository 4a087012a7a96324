import { randomInt } from 'node:crypto';
import type { Clock } from '../kernel/index.ts';

/** No letters that are read as digits; in the order of their bytes. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const ID = new RegExp(`^[${ALPHABET}]+$`);
const TIME_DIGITS = 9;
const TAIL_DIGITS = 5;
const TAIL_END = ALPHABET.length ** TAIL_DIGITS;
const STEP = 1024;

function digits(value: number, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest = Math.floor(rest / ALPHABET.length))
    text = (ALPHABET[rest % ALPHABET.length] ?? '') + text;
  return text;
}

/** Ids that sort by the time they were made at, in one process strictly so: milliseconds, then a random tail. */
export function createIds(clock: Clock): () => string {
  let time = 0;
  let tail = 0;
  return () => {
    const now = clock.now();
    if (now > time) {
      time = now;
      tail = randomInt(TAIL_END / 2);
    } else {
      tail += 1 + randomInt(STEP);
      if (tail >= TAIL_END) {
        time += 1;
        tail = randomInt(STEP);
      }
    }
    return digits(time, TIME_DIGITS) + digits(tail, TAIL_DIGITS);
  };
}

/** Whether a text can be an id or the beginning of one. */
export function isBeginningOfId(text: string): boolean {
  return text.length <= TIME_DIGITS + TAIL_DIGITS && ID.test(text);
}
