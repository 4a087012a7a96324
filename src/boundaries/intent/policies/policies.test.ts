import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  commitOf,
  compileGlob,
  compilePolicy,
  parseConstraint,
  refusesCommit,
  type BranchHistory,
  type TagFilter,
  type TagPolicy,
} from './index.ts';
import { compareVersions, parseVersion } from './version.ts';

const COMMITS = ['c5', 'b4', 'a3', '92', '81'].map((start) => start.repeat(20));
const HISTORY: BranchHistory = { branch: 'main', commits: COMMITS, complete: true };

function chosen(policy: TagPolicy, tags: readonly string[], filter: TagFilter = {}): string | undefined {
  return compilePolicy(policy, filter, 'test').choose(tags, { history: HISTORY }).tag;
}

describe('ranges of versions', () => {
  it.each([
    ['*', '1.2.3-rc.1', false],
    ['*', '0.0.1', true],
    ['<3, 1.2 - 2 || 4 - 5', '4.4.4', true],
    ['3.1 || 4 - 5', '3.1.7', true],
    ['>=0-0', '1.2.3-rc.1', true],
    ['1.x', '1.4', true],
    ['1.x', '2.0.0', false],
    ['0.x.x', '1.2.3', false],
    ['~0.0.0', '1.2.3', true],
    ['~1.1-alpha', '1.1.1-beta', true],
    ['~1.1', '1.1.1-beta', false],
    ['^0.2.3', '0.3.0', false],
    ['^0.0.3', '0.0.4', false],
    ['^1.2.x-alpha', '1.1.1-beta1', false],
    ['!=4.1', '4.1.3', false],
    ['!=4.x', '5.1.0', true],
    ['>11', '11.1.0', false],
    ['>11.1', '11.2.0', true],
    ['<=1.1', '1.1.9', true],
    ['<=1.x', '1.9.0', true],
    ['1.1 - 2', '2.9.0', true],
    ['1.0.0 - 2.0.0, <=1.5', '1.7.0', false],
    ['>= 1.1 < 2 != 1.2.3 || > 3', '4.1.2', true],
    ['>= 1.1, <2, !=1.2.3 || > 3', '1.2.3', false],
    ['>= 1.0.0  <= 2.0.0-beta || > 3', '3.0.1-beta', false],
    ['=1.2.3+build', '1.2.3', true],
    ['v1.2', '1.2.9', true],
  ])('%s with %s: %s, as Masterminds has it', (range, version, wanted) => {
    const parsed = parseVersion(version);
    if (parsed === undefined) throw new Error(`${version} is a version`);
    expect(parseConstraint(range, 'test').allows(parsed)).toBe(wanted);
  });

  it.each([
    'latest',
    '>=1.0.0<2.0.0',
    '1.2.3.4',
    '>>1',
    '1,',
    '~',
    'x'.repeat(600),
    '',
    ' ',
    '1 || ',
    '|| 1',
    '<3 1.2 - 2',
    '3.1 ||4 - 5',
  ])('refuse "%s"', (range) => {
    expect(() => parseConstraint(range, 'app')).toThrow(/^app: .* is no range of versions/);
  });

  it('take no range for every release where Argo CD Image Updater does, and for a mistake where Flux does', () => {
    const tags = ['1.0.0', '1.1.0', '2.0.0-rc.1'];
    expect(chosen({ kind: 'semver', range: '', strict: false }, tags)).toBe('1.1.0');
    expect(() => chosen({ kind: 'semver', range: '', strict: true }, tags)).toThrow(/it is empty/);
    expect(() => chosen({ kind: 'semver', range: ' ', strict: false }, tags)).toThrow(/it is empty/);
  });

  it('order versions as the specification does', () => {
    const ordered = [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '1.2',
      '2',
      '18446744073709551615.0.0',
    ];
    const parsed = ordered.map((text) => parseVersion(text));
    const sorted = parsed.toReversed().toSorted((a, b) => (a && b ? compareVersions(a, b) : 0));
    expect(sorted.map((version) => version?.text)).toEqual(ordered);
    for (const text of ['1.0.0-01', '1..2', 'sha-1', '18446744073709551616.0.0', '1.2.3.4', '']) {
      expect(parseVersion(text)).toBeUndefined();
    }
    expect(parseVersion('1.2', true)).toBeUndefined();
    expect(parseVersion('v1.2.3', true)).toBeDefined();
    expect(parseVersion('01.2.3', true)).toBeUndefined();
  });
});

