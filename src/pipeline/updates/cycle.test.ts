import { afterEach, describe, expect, it } from 'vitest';
import { startRegistry, type Registry } from '../../drydock/registry/index.ts';
import { LandfallError, manualClock, systemClock } from '../../kernel/index.ts';
import type { Forge, OpenRequest, PullRequest } from '../forge/index.ts';
import { updatesIn } from './message.ts';
import { createPublish } from './publish.ts';
import type { UpdateReport } from './report.ts';
import { commit, IMAGE, openBench, run, signal, type Bench } from './updates.fixture.ts';

const publish = createPublish({ clock: systemClock });
const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function bench(tag?: string): Promise<Bench & { readonly server: Registry }> {
  const server = await startRegistry();
  cleanups.push(() => server.close());
  const opened = openBench(server.url, tag);
  cleanups.push(() => opened.close());
  return Object.assign(opened, { server });
}

function only(reports: readonly UpdateReport[]): UpdateReport {
  const [report, another] = reports;
  if (report === undefined || another !== undefined) throw new Error(`${reports.length} reports`);
  return report;
}

describe('a cycle of updates', () => {
  it('writes tag and digest of what the policy chooses, of both workloads in one commit', async () => {
    const on = await bench();
    await on.push('1.0.0');
    const digest = await on.push('1.1.0');
    await on.push('2.0.0-rc.1');
    const report = only(await on.cycle().run([on.updater([{}])], {}, signal));
    expect(report).toMatchObject({ outcome: 'committed', branch: 'main', why: 'committed to main' });
    expect(on.overlay()).toBe(
      [
        '# What runs in dev.',
        'resources: [api.yaml, async.yaml]',
        'images:',
        `  - name: ${IMAGE}`,
        '    newTag: 1.1.0 # by the updater',
        `    digest: ${digest}`,
      ].join('\n'),
    );
    expect(on.log()).toEqual(['Update shop to 1.1.0', 'Begin']);
    const body = run(on.deployments, 'log', '-1', '--format=%an <%ae>%n%b', 'main');
    expect(body).toContain('Landfall <landfall@noreply.invalid>');
    expect(body).toContain(`${IMAGE}:1.1.0@${digest}\n  the highest version; before 1.0.0`);
    expect(updatesIn(body)).toEqual([
      { key: 'Application/argocd/shop', id: expect.stringMatching(/^[0-9a-f]{16}$/) as string },
    ]);
    expect(report.images[0]?.passedOver).toContainEqual({
      tag: '2.0.0-rc.1',
      why: 'a prerelease, and the policy asks for none',
    });
  });

  it('has nothing to do when it is run again, and costs one request', async () => {
    const on = await bench();
    await on.push('1.1.0');
    const updater = on.updater([{}]);
    await on.cycle().run([updater], {}, signal);
    const before = on.server.requests().length;
    const report = only(await on.cycle().run([updater], {}, signal));
    expect(report).toMatchObject({ outcome: 'current', last: { subject: 'Update shop to 1.1.0' } });
    expect(on.log()).toHaveLength(2);
    expect(
      on.server
        .requests()
        .slice(before)
        .map(({ method, status }) => `${method} ${status}`),
    ).toEqual(['GET 304']);
  });

  it('only says what it would do when it is asked so', async () => {
    const on = await bench();
    await on.push('1.1.0');
    const report = only(await on.cycle().run([on.updater([{}])], { dryRun: true }, signal));
    expect(report).toMatchObject({
      outcome: 'would-commit',
      edits: [{ file: 'overlays/dev/kustomization.yaml', line: 5 }],
    });
    expect(on.log()).toEqual(['Begin']);
  });

  it('is kept from doing anything by a hold, which it names', async () => {
    const on = await bench();
    await on.push('1.1.0');
    on.holds.push({
      id: 'h1',
      kind: 'updates',
      revision: '',
      cluster: 'c',
      namespace: 'argocd',
      application: 'shop',
      reason: 'rolled back to 1.0.0',
      actor: { name: 'ada', attestedBy: 'cluster' },
      since: '2026-01-01T00:00:00.000Z',
    });
    const report = only(await on.cycle().run([on.updater([{}])], {}, signal));
    expect(report).toMatchObject({
      outcome: 'held',
      why: 'held by ada since 2026-01-01T00:00:00.000Z: rolled back to 1.0.0',
      images: [{ state: 'update', chosen: { tag: '1.1.0' } }],
    });
    expect(on.log()).toEqual(['Begin']);
  });

  it('does not storm: above its limit it waits, and counts what Git says, not what it remembers', async () => {
    const on = await bench();
    const updater = on.updater([{}], { perHour: 2 });
    for (const tag of ['1.1.0', '1.2.0', '1.3.0']) {
      await on.push(tag);
      // Each time a new process.
      await on.cycle().run([updater], {}, signal);
    }
    expect(on.log()).toEqual(['Update shop to 1.2.0', 'Update shop to 1.1.0', 'Begin']);
    const report = only(await on.cycle().run([updater], {}, signal));
    expect(report).toMatchObject({ outcome: 'limited', images: [{ chosen: { tag: '1.3.0' } }] });
    const clock = manualClock(Date.now() + 3_700_000);
    expect(only(await on.cycle({ clock }).run([updater], {}, signal)).outcome).toBe('committed');
  });

  it('never goes back by itself, and says so', async () => {
    const on = await bench('2.0.0');
    await on.push('1.5.0');
    const report = only(await on.cycle().run([on.updater([{}])], {}, signal));
    expect(report).toMatchObject({
      outcome: 'current',
      images: [
        {
          state: 'refused',
          code: 'older-than-current',
          why: '1.5.0 is older than 2.0.0, which Git asks for; an updater never goes back by itself',
        },
      ],
    });
    expect(on.log()).toEqual(['Begin']);
  });

  it('commits nothing that does not exist for the platforms of the nodes', async () => {
    const on = await bench();
    await on.push('1.1.0', { architecture: 'arm64' });
    const report = only(await on.cycle().run([on.updater([{}])], {}, signal));
    expect(report.images[0]).toMatchObject({ state: 'refused', code: 'platform-not-found' });
    expect(report.images[0]?.why).toContain('linux/amd64');
    expect(on.log()).toEqual(['Begin']);
  });

  it('commits nothing when the tag moved between the look and the commit', async () => {
    const on = await bench();
    await on.push('1.1.0');
    const registries = on.registries();
    let moved = false;
    const report = only(
      await on
        .cycle({
          registries: {
            ...registries,
            async resolve(...asked) {
              const found = await registries.resolve(...asked);
              if (!moved) await on.push('1.1.0', { revision: 'c0ffee1' });
              moved = true;
              return found;
            },
          },
        })
        .run([on.updater([{}])], {}, signal),
    );
    expect(report).toMatchObject({ outcome: 'failed', code: 'tag-moved' });
    expect(on.log()).toEqual(['Begin']);
    expect(only(await on.cycle().run([on.updater([{}])], {}, signal)).outcome).toBe('committed');
  });

  it('commits nothing when the registry goes away between the look and the commit, and says so', async () => {
    const on = await bench();
    await on.push('1.1.0');
    const registries = on.registries();
    const report = only(
      await on
        .cycle({
          registries: {
            ...registries,
            async resolve(...asked) {
              const found = await registries.resolve(...asked);
              on.server.fail({ effect: { type: 'status', status: 503 }, times: Infinity });
              return found;
            },
          },
        })
        .run([on.updater([{}])], {}, signal),
    );
    expect(report.outcome).toBe('failed');
    expect(report.why).toMatch(/^nothing was committed: .*503/);
    expect(on.log()).toEqual(['Begin']);
  });

  it('does not take a registry that cannot be read for one without news', async () => {
    const on = await bench();
    on.server.fail({ effect: { type: 'status', status: 500 }, times: Infinity });
    const report = only(await on.cycle().run([on.updater([{}])], {}, signal));
    expect(report).toMatchObject({ outcome: 'failed', images: [{ state: 'unknown' }] });
  });

  it('gets its commit in although ten others come first, on top of each of them', async () => {
    const on = await bench();
    const digest = await on.push('1.1.0');
    let others = 0;
    const report = only(
      await on
        .cycle({
          async publish(publication, limit) {
            if (others < 10) {
              others += 1;
              commit(on.people, { [`other-${others}.txt`]: 'x' }, `Other ${others}`);
              run(on.people, 'push', '--quiet', 'origin', 'main');
            }
            return publish(publication, limit);
          },
        })
        .run([on.updater([{}])], {}, signal),
    );
    expect(report.outcome).toBe('committed');
    expect(on.log()).toHaveLength(12);
    expect(on.overlay()).toContain(digest);
  });

  it('leaves alone what somebody else changed to something newer meanwhile', async () => {
    const on = await bench();
    await on.push('1.1.0');
    let first = true;
    const report = only(
      await on
        .cycle({
          async publish(publication, limit) {
            if (first) {
              first = false;
              const file = 'overlays/dev/kustomization.yaml';
              const text = run(on.people, 'show', `HEAD:${file}`).replace('1.0.0', '3.0.0');
              commit(on.people, { [file]: `${text}\n` }, 'By hand');
              run(on.people, 'push', '--quiet', 'origin', 'main');
            }
            return publish(publication, limit);
          },
        })
        .run([on.updater([{}])], {}, signal),
    );
    expect(report).toMatchObject({ outcome: 'current', images: [{ state: 'refused' }] });
    expect(on.log()).toEqual(['By hand', 'Begin']);
  });

  it('makes one commit with another updater at the same time', async () => {
    const on = await bench();
    await on.push('1.1.0');
    const updater = on.updater([{}]);
    const both = await Promise.all([
      on.cycle().run([updater], {}, signal),
      on.cycle().run([updater], {}, signal),
    ]);
    expect(on.log()).toEqual(['Update shop to 1.1.0', 'Begin']);
    expect(both.map((reports) => only(reports).outcome).toSorted()).toEqual(['committed', 'current']);
  });

  it('makes one commit of several updaters that write to the same branch, and one failure stops no other', async () => {
    const on = await bench();
    await on.push('1.1.0');
    const broken = on.updater([{}], {
      key: 'Application/argocd/broken',
      application: { namespace: 'argocd', name: 'broken' },
      git: { url: on.deployments, project: 'default', revision: 'main', path: 'nowhere' },
    });
    const twin = on.updater([{}], {
      key: 'Application/argocd/twin',
      application: { namespace: 'argocd', name: 'twin' },
    });
    const reports = await on.cycle().run([on.updater([{}]), broken, twin], {}, signal);
    expect(
      reports.map(({ updater, outcome }) => `${updater.application.name} ${outcome}`).toSorted(),
    ).toEqual(['broken failed', 'shop committed', 'twin current']);
    expect(on.log()).toHaveLength(2);
  });
});

