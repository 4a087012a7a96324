import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePattern, expandTemplate } from './index.ts';

function groups(pattern: string, text: string): readonly (string | undefined)[] | undefined {
  return compilePattern(pattern, 'test').match(text)?.groups;
}

describe('patterns', () => {
  it.each([
    ['^sha-(?P<commit>[0-9a-f]{7,40})$', 'sha-0123abc', ['sha-0123abc', '0123abc']],
    ['(?<a>x+)(y)?', 'xx', ['xx', 'xx', undefined]],
    ['a|ab', 'ab', ['a']],
    ['(a|ab)(c|bcd)', 'abcd', ['abcd', 'a', 'bcd']],
    ['(a+?)(a*)', 'aaa', ['aaa', 'a', 'aa']],
    ['(?U)(a+)(a*)', 'aaa', ['a', 'a', '']],
    ['(?i)RC[1-9]', '1.0-rc2', ['rc2']],
    ['(?i:r)C', 'rC', ['rC']],
    ['[[:alpha:]_]+[^[:digit:]]', 'ab_-1', ['ab_-']],
    ['[]a]+', 'a]', ['a]']],
    ['\\Qa.b\\E', 'a.b', ['a.b']],
    ['\\Qa.b\\E+', 'a.bbb', ['a.bbb']],
    ['\\Q\\E-\\101\\08', '-A\u00008', ['-A\u00008']],
    ['(?i)\\p{Lu}[[:lower:]]', 'aB', ['aB']],
    ['\\bv\\d', '1-v2', ['v2']],
    ['a{2,3}', 'aaaa', ['aaa']],
    ['a{,2}', 'a{,2}', ['a{,2}']],
    ['\\x41\\x{42}', 'AB', ['AB']],
    ['\\p{Lu}\\pL', 'aBc', ['Bc']],
    ['(?:)*x', 'x', ['x']],
    ['(a*)*b', 'aab', ['aab', 'aa']],
    ['^123-[0-9]+[^-debug]', '123-5x', ['123-5x']],
    ['.', '\n', undefined],
    ['(?s).', '\n', ['\n']],
    ['(?m)^b$', 'a\nb', ['b']],
  ] as const)('match %s in %j as Go does', (pattern, text, wanted) => {
    expect(groups(pattern, text)).toEqual(wanted);
  });

  it.each([
    '(?=a)',
    '(?!a)',
    '(?<=a)b',
    '(a)\\1',
    'a**',
    '*a',
    '(a',
    'a)',
    '[b-a]',
    '[a',
    'a{1001}',
    '\\',
    '(?<1>a)',
    '\\é',
    '({1,})',
    '\\8',
    '[[:no:]]',
    '\\p{Nothing}',
    `${'('.repeat(60)}a${')'.repeat(60)}`,
    'a'.repeat(2000),
    '((a{100}){100}){100}',
  ])('refuse %s', (pattern) => {
    expect(() => compilePattern(pattern, 'policy')).toThrow(/^policy: /);
  });

  it('take no longer for what makes others backtrack', () => {
    const text = `${'a'.repeat(128)}!`;
    const started = performance.now();
    for (const pattern of [
      '^(a+)+$',
      '^(a|a)*$',
      '^(a|aa)+$',
      '(a*)*(a*)*(a*)*b',
      '^(([a-z])+.)+[A-Z]([a-z])+$',
    ])
      expect(compilePattern(pattern, 'test').test(text)).toBe(false);
    // Backtracking would take longer than the universe is old.
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('agree with the engine of JavaScript where both know a pattern', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      '-',
      '[ab]',
      '[^a]',
      '\\d',
      '1',
      '.',
      '^',
      '$',
      '(a|b1)',
      '(?:ab)?',
      'a*?',
      '(b+)',
      '1{1,2}',
      '(a)?',
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 6 }),
        fc.array(fc.constantFrom('a', 'b', '1', '-'), { maxLength: 10 }),
        (pieces, letters) => {
          const [pattern, text] = [pieces.join(''), letters.join('')];
          const wanted = new RegExp(pattern, 'u').exec(text);
          expect(groups(pattern, text)).toEqual(wanted === null ? undefined : [...wanted]);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('fill templates with the longest name there is', () => {
    const match = compilePattern('^(?P<branch>[a-z]+)-(?P<ts>\\d+)$', 'test').match('main-17');
    if (match === undefined) throw new Error('it matches');
    expect(expandTemplate('$ts', match)).toBe('17');
    expect(expandTemplate('${ts}x-$1-$$-$nothing.', match)).toBe('17x-main-$-.');
    expect(expandTemplate('$tsx', match)).toBe('');
    const either = compilePattern('^(?:v(?P<n>[0-9]+)|r(?P<n>[0-9]+))$', 'test').match('r7');
    expect(either && expandTemplate('$n', either)).toBe('7');
  });
});
