import { afterEach, describe, expect, it } from 'vitest';
import { startRegistry } from '../../drydock/registry/index.ts';
import { LandfallError } from '../../kernel/index.ts';
import { benches, commit, IMAGE, only, run, signal, type Bench } from './updates.fixture.ts';

const { open: bench, close } = benches(startRegistry);
afterEach(close);

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
