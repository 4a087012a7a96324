import { count, float, int, text } from './arguments.ts';
import type { TemplateFunction } from './execute.ts';
import { show, templateError } from './value.ts';
import type { Value } from './value.ts';

const LONGEST = 10_000;

function range(start: bigint, stop: bigint, step: bigint): readonly bigint[] {
  const items: bigint[] = [];
  if (step === 0n || (step > 0n ? start >= stop : start <= stop)) return items;
  for (let at = start; step > 0n ? at < stop : at > stop; at += step) {
    items.push(at);
    if (items.length > LONGEST) throw templateError('the list is too long');
  }
  return items;
}

/** `seq END`, `seq START END` and `seq START STEP END`, the end included: a text, not a list. */
function seq(args: readonly Value[]): string {
  const [a, b, c] = args.map(int);
  if (a === undefined || args.length > 3) return '';
  const [start, end] = b === undefined ? [1n, a] : [a, c ?? b];
  const towards = end < start ? -1n : 1n;
  const step = c === undefined ? towards : (b ?? towards);
  return towards < 0n && c !== undefined && step > 0n ? '' : range(start, end + towards, step).join(' ');
}

/** sprig counts in decimals: 0.1 and 0.2 are 0.3. */
function decimal(args: readonly Value[], combine: (a: number, b: number) => number): number {
  const [first = 0, ...rest] = args.map(float);
  return rest.reduce((sum, value) => Number(combine(sum, value).toPrecision(15)), first);
}

function quotient(a: number, b: number): number {
  if (b === 0) throw templateError('decimal division by 0');
  return a / b;
}

function reduced(args: readonly Value[], pick: (a: bigint, b: bigint) => bigint): bigint {
  const [first, ...rest] = args.map(int);
  return rest.reduce(pick, first ?? 0n);
}

function divided(a: Value, b: Value, what: 'div' | 'mod'): bigint {
  const by = int(b);
  if (by === 0n) throw templateError('integer divide by zero');
  return what === 'div' ? int(a) / by : int(a) % by;
}

export const numberFunctions: Readonly<Record<string, TemplateFunction>> = {
  until: (stop) => range(0n, int(stop), int(stop) < 0n ? -1n : 1n),
  untilStep: (start, stop, step) => range(int(start), int(stop), int(step)),
  seq: (...args) => seq(args),
  int: (value) => int(value),
  int64: (value) => int(value),
  float64: (value) => float(value),
  atoi: (value) => int(text(value)),
  toDecimal: (value) => (/^[0-7]{1,20}$/.test(show(value)) ? BigInt(`0o${show(value)}`) : 0n),
  add: (...args) => args.reduce<bigint>((sum, value) => sum + int(value), 0n),
  add1: (value) => int(value) + 1n,
  sub: (a, b) => int(a) - int(b),
  mul: (...args) => args.reduce<bigint>((product, value) => product * int(value), 1n),
  div: (a, b) => divided(a, b, 'div'),
  mod: (a, b) => divided(a, b, 'mod'),
  max: (...args) => reduced(args, (a, b) => (a > b ? a : b)),
  biggest: (...args) => reduced(args, (a, b) => (a > b ? a : b)),
  min: (...args) => reduced(args, (a, b) => (a < b ? a : b)),
  addf: (...args) => decimal([0, ...args], (a, b) => a + b),
  add1f: (value) => decimal([value, 1], (a, b) => a + b),
  subf: (...args) => decimal(args, (a, b) => a - b),
  mulf: (...args) => decimal(args, (a, b) => a * b),
  divf: (...args) => decimal(args, quotient),
  maxf: (...args) => Math.max(...args.map(float)),
  minf: (...args) => Math.min(...args.map(float)),
  floor: (value) => Math.floor(float(value)),
  ceil: (value) => Math.ceil(float(value)),
  round(value, places) {
    const scale = 10 ** count(places);
    const scaled = float(value) * scale;
    return Number(((scaled < 0 ? -Math.round(-scaled) : Math.round(scaled)) / scale).toPrecision(15));
  },
};
