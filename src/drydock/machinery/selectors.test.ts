import { describe, expect, it } from 'vitest';
import { labelMatcher, parseLabelSelector } from './selectors.ts';

function refusal(text: string): string {
  try {
    parseLabelSelector(text);
    return 'accepted';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe('a label selector', () => {
  it.each<[string, string]>([
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['a in (b c)', "unable to parse requirement: found 'c', expected: ',' or ')'"],
    ['a in (=)', "unable to parse requirement: found '=', expected: ',', ')' or identifier"],
    ['a in b', "unable to parse requirement: found 'b' expected: '('"],
    ['a like b', "unable to parse requirement: found 'like', expected: in, notin, =, ==, !=, gt, lt"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    ['a,', "found '', expected: identifier after ','"],
    [',a', "found ',', expected: !, identifier, or 'end of string'"],
    ['a=b c', "found 'c', expected: ',' or 'end of string'"],
  ])('%s is refused in the words of the original', (text, message) => expect(refusal(text)).toBe(message));

  it('is refused for a key or a value that no label can have', () => {
    expect(refusal('-a=b')).toMatch(
      /^unable to parse requirement: <nil>: Invalid value: "-a": name part must/,
    );
    expect(refusal('a=-b')).toMatch(
      /^unable to parse requirement: values\[0\]\[a\]: Invalid value: "-b": a valid/,
    );
    expect(refusal('a>b')).toBe(
      `unable to parse requirement: values[0]: Invalid value: "b": for 'Gt', 'Lt' operators, the value must be an integer`,
    );
  });

  it.each<[string, Record<string, string>, boolean]>([
    ['a', { a: '' }, true],
    ['!a', { a: '' }, false],
    ['a=', { a: '' }, true],
    ['a!=b', {}, true],
    ['a in ()', { a: '' }, true],
    ['a in (b,)', { a: '' }, true],
    ['a in (b,c),d', { a: 'c', d: 'x' }, true],
    ['a notin (b,c)', { a: 'b' }, false],
    ['a>1,a<3', { a: '2' }, true],
    ['', {}, true],
  ])('%j of %j', (text, labels, wanted) => {
    expect(labelMatcher(parseLabelSelector(text))(labels)).toBe(wanted);
  });
});
