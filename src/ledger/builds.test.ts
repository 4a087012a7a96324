import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ANA, kinds } from '../../test/ledger-places.ts';
import type { Place } from '../../test/ledger-places.ts';
import { childProgram } from '../../test/child-program.ts';
import type { ChildProgram } from '../../test/child-program.ts';
import type { Build, BuildReview, Ledger, NewBuild } from './index.ts';

const DAY = 24 * 60 * 60 * 1000;
const C1 = '1'.repeat(40);
const C2 = '2'.repeat(40);

function newBuild(change: Partial<NewBuild> = {}): NewBuild {
  return {
    declaredIn: 'https://git.corp.io/deploy',
    trigger: 'shop-dev',
    ref: 'refs/heads/main',
    commit: C1,
    origin: 'trigger',
    repository: 'https://git.corp.io/shop',
    definition: { image: 'registry.corp.io/shop' },
    definitionDigest: 'sha256:d1',
    declaredAt: 'd'.repeat(40),
    people: {
      author: { name: 'Ana', email: 'ana@corp.io' },
      committer: { name: 'Ben', email: 'ben@corp.io' },
      subject: 'Sell more',
    },
    image: `registry.corp.io/shop:sha-${C1}`,
    state: 'PENDING',
    message: 'waits for one approval',
    notes: [],
    ...change,
  };
}

function approval(build: Build, change: Partial<BuildReview> = {}): Omit<BuildReview, 'id' | 'at'> {
  return {
    build: build.id,
    kind: 'approve',
    actor: ANA,
    groups: ['release'],
    permitted: true,
    cluster: 'https://10.0.0.1:6443',
    comment: 'looks good',
    url: undefined,
    commit: build.commit,
    definitionDigest: build.definitionDigest,
    ...change,
  };
}

/** Claims a build and writes its steps, or approves one again and again; tells what was acknowledged. */
const CHILD = `
import { writeSync } from 'node:fs';
import { openLedger } from './src/ledger/index.ts';
import { systemClock } from './src/kernel/index.ts';
const { options, work, build, review } = JSON.parse(process.argv[2]);
const ledger = openLedger({ ...options, clock: systemClock });
const tell = (text) => writeSync(1, text + '\\n');
if (work === 'approve') {
  for (let n = 0; ; n += 1) {
    await ledger.builds.review({ ...review, actor: { name: 'person-' + n, attestedBy: 'cluster' } });
    tell(String(n));
  }
} else {
  const claimed = await ledger.builds.claim();
  tell(claimed.id);
  for (let n = 0; ; n += 1) {
    await ledger.builds.step(claimed.id, { seq: 0, name: 'test', state: 'running', startedAt: 'now', head: '', tail: '', written: n });
    tell(String(n));
  }
}
`;

let child: ChildProgram;
beforeAll(async () => {
  child = await childProgram(CHILD);
});
afterAll(() => child.remove());

