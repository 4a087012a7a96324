import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HistoryRow } from '../../src/cli/history/rows.ts';
import type { RecordNote } from '../../src/cli/history/note.ts';
import { stateFolder } from '../../src/cli/folders.ts';
import { manualClock } from '../../src/kernel/index.ts';
import { openLedger } from '../../src/ledger/index.ts';
import { openStage, workload } from './stage.ts';
import type { Stage } from './stage.ts';
import { newPerson } from './terminal.ts';
import type { Person } from './terminal.ts';

const MINUTE = 60_000;

describe('the history of an application that somebody else delivers', () => {
  let stage: Stage;
  let first: string;
  let second: string;

  beforeAll(async () => {
    stage = await openStage();
    first = await stage.commit({
      ...workload('web', { mode: 'web' }),
      'landfall.yaml':
        'apiVersion: landfall.dev/v1\nenvironments: [{ name: staging, applications: [web] }]\n',
    });
    await stage.deliver('web', { path: 'web' });
    expect((await stage.prove('web', ['--wait', '40s'])).code).toBe(0);
    for (let look = 0; look < 2; look += 1) await stage.prove('web');
    second = await stage.commit(workload('web', { mode: 'exit' }));
    await stage.refresh('web');
    expect((await stage.prove('web', ['--wait', '40s'])).code).toBe(1);
  }, 2 * MINUTE);
  afterAll(() => stage.close(), MINUTE);

  const rows = async () =>
    JSON.parse((await stage.run(['history', 'web', '-o', 'json'])).out) as readonly HistoryRow[];
  const note = async (...args: readonly string[]) =>
    JSON.parse((await stage.run(['note', 'web', ...args, '-o', 'json'])).out) as RecordNote;

  it('holds what prove saw, one delivery for each revision', async () => {
    const found = await rows();
    expect(found.map(({ revision, state, trigger }) => ({ revision, state, trigger }))).toEqual([
      { revision: second, state: 'stopped', trigger: 'observed' },
      { revision: first, state: 'landed', trigger: 'observed' },
    ]);
    expect(found[0]).toMatchObject({ environment: 'staging', boundary: 'health', namespace: 'argocd' });
    expect(found[1]).toMatchObject({ boundary: null, digest: expect.stringMatching(/^sha256:/) as string });
  });

  it('is shown with the last that landed on the first line', async () => {
    const { code, out } = await stage.run(['history', 'web']);
    expect(code).toBe(0);
    expect(out.split('\n')[0]).toMatch(
      new RegExp(`^web → staging   … ${first.slice(0, 8)} landed .*; 1 attempt since$`),
    );
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(110);
    expect(out).toContain('stopped at health');
    expect((await stage.run(['history', 'web', '-n', '1', '-o', 'json'])).out).not.toContain(first);
  });

  it('gives a note of what stands now: each state, the boundary, the evidence, what to go back to', async () => {
    const now = await note();
    expect(now).toMatchObject({
      from: 'cluster',
      verdict: 'stopped at health',
      landed: false,
      boundary: 'health',
      revision: second,
      rollback: { revision: first },
    });
    const state = Object.fromEntries(now.states.map((each) => [each.name, each.state]));
    expect(state).toMatchObject({
      desired: 'proven',
      rendered: 'proven',
      sync: 'proven',
      live: 'proven',
      health: 'broken',
    });
    expect(Object.keys(state)).toContain('rollout');
    expect(now.next[1]).toBe(
      `git diff ${second.slice(0, 12)} ${first.slice(0, 12)}   # what going back changes`,
    );
    const { out } = await stage.run(['note', 'web']);
    expect(out.split('\n')[0]).toMatch(/^✗ stopped at health {3}web → staging/);
    expect(out).toMatch(new RegExp(`roll back +${first.slice(0, 8)}, landed`));
  });

  it('gives the same note of a delivery without asking the cluster', async () => {
    const [newest, oldest] = await rows();
    const kept = await note(newest?.id ?? '');
    const { from, at, ...live } = await note();
    expect(from).toBe('cluster');
    expect(kept).toMatchObject({ from: 'ledger', verdict: live.verdict, rollback: live.rollback });
    expect(kept.states.map((each) => each.state)).toEqual(live.states.map((each) => each.state));
    const offline = await stage.run(['note', 'web', oldest?.id ?? '', '-o', 'markdown'], {
      env: { KUBECONFIG: '/nowhere' },
    });
    expect(offline.code).toBe(0);
    expect(offline.out).toContain('# landed: web → staging');
    expect(offline.out).toContain('| rollout | proven |');
    expect(at).not.toBe('');
  });

  it('does not decide over a proof when it cannot be written', async () => {
    const file = path.join(stage.home, 'no-folder');
    await writeFile(file, '');
    const { code, out, err } = await stage.run(['prove', 'web'], { env: { XDG_STATE_HOME: file } });
    expect(code).toBe(1);
    expect(out.split('\n')[0]).toContain('stopped at health');
    expect(err).toMatch(/^! What is held is not known\. .*\n! This was not kept in the ledger\. .*no-folder/);
  });
});

