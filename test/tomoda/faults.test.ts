import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { APPROVER, DEV_API_HOST, DEVELOPER, startLoad } from '../../examples/tomoda/index.ts';
import type { ClonedRepository } from '../../examples/tomoda/index.ts';
import { buildIs, overlayAsksFor } from '../../src/cli/demo/tomoda/waits.ts';
import { until } from '../../src/cli/demo/until.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { openBinary } from '../cli/binary.ts';
import type { Binary, Started } from '../cli/binary.ts';
import { openShell } from './shell.ts';
import type { Shell } from './shell.ts';

const MINUTE = 60_000;
const waiting = { clock: systemClock, signal: new AbortController().signal };

let shell: Shell;
let binary: Binary;
let controllers: readonly Started[];

/** Commits one line more to the app and pushes it; approved at once. */
async function release(line: string): Promise<string> {
  const { stage } = shell;
  const { app, edit } = stage.repositories;
  const commit = await edit(app, 'README.md', (text) => `${text}\n${line}\n`, line);
  const { id } = await buildIs(stage, 'tomoda-dev', commit, 'PENDING', waiting);
  expect(await stage.run(['builds', 'approve', id], { as: APPROVER })).toMatchObject({ code: 0 });
  return commit;
}

async function commitsTo(repository: ClonedRepository, since: string): Promise<readonly string[]> {
  const { git } = shell.stage.repositories;
  await git(repository, 'fetch', '--quiet');
  const log = await git(repository, 'log', '--reverse', '--format=%ae', `${since}..origin/main`);
  return log
    .trim()
    .split('\n')
    .filter((line) => line !== '');
}

async function landed(commit: string): Promise<void> {
  expect(await shell.ask('prove', 'tomoda', '--revision', commit, '--wait', '4m')).toMatchObject({
    code: 0,
    json: { verdict: { summary: 'landed' } },
  });
}

// The whole system under what goes wrong between a push and its proof; two controllers serve it at once.
describe('tomoda when things go wrong', () => {
  beforeAll(async () => {
    [shell, binary] = await Promise.all([openShell({ serve: false }), openBinary()]);
    const serve = () => binary.start(['serve', '--poll', '2s', '--quiet'], { env: shell.stage.env });
    controllers = [serve(), serve()];
    await shell.stage.register('tomoda');
    expect((await shell.ask('prove', 'tomoda', '--wait', '4m')).code).toBe(0);
  }, 6 * MINUTE);
  afterAll(async () => {
    for (const controller of controllers) controller.kill('SIGTERM');
    await Promise.all(controllers.map(({ ended }) => ended));
    await binary.remove();
    await shell.close();
  });

  it(
    'makes one build and one commit, though two controllers see each push',
    { timeout: 8 * MINUTE },
    async () => {
      const { stage } = shell;
      const { devops, readPin } = stage.repositories;
      const before = (await readPin('tomoda')).commit;
      const commit = await release('First');
      await overlayAsksFor(stage, 'tomoda', `sha-${commit}`, waiting);
      await landed(commit);
      const builds = await stage.ledger.builds.list({ trigger: 'tomoda-dev', commit }, 10);
      expect(builds.map(({ state, attempt }) => [state, attempt])).toEqual([['SUCCESS', 1]]);
      expect(await commitsTo(devops, before)).toEqual(['image-updater@tomoda.life']);
    },
  );

  it(
    'commits nothing while the registry is away, and goes on when it is back',
    { timeout: 8 * MINUTE },
    async () => {
      const { stage } = shell;
      const { readPin } = stage.repositories;
      const before = await readPin('tomoda');
      const load = startLoad(await stage.ingress(DEV_API_HOST));
      const lift = stage.cluster.registry.fail({
        effect: { type: 'status', status: 503 },
        times: Number.POSITIVE_INFINITY,
      });
      let commit: string;
      try {
        commit = await release('Second');
        await buildIs(stage, 'tomoda-dev', commit, 'WORKING', waiting);
        const asked = await stage.run(['updates', 'run', 'tomoda']);
        expect(asked.code).toBe(1);
        expect(await readPin('tomoda')).toEqual(before);
        const proof = await shell.ask('prove', 'tomoda');
        expect(proof.json).not.toMatchObject({ verdict: { state: 'broken' } });
      } finally {
        lift();
      }
      await buildIs(stage, 'tomoda-dev', commit, 'SUCCESS', waiting);
      await overlayAsksFor(stage, 'tomoda', `sha-${commit}`, waiting);
      await landed(commit);
      expect((await load.stop()).why).toEqual([]);
    },
  );

  it('gets its commit in while others push theirs, and loses none', { timeout: 8 * MINUTE }, async () => {
    const { stage } = shell;
    const { devops, edit, readPin } = stage.repositories;
    const before = (await readPin('tomoda')).commit;
    const commit = await release('Third');
    const others = 12;
    // Each of them comes while the updater makes its commit, or before it.
    await buildIs(stage, 'tomoda-dev', commit, 'SUCCESS', waiting);
    for (let other = 1; other <= others; other += 1)
      await edit(devops, 'README.md', (text) => `${text}\nNote ${other}.\n`, `Note ${other}`);
    await overlayAsksFor(stage, 'tomoda', `sha-${commit}`, waiting);
    await landed(commit);
    const authors = await commitsTo(devops, before);
    expect(authors.filter((author) => author === 'image-updater@tomoda.life')).toHaveLength(1);
    expect(authors.filter((author) => author === DEVELOPER.email)).toHaveLength(others);
  });

  it('is told of by name, without a secret in it', async () => {
    const { told } = shell.stage;
    await until(systemClock, 'Somebody being told', MINUTE, waiting.signal, () =>
      Promise.resolve(told.length > 0 || undefined),
    );
    const text = JSON.stringify(told);
    expect(text).toContain('tomoda-dev');
    expect(text).not.toContain(shell.stage.cluster.token);
  });
});
