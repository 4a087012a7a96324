import { describe, expect, it } from 'vitest';
import { decideArtifact } from './decide.ts';
import type { NodePlatforms } from './decide.ts';
import type { CommitBuild, ImageFacts } from './facts.ts';

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

describe('an index whose platforms were built from different commits', () => {
  const old = 'e'.repeat(40);
  const answerOf = (amd: string | undefined, arm: string | undefined): ImageFacts['answer'] => ({
    state: 'read',
    value: {
      digest: DIGEST,
      platforms: [
        { ...AMD, digest: `${DIGEST}1`, configDigest: '1', labels: labelled(amd) },
        { ...ARM, digest: `${DIGEST}2`, configDigest: '2', labels: labelled(arm) },
      ],
    },
  });
  const labelled = (commit: string | undefined): Record<string, string> =>
    commit === undefined ? {} : { 'org.opencontainers.image.revision': commit };

  it.each<[string, ImageFacts['answer'], NodePlatforms['all'], string]>([
    ['of which nodes take both', answerOf(OURS, old), [AMD, ARM], 'broken platforms-differ'],
    ['where nodes may not be listed', answerOf(OURS, old), [], 'broken platforms-differ'],
    ['of which nodes take the right one', answerOf(OURS, old), [AMD], 'proven built'],
    ['of which nodes take the wrong one', answerOf(OURS, old), [ARM], 'broken wrong-commit'],
    ['of which one does not say', answerOf(old, undefined), [AMD, ARM], 'broken wrong-commit'],
    ['that are the same', answerOf(OURS, OURS), [AMD, ARM], 'proven built'],
  ])('%s', (_, answer, all, wanted) => {
    expect(artifactOf([image('a', OURS, { answer })], nodes(all))).toBe(wanted);
  });

  it('does not stand for a platform that says nothing, where nobody kept a record', () => {
    const silent = { answer: answerOf(OURS, undefined), build: { state: 'read', value: undefined } } as const;
    expect(artifactOf([image('a', OURS, silent)], nodes([AMD, ARM]))).toBe('unknown no-provenance');
    expect(artifactOf([image('a', OURS, silent)], nodes([AMD]))).toBe('proven built');
  });
});

describe('a commit that was asked for', () => {
  const other = 'd'.repeat(40);

  it('is not proven by an image of which nobody says what it was built from', () => {
    const silent = image('a', OURS, { ours: false, build: { state: 'read', value: undefined } });
    expect(artifactOf([silent], nodes([AMD]))).toBe('proven resolves');
    expect(artifactOf([silent], nodes([AMD]), OURS)).toBe('unknown no-provenance');
    expect(artifactOf([image('a', other, { ours: false })], nodes([AMD]), OURS)).toBe('broken other-commit');
  });

  it('may have given the same bytes as the one before it', () => {
    const build = {
      state: 'read',
      value: { repository: 'git/source', commit: other, also: [OURS] },
    } as const;
    expect(artifactOf([image('a', other, { build })], nodes([AMD]), OURS)).toBe('proven built');
    expect(artifactOf([image('a', other, { build })], nodes([AMD]), 'f'.repeat(40))).toBe(
      'broken other-commit',
    );
  });

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

describe('a build of the commit that was asked for', () => {
  const asked = 'd'.repeat(40);
  const build = (change: Partial<CommitBuild> = {}): CommitBuild => ({
    id: '1m7y4nqgce',
    commit: asked,
    repository: 'example/a',
    reference: `example/a:sha-${asked}`,
    state: 'waiting',
    message: 'waits for approval: 0 of 1',
    lastLines: [],
    digest: undefined,
    next: 'landfall builds approve 1m7y4nqgce',
    at: '2026-03-01T12:00:00.000Z',
    ...change,
  });
  const report = (commit: string, ...builds: CommitBuild[]) =>
    decideArtifact([image('a', OURS)], nodes([AMD]), commit, builds);

  it('lets artifact wait, with the command that ends it', () => {
    expect(report(asked, build())).toMatchObject({
      state: 'moving',
      reason: 'build-waiting',
      headline: 'build 1m7y4nqgce',
      detail: 'build 1m7y4nqgce of dddddddd: waits for approval: 0 of 1',
      hint: 'landfall builds approve 1m7y4nqgce',
    });
    expect(report(asked, build({ state: 'running' })).state).toBe('moving');
    // Nobody keeps a build of it, or it is not what was asked for.
    expect(report(asked)).toMatchObject({ state: 'broken', reason: 'other-commit' });
    expect(report(OURS, build())).toMatchObject({ state: 'proven', reason: 'built' });
  });

  it('breaks artifact where it failed, with its last lines', () => {
    const failed = build({
      state: 'failed',
      message: 'step test failed with exit code 3',
      lastLines: ['expected 2, got 3'],
    });
    expect(report(asked, failed)).toMatchObject({
      state: 'broken',
      reason: 'build-failed',
      detail: expect.stringContaining('exit code 3; its last lines: expected 2, got 3') as string,
    });
  });

  it('proves artifact where it is done, whatever Git asks for, also when it failed again later', () => {
    const digest = `sha256:${'7'.repeat(64)}`;
    const done = build({ id: 'first', state: 'done', digest, message: 'pushed' });
    const again = build({ id: 'later', state: 'failed', at: '2026-03-02T12:00:00.000Z' });
    expect(report(asked, again, done)).toMatchObject({
      state: 'proven',
      headline: '77777777',
      detail: 'built from dddddddd by build first; pushed',
    });
    expect(report(asked, again, done).claims).toContainEqual(
      expect.objectContaining({
        attribute: 'digest',
        value: digest,
        source: { type: 'build', build: 'first' },
      }),
    );
    // What nobody has verified is no proof.
    expect(report(asked, build({ state: 'done' })).state).toBe('broken');
  });
});

describe('an image that only attestations say something of', () => {
  const attestedBy = (commit: string | undefined, form = 'buildkit') => ({
    repository: 'https://git/source',
    commit,
    builder: 'https://ci/1',
    form,
    reference: 'example/a@sha256:1',
  });
  const claimed = (...all: ReturnType<typeof attestedBy>[]) =>
    image('a', OURS, {
      build: { state: 'read', value: undefined },
      provenance: { state: 'read', value: all },
    });

  it('is of the commit that they agree on, and says that nobody verified it', () => {
    const report = decideArtifact([claimed(attestedBy(OURS))], nodes([AMD]));
    expect(report).toMatchObject({
      state: 'proven',
      detail: expect.stringContaining('as its provenance says (not verified)') as string,
    });
    expect(report.claims).toContainEqual(
      expect.objectContaining({
        attribute: 'provenance.commit (buildkit)',
        value: OURS,
        source: { type: 'registry', reference: 'example/a@sha256:1' },
      }),
    );
    expect(artifactOf([claimed(attestedBy(OURS))], nodes([AMD]), 'd'.repeat(40))).toBe('broken other-commit');
  });

  it('is unknown where they differ, from each other or from the label', () => {
    const two = claimed(attestedBy(OURS), attestedBy('d'.repeat(40), 'cosign'));
    expect(artifactOf([two], nodes([AMD]))).toBe('unknown no-provenance');
    const label = { 'org.opencontainers.image.revision': 'd'.repeat(40) };
    const platforms = [{ ...AMD, digest: DIGEST, configDigest: DIGEST, labels: label }];
    const labelled = {
      ...claimed(attestedBy(OURS)),
      answer: { state: 'read' as const, value: { digest: DIGEST, platforms } },
    };
    expect(artifactOf([labelled], nodes([AMD]))).toBe('unknown provenance-differs');
  });
});
