import { isList, isMap, show, showFloat, templateError, typeName } from './value.ts';
import type { Value } from './value.ts';

/** Go's Sprintf for the verbs that templates use; another verb is refused rather than printed wrongly. */
export function sprintf(format: string, args: readonly Value[]): string {
  let at = 0;
  const text = format.replaceAll(
    /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d+)?)?([a-zA-Z%])/g,
    (whole, flags: string, width: string | undefined, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%';
      const star = (given: string | undefined) => {
        if (given !== '*') return given === undefined ? undefined : Number(given);
        const value = args[at];
        at += 1;
        return typeof value === 'bigint' ? Number(value) : undefined;
      };
      const size = star(width);
      const digits = whole.includes('.') ? (star(precision) ?? 0) : undefined;
      if (at >= args.length) return `%!${verb}(MISSING)`;
      const value = args[at];
      at += 1;
      return padded(formatted(verb, flags, digits, value), flags, size, verb);
    },
  );
  if (at >= args.length) return text;
  const extra = args.slice(at).map((arg) => `${typeName(arg)}=${show(arg)}`);
  return `${text}%!(EXTRA ${extra.join(', ')})`;
}

function padded(text: string, flags: string, size: number | undefined, verb: string): string {
  const length = [...text].length;
  if (size === undefined || length >= size) return text;
  if (size > 10_000) throw templateError('the width of a format is too large');
  if (flags.includes('-')) return text + ' '.repeat(size - length);
  if (!flags.includes('0') || 'sqvT'.includes(verb)) return ' '.repeat(size - length) + text;
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + '0'.repeat(size - length) + text.slice(sign.length);
}

function formatted(verb: string, flags: string, digits: number | undefined, value: Value): string {
  const bad = () =>
    `%!${verb}(${value === null || value === undefined ? '<nil>' : `${typeName(value)}=${show(value)}`})`;
  const signed = (text: string) => (flags.includes('+') && !text.startsWith('-') ? `+${text}` : text);
  switch (verb) {
    case 'v':
      if (flags.includes('#')) throw templateError('%#v is not supported');
      return show(value);
    case 's':
      if (typeof value === 'string')
        return digits === undefined ? value : [...value].slice(0, digits).join('');
      if (isList(value)) return `[${value.map((item) => formatted('s', flags, digits, item)).join(' ')}]`;
      return isMap(value) ? show(value) : bad();
    case 'q':
      return typeof value === 'string' ? JSON.stringify(value) : bad();
    case 'd':
      return typeof value === 'bigint' ? signed(String(value)) : bad();
    case 't':
      return typeof value === 'boolean' ? String(value) : bad();
    case 'f':
    case 'F':
      return typeof value === 'number' ? signed(fixed(value, Math.min(60, digits ?? 6))) : bad();
    case 'e':
      return typeof value === 'number'
        ? signed(value.toExponential(digits ?? 6).replace(/e([+-])(\d)$/, 'e$10$2'))
        : bad();
    case 'g':
      if (digits !== undefined) throw templateError('%.Ng is not supported');
      return typeof value === 'number' ? signed(showFloat(value)) : bad();
    case 'x':
    case 'X': {
      const text =
        typeof value === 'bigint'
          ? value.toString(16)
          : typeof value === 'string'
            ? Buffer.from(value).toString('hex')
            : bad();
      return verb === 'X' ? text.toUpperCase() : text;
    }
    case 'o':
      return typeof value === 'bigint' ? value.toString(8) : bad();
    case 'b':
      return typeof value === 'bigint' ? value.toString(2) : bad();
    case 'c':
      return typeof value === 'bigint' ? String.fromCodePoint(Number(value)) : bad();
    case 'T':
      return value === null || value === undefined ? '<nil>' : typeName(value);
    default:
      throw templateError(`the verb %${verb} is not supported`);
  }
}

/** Go rounds to the even digit where a value lies exactly between two; toFixed goes up. */
function fixed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  const exact = value.toFixed(Math.min(100, digits + 40));
  const rest = exact.slice(exact.length - (Math.min(100, digits + 40) - digits));
  const cut = exact.slice(0, exact.length - rest.length).replace(/\.$/, '');
  const tie = /^50*$/.test(rest);
  return tie && /[02468]$/.test(cut) ? cut : text;
}