function start(place: Place, more: object) {
  const { clock: _clock, ...options } = place.options;
  const running = spawn(process.execPath, [child.file, JSON.stringify({ options, ...more })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { running, exited: once(running, 'exit'), lines: createInterface(running.stdout) };
}

describe.each(kinds)('builds in $name', (kind) => {
  let place: Place;
  let ledger: Ledger;
  beforeAll(() => kind.start());
  afterAll(() => kind.stop());
  beforeEach(async () => {
    place = await kind.place();
    ledger = place.open();
  });
  afterEach(() => place.close());

  async function added(change: Partial<NewBuild> = {}): Promise<Build> {
    return (await ledger.builds.add(newBuild(change))).build;
  }

  it('are kept as they were told, and found by the beginning of their id', async () => {
    const build = await added({ notes: ['the tag was moved'] });
    await ledger.close();
    ledger = place.open();
    const { again: _again, record: _record, ...told } = newBuild({ notes: ['the tag was moved'] });
    expect(await ledger.builds.get(build.id.slice(0, 12))).toEqual({
      ...told,
      id: build.id,
      attempt: 1,
      createdAt: '2026-01-01T00:00:00.000Z',
      startedAt: undefined,
      finishedAt: undefined,
      runs: 0,
      pushing: undefined,
      record: undefined,
      url: undefined,
      holder: '',
      cancel: undefined,
    });
    await place.clock.advance(DAY);
    await added({ commit: C2 });
    await expect(ledger.builds.get(build.id.slice(0, 1))).rejects.toMatchObject({ code: 'build-ambiguous' });
    expect(await ledger.builds.get("' or 1=1")).toBeUndefined();
  });

  it('of the same trigger, ref and commit are one, also when several find it at once', async () => {
    const other = place.open();
    const found = await Promise.all(
      [ledger, other, ledger, other].map((each) => each.builds.add(newBuild())),
    );
    expect(new Set(found.map(({ build }) => build.id)).size).toBe(1);
    expect(found.filter((each) => each.added)).toHaveLength(1);
    expect((await ledger.builds.add(newBuild({ ref: 'refs/tags/v1' }))).added).toBe(true);
    // Again only once the one before has ended.
    expect((await ledger.builds.add(newBuild({ again: true }))).added).toBe(false);
    await ledger.builds.cancel(found[0]?.build.id ?? '', 'not now');
    expect((await ledger.builds.add(newBuild())).added).toBe(false);
    expect((await ledger.builds.add(newBuild({ again: true }))).build.attempt).toBe(2);
  });

  it('go from state to state once, whoever comes first', async () => {
    const build = await added();
    const moves = await Promise.all(
      [1, 2].map(() => ledger.builds.move(build.id, ['PENDING'], { state: 'QUEUED', message: 'approved' })),
    );
    expect(moves.filter(Boolean)).toHaveLength(1);
    expect(await ledger.builds.redefine(build.id, { ...build, message: 'changed' })).toBe(false);
    const claims = await Promise.all([ledger, place.open()].map((each) => each.builds.claim()));
    expect(claims.filter((each) => each !== undefined)).toHaveLength(1);
    await expect(ledger.builds.end('nope', 'SUCCESS', '')).rejects.toMatchObject({ code: 'build-lost' });
  });

  it('keep every approval once for each person, and take none when they have ended', async () => {
    const build = await added();
    await ledger.builds.review(approval(build));
    await ledger.builds.review(approval(build, { comment: 'still good' }));
    await ledger.builds.review(approval(build, { actor: { name: 'ben', attestedBy: 'cluster' } }));
    expect((await ledger.builds.reviews(build.id)).map((each) => [each.actor.name, each.comment])).toEqual([
      ['ana', 'still good'],
      ['ben', 'looks good'],
    ]);
    await ledger.builds.cancel(build.id, 'not now');
    await expect(ledger.builds.review(approval(build))).rejects.toMatchObject({ code: 'build-ended' });
    await expect(ledger.builds.cancel(build.id, 'again')).rejects.toMatchObject({ code: 'build-ended' });
    await expect(ledger.builds.review({ ...approval(build), build: 'zz' })).rejects.toMatchObject({
      code: 'build-unknown',
    });
  });

  it('that run are cancelled by who runs them, and say what they wrote', async () => {
    const build = await added({ state: 'QUEUED' });
    await ledger.builds.claim();
    expect(await ledger.builds.cancel(build.id, 'ana asked')).toBe('WORKING');
    expect(await ledger.builds.keep(build.id)).toEqual({ cancel: 'ana asked' });
    const step = {
      seq: 0,
      name: 'test',
      state: 'running' as const,
      exitCode: undefined,
      startedAt: '2026-01-01T00:00:00.000Z',
      finishedAt: undefined,
      head: 'a\u0000b',
      tail: '',
      written: 3,
    };
    await ledger.builds.step(build.id, step);
    await ledger.builds.step(build.id, { ...step, state: 'failed', exitCode: 2, tail: 'c', written: 9 });
    expect(await place.open().builds.steps(build.id)).toEqual([
      { ...step, head: 'a\u2400b', state: 'failed', exitCode: 2, tail: 'c', written: 9 },
    ]);
    await ledger.builds.note(build.id, { pushing: 'sha256:1', note: 'pointers' });
    await ledger.builds.end(build.id, 'CANCELLED', 'ana asked');
    await expect(ledger.builds.step(build.id, step)).rejects.toMatchObject({ code: 'build-lost' });
    expect(await ledger.builds.get(build.id)).toMatchObject({
      state: 'CANCELLED',
      pushing: 'sha256:1',
      notes: ['pointers'],
    });
  });

  it('are told until they were', async () => {
    const build = await added();
    const untold = async () => (await ledger.builds.list({ untold: true }, 9)).map((each) => each.state);
    expect(await untold()).toEqual(['PENDING']);
    await ledger.builds.told(build.id, 'PENDING');
    expect(await untold()).toEqual([]);
    await ledger.builds.move(build.id, ['PENDING'], { state: 'REJECTED', message: 'no' });
    // What was told meanwhile of the state before is not what is the case.
    await ledger.builds.told(build.id, 'PENDING');
    expect(await untold()).toEqual(['REJECTED']);
  });

  it('remember what their trigger has seen', async () => {
    expect(await ledger.builds.seen('d', 't')).toBeUndefined();
    await ledger.builds.sawRefs('d', 't', new Map());
    expect((await ledger.builds.seen('d', 't'))?.refs.size).toBe(0);
    const many = new Map(Array.from({ length: 250 }, (_, n) => [`refs/tags/v${n}`, C1]));
    await ledger.builds.sawRefs('d', 't', many);
    await ledger.builds.sawRefs('d', 't', new Map([['refs/tags/v7', C2]]));
    const seen = await ledger.builds.seen('d', 't');
    expect([seen?.refs.size, seen?.refs.get('refs/tags/v7'), seen?.refs.get('refs/tags/v8')]).toEqual([
      250,
      C2,
      C1,
    ]);
  });

  it('go in time, but never the last good one or one that is open', async () => {
    const good = await added({ state: 'SUCCESS' });
    const open = await added({ commit: C2 });
    await added({ commit: '3'.repeat(40), state: 'FAILURE' });
    await place.clock.advance(100 * DAY);
    await added({ commit: '4'.repeat(40), state: 'FAILURE' });
    const left = (await ledger.builds.list({}, 99)).map((each) => each.id);
    expect(left).toHaveLength(3);
    expect(left).toEqual(expect.arrayContaining([good.id, open.id]));
    for (let n = 0; n < 210; n += 1)
      await added({ commit: n.toString(16).padStart(40, '0'), state: 'FAILURE' });
    expect((await ledger.builds.list({}, 999)).length).toBeLessThanOrEqual(202);
  });

  it('lose no approval that was acknowledged before a kill -9', async () => {
    const build = await added();
    const { running, exited, lines } = start(place, { work: 'approve', review: approval(build) });
    let last = -1;
    for await (const line of lines) {
      last = Number(line);
      if (last === 20) running.kill('SIGKILL');
    }
    await exited;
    expect(last).toBeGreaterThanOrEqual(20);
    const names = new Set((await place.open().builds.reviews(build.id)).map((each) => each.actor.name));
    for (let n = 0; n <= last; n += 1) expect(names).toContain(`person-${n}`);
  });

  it('whose process was killed are taken up by another, and by one that lives by nobody', async () => {
    const build = await added({ state: 'QUEUED' });
    const { running, exited, lines } = start(place, { work: 'run' });
    const told: string[] = [];
    for await (const line of lines) {
      told.push(line);
      if (told.length === 5) {
        expect(await ledger.builds.claim()).toBeUndefined();
        running.kill('SIGKILL');
      }
    }
    await exited;
    expect(told[0]).toBe(build.id);
    // The database may still be ending what the dead process had asked for: then it is claimed a moment later.
    const taken = await vi.waitFor(async () => {
      const claimed = await ledger.builds.claim();
      expect(claimed).toBeDefined();
      return claimed;
    }, 30_000);
    expect([taken?.id, taken?.runs]).toEqual([build.id, 2]);
    expect(await place.open().builds.claim()).toBeUndefined();
    // Closing gives it back at once.
    await ledger.close();
    ledger = place.open();
    expect((await ledger.builds.claim())?.runs).toBe(2);
  });
});
