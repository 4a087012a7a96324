import { compilePattern, type Pattern } from './pattern/index.ts';

/**
 * A shell pattern as Go's path/filepath matches it: `*` and `?` stop at a slash, `[a-z]` and `[^a-z]` are sets, a
 * backslash takes the next character as it is. One that is malformed matches nothing, as in Argo CD Image Updater.
 */
export function compileGlob(glob: string, where: string): Pattern {
  let source = '^';
  for (let at = 0; at < glob.length; at += 1) {
    const character = glob[at] ?? '';
    if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '\\') {
      at += 1;
      const next = glob[at];
      if (next === undefined) return nothing(glob);
      source += quote(next);
    } else if (character === '[') {
      const set = SET.exec(glob.slice(at));
      if (set === null) return nothing(glob);
      source += setOf(set[1] === '^', set[2] ?? '');
      at += set[0].length - 1;
    } else source += quote(character);
  }
  try {
    return compilePattern(`${source}$`, where);
  } catch {
    return nothing(glob);
  }
}

/** One character, or one in a backslash; `-` and `]` stand for themselves only in one. */
const MEMBER = String.raw`(?:[^\]\\-]|\\[^])`;
const SET = new RegExp(String.raw`^\[(\^|(?!\^))((?:${MEMBER}(?:-${MEMBER})?)+)\]`, 'u');

function setOf(negated: boolean, members: string): string {
  const ranges = [...members.matchAll(new RegExp(`(${MEMBER})(?:-(${MEMBER}))?`, 'gu'))].flatMap(
    ([, low = '', high = low]) => {
      const [from, to] = [low, high].map((each) => each.replace(/^\\(?=.)/s, ''));
      // One that runs backwards holds nothing.
      return from === undefined || to === undefined || from > to ? [] : [`${quote(from)}-${quote(to)}`];
    },
  );
  if (ranges.length === 0) return negated ? '(?s:.)' : '[^\\x{0}-\\x{10FFFF}]';
  return `[${negated ? '^' : ''}${ranges.join('')}]`;
}

function quote(character: string): string {
  return /[\w\x80-\u{10FFFF}]/u.test(character) ? character : `\\${character}`;
}

function nothing(glob: string): Pattern {
  return { source: glob, test: () => false, match: () => undefined };
}
