import { describe, expect, it } from 'vitest';
import type { GitRef } from '../../git/index.ts';
import type { Build, BuildReview } from '../../ledger/index.ts';
import { parseLandfallYaml } from '../landfall-yaml/index.ts';
import { declaredBuilds, definitionOf, referenceOf } from './definition.ts';
import type { BuildPlan } from './definition.ts';
import { authorship, decideGate } from './gate.ts';
import { asksToSkip, decideTrigger, isOwnCommit, matchesGlob } from './triggers.ts';

const C1 = '1'.repeat(40);
const C2 = '2'.repeat(40);
const NOW = Date.UTC(2026, 0, 31);

function plans(builds: string, more = ''): Readonly<Record<string, BuildPlan>> {
  const file = parseLandfallYaml(`apiVersion: landfall.dev/v1\nbuilds:\n${builds}\n${more}`);
  return Object.fromEntries(
    declaredBuilds(file, 'https://ci:hunter2@git.corp.io/deploy', C1).map((each) => [each.name, each.plan]),
  );
}

const DEV = `  dev:
    repository: https://git.corp.io/shop
    on: { branch: main }
    approval: { count: 2, by: [ana, "group:release"], notAuthor: true, expires: 7d }
    image: registry.corp.io/shop
    steps: [{ name: test, run: [npm, test], timeout: 1h30m }]
    package: { entrypoint: [node] }`;
const PROD = `  prod:
    repository: https://git.corp.io/shop
    on: { tag: "v*.*.*" }
    image: registry.corp.io/shop
    package: { entrypoint: [node] }`;

