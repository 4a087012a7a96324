import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { APPROVER, DEVELOPER } from '../../examples/tomoda/index.ts';
import { overlayAsksFor } from '../../src/cli/demo/tomoda/waits.ts';
import { until } from '../../src/cli/demo/until.ts';
import { systemClock } from '../../src/kernel/index.ts';
import type { Build } from '../../src/ledger/index.ts';
import { openBinary } from '../cli/binary.ts';
import type { Binary, Started } from '../cli/binary.ts';
import { openShell } from './shell.ts';
import type { Shell } from './shell.ts';

const MINUTE = 60_000;
const waiting = { clock: systemClock, signal: new AbortController().signal };

let shell: Shell;
let binary: Binary;
let serving: Started;

const serve = () =>
  binary.start(['serve', '--poll', '1s', '--no-leases', '--quiet'], { env: shell.stage.env });

/** Ends the process as a machine that loses power does, and starts another. */
async function killAndStart(): Promise<void> {
  serving.kill('SIGKILL');
  await serving.ended;
  serving = serve();
}

/** Waits for the build of a commit to be what is asked for. */
function buildOf(commit: string, what: string, wanted: (build: Build) => boolean): Promise<Build> {
  return until(systemClock, `A build of ${commit} that ${what}`, 3 * MINUTE, waiting.signal, async () => {
    const [build] = await shell.stage.ledger.builds.list({ trigger: 'tomoda-dev', commit }, 1);
    return build !== undefined && wanted(build) ? build : undefined;
  });
}

// `landfall serve` dies at every step from the push to the proof, and another process takes up what it left.
describe('a controller that is killed at every step of a delivery', () => {
  beforeAll(async () => {
    [shell, binary] = await Promise.all([openShell({ serve: false }), openBinary()]);
    serving = serve();
    await shell.stage.register('tomoda');
    expect((await shell.ask('prove', 'tomoda', '--wait', '3m')).code).toBe(0);
  }, 5 * MINUTE);
  afterAll(async () => {
    serving.kill('SIGTERM');
    await serving.ended;
    await binary.remove();
    await shell.close();
  });

  it('loses no approval, and makes one image and one commit', { timeout: 10 * MINUTE }, async () => {
    const { stage } = shell;
    const { app, commitNextVersion, devops, git, readPin } = stage.repositories;
    const before = (await readPin('tomoda')).commit;
    const commit = await commitNextVersion();
    await git(app, 'push', '--quiet', 'origin', 'main');

    const { id } = await buildOf(commit, 'waits', ({ state }) => state === 'PENDING');
    await killAndStart();
    const approved = await stage.run(['builds', 'approve', id], { as: APPROVER });
    expect(approved).toMatchObject({ code: 0 });
    await killAndStart();
    await buildOf(commit, 'runs', ({ state }) => state === 'WORKING' || state === 'SUCCESS');
    await killAndStart();
    await buildOf(
      commit,
      'is about to push',
      ({ pushing, state }) => pushing !== undefined || state === 'SUCCESS',
    );
    await killAndStart();
    const built = await buildOf(commit, 'is there', ({ state }) => state === 'SUCCESS');
    await killAndStart();
    const pin = await overlayAsksFor(stage, 'tomoda', `sha-${commit}`, waiting);
    await killAndStart();

    const proven = await shell.ask('prove', 'tomoda', '--revision', commit, '--wait', '3m');
    expect(proven).toMatchObject({ code: 0, json: { verdict: { summary: 'landed' } } });
    expect(built).toMatchObject({ id, attempt: 1, record: { digest: pin.digest, commit } });
    await git(devops, 'fetch', '--quiet');
    const log = await git(devops, 'log', '--format=%H %ae', `${before}..origin/main`);
    expect(log.trim().split('\n')).toHaveLength(1);
    expect(log).toContain(pin.commit);
    expect(log).not.toContain(DEVELOPER.email);
    const broken = await git(devops, '--git-dir', devops.origin, 'fsck', '--connectivity-only');
    expect(broken).not.toContain('missing');
  });
});
