import { LandfallError } from '../../kernel/index.ts';

/** Undefined: there is no such variable, which only strict mode minds. */
export type Variables = (name: string) => string | undefined;

/**
 * `${var}` and its operators as Flux substitutes them. Throws `invalid-input`, code `substitution`, for what does not
 * parse and, where `strict`, for variables without a value. Source: fluxcd/pkg/envsubst, a fork of drone/envsubst.
 */
export function substituteVariables(text: string, variables: Variables, strict: boolean): string {
  return new Scanner(text, variables, strict).text();
}

function problem(what: string): LandfallError {
  return new LandfallError(`variable substitution failed: ${what}`, {
    kind: 'invalid-input',
    code: 'substitution',
    hint: 'Write $${…} for what is not meant to be substituted, or annotate the object kustomize.toolkit.fluxcd.io/substitute: disabled.',
  });
}

const IDENTIFIER = /[\p{L}\p{Nd}_]/u;
const DEFAULTING = new Set(['-', '+', '=', '?', ':-', ':+', ':=', ':?']);
const MAX_DEPTH = 50;

class Scanner {
  private at = 0;
  private depth = 0;
  private readonly source: string;
  private readonly variables: Variables;
  private readonly strict: boolean;

  constructor(source: string, variables: Variables, strict: boolean) {
    this.source = source;
    this.variables = variables;
    this.strict = strict;
  }

  /** Everything outside of braces: `$$` is a dollar, a single one stays. */
  text(): string {
    let output = '';
    while (this.at < this.source.length) {
      if (this.source.startsWith('${', this.at)) {
        this.at += 2;
        output += this.expression();
      } else if (this.source.startsWith('$$', this.at)) {
        output += '$';
        this.at += 2;
      } else {
        output += this.source[this.at] ?? '';
        this.at += 1;
      }
    }
    return output;
  }

  private peek(): string {
    return this.source[this.at] ?? '';
  }

  private name(): string {
    let name = '';
    for (;;) {
      const char = String.fromCodePoint(this.source.codePointAt(this.at) ?? 0);
      if (this.at >= this.source.length || !IDENTIFIER.test(char)) return name;
      name += char;
      this.at += char.length;
    }
  }

  /** Behind `${`, up to and with its `}`. */
  private expression(): string {
    this.depth += 1;
    if (this.depth > MAX_DEPTH) throw problem('substitutions nest too deep');
    const value = this.peek() === '#' ? this.length() : this.operation();
    this.depth -= 1;
    return value;
  }

  private length(): string {
    this.at += 1;
    const name = this.name();
    if (name === '') throw problem('bad substitution');
    this.close();
    return apply('#', this.value(name, '#'), []);
  }

  private operation(): string {
    const name = this.name();
    if (name === '') throw problem('unable to parse variable name');
    const { operator, args } = this.operator();
    return apply(operator, this.value(name, operator), args);
  }

