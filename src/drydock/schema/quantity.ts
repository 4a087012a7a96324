/** A resource quantity in units of 10^-9, exact. */
export interface Quantity {
  readonly nanos: bigint;
  readonly format: 'binary' | 'decimal' | 'exponent';
}

const NANO = 1_000_000_000n;
const DECIMAL_SUFFIXES: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY_SUFFIXES: Readonly<Record<string, bigint>> = {
  Ki: 1n << 10n,
  Mi: 1n << 20n,
  Gi: 1n << 30n,
  Ti: 1n << 40n,
  Pi: 1n << 50n,
  Ei: 1n << 60n,
};
const SYNTAX = /^([+-]?)(\d*)(?:\.(\d*))?([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d{1,3})?$/;

/** Undefined when the text is no quantity. Source: apimachinery's pkg/api/resource. */
export function parseQuantity(text: string): Quantity | undefined {
  const match = SYNTAX.exec(text);
  if (match === null || text.length > 64) return undefined;
  const [, sign, whole = '', fraction = '', suffix = ''] = match;
  if (whole === '' && fraction === '') return undefined;
  const digits = BigInt((whole + fraction).slice(0, 60) || '0');
  const scaleBack = 10n ** BigInt(fraction.length);
  let nanos: bigint;
  let format: Quantity['format'] = 'decimal';
  const binary = Object.hasOwn(BINARY_SUFFIXES, suffix) ? BINARY_SUFFIXES[suffix] : undefined;
  if (binary !== undefined) {
    format = 'binary';
    nanos = divideUp(digits * binary * NANO, scaleBack);
  } else {
    let exponent = Object.hasOwn(DECIMAL_SUFFIXES, suffix) ? DECIMAL_SUFFIXES[suffix] : undefined;
    if (exponent === undefined) {
      format = 'exponent';
      exponent = Number(suffix.slice(1));
    }
    const power = exponent + 9;
    nanos =
      power >= 0
        ? divideUp(digits * 10n ** BigInt(power), scaleBack)
        : divideUp(digits, scaleBack * 10n ** BigInt(-power));
  }
  return { nanos: sign === '-' ? -nanos : nanos, format };
}

function divideUp(value: bigint, by: bigint): bigint {
  return value % by === 0n ? value / by : value / by + 1n;
}

/** The one way Kubernetes writes that amount: `0.5` is `500m`, `1024Mi` is `1Gi`. */
export function formatQuantity({ nanos, format }: Quantity): string {
  if (nanos === 0n) return '0';
  const limit = 1024n * NANO;
  if (format === 'binary' && (nanos >= limit || nanos <= -limit)) {
    let value = nanos % NANO === 0n ? nanos / NANO : nanos / NANO + (nanos > 0n ? 1n : 0n);
    const names = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
    let step = 0;
    while (step < 6 && value % 1024n === 0n) {
      value /= 1024n;
      step++;
    }
    return `${value}${names[step] ?? ''}`;
  }
  let value = nanos;
  let exponent = -9;
  while (exponent < 18 && value % 1000n === 0n) {
    value /= 1000n;
    exponent += 3;
  }
  if (format === 'exponent') return exponent === 0 ? `${value}` : `${value}e${exponent}`;
  const suffix = Object.keys(DECIMAL_SUFFIXES).find((name) => DECIMAL_SUFFIXES[name] === exponent) ?? '';
  return `${value}${suffix}`;
}

export function canonicalQuantity(text: string): string | undefined {
  const quantity = parseQuantity(text);
  return quantity === undefined ? undefined : formatQuantity(quantity);
}
