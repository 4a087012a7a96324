import { describe, expect, it } from 'vitest';
import type { ImageAnswer, ImageFacts } from '../artifact/index.ts';
import { read } from '../reading.ts';
import type { Reading } from '../reading.ts';
import { decideIntent } from './index.ts';
import type { Asked } from './index.ts';

const [OLD, NEW] = ['1', '2'].map((hex) => `sha256:${hex.repeat(64)}`) as [string, string];
const AT = '2026-03-01T12:00:00.000Z';
const REPOSITORY = 'registry.example/shop';
const away = { state: 'unreadable', why: 'connection refused', code: 'registry-unavailable' } as const;

/** An image as its registry answers for it: an index over one manifest. */
function answerOf(digest: string, labels: Record<string, string> = {}, config = digest): ImageAnswer {
  const manifest = digest.replace('sha256:', 'sha256:m');
  return {
    digest,
    platforms: [{ os: 'linux', architecture: 'amd64', digest: manifest, configDigest: `${config}c`, labels }],
  };
}

function imageOf(tag: string | undefined, answer: Reading<ImageAnswer>, change: Partial<ImageFacts> = {}) {
  const pinned = answer.state === 'read' ? answer.value.digest : undefined;
  return {
    reference: `${REPOSITORY}${tag === undefined ? '' : `:${tag}`}@${pinned ?? ''}`,
    registry: 'registry.example',
    repository: REPOSITORY,
    tag,
    pinned,
    origin: { file: 'overlays/prod/kustomization.yaml', line: 8 },
    uses: [{ object: 'Deployment/shop/shop', container: 'shop', role: 'main' as const }],
    answer,
    build: read(undefined),
    ours: true,
    readAt: AT,
    ...change,
  };
}

function check(image: ImageFacts, asked: Asked = {}): string {
  const tracked = read({
    repository: 'git',
    revision: 'main',
    commit: 'c'.repeat(40),
    path: '.',
    pathExists: true,
  });
  const { state, reason } = decideIntent(tracked, [image], asked, AT);
  return `${state} ${reason}`;
}

const version = (text: string) => ({ 'org.opencontainers.image.version': text });
const revision = (hex: string) => ({ 'org.opencontainers.image.revision': hex.repeat(40) });

describe('a reference with a tag and a digest', () => {
  it.each<[string, string, ImageAnswer, ImageAnswer | undefined, string]>([
    [
      'names two releases where the digest of the one before was left beside the new tag',
      '2.5.0',
      answerOf(OLD, version('2.3.1')),
      answerOf(NEW, version('v2.5.0')),
      'broken tag-and-digest-differ',
    ],
    [
      'names two releases by their commits',
      'sha-bbbbbbbb',
      answerOf(OLD, revision('a')),
      answerOf(NEW, revision('b')),
      'broken tag-and-digest-differ',
    ],
    [
      'names one where the tag was pushed again for the same release',
      '2.5.0',
      answerOf(OLD, version('2.5.0')),
      answerOf(NEW, version('2.5.0')),
      'proven pinned',
    ],
    [
      'names one where the tag is a channel that has moved on',
      'latest',
      answerOf(OLD, version('2.3.1')),
      answerOf(NEW, version('2.5.0')),
      'proven pinned',
    ],
    [
      'names one where only the wrapper is another',
      '2.5.0',
      answerOf(OLD, version('2.5.0-rc1')),
      answerOf(NEW, version('2.5.0'), OLD),
      'proven pinned',
    ],
    ['names one where the tag is gone', '2.5.0', answerOf(OLD, version('2.3.1')), undefined, 'proven pinned'],
  ])('%s', (_, tag, answer, tagged, wanted) => {
    expect(check(imageOf(tag, read(answer), tagged === undefined ? {} : { tagged }))).toBe(wanted);
  });
});

describe('an image that was asked for', () => {
  const asked = (answer: ImageAnswer): Asked => ({
    image: { reference: `${REPOSITORY}:2.5.0`, repository: REPOSITORY, digest: read(answer.digest), answer },
  });
  const index = answerOf(NEW);

  it.each<[string, ImageFacts, string]>([
    ['is asked for by its index', imageOf(undefined, read(index)), 'proven pinned'],
    [
      'is asked for by its manifest, even where the registry is away',
      imageOf(undefined, away, { pinned: index.platforms[0]?.digest }),
      'proven pinned',
    ],
    ['is asked for in another wrapper', imageOf(undefined, read(answerOf(OLD, {}, NEW))), 'proven pinned'],
    ['is not asked for', imageOf(undefined, read(answerOf(OLD))), 'broken asks-for-another'],
    [
      'may be asked for in another wrapper that nobody can look into',
      imageOf(undefined, away, { pinned: OLD }),
      'unknown registry-unreadable',
    ],
  ])('%s', (_, image, wanted) => {
    expect(check(image, asked(index))).toBe(wanted);
  });
});

describe('a commit that was asked for', () => {
  it('is not asked for any more once another commit has taken it back', () => {
    const asked = (revertedBy?: string): Asked => ({
      revision: {
        commit: 'd'.repeat(40),
        contained: true,
        ...(revertedBy === undefined ? {} : { revertedBy }),
      },
    });
    const image = imageOf(undefined, read(answerOf(NEW)));
    expect(check(image, asked())).toBe('proven pinned');
    expect(check(image, asked('e'.repeat(40)))).toBe('broken revision-reverted');
  });
});