  private operator(): { readonly operator: string; readonly args: readonly string[] } {
    const rest = this.source.slice(this.at, this.at + 2);
    const [first = ''] = rest;
    if (/^:[-=?+]/.test(rest)) return this.defaulting(rest);
    if (first === '=') return this.defaulting('=');
    if (first === ':') return this.substring();
    if (first === ',' || first === '^') {
      const operator = /^[,^]{1,2}/.exec(rest)?.[0] ?? first;
      this.at += operator.length;
      this.close();
      return { operator, args: [] };
    }
    if (first === '/') return this.replacement(/^\/[/#%]?/.exec(rest)?.[0] ?? first);
    if (first === '#' || first === '%') {
      const operator = rest === first + first ? rest : first;
      this.at += operator.length;
      const args = [this.parameter((char) => char !== '}', false)];
      this.close();
      return { operator, args };
    }
    if (first !== '}') throw problem('missing closing brace');
    this.close();
    return { operator: '', args: [] };
  }

  private defaulting(operator: string): { readonly operator: string; readonly args: readonly string[] } {
    this.at += operator.length;
    const args: string[] = [];
    while (this.peek() !== '}') args.push(this.parameter((char) => char !== '}', false));
    this.close();
    return { operator, args };
  }

  private substring(): { readonly operator: string; readonly args: readonly string[] } {
    this.at += 1;
    const args = [this.parameter((char) => char !== ':' && char !== '}', false)];
    if (this.peek() === ':') {
      this.at += 1;
      args.push(this.parameter((char) => char !== '}', false));
    }
    this.close();
    return { operator: ':', args };
  }

  private replacement(operator: string): { readonly operator: string; readonly args: readonly string[] } {
    this.at += operator.length;
    const args = [this.parameter((char) => char !== '/', true)];
    if (this.peek() !== '/') throw problem('bad substitution');
    this.at += 1;
    if (this.peek() !== '}') args.push(this.parameter((char) => char !== '}', true));
    this.close();
    return { operator, args };
  }

  /** One parameter: a nested substitution, or text up to where it ends; in replacements `\/` and `\\` are themselves. */
  private parameter(accepts: (char: string) => boolean, escapes: boolean): string {
    if (this.source.startsWith('${', this.at)) {
      this.at += 2;
      return this.expression();
    }
    let text = '';
    for (;;) {
      if (this.at >= this.source.length) break;
      if (this.source.startsWith('${', this.at) && text !== '') break;
      const char = this.peek();
      const next = this.source[this.at + 1] ?? '';
      if (escapes && ((char === '$' && next === '$') || (char === '\\' && (next === '/' || next === '\\')))) {
        text += next;
        this.at += 2;
        continue;
      }
      if (!accepts(char)) break;
      text += char;
      this.at += 1;
    }
    if (text === '') throw problem('unable to parse substitution within function');
    return text;
  }

  private close(): void {
    if (this.peek() !== '}')
      throw problem(this.at >= this.source.length ? 'missing closing brace' : 'bad substitution');
    this.at += 1;
  }

  private value(name: string, operator: string): string {
    const value = this.variables(name);
    if (value === undefined && this.strict && !DEFAULTING.has(operator)) {
      throw problem(`variable not set (strict mode): "${name}"`);
    }
    return value ?? '';
  }
}

function apply(operator: string, value: string, args: readonly string[]): string {
  const [first = '', second = ''] = args;
  switch (operator) {
    case ',':
      return value.slice(0, 1).toLowerCase() + value.slice(1);
    case ',,':
      return value.toLowerCase();
    case '^':
      return value.slice(0, 1).toUpperCase() + value.slice(1);
    case '^^':
      return value.toUpperCase();
    case '#':
      return args.length === 0 ? String(Buffer.byteLength(value)) : withoutPrefix(value, first, 'shortest');
    case '##':
      return withoutPrefix(value, first, 'longest');
    case '%':
      return reversed(withoutPrefix(reversed(value), reversed(first), 'shortest'));
    case '%%':
      return reversed(withoutPrefix(reversed(value), reversed(first), 'longest'));
    case ':':
      return substring(value, args);
    case '/#':
      return args.length === 2 && value.startsWith(first) ? second + value.slice(first.length) : value;
    case '/%':
      return args.length === 2 && value.endsWith(first)
        ? value.slice(0, value.length - first.length) + second
        : value;
    case '/':
      return value.replace(first, () => second);
    case '//':
      return value.replaceAll(first, () => second);
    default:
      // All the others give their arguments for an empty value, `:+` and `:?` among them.
      return value === '' && args.length > 0 ? args.join('') : value;
  }
}

function substring(value: string, [from = '', count]: readonly string[]): string {
  if (!/^[+-]?\d+$/.test(from)) return value;
  let start = Number(from);
  if (start < 0) start = Math.max(0, value.length + start);
  if (count === undefined) return value.slice(start);
  if (!/^[+-]?\d+$/.test(count)) return value;
  if (start + Number(count) >= value.length) return value.slice(start);
  if (Number(count) < 0) throw problem('a negative length in a substring');
  return value.slice(start, start + Number(count));
}

function reversed(text: string): string {
  return Array.from(text).toReversed().join('');
}

/** Patterns of path.Match: `*` and `?` do not go over `/`. */
function withoutPrefix(value: string, pattern: string, which: 'shortest' | 'longest'): string {
  const escaped = pattern
    .replaceAll(/[.+^$()|[\]\\{}]/g, String.raw`\$&`)
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  const rule = new RegExp(`^${escaped}$`);
  let found: string | undefined;
  for (let end = value.length; end > 0; end -= 1) {
    const prefix = value.slice(0, end);
    if (!rule.test(prefix)) continue;
    found = prefix;
    if (which === 'longest') break;
  }
  return found === undefined ? value : value.slice(found.length);
}
