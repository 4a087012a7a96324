import { createContext, runInContext } from 'node:vm';
import { LandfallError } from '../kernel/index.ts';

/** What selectors and paths ask of a pattern. */
export interface Pattern {
  test(text: string): boolean;
}

/** A group that repeats something and is repeated itself: JavaScript may take forever, where Go never does. */
export const repeatsInRepeats = /[+*}]\??[^()]*\)\??[+*{]/;
const maxMilliseconds = 500;

/** Such a pattern runs with a limit of time. */
function bounded(expression: RegExp, pattern: string, where: string): Pattern {
  return {
    test(text) {
      try {
        const context = createContext({ expression, text });
        return runInContext('expression.test(text)', context, { timeout: maxMilliseconds }) === true;
      } catch (cause) {
        throw invalid(pattern, where, `it takes longer than ${maxMilliseconds} ms`, cause);
      }
    },
  };
}

/**
 * A pattern of Go's regexp package. What Go refuses is refused (look-around, back references), and what is only
 * spelled differently is translated: `(?i)` in front, `(?P<name>`, `\A`, `\z`, `\pL`, POSIX classes.
 */
export function goRegExp(pattern: string, where: string): Pattern {
  const expression = goExpression(pattern, where);
  return repeatsInRepeats.test(pattern) ? bounded(expression, pattern, where) : expression;
}

/** The same as an expression of its own, for those who replace or split. It has no limit of time. */
export function goExpression(pattern: string, where: string): RegExp {
  if (pattern.length > 10_000) throw invalid(pattern.slice(0, 60), where, 'it is too long');
  if (/\(\?(?:[=!]|<[=!])/.test(pattern)) throw invalid(pattern, where, 'look-around is not supported');
  if (/\\[1-9]/.test(pattern)) throw invalid(pattern, where, 'back references are not supported');
  let flags = 'u';
  let source = pattern.replace(/^(\^?(?:\(\?:)?)\(\?([ims]+)\)/, (_, start: string, given: string) => {
    flags += given;
    return start;
  });
  source = source
    .replaceAll('(?P<', '(?<')
    .replaceAll('\\A', '^')
    .replaceAll('\\z', '$')
    .replace(/\\p([A-Z])(?![a-z{])/g, '\\p{$1}')
    .replace(/\[\[:(\w+):\]\]/g, (whole, name: string) => posix[name] ?? whole);
  try {
    return new RegExp(source, flags);
  } catch {
    // Without the u flag JavaScript is as lenient about escapes as Go: `\-` and `\_` are themselves.
    try {
      return new RegExp(source, flags.replace('u', ''));
    } catch (cause) {
      throw invalid(pattern, where, cause instanceof Error ? cause.message : String(cause));
    }
  }
}

const posix: Readonly<Record<string, string>> = {
  alnum: '[0-9A-Za-z]',
  alpha: '[A-Za-z]',
  digit: '[0-9]',
  lower: '[a-z]',
  space: '[\\t\\n\\v\\f\\r ]',
  upper: '[A-Z]',
  word: '[0-9A-Za-z_]',
  xdigit: '[0-9A-Fa-f]',
};

function invalid(pattern: string, where: string, problem: string, cause?: unknown): LandfallError {
  return new LandfallError(`${where}: '${pattern}' cannot be used as a regular expression: ${problem}`, {
    kind: 'invalid-input',
    code: 'pattern-invalid',
    object: where,
    cause,
  });
}
