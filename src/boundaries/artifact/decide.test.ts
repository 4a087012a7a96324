import { describe, expect, it } from 'vitest';
import { decideArtifact } from './decide.ts';
import type { NodePlatforms } from './decide.ts';
import type { ImageFacts } from './facts.ts';

const DIGEST = `sha256:${'2'.repeat(64)}`;
const OURS = 'c'.repeat(40);
const AMD = { os: 'linux', architecture: 'amd64' };
const ARM = { os: 'linux', architecture: 'arm64' };
const WINDOWS = { os: 'windows', architecture: 'amd64' };

function image(name: string, commit: string, change: Partial<ImageFacts> = {}): ImageFacts {
  return {
    reference: `example/${name}:1`,
    registry: 'example',
    repository: `example/${name}`,
    tag: '1',
    pinned: undefined,
    origin: undefined,
    uses: [{ object: `Deployment/n/${name}`, container: name, role: 'main' }],
    answer: {
      state: 'read',
      value: { digest: DIGEST, platforms: [{ ...AMD, digest: DIGEST, configDigest: DIGEST, labels: {} }] },
    },
    build: { state: 'read', value: { repository: 'git/source', commit } },
    ours: true,
    readAt: '2026-03-01T12:00:00.000Z',
    ...change,
  };
}

function artifactOf(images: readonly ImageFacts[], nodes: NodePlatforms, commit?: string): string {
  const { state, reason } = decideArtifact(images, nodes, commit);
  return `${state} ${reason}`;
}

const nodes = (all: NodePlatforms['all'], used: NodePlatforms['all'] = []): NodePlatforms => ({
  all,
  used: () => used,
});

describe('an image and the platforms of the nodes', () => {
  it('fits a mixed cluster where its pods are on nodes that it is for', () => {
    expect(artifactOf([image('a', OURS)], nodes([AMD, ARM, WINDOWS], [AMD]))).toBe('proven built');
    expect(artifactOf([image('a', OURS)], nodes([AMD, ARM]))).toBe('proven built');
  });

  it('does not fit where a pod of it is on another node, or where no node is for it', () => {
    expect(artifactOf([image('a', OURS)], nodes([AMD, ARM], [AMD, ARM]))).toBe('broken platform-missing');
    expect(artifactOf([image('a', OURS)], nodes([ARM, WINDOWS]))).toBe('broken platform-missing');
  });

  it('is not doubted where nodes may not be listed', () => {
    expect(artifactOf([image('a', OURS)], nodes([]))).toBe('proven built');
  });
});

describe('a commit that was asked for', () => {
  const other = 'd'.repeat(40);

  it('has to be in every image that is built from the same source', () => {
    expect(artifactOf([image('web', OURS), image('worker', other)], nodes([]), OURS)).toBe(
      'broken other-commit',
    );
    expect(artifactOf([image('web', OURS), image('worker', OURS)], nodes([]), OURS)).toBe('proven built');
  });

  it('is not looked for in images of another source or of other people', () => {
    const elsewhere = image('worker', other, {
      build: { state: 'read', value: { repository: 'git/elsewhere', commit: other } },
    });
    const foreign = image('redis', other, { ours: false });
    expect(artifactOf([image('web', OURS), elsewhere, foreign], nodes([]), OURS)).toBe('proven built');
  });
});
