import { afterEach, describe, expect, it } from 'vitest';
import { startRegistry } from '../../drydock/registry/index.ts';
import { manualClock, systemClock } from '../../kernel/index.ts';
import { updatesIn } from './message.ts';
import { createPublish } from './publish.ts';
import { benches, commit, IMAGE, only, run, signal } from './updates.fixture.ts';

const { open: bench, close } = benches(startRegistry);
afterEach(close);
const publish = createPublish({ clock: systemClock });

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
