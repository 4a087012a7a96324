import { LandfallError } from '../../../../kernel/index.ts';

/** A regular expression, taken apart. */
export type Node =
  | { readonly kind: 'empty' }
  | { readonly kind: 'one'; readonly test: (code: number) => boolean }
  | { readonly kind: 'assert'; readonly what: Assertion }
  | { readonly kind: 'group'; readonly index: number; readonly node: Node }
  | { readonly kind: 'all'; readonly nodes: readonly Node[] }
  | { readonly kind: 'any'; readonly nodes: readonly Node[] }
  | {
      readonly kind: 'repeat';
      readonly node: Node;
      readonly min: number;
      /** Infinity for no end. */
      readonly max: number;
      readonly greedy: boolean;
    };

export type Assertion = 'start' | 'end' | 'line-start' | 'line-end' | 'word' | 'no-word';

export interface Syntax {
  readonly node: Node;
  /** Group 0 is the whole match. */
  readonly groups: number;
  /** The groups of a name: as in Go several may have the same. */
  readonly names: ReadonlyMap<string, readonly number[]>;
}

interface Flags {
  readonly ignoreCase: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  readonly ungreedy: boolean;
}

export type Test = (code: number) => boolean;

const LONGEST = 1000;
const DEEPEST = 50;
/** As Go: a count above it is refused. */
const MOST_REPEATS = 1000;

const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-/:-@[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

const isDigit: Test = (code) => code >= 48 && code <= 57;
const isSpace: Test = (code) => code === 9 || code === 10 || code === 12 || code === 13 || code === 32;
export const isWord: Test = (code) =>
  isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95;
const not =
  (test: Test): Test =>
  (code) =>
    !test(code);

const ESCAPED: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };
const PERL: Readonly<Record<string, Test>> = {
  d: isDigit,
  D: not(isDigit),
  s: isSpace,
  S: not(isSpace),
  w: isWord,
  W: not(isWord),
};

/**
 * Reads the syntax of RE2 and Go's regexp package. What they refuse because it cannot be matched in linear time
 * (look-around, back references) is refused; throws `invalid-input` with the place.
 */
