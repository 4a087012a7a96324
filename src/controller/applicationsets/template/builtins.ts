import type { TemplateFunction } from './execute.ts';
import { sprintf } from './sprintf.ts';
import { isList, isMap, isTrue, sameValue, show, templateError, typeName } from './value.ts';
import type { Value } from './value.ts';

type Kind = 'int' | 'float' | 'string' | 'bool';

function kindOf(value: Value): Kind | undefined {
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float';
  if (typeof value === 'string') return 'string';
  return typeof value === 'boolean' ? 'bool' : undefined;
}

/** Go compares only what is of one kind: an int and a float64 are not. */
function equal(a: Value, b: Value): boolean {
  const [left, right] = [kindOf(a), kindOf(b)];
  const nil = (value: Value) => value === undefined || value === null;
  if (nil(a) || nil(b)) return nil(a) && nil(b);
  if (left === undefined || right === undefined) {
    if (isMap(a) || isMap(b) || isList(a) || isList(b))
      throw templateError('incompatible types for comparison');
    return sameValue(a, b);
  }
  if (left !== right) throw templateError('incompatible types for comparison');
  return a === b;
}

function less(a: Value, b: Value): boolean {
  const [left, right] = [kindOf(a), kindOf(b)];
  if (left === undefined || right === undefined || left === 'bool')
    throw templateError('invalid type for comparison');
  if (left !== right) throw templateError('incompatible types for comparison');
  if (typeof a === 'string' && typeof b === 'string')
    return Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
  return (a as number | bigint) < (b as number | bigint);
}

export function lengthOf(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (isList(value)) return value.length;
  if (isMap(value)) return Object.keys(value).length;
  throw templateError(`len of type ${typeName(value)}`);
}

function indexInto(container: Value, key: Value): Value {
  if (container === undefined || container === null) throw templateError('index of untyped nil');
  if (isMap(container)) {
    if (typeof key !== 'string') throw templateError(`value has type ${typeName(key)}; should be string`);
    return Object.hasOwn(container, key) ? container[key] : undefined;
  }
  const at = indexOf(key);
  if (isList(container)) {
    if (at < 0 || at >= container.length) throw templateError(`index out of range: ${at}`);
    return container[at];
  }
  if (typeof container === 'string') {
    const bytes = Buffer.from(container);
    if (at < 0 || at >= bytes.length) throw templateError(`index out of range: ${at}`);
    return BigInt(bytes[at] ?? 0);
  }
  throw templateError(`can't index item of type ${typeName(container)}`);
}

function indexOf(value: Value): number {
  if (typeof value === 'bigint') return Number(value);
  throw templateError(`cannot index slice/array with type ${typeName(value)}`);
}

/** Texts that stand beside each other get no space, everything else does: Go's Sprint. */
export function sprint(args: readonly Value[]): string {
  let text = '';
  for (const [at, arg] of args.entries()) {
    if (at > 0 && typeof arg !== 'string' && typeof args[at - 1] !== 'string') text += ' ';
    text += show(arg);
  }
  return text;
}

function html(text: string): string {
  const escapes: Readonly<Record<string, string>> = {
    '"': '&#34;',
    "'": '&#39;',
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
  };
  return text.replaceAll(/["'&<>]/g, (char) => escapes[char] ?? char);
}

function want(name: string, args: readonly Value[], least: number, most = least): void {
  if (args.length >= least && args.length <= most) return;
  throw templateError(
    `wrong number of args for ${name}: want ${least === most ? least : `at least ${least}`} got ${args.length}`,
  );
}

/** The functions of text/template itself; `and` and `or` are the executor's. */
export const builtins: Readonly<Record<string, TemplateFunction>> = {
  not(...args) {
    want('not', args, 1);
    return !isTrue(args[0]);
  },
  eq(...args) {
    want('eq', args, 2, 1000);
    return args.slice(1).some((other) => equal(args[0], other));
  },
  ne(...args) {
    want('ne', args, 2);
    return !equal(args[0], args[1]);
  },
  lt(...args) {
    want('lt', args, 2);
    return less(args[0], args[1]);
  },
  le(...args) {
    want('le', args, 2);
    return less(args[0], args[1]) || equal(args[0], args[1]);
  },
  gt(...args) {
    want('gt', args, 2);
    return !less(args[0], args[1]) && !equal(args[0], args[1]);
  },
  ge(...args) {
    want('ge', args, 2);
    return !less(args[0], args[1]);
  },
  len(...args) {
    want('len', args, 1);
    return BigInt(lengthOf(args[0]));
  },
  index(...args) {
    want('index', args, 1, 1000);
    return args.slice(1).reduce(indexInto, args[0]);
  },
  slice(...args) {
    want('slice', args, 1, 4);
    const [container, ...bounds] = args;
    const [start = 0, end] = bounds.map(indexOf);
    const length = lengthOf(container);
    if (start < 0 || start > (end ?? length) || (end ?? length) > length)
      throw templateError('index out of range');
    if (typeof container === 'string') return Buffer.from(container).subarray(start, end).toString('utf8');
    if (isList(container)) return container.slice(start, end);
    throw templateError(`can't slice item of type ${typeName(container)}`);
  },
  print: (...args) => sprint(args),
  println: (...args) => `${args.map(show).join(' ')}\n`,
  printf(format, ...args) {
    if (typeof format !== 'string') throw templateError('the format of printf is no text');
    return sprintf(format, args);
  },
  html: (...args) => html(sprint(args)),
  urlquery: (...args) => encodeURIComponent(sprint(args)).replaceAll('%20', '+'),
};
