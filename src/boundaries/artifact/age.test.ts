import { describe, expect, it } from 'vitest';
import { compareAge, leadingImage } from './age.ts';
import type { ImageFacts } from './facts.ts';

const image = (tag: string, change: Partial<ImageFacts> = {}): ImageFacts => ({
  reference: `corp.io/app:${tag}`,
  registry: 'corp.io',
  repository: 'app',
  tag,
  pinned: undefined,
  origin: undefined,
  uses: [{ object: 'Deployment/n/a', container: 'main', role: 'main' }],
  answer: { state: 'unreadable', why: 'not asked', code: 'not-read' },
  build: { state: 'read', value: undefined },
  ours: true,
  readAt: '2026-03-01T12:00:00Z',
  ...change,
});

const pushed = (pushedAt: string): Partial<ImageFacts> => ({
  build: { state: 'read', value: { repository: 'r', commit: 'c', pushedAt } },
});

describe('of two images of one repository', () => {
  it.each<[string, ImageFacts, ImageFacts, number | undefined]>([
    ['the lower version', image('1.9.0'), image('1.10.0'), -1],
    ['the prerelease', image('v2.0.0-rc.1'), image('v2.0.0'), -1],
    ['what was pushed before', image('b', pushed('2026-02-01')), image('a', pushed('2026-02-02')), -1],
    ['none, where tags are no versions', image('20260301'), image('main'), undefined],
    ['none, where they are one', image('1.0.0'), image('1.0.0'), undefined],
  ])('the older is %s', (_, a, b, wanted) => {
    const sign = (age: number | undefined) => age && Math.sign(age);
    expect(sign(compareAge(a, b))).toBe(wanted);
    expect(sign(compareAge(b, a))).toBe(wanted && -wanted);
  });

  it('a delivery is about the newer, and about no other repository for being newer', () => {
    const [blue, green] = [image('1.0.0'), image('1.1.0')];
    const other = image('9.0.0', { repository: 'db', ours: false });
    expect(leadingImage([other, blue, green])).toBe(green);
    expect(leadingImage([green, blue])).toBe(green);
    expect(leadingImage([image('x'), image('y')])?.tag).toBe('x');
  });
});