describe('the order of commits', () => {
  const rules = (on: Bench) => [
    { policy: { kind: 'commits', branch: 'main' } as const, source: on.source, filter: {} },
  ];

  it('decides, whatever was built last', async () => {
    const on = await bench('sha-unknown');
    const commits = ['a', 'b', 'c'].map((name) => commit(on.source, { name }, name));
    const [, second = '', third = ''] = commits;
    // Built in the wrong order, and the newest commit not at all.
    await on.push(`sha-${second}`, { revision: second });
    await on.push(`sha-${commits[0] ?? ''}`, { revision: commits[0] ?? '' });
    const cycle = on.cycle();
    await cycle.run([on.updater(rules(on))], {}, signal);
    expect(on.overlay()).toContain(`newTag: sha-${second}`);
    await on.push(third.slice(0, 10), { revision: third });
    await cycle.run([on.updater(rules(on))], {}, signal);
    expect(on.overlay()).toContain(third.slice(0, 10));
    expect(on.log()).toHaveLength(3);
  });

  it('is that of the branch: what was only merged into it was never its state', async () => {
    const on = await bench('latest');
    const base = commit(on.source, { a: '1' }, 'base');
    run(on.source, 'checkout', '--quiet', '-b', 'feature');
    const feature = commit(on.source, { b: '1' }, 'feature');
    run(on.source, 'checkout', '--quiet', 'main');
    commit(on.source, { c: '1' }, 'main');
    run(on.source, 'merge', '--quiet', '--no-ff', '-m', 'merge', 'feature');
    await on.push(`sha-${base}`);
    await on.push(`sha-${feature}`);
    await on.cycle().run([on.updater(rules(on))], {}, signal);
    expect(on.overlay()).toContain(`newTag: sha-${base}`);
  });

  it('keeps from going back when the image of the newest commit is gone from the registry', async () => {
    const on = await bench();
    const [first, second] = ['a', 'b'].map((name) => commit(on.source, { name }, name));
    await on.push(`sha-${first ?? ''}`);
    await on.push(`sha-${second ?? ''}`);
    const cycle = on.cycle();
    await cycle.run([on.updater(rules(on))], {}, signal);
    const { digest } = await on.registry.head(`${IMAGE}:sha-${second ?? ''}`, signal);
    await on.registry.deleteManifest(`${IMAGE}@${digest}`, signal);
    const report = only(await cycle.run([on.updater(rules(on))], {}, signal));
    expect(report.images[0]).toMatchObject({ state: 'refused', code: 'older-than-current' });
    expect(on.overlay()).toContain(`sha-${second ?? ''}`);
  });

  it('leaves what was rebased away for the branch as it is now', async () => {
    const on = await bench();
    commit(on.source, { a: '1' }, 'base');
    const gone = commit(on.source, { b: '1' }, 'will be rebased');
    await on.push(`sha-${gone}`);
    const cycle = on.cycle();
    await cycle.run([on.updater(rules(on))], {}, signal);
    run(on.source, 'commit', '--quiet', '--amend', '-m', 'rebased', '--date', '2030-01-01T00:00:00Z');
    const rebased = run(on.source, 'rev-parse', 'HEAD');
    await on.push(`sha-${rebased}`);
    const report = only(await cycle.run([on.updater(rules(on))], {}, signal));
    expect(report.outcome).toBe('committed');
    expect(on.overlay()).toContain(`sha-${rebased}`);
  });

  it('keeps a version from going back to an older commit', async () => {
    const on = await bench();
    const [first, second] = ['a', 'b'].map((name) => commit(on.source, { name }, name));
    await on.push('1.0.0', { revision: second ?? '' });
    await on.push('1.1.0', { revision: first ?? '' });
    const report = only(await on.cycle().run([on.updater([{ source: on.source }])], {}, signal));
    expect(report.images[0]).toMatchObject({ state: 'refused', code: 'older-than-current' });
    expect(report.images[0]?.why).toContain('never goes back');
  });
});

