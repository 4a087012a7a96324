import { afterEach, describe, expect, it } from 'vitest';
import { startRegistry } from '../../drydock/registry/index.ts';
import { systemClock } from '../../kernel/index.ts';
import type { Forge, OpenRequest, PullRequest } from '../forge/index.ts';
import { createPublish } from './publish.ts';
import { benches, commit, only, run, signal, type Bench } from './updates.fixture.ts';

const { open: bench, close } = benches(startRegistry);
afterEach(close);

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