export function parsePattern(pattern: string, where: string): Syntax {
  const refuse = (why: string): LandfallError =>
    new LandfallError(
      `${where}: '${pattern.slice(0, 80)}' is no regular expression that can be used: ${why}.`,
      {
        kind: 'invalid-input',
        code: 'pattern-invalid',
        object: where,
        hint: 'The syntax is that of RE2, as in Go: without look-around and back references.',
      },
    );
  if (pattern.length > LONGEST)
    throw refuse(`it has ${pattern.length} characters, at most ${LONGEST} are taken`);
  const text = Array.from(pattern);
  const names = new Map<string, number[]>();
  let at = 0;
  let groups = 1;
  let depth = 0;
  let flags: Flags = { ignoreCase: false, multiline: false, dotAll: false, ungreedy: false };

  const peek = (word: string) => text.slice(at, at + word.length).join('') === word;
  const take = (word: string): boolean => {
    if (!peek(word)) return false;
    at += word.length;
    return true;
  };
  const codeOf = (character: string | undefined) => character?.codePointAt(0) ?? 0;

  function alternatives(): Node {
    depth += 1;
    if (depth > DEEPEST) throw refuse(`its groups are more than ${DEEPEST} deep`);
    const outer = flags;
    const nodes = [sequence()];
    while (take('|')) nodes.push(sequence());
    flags = outer;
    depth -= 1;
    return nodes.length === 1 ? (nodes[0] ?? { kind: 'empty' }) : { kind: 'any', nodes };
  }

  function sequence(): Node {
    const nodes: Node[] = [];
    while (at < text.length && !peek('|') && !peek(')')) {
      if (take('\\Q')) {
        const quoted: Node[] = [];
        while (at < text.length && !take('\\E')) quoted.push(literal(text[at++]));
        // A count behind the quotation is one of its last character.
        const last = quoted.pop();
        nodes.push(...quoted, ...(last === undefined ? [] : [repeated(last)]));
        continue;
      }
      const atom = single();
      if (atom !== undefined) nodes.push(repeated(atom));
    }
    return nodes.length === 0 ? { kind: 'empty' } : { kind: 'all', nodes };
  }

  function repeated(atom: Node): Node {
    const found = quantifier();
    if (found === undefined) return atom;
    const greedy = take('?') === flags.ungreedy;
    if (quantifier() !== undefined) throw refuse('it repeats a repetition; put the first into a group');
    return { kind: 'repeat', node: atom, ...found, greedy };
  }

  function quantifier(): { readonly min: number; readonly max: number } | undefined {
    if (take('*')) return { min: 0, max: Infinity };
    if (take('+')) return { min: 1, max: Infinity };
    if (take('?')) return { min: 0, max: 1 };
    const counts = /^\{(\d{1,9})(,(\d{0,9}))?\}/.exec(text.slice(at, at + 24).join(''));
    if (counts === null) return undefined;
    const [whole, from = '', comma, to = ''] = counts;
    const min = Number(from);
    const max = comma === undefined ? min : to === '' ? Infinity : Number(to);
    if (min > MOST_REPEATS || (max !== Infinity && max > MOST_REPEATS) || max < min)
      throw refuse(`'${whole}' is no count of repetitions, at most ${MOST_REPEATS}`);
    at += whole.length;
    return { min, max };
  }

  function single(): Node | undefined {
    if (take('(')) return group();
    if (take('[')) return { kind: 'one', test: set() };
    if (take('^')) return { kind: 'assert', what: flags.multiline ? 'line-start' : 'start' };
    if (take('$')) return { kind: 'assert', what: flags.multiline ? 'line-end' : 'end' };
    if (take('.')) return { kind: 'one', test: flags.dotAll ? () => true : (code) => code !== 10 };
    const first = text[at] ?? '';
    if (quantifier() !== undefined) throw refuse(`'${first}' repeats nothing`);
    if (take('\\')) return escape();
    return literal(text[at++]);
  }

  function literal(character: string | undefined): Node {
    return { kind: 'one', test: sameCode(codeOf(character), flags.ignoreCase) };
  }

  function group(): Node | undefined {
    if (!take('?')) return captured();
    const named = /^P?<([^>]*)>/.exec(text.slice(at, at + 80).join(''));
    if (named !== null) {
      const [whole, name = ''] = named;
      if (!/^[A-Za-z_]\w*$/.test(name)) throw refuse(`'(?${whole}' names no group`);
      names.set(name, [...(names.get(name) ?? []), groups]);
      at += whole.length;
      return captured();
    }
    const given = /^([imsU]*)(?:-([imsU]+))?([:)])/.exec(text.slice(at, at + 12).join(''));
    if (given === null) throw refuse(`'(?${text[at] ?? ''}' is not supported`);
    const [whole, on = '', off = '', end] = given;
    at += whole.length;
    const outer = flags;
    flags = changed(flags, on, off);
    // `(?i)` counts until the group around it ends; `(?i:…)` for itself.
    if (end === ')') return undefined;
    const node = alternatives();
    flags = outer;
    close();
    return node;
  }

  function captured(): Node {
    const index = groups++;
    const node = alternatives();
    close();
    return { kind: 'group', index, node };
  }

  function close(): void {
    if (!take(')')) throw refuse("a ')' is missing");
  }

  function escape(): Node {
    if (take('A')) return { kind: 'assert', what: 'start' };
    if (take('z')) return { kind: 'assert', what: 'end' };
    if (take('b')) return { kind: 'assert', what: 'word' };
    if (take('B')) return { kind: 'assert', what: 'no-word' };
    const { test, code } = escaped();
    return { kind: 'one', test: test ?? sameCode(code, flags.ignoreCase) };
  }

  /** What a backslash means inside and outside of a set. */
  function escaped(): { readonly test?: Test; readonly code: number } {
    const character = text[at++];
    if (character === undefined) throw refuse('it ends in a backslash');
    const perl = PERL[character];
    if (perl !== undefined) return { test: perl, code: 0 };
    const control = ESCAPED[character];
    if (control !== undefined) return { code: control };
    if (character === 'x') {
      const hex = /^(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))/.exec(text.slice(at, at + 8).join(''));
      if (hex === null) throw refuse("'\\x' wants two hex digits, or some in braces");
      at += hex[0].length;
      return { code: Number.parseInt(hex[1] ?? hex[2] ?? '0', 16) };
    }
    if (character === 'p' || character === 'P') {
      const named = /^(?:\{(\^?)(\w+)\}|(\w))/.exec(text.slice(at, at + 40).join(''));
      if (named === null) throw refuse(`'\\${character}' names no class`);
      at += named[0].length;
      const test = folded(unicodeClass(named[2] ?? named[3] ?? ''));
      return { test: (character === 'P') === (named[1] === '^') ? test : not(test), code: 0 };
    }
    const octal = /^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(text.slice(at - 1, at + 2).join(''))?.[0];
    if (octal !== undefined) {
      at += octal.length - 1;
      return { code: Number.parseInt(octal, 8) };
    }
    if (/[A-Za-z1-9]|[^\0-\x7F]/.test(character)) throw refuse(`'\\${character}' is not supported`);
    return { code: codeOf(character) };
  }

  /** With `(?i)` a class holds both cases of what is in it. */
  function folded(test: Test): Test {
    return flags.ignoreCase ? (code) => [code, ...cases(code)].some(test) : test;
  }

  function unicodeClass(name: string): Test {
    for (const property of [name, `Script=${name}`]) {
      try {
        const expression = new RegExp(`^\\p{${property}}$`, 'u');
        return (code) => expression.test(String.fromCodePoint(code));
      } catch {
        // The next spelling, or none.
      }
    }
    throw refuse(`there is no class of characters '${name}'`);
  }

  function set(): Test {
    const negated = take('^');
    const tests: Test[] = [];
    for (let first = true; first || !peek(']'); first = false) {
      if (at >= text.length) throw refuse("a ']' is missing");
      const posix = /^\[:(\^?)(\w+):\]/.exec(text.slice(at, at + 16).join(''));
      if (posix !== null) {
        const range = POSIX[posix[2] ?? ''];
        if (range === undefined) throw refuse(`there is no class '${posix[0]}'`);
        at += posix[0].length;
        const expression = new RegExp(`^[${range}]$`);
        const test = folded((code) => expression.test(String.fromCodePoint(code)));
        tests.push(posix[1] === '^' ? not(test) : test);
        continue;
      }
      const low = member();
      if (low.test !== undefined) {
        tests.push(low.test);
        continue;
      }
      let high = low.code;
      if (peek('-') && text[at + 1] !== ']' && at + 1 < text.length) {
        at += 1;
        const end = member();
        if (end.test !== undefined || end.code < low.code) throw refuse('a range in a set runs backwards');
        high = end.code;
      }
      tests.push(flags.ignoreCase ? anyCase(low.code, high) : (code) => code >= low.code && code <= high);
    }
    at += 1;
    const within: Test = (code) => tests.some((test) => test(code));
    return negated ? not(within) : within;
  }

  function member(): { readonly test?: Test; readonly code: number } {
    return take('\\') ? escaped() : { code: codeOf(text[at++]) };
  }

  const node = alternatives();
  if (at < text.length) throw refuse("a ')' has no '(' before it");
  return { node, groups, names };
}

function changed(flags: Flags, on: string, off: string): Flags {
  const value = (flag: string, before: boolean) => !off.includes(flag) && (on.includes(flag) || before);
  return {
    ignoreCase: value('i', flags.ignoreCase),
    multiline: value('m', flags.multiline),
    dotAll: value('s', flags.dotAll),
    ungreedy: value('U', flags.ungreedy),
  };
}

function cases(code: number): readonly number[] {
  const character = String.fromCodePoint(code);
  return [character.toLowerCase(), character.toUpperCase()].map((one) => one.codePointAt(0) ?? code);
}

function sameCode(wanted: number, ignoreCase: boolean): Test {
  if (!ignoreCase) return (code) => code === wanted;
  const both = cases(wanted);
  return (code) => code === wanted || both.includes(code);
}

function anyCase(low: number, high: number): Test {
  return (code) => [code, ...cases(code)].some((one) => one >= low && one <= high);
}