describe('tag policies', () => {
  it('give the same answer whatever order a registry lists the tags in', () => {
    const tag = fc.constantFrom(
      '1.0',
      'v1.0.0',
      '1.0.0',
      '2.1.0-rc.1',
      'latest',
      '1.2.3',
      '0.9',
      'sha-abc',
      '10',
      '9',
      '1.0.0_x',
    );
    const policy = fc.constantFrom<TagPolicy>(
      { kind: 'semver', range: '', strict: false },
      { kind: 'semver', range: '>=1.0.0-0', strict: true },
      { kind: 'alphabetical', order: 'ascending' },
      { kind: 'alphabetical', order: 'descending' },
    );
    fc.assert(
      fc.property(policy, fc.uniqueArray(tag), (one, tags) => {
        expect(chosen(one, tags)).toBe(chosen(one, tags.toReversed()));
      }),
    );
  });

  it('compare what was extracted, and answer with the tag itself', () => {
    const filter = { allow: '^main-[0-9a-f]+-(?P<ts>[0-9]+)$', extract: '$ts' };
    const tags = ['main-ab12-1700000009', 'main-ff00-1700000010', 'dev-ff00-1800000000'];
    const choice = compilePolicy({ kind: 'numerical', order: 'ascending' }, filter, 'test').choose(tags);
    expect(choice.tag).toBe('main-ff00-1700000010');
    expect(choice.passedOver).toContainEqual({
      tag: 'dev-ff00-1800000000',
      why: 'does not match ^main-[0-9a-f]+-(?P<ts>[0-9]+)$',
    });
  });

  it('tell whole numbers apart that are larger than a double holds', () => {
    const policy = { kind: 'numerical', order: 'ascending' } as const;
    expect(chosen(policy, ['20260101120000000000001', '20260101120000000000002', '1'])).toBe(
      '20260101120000000000002',
    );
    expect(() => chosen(policy, ['1', 'latest'])).toThrow(/'latest', which is no number/);
  });

  it('say why a tag was passed over, the next best first, and not every one of thousands', () => {
    const tags = Array.from({ length: 5000 }, (_, index) => `1.0.${index}`);
    const choice = compilePolicy({ kind: 'semver', range: '*', strict: true }, {}, 'test').choose([
      ...tags,
      '2.0.0-rc.1',
    ]);
    expect(choice.tag).toBe('1.0.4999');
    expect(choice.passedOver[0]).toEqual({ tag: '1.0.4998', why: 'older than 1.0.4999' });
    expect(choice.passedOver).toContainEqual({
      tag: '2.0.0-rc.1',
      why: 'a prerelease, and the policy asks for none',
    });
    expect(choice.passedOver.length).toBeLessThanOrEqual(20);
    expect(choice.seen).toBe(5001);
  });

  it.each([
    ['v1.*', 'v1.2', true],
    ['*-rc*', '1.0-rc1', true],
    ['v[0-9]', 'v1', true],
    ['v[^0-9]', 'v1', false],
    ['v\\*', 'v*', true],
    ['v.1', 'vx1', false],
    ['a?c', 'abc', true],
    ['*', 'a/b', false],
    ['[', '[', false],
    ['[[]x', '[x', true],
    ['caf[éè]', 'café', true],
    ['é*', 'été', true],
    ['[a-]', '-', false],
    ['[-a]', '-', false],
    ['[a\\-z]', '-', true],
    ['[\\]]', ']', true],
    ['[z-a]', 'm', false],
    ['[^z-a]', 'm', true],
    ['[]a]', 'a', false],
    ['[^]', '^', false],
    ['v\\', 'v\\', false],
  ])('ignore by the glob %s: %s %s', (glob, tag, wanted) => {
    expect(compileGlob(glob, 'test').test(tag)).toBe(wanted);
  });

  it('never let everything through because a filter cannot be read', () => {
    const policy = { kind: 'alphabetical', order: 'ascending' } as const;
    expect(() => compilePolicy(policy, { allow: '(' }, 'app')).toThrow(/^app, allow: /);
    expect(() => compilePolicy(policy, { ignorePatterns: ['['] }, 'app')).toThrow(/^app, ignore: /);
  });
});