describe('the history of deliveries of ours', () => {
  let person: Person;
  let delivery: string;

  beforeAll(async () => {
    person = await newPerson();
    const clock = manualClock();
    const ledger = openLedger({ folder: stateFolder({ HOME: person.home }), clock });
    const shop = { cluster: 'https://10.0.0.1:6443', namespace: 'argocd', application: 'checkout' };
    const ana = { name: 'ana', attestedBy: 'cluster' } as const;
    const start = (revision: string) =>
      ledger.deliveries.start({
        ...shop,
        environment: 'staging',
        revision,
        trigger: 'apply',
        actor: ana,
        startedAt: new Date(clock.now()).toISOString(),
      });
    const landed = await start('a'.repeat(40));
    await ledger.deliveries.update(landed, { state: 'landed', message: 'landed' });
    await clock.advance(60_000);
    delivery = await start('b'.repeat(40));
    await ledger.deliveries.update(delivery, {
      state: 'restored',
      message: 'Service/checkout was refused; everything is as it was',
      results: [
        {
          action: 'change',
          kind: 'Deployment',
          namespace: 'shop',
          name: 'checkout',
          state: 'done',
          message: '',
        },
        {
          action: 'create',
          kind: 'Service',
          namespace: 'shop',
          name: 'checkout',
          state: 'failed',
          message: 'spec.ports[0].port: 99999 is not between 1 and 65535',
          where: 'deploy/service.yaml:11',
        },
      ],
    });
    await ledger.decisions.record({
      ...shop,
      kind: 'hold-lifted',
      actor: ana,
      reason: 'tried again',
      detail: {},
    });
    await ledger.notices.record({
      ...shop,
      delivery,
      environment: 'staging',
      channel: 'slack hooks.slack.com',
      state: 'failed',
      attempts: 4,
      message: 'answered 500',
    });
    await ledger.close();
  });
  afterAll(() => person.leave());

  it('says of one all that is known: objects, decisions, and who was not told', async () => {
    const { code, out } = await person.run(['history', 'checkout', delivery.slice(0, 13)]);
    expect(code).toBe(0);
    expect(out).toMatch(/^✗ restored, at sync {3}checkout → staging {3}revision bbbbbbbb\n/);
    expect(out).toContain('apply by ana (known to the cluster)');
    expect(out).toContain('99999 is not between 1 and 65535');
    expect(out).toContain('deploy/service.yaml:11');
    expect(out).toContain('hold-lifted by ana');
    expect(out).toContain('✗ slack hooks.slack.com');
    const json = JSON.parse(
      (await person.run(['history', 'checkout', delivery, '-o', 'json'])).out,
    ) as object;
    expect(json).toMatchObject({
      delivery: { id: delivery, state: 'restored', results: [{ state: 'done' }, { state: 'failed' }] },
      decisions: [{ kind: 'hold-lifted' }],
      notices: [{ state: 'failed' }],
      rollback: { revision: 'a'.repeat(40) },
    });
  });

  it('gives a note of one that nothing proved: what failed, and what to go back to', async () => {
    const { out } = await person.run(['note', 'checkout', delivery]);
    expect(out.split('\n')[0]).toBe('✗ restored   checkout → staging   revision bbbbbbbb');
    expect(out).toMatch(/boundary +sync/);
    expect(out).toMatch(/✗ Service\/shop\/checkout {2}failed/);
    expect(out).not.toContain('Deployment/shop/checkout');
    expect(out).toMatch(/roll back +aaaaaaaa, landed/);
  });

  it('answers wrong names and ids with what there is', async () => {
    const wrong = await person.run(['history', 'chekout']);
    expect([wrong.code, wrong.out]).toEqual([3, '']);
    expect(wrong.err).toContain('It knows checkout.');
    for (const id of ['zzz', '-', '1']) {
      const { code } = await person.run(['history', 'checkout', '--', id]);
      expect(code).toBe(3);
    }
    const stranger = await person.run(['note', 'payment', delivery]);
    expect([stranger.code, stranger.err]).toEqual([3, expect.stringContaining('argocd/checkout') as string]);
    const url = await person.run(['history', 'checkout', '--ledger', 'mysql://ana:hunter2@db/x']);
    expect(url.code).toBe(3);
    expect(url.err).not.toContain('hunter2');
  });
});