describe('a trigger', () => {
  const refs = (...given: (readonly [string, string])[]): readonly GitRef[] =>
    given.map(([ref, commit]) => ({ ref, commit, time: '2026-01-01T00:00:00Z' }));
  const seen = (given: Readonly<Record<string, string>>) => ({
    since: '2026-01-01T00:00:00Z',
    refs: new Map(Object.entries(given)),
  });
  const { dev, prod } = plans(`${DEV}\n${PROD}`);
  if (dev === undefined || prod === undefined) throw new Error('two plans were declared');

  it('of a branch takes the tip at first, then every new tip', () => {
    const tip = refs(['refs/heads/other', C2], ['refs/heads/main', C1]);
    const wanted = [{ ref: 'refs/heads/main', commit: C1, movedFrom: undefined }];
    expect(decideTrigger(dev, tip, undefined).fresh).toEqual(wanted);
    expect(decideTrigger(dev, tip, seen({ 'refs/heads/main': C2 })).fresh).toEqual(wanted);
    expect(decideTrigger(dev, tip, seen({ 'refs/heads/main': C1 })).fresh).toEqual([]);
    expect(decideTrigger(dev, [], undefined).problem).toBe('there is no branch main');
  });

  it('of tags takes the newest at first, then each new or moved one once, and says which was moved', () => {
    const tags = refs(['refs/tags/v1.10.0', C2], ['refs/tags/v1.9.0', C1], ['refs/tags/nightly', C1]);
    const first = decideTrigger(prod, tags, undefined);
    expect(first.fresh.map(({ ref }) => ref)).toEqual(['refs/tags/v1.10.0']);
    expect([...first.history]).toEqual([['refs/tags/v1.9.0', C1]]);
    const before = seen({ 'refs/tags/v1.9.0': C2 });
    expect(decideTrigger(prod, tags, before).fresh).toEqual([
      { ref: 'refs/tags/v1.9.0', commit: C1, movedFrom: C2 },
      { ref: 'refs/tags/v1.10.0', commit: C2, movedFrom: undefined },
    ]);
    const all = seen({ 'refs/tags/v1.9.0': C1, 'refs/tags/v1.10.0': C2 });
    expect(decideTrigger(prod, tags, all).fresh).toEqual([]);
  });

  it.each([
    ['v*.*.*', 'v1.2.3', true],
    ['v*.*.*', 'v1.2', false],
    ['v*', 'xv1', false],
    ['*', '', true],
    ['a*a', 'a', false],
    ['a.c', 'abc', false],
    ['release/*', 'release/1/2', true],
    ['*-rc*', 'v1-rc1', true],
    ['v1', 'v1', true],
  ])('takes %s for %s: %s', (glob, text, wanted) => {
    expect(matchesGlob(glob, text)).toBe(wanted);
  });

  it('starts nothing for commits of Landfall, nor where the message asks for none', () => {
    expect(isOwnCommit({ subject: 'Update shop', body: 'why\n\nLandfall-Update: 1m7y' })).toBe(true);
    expect(isOwnCommit({ subject: 'Explain Landfall-Update: x', body: 'about Landfall-Update: y' })).toBe(
      false,
    );
    for (const subject of ['docs [skip ci]', 'docs [CI skip]', 'docs [no ci]'])
      expect(asksToSkip({ subject, body: '' })).toBe(true);
    expect(asksToSkip({ subject: 'docs', body: 'x\n\nskip-checks: true' })).toBe(true);
    expect(asksToSkip({ subject: 'skip ci', body: '[skip]' })).toBe(false);
  });

  it('says which image, and never takes a Git tag apart for it', () => {
    expect(referenceOf(dev, 'refs/heads/main', C1)).toBe(`registry.corp.io/shop:sha-${C1}`);
    expect(referenceOf(prod, 'refs/tags/v1.2.3', C1)).toBe('registry.corp.io/shop:v1.2.3');
    for (const tag of ['v1/2', 'v1+build', '-x', `v${'1'.repeat(200)}`])
      expect(() => referenceOf(prod, `refs/tags/${tag}`, C1)).toThrow('cannot be the tag of an image');
  });

  it.each([
    ['a branch that git takes for an option', 'branch: main', 'branch: --upload-pack=x'],
    ['both a branch and a tag', 'branch: main', 'branch: main, tag: "v*"'],
    ['a folder outside', 'package: { entrypoint: [node] }', 'package: { entrypoint: [node], folder: ../x }'],
    ['a shell text', 'run: [npm, test]', 'run: npm test'],
    ['nothing to run', 'run: [npm, test]', 'run: []'],
    ['a wrong duration', '1h30m', '90 minutes'],
    ['a tag that is none', 'image: registry.corp.io/shop', 'image: registry.corp.io/shop\n    tag: "{tag}"'],
    ['a password in Git', 'https://git.corp.io/shop', 'https://bot:hunter2@git.corp.io/shop'],
    ['a secret in Git', 'steps:', 'secretEnv: { TOKEN: hunter2 }\n    steps:'],
  ])('that declares %s is refused', (_, from, to) => {
    const text = DEV.replace(from, to);
    expect(text).not.toBe(DEV);
    expect(() => plans(text)).toThrow(/landfall\.yaml:\d+:\d+/);
  });
});