describe('the policy by commits', () => {
  const policy = { kind: 'commits', branch: 'main' } as const;
  const [newest = '', second = '', third = ''] = COMMITS;

  it('takes the newest commit of the branch that has an image, whatever its name sorts like', () => {
    expect(chosen(policy, [`sha-${third}`, `sha-${second}`, `sha-${'f0'.repeat(20)}`])).toBe(`sha-${second}`);
    expect(chosen(policy, [`sha-${third}`, newest.slice(0, 7)])).toBe(newest.slice(0, 7));
    expect(chosen(policy, [newest.slice(0, 8), `sha-${newest}`])).toBe(`sha-${newest}`);
    expect(chosen(policy, ['latest', 'v1.0.0'])).toBeUndefined();
  });

  it('passes over what was rebased away, with the reason', () => {
    const gone = `sha-${'f0'.repeat(20)}`;
    const { passedOver } = compilePolicy(policy, {}, 'test').choose([gone, `sha-${third}`, 'nightly'], {
      history: HISTORY,
    });
    expect(passedOver).toEqual([
      { tag: gone, why: 'its commit is not on main' },
      { tag: 'nightly', why: 'names no commit' },
    ]);
  });

  it('does not guess which of two commits a short one means', () => {
    const commits = ['abcdef0'.padEnd(40, '1'), 'abcdef0'.padEnd(40, '2'), third];
    const { tag, passedOver } = compilePolicy(policy, {}, 'test').choose(['sha-abcdef0', `sha-${third}`], {
      history: { branch: 'main', commits, complete: true },
    });
    expect(tag).toBe(`sha-${third}`);
    expect(passedOver).toContainEqual({ tag: 'sha-abcdef0', why: 'several commits of main begin so' });
  });

  it('finds the commit in the usual spellings of a tag', () => {
    expect(commitOf('sha-0123abcd')).toBe('0123abcd');
    expect(commitOf('main-0123abc-1700000000')).toBe('0123abc');
    expect(commitOf('0123abc')).toBe('0123abc');
    expect(commitOf('v1.2.3')).toBeUndefined();
    expect(commitOf('feature')).toBeUndefined();
  });

  it('never goes back by itself', () => {
    const apart = { relation: 'apart', current: 2000 } as const;
    expect(refusesCommit({ relation: 'newer' }, 'main')).toBeUndefined();
    expect(refusesCommit({ relation: 'older' }, 'main')).toContain('never goes back');
    expect(refusesCommit({ ...apart, currentOnBranch: true, chosen: 3000 }, 'main')).toContain(
      'does not contain',
    );
    expect(refusesCommit({ ...apart, currentOnBranch: false, chosen: 3000 }, 'main')).toBeUndefined();
    expect(refusesCommit({ ...apart, currentOnBranch: false, chosen: 1000 }, 'main')).toContain(
      'rebased away',
    );
    expect(refusesCommit({ relation: 'unknown', why: 'no such commit' }, 'main')).toContain('not known');
  });
});