describe('other policies', () => {
  it('by build time take what was built last, and ask for each build once', async () => {
    const on = await bench('old');
    await on.push('zz', { created: '2026-01-01T00:00:00Z' });
    await on.push('aa', { created: '2026-03-01T00:00:00Z' });
    await on.push('mm', { created: '1970-01-01T00:00:00Z' });
    const registries = on.registries();
    const updater = on.updater([{ policy: { kind: 'newest-build' } }]);
    await on.cycle({ registries }).run([updater], {}, signal);
    expect(on.overlay()).toContain('newTag: aa');
    const before = on.server.requests().length;
    await on.cycle({ registries }).run([updater], {}, signal);
    const again = on.server.requests().slice(before);
    // A build that says no time is looked at again; the others by their digests only.
    expect(again.filter(({ method, url }) => method === 'GET' && url.includes('/blobs/'))).toHaveLength(1);
  });

  it('follow a tag by its digest', async () => {
    const on = await bench('latest');
    const first = await on.push('latest', { revision: 'aaaaaaa' });
    const updater = on.updater([{ policy: { kind: 'digest', tag: 'latest' } }]);
    await on.cycle().run([updater], {}, signal);
    expect(on.overlay()).toContain(first);
    const second = await on.push('latest', { revision: 'bbbbbbb' });
    await on.cycle().run([updater], {}, signal);
    expect(on.overlay()).toContain(second);
    expect(on.overlay()).not.toContain(first);
    await on.cycle().run([updater], {}, signal);
    expect(on.log()).toHaveLength(3);
  });

  it('write where an image is marked, as Flux does', async () => {
    const on = await bench();
    const file = 'clusters/dev/app.yaml';
    commit(
      on.people,
      {
        [file]: `apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  containers:
    - name: app
      image: ${IMAGE}:1.0.0 # {"$imagepolicy": "flux-system:app"}
`,
      },
      'Mark',
    );
    run(on.people, 'push', '--quiet', 'origin', 'main');
    const digest = await on.push('1.1.0');
    const updater = on.updater(
      [
        {
          name: 'flux-system/app',
          force: true,
          target: { kind: 'setters', folder: 'clusters/dev', policy: 'flux-system:app' },
        },
      ],
      { git: { url: on.deployments, project: '', revision: 'main', path: 'clusters/dev' } },
    );
    expect(only(await on.cycle().run([updater], {}, signal))).toMatchObject({ outcome: 'committed' });
    expect(run(on.deployments, 'show', `main:${file}`)).toContain(
      `image: ${IMAGE}:1.1.0@${digest} # {"$imagepolicy": "flux-system:app"}`,
    );
  });

  it('that cannot be read stop their own image only', async () => {
    const on = await bench();
    await on.push('1.1.0');
    const report = only(
      await on.cycle().run(
        [
          on.updater([
            {},
            {
              name: 'bad',
              image: `${IMAGE}2`,
              repository: `${IMAGE}2`,
              filter: { allow: '(' },
              force: true,
            },
          ]),
        ],
        {},
        signal,
      ),
    );
    expect(report.outcome).toBe('committed');
    expect(report.images.map(({ state }) => state)).toEqual(['update', 'refused']);
  });

  it('throw a bug instead of hiding it', async () => {
    const on = await bench();
    await on.push('1.1.0');
    const bug = new LandfallError('oops', { kind: 'bug', code: 'oops' });
    await expect(
      on.cycle({ edit: () => Promise.reject(bug) }).run([on.updater([{}])], {}, signal),
    ).rejects.toThrow('oops');
  });
});