describe('a gate', () => {
  const people = 'people: { ana: [ana@corp.io], ben: [ben@corp.io, Ben@home.org], eve: [eve@corp.io] }';

  function buildOf(more = people, declared = DEV): Build {
    const file = parseLandfallYaml(`apiVersion: landfall.dev/v1\nbuilds:\n${declared}\n${more}`);
    const [one] = declaredBuilds(file, 'https://git.corp.io/deploy', C1);
    if (one === undefined) throw new Error('a build was declared');
    return {
      ...definitionOf(one),
      id: 'b1',
      declaredIn: one.declaredIn,
      trigger: one.name,
      ref: 'refs/heads/main',
      commit: C1,
      attempt: 1,
      origin: 'trigger',
      repository: 'https://git.corp.io/shop',
      people: {
        author: { name: 'Ben', email: 'ben@home.org' },
        committer: { name: 'GitHub', email: 'noreply@github.com' },
        subject: 'Sell more',
      },
      image: 'registry.corp.io/shop:x',
      state: 'PENDING',
      message: '',
      notes: [],
      createdAt: '2026-01-30T00:00:00Z',
      startedAt: undefined,
      finishedAt: undefined,
      runs: 0,
      pushing: undefined,
      record: undefined,
      url: undefined,
      holder: '',
      cancel: undefined,
    };
  }

  function review(build: Build, name: string, change: Partial<BuildReview> = {}): BuildReview {
    return {
      id: name,
      build: build.id,
      kind: 'approve',
      actor: { name, attestedBy: 'cluster' },
      groups: ['release'],
      permitted: true,
      cluster: 'c',
      comment: '',
      url: undefined,
      at: '2026-01-30T12:00:00Z',
      commit: build.commit,
      definitionDigest: build.definitionDigest,
      ...change,
    };
  }

  it('opens for enough different people who may, and for nobody twice', () => {
    const build = buildOf();
    const state = (...reviews: BuildReview[]) => decideGate(build, reviews, NOW).state;
    expect(state()).toBe('waiting');
    expect(state(review(build, 'ana'), review(build, 'ana', { cluster: 'other' }))).toBe('waiting');
    expect(state(review(build, 'ana'), review(build, 'eve'))).toBe('open');
  });

  it.each([
    ['of another commit', { commit: C2 }, 'it is for 22222222'],
    ['of another definition', { definitionDigest: 'x' }, 'was changed since'],
    ['that is too old', { at: '2026-01-20T00:00:00Z' }, 'it expired'],
    ['of nobody who is known', { actor: { name: 'eve', attestedBy: 'nobody' as const } }, 'nobody attests'],
    ['of somebody who is not named', { groups: [] }, 'eve is not one of ana, group:release'],
  ])('does not count an approval %s', (_, change, why) => {
    const build = buildOf();
    const gate = decideGate(build, [review(build, 'ana'), review(build, 'eve', change)], NOW);
    expect(gate.state).toBe('waiting');
    expect(gate.leftOut[0]?.why).toContain(why);
    expect(gate.message).toContain('1 of 2 (ana); 1 not counted');
  });

  it('does not let an author approve, nor somebody who cannot be told apart from one', () => {
    const build = buildOf();
    expect(decideGate(build, [review(build, 'ben')], NOW).leftOut[0]?.why).toContain(
      'ben wrote or committed',
    );
    expect(decideGate(build, [review(build, 'zoe')], NOW).leftOut[0]?.why).toContain('is not declared');
    const { people: commit } = build;
    const known = { ada: ['ada@corp.io'], 'ben-the-2nd': ['other@corp.io'] };
    expect(
      [
        ['oidc:ben@home.org', undefined],
        ['CORP\\Ben', undefined],
        ['https://issuer.corp.io#ben', undefined],
        ['ada', known],
        ['ada@corp.io', undefined],
        ['ben', { ben: ['somebody@else.org'] }],
        ['constructor', {}],
      ].map(([name, mapping]) => authorship(name as string, mapping as typeof known | undefined, commit)),
    ).toEqual(['author', 'author', 'author', 'other', 'other', 'author', 'unknown']);
    expect(authorship('ada', known, undefined)).toBe('unknown');
  });

  it('without names asks the cluster who may, and is closed by one who may and rejects', () => {
    const build = buildOf('', DEV.replace(/approval: .*/, 'approval: {}'));
    const denied = review(build, 'ana', { permitted: false });
    expect(decideGate(build, [denied], NOW).state).toBe('waiting');
    expect(decideGate(build, [review(build, 'ana')], NOW).state).toBe('open');
    const rejected = review(build, 'eve', { kind: 'reject', comment: 'too late' });
    expect(decideGate(build, [review(build, 'ana'), rejected], NOW)).toMatchObject({
      state: 'rejected',
      message: 'eve rejected it: too late',
    });
    expect(decideGate(build, [{ ...rejected, permitted: false }], NOW).state).toBe('waiting');
  });

  it('is bound to what is built and who decides, not to who is told', () => {
    const digest = (declared: string) => buildOf(people, declared).definitionDigest;
    expect(digest(DEV)).toBe(digest(`${DEV}\n    notify: [{ slack: SLACK }]`));
    expect(digest(DEV)).not.toBe(digest(DEV.replace('npm, test', 'npm, publish')));
    expect(digest(DEV)).not.toBe(digest(DEV.replace('count: 2', 'count: 1')));
    expect(buildOf(people).definitionDigest).not.toBe(buildOf('people: { x: [a@b] }').definitionDigest);
  });
});
