import { describe, expect, it } from 'vitest';
import { read } from '../reading.ts';
import { decideIntent, type GovernedImage, type UpdateStop } from './index.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const AT = '2026-03-01T12:00:00.000Z';

function governed(more: Partial<GovernedImage> = {}, since = '2026-03-01T11:59:30.000Z'): GovernedImage {
  return {
    repository: 'registry.corp.io/app',
    rule: 'app',
    configuredBy: 'landfall.yaml',
    current: [{ reference: `registry.corp.io/app:1.0@${DIGEST}`, where: 'dev/kustomization.yaml:5' }],
    chosen: { tag: '1.1', digest: DIGEST, why: 'the highest version', since },
    behind: true,
    stop: undefined,
    intervalMs: 120_000,
    ...more,
  };
}

function check(images: readonly GovernedImage[], asked: Parameters<typeof decideIntent>[2] = {}) {
  const tracked = {
    repository: 'https://git.corp.io/d.git',
    revision: 'main',
    commit: 'a'.repeat(40),
    path: 'dev',
    pathExists: true,
  };
  return decideIntent(read(tracked), [], asked, AT, images);
}

const LATE = '2026-03-01T11:00:00.000Z';

describe('intent, where a policy governs the tag', () => {
  it('is moving while the updater has time, until a deadline', () => {
    const report = check([governed()]);
    expect(report).toMatchObject({
      state: 'moving',
      reason: 'behind-policy',
      where: 'dev/kustomization.yaml:5',
      // A build of 11:59:30, an interval of two minutes and its third, and a minute for the commit.
      deadline: '2026-03-01T12:03:10.000Z',
    });
    expect(report.detail).toContain('the policy of app (landfall.yaml) chooses 1.1');
    expect(report.claims).toContainEqual(
      expect.objectContaining({ boundary: 'intent', value: `registry.corp.io/app:1.1@${DIGEST}` }),
    );
  });

  it('is broken after it, and says that nobody committed', () => {
    expect(check([governed({}, LATE)])).toMatchObject({
      state: 'broken',
      reason: 'not-updated',
      hint: expect.stringContaining('landfall updates run') as string,
    });
  });

  it.each([
    ['limited', '20 commits were made for it in the last hour'],
    ['refused', 'it has no image for linux/arm64'],
    ['failed', 'the registry answered 503'],
  ] as const)('names what is in the way: %s', (kind, why) => {
    const stop: UpdateStop = { kind, why };
    const report = check([governed({ stop }, LATE)]);
    expect(report).toMatchObject({ state: 'broken', reason: `update-${kind}` });
    expect(report.detail).toContain(why);
  });

  it.each([
    ['held', 'updates-held'],
    ['suspended', 'updates-suspended'],
  ] as const)('is not broken where a person decided: %s', (kind, reason) => {
    const stop: UpdateStop = { kind, why: 'held by ada: rolled back', hint: 'landfall holds lift 1' };
    const report = check([governed({ stop }, LATE)]);
    expect(report).toMatchObject({ state: 'proven', reason, hint: 'landfall holds lift 1' });
    expect(report.detail).toContain('held by ada: rolled back; the policy of app would choose 1.1');
  });

  it('is what it was where Git is not behind, or somebody names a release', () => {
    expect(check([governed({ behind: false })])).toMatchObject({ state: 'proven', reason: 'tracked' });
    const asked = { revision: { commit: 'b'.repeat(40), contained: true } };
    expect(check([governed({}, LATE)], asked)).toMatchObject({ state: 'proven', reason: 'tracked' });
    expect(check([])).toEqual(check([], {}));
  });

  it('names the image that nobody decided about, of several', () => {
    const held = governed({ rule: 'held', stop: { kind: 'held', why: 'held by ada' } }, LATE);
    expect(check([held, governed({ rule: 'late' }, LATE)])).toMatchObject({ reason: 'not-updated' });
  });

  it('is moving where nobody says since when there is a newer image', () => {
    const image = governed();
    const chosen = { ...image.chosen, since: undefined };
    expect(check([{ ...image, chosen }])).toMatchObject({ state: 'moving' });
  });
});