describe('a branch with a pull request', () => {
  const git = (on: Bench, pullRequest = true) => ({
    url: on.deployments,
    project: 'default',
    revision: 'main',
    path: 'overlays/dev',
    push: 'landfall/updates/shop',
    ...(pullRequest ? { pullRequest: { forge: 'auto' as const } } : {}),
  });

  /** A host with one pull request, which people may close. */
  function host(): { readonly forge: Forge; readonly opened: OpenRequest[]; state: PullRequest['state'] } {
    const opened: OpenRequest[] = [];
    const made = {
      opened,
      state: 'open' as PullRequest['state'],
      forge: {
        provider: 'gitea' as const,
        display: 'git.corp.io/shop/deploy',
        open(request: OpenRequest) {
          opened.push(request);
          made.state = 'open';
          return Promise.resolve(one());
        },
        find: () => Promise.resolve(opened.length === 0 ? undefined : one()),
        get: () => Promise.resolve(one()),
      },
    };
    const one = (): PullRequest => ({
      number: 7,
      url: 'https://git.corp.io/shop/deploy/pulls/7',
      state: made.state,
    });
    return made;
  }

  it('leaves the branch that is delivered alone, and proposes the same thing once', async () => {
    const on = await bench();
    const digest = await on.push('1.1.0');
    const { forge, opened } = host();
    const cycle = on.cycle({ publish: createPublish({ clock: systemClock, forge: () => forge }) });
    const updater = on.updater([{}], { git: git(on) });
    const first = only(await cycle.run([updater], {}, signal));
    expect(first).toMatchObject({
      outcome: 'proposed',
      branch: 'landfall/updates/shop',
      pullRequest: { number: 7 },
    });
    expect(opened[0]).toMatchObject({
      head: 'landfall/updates/shop',
      base: 'main',
      title: 'Update shop to 1.1.0',
    });
    expect(on.log()).toEqual(['Begin']);
    const proposed = () =>
      run(on.deployments, 'show', 'landfall/updates/shop:overlays/dev/kustomization.yaml');
    expect(proposed()).toContain(digest);
    const again = only(await cycle.run([updater], {}, signal));
    expect(again.commit).toBe(first.commit);
    // Something newer is made anew on top of what is delivered now.
    commit(on.people, { 'other.txt': 'x' }, 'Other');
    run(on.people, 'push', '--quiet', 'origin', 'main');
    await on.push('1.2.0');
    await cycle.run([updater], {}, signal);
    expect(run(on.deployments, 'log', '--format=%s', 'landfall/updates/shop').split('\n')).toEqual([
      'Update shop to 1.2.0',
      'Other',
      'Begin',
    ]);
  });

  it('does not ask again for what somebody has closed, but for something newer', async () => {
    const on = await bench();
    await on.push('1.1.0');
    const at = host();
    const cycle = on.cycle({ publish: createPublish({ clock: systemClock, forge: () => at.forge }) });
    const updater = on.updater([{}], { git: git(on) });
    await cycle.run([updater], {}, signal);
    at.state = 'closed';
    const report = only(await cycle.run([updater], {}, signal));
    expect(report).toMatchObject({ outcome: 'held', commit: undefined });
    expect(report.why).toContain('closed the pull request');
    expect(at.opened).toHaveLength(1);
    await on.push('1.2.0');
    expect(only(await cycle.run([updater], {}, signal)).outcome).toBe('proposed');
    expect(at.opened).toHaveLength(2);
  });

  it('throws nothing away that a person added to it', async () => {
    const on = await bench();
    await on.push('1.1.0');
    const updater = on.updater([{}], { git: git(on, false) });
    await on.cycle().run([updater], {}, signal);
    run(on.people, 'fetch', '--quiet', 'origin');
    run(on.people, 'checkout', '--quiet', 'landfall/updates/shop');
    commit(on.people, { 'notes.txt': 'mine' }, 'Mine');
    run(on.people, 'push', '--quiet', 'origin', 'landfall/updates/shop');
    await on.push('1.2.0');
    const report = only(await on.cycle().run([updater], {}, signal));
    expect(report).toMatchObject({ outcome: 'failed', code: 'update-branch-taken' });
    expect(run(on.deployments, 'log', '-1', '--format=%s', 'landfall/updates/shop')).toBe('Mine');
  });
});
