import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../kernel/index.ts';
import type { Ledger, Observation } from './index.ts';
import { ANA, journal, kinds, postgresMissing, SHOP, startDelivery, step } from '../../test/ledger-places.ts';
import type { Place } from '../../test/ledger-places.ts';

const DAY = 24 * 60 * 60 * 1000;
const D1 = `sha256:${'1'.repeat(64)}`;
const D2 = `sha256:${'2'.repeat(64)}`;
const OTHER = { ...SHOP, application: 'other' };

it('runs on both databases, or says why not', () => {
  if (postgresMissing !== undefined) process.stderr.write(`${postgresMissing}\n`);
  expect(process.env['CI'] === 'true' && postgresMissing !== undefined).toBe(false);
});

function proofOf(digest: string | undefined, more: JsonObject = {}): JsonObject {
  return { release: digest === undefined ? {} : { digest }, ...more };
}

function seen(change: Partial<Observation> = {}): Observation {
  return {
    ...SHOP,
    environment: 'prod',
    revision: 'rev1',
    actor: ANA,
    state: 'unproven',
    message: 'moving at rollout',
    proof: proofOf(D1),
    ...change,
  };
}

describe.each(kinds)('a ledger in $name', (kind) => {
  let place: Place;
  let ledger: Ledger;

  beforeAll(() => kind.start());
  afterAll(() => kind.stop());
  beforeEach(async () => {
    place = await kind.place();
    ledger = place.open();
  });
  afterEach(() => place.close());

  const states = async () =>
    (await ledger.deliveries.list(SHOP, 100)).map((each) => `${each.trigger} ${each.revision} ${each.state}`);

  describe('keeps deliveries', () => {
    it('as they were told, newest first, also for who opens it later', async () => {
      const first = await startDelivery(ledger, place.clock);
      const second = await startDelivery(ledger, place.clock, 'rev2');
      await ledger.deliveries.start({
        ...OTHER,
        environment: undefined,
        revision: 'x',
        trigger: 'sync',
        actor: ANA,
        startedAt: '2026-01-01T00:00:00.000Z',
      });
      await ledger.deliveries.update(second, {
        finishedAt: '2026-01-01T00:00:09.000Z',
        state: 'applied',
        message: 'all healthy',
        results: [{ kind: 'Deployment', name: 'shop', result: 'changed' }],
      });
      await ledger.deliveries.update(second, { state: 'landed', proof: proofOf(D1, { ok: true }) });
      await ledger.close();
      ledger = place.open();
      expect(first < second).toBe(true);
      expect((await ledger.deliveries.list(SHOP, 10)).map((each) => each.id)).toEqual([second, first]);
      expect(await ledger.deliveries.list({ cluster: SHOP.cluster }, 10)).toHaveLength(3);
      expect(await ledger.deliveries.list(SHOP, 1)).toHaveLength(1);
      expect(await ledger.deliveries.get(second)).toEqual({
        id: second,
        ...SHOP,
        environment: 'prod',
        revision: 'rev2',
        trigger: 'apply',
        actor: ANA,
        startedAt: '2026-01-01T00:00:00.000Z',
        finishedAt: '2026-01-01T00:00:09.000Z',
        state: 'landed',
        message: 'all healthy',
        results: [{ kind: 'Deployment', name: 'shop', result: 'changed' }],
        digest: D1,
        proof: { release: { digest: D1 }, ok: true },
      });
      const [other] = await ledger.deliveries.list(OTHER, 1);
      expect([other?.environment, other?.digest, other?.proof, other?.finishedAt]).toEqual([
        undefined,
        undefined,
        undefined,
        undefined,
      ]);
    });

    it('and finds one by the beginning of its id, unless several begin so', async () => {
      const first = await startDelivery(ledger, place.clock);
      await place.clock.advance(3_600_000);
      const second = await startDelivery(ledger, place.clock);
      expect((await ledger.deliveries.get(second.slice(0, 9)))?.id).toBe(second);
      await expect(ledger.deliveries.get(first.slice(0, 2))).rejects.toMatchObject({
        kind: 'invalid-input',
        code: 'delivery-ambiguous',
        message: expect.stringContaining(`${first}, ${second}`) as string,
      });
      for (const wrong of ['', '%', '_', 'zzzz', `${first}0`, "' or 1=1"])
        expect(await ledger.deliveries.get(wrong)).toBeUndefined();
      await expect(ledger.deliveries.update('nope', { message: 'x' })).rejects.toMatchObject({
        code: 'delivery-unknown',
      });
    });

    it('with a proof whole, unless it is very large: then without its claims', async () => {
      const claims = Array.from({ length: 3000 }, (_, n) => ({
        subject: `Deployment/${n}`,
        value: 'x'.repeat(80),
      }));
      const proof = (count: number): JsonObject => ({
        verdict: { summary: 'landed' },
        boundaries: [{ boundary: 'live', detail: 'as asked for', claims: claims.slice(0, count) }],
      });
      const id = await startDelivery(ledger, place.clock);
      await ledger.deliveries.update(id, { proof: proof(10) });
      expect((await ledger.deliveries.get(id))?.proof).toEqual(proof(10));
      await ledger.deliveries.update(id, { proof: proof(3000) });
      expect((await ledger.deliveries.get(id))?.proof).toEqual({ ...proof(0), claimsLeftOut: true });
    });

    it('two hundred of an application and ninety days, but always the last that landed and what is open', async () => {
      const landed = await startDelivery(ledger, place.clock, 'landed');
      await ledger.deliveries.update(landed, { state: 'landed' });
      const open = await startDelivery(ledger, place.clock, 'open');
      await ledger.journals.begin(journal(open, [step(1)]));
      await ledger.deliveries.update(open, { state: 'stuck' });
      const running = await startDelivery(ledger, place.clock, 'running');
      const refused = await startDelivery(ledger, place.clock, 'refused');
      await ledger.deliveries.update(refused, { state: 'refused' });
      const stranger = await ledger.deliveries.start({
        ...OTHER,
        environment: undefined,
        revision: 'x',
        trigger: 'sync',
        actor: ANA,
        startedAt: new Date(place.clock.now()).toISOString(),
      });
      const insert = (n: number) =>
        `('${String(n).padStart(14, 'z')}', '${SHOP.cluster}', '${SHOP.namespace}', '${SHOP.application}', 'bulk', 'apply', 'ana', 'nobody', '${new Date(place.clock.now()).toISOString()}', 'restored', '', '[]')`;
      await place.execute(
        `insert into landfall_delivery (id, cluster, namespace, application, revision, trigger, actor, attested_by, started_at, state, message, results) values ${Array.from({ length: 199 }, (_, n) => insert(100 + n)).join(', ')}`,
      );
      await startDelivery(ledger, place.clock, 'newest');
      const ids = new Set((await ledger.deliveries.list(SHOP, 1000)).map((each) => each.id));
      expect([landed, open, running, refused].map((id) => ids.has(id))).toEqual([true, true, true, false]);
      expect(ids.size).toBe(203);
      expect(await ledger.deliveries.get(stranger)).toBeDefined();

      // Nobody holds the journal any more; it is open all the same.
      await ledger.close();
      await place.clock.advance(91 * DAY);
      ledger = place.open();
      await startDelivery(ledger, place.clock, 'much later');
      const left = await ledger.deliveries.list({}, 1000);
      expect(left.map((each) => each.revision).toSorted()).toEqual(['landed', 'much later', 'open']);
    });
  });

  describe('keeps what a proof has seen', () => {
    it('as one delivery for each revision and digest, however often it looks', async () => {
      const first = await ledger.deliveries.observe(seen());
      for (let look = 0; look < 3; look += 1) await ledger.deliveries.observe(seen());
      await ledger.deliveries.observe(seen({ proof: proofOf(undefined) }));
      expect(await states()).toEqual(['observed rev1 unproven']);
      const other = await ledger.deliveries.observe(seen({ proof: proofOf(D2) }));
      expect(other).not.toBe(first);
      expect(await states()).toEqual(['observed rev1 unproven', 'observed rev1 superseded']);
      expect(await ledger.deliveries.observe(seen())).toBe(first);
      expect(await ledger.deliveries.list(SHOP, 10)).toHaveLength(2);
    });

    it('and once it has landed, it stays so', async () => {
      const id = await ledger.deliveries.observe(seen({ proof: proofOf(undefined) }));
      await ledger.deliveries.observe(seen({ state: 'landed', message: 'landed', proof: proofOf(D1) }));
      await ledger.deliveries.observe(seen({ state: 'stopped', message: 'stopped at health' }));
      expect(await ledger.deliveries.get(id)).toMatchObject({
        state: 'landed',
        message: 'landed',
        digest: D1,
      });
    });

    it('with the delivery that carried it, which it proves but never excuses', async () => {
      const id = await startDelivery(ledger, place.clock);
      await ledger.deliveries.observe(seen({ state: 'stopped', message: 'stopped at sync' }));
      expect(await states()).toEqual(['apply rev1 running']);
      await ledger.deliveries.update(id, { state: 'applied' });
      await ledger.deliveries.observe(seen({ state: 'landed', message: 'landed' }));
      expect(await states()).toEqual(['apply rev1 landed']);
      const refused = await startDelivery(ledger, place.clock, 'rev2');
      await ledger.deliveries.update(refused, { state: 'refused', message: 'no' });
      await ledger.deliveries.observe(seen({ revision: 'rev2', state: 'landed' }));
      expect(await ledger.deliveries.get(refused)).toMatchObject({ state: 'refused', message: 'no' });
    });

    it('once, when two look at the same time', async () => {
      const others = [place.open(), place.open(), ledger];
      const ids = await Promise.all(others.map((each) => each.deliveries.observe(seen())));
      expect(new Set(ids).size).toBe(1);
      expect(await states()).toEqual(['observed rev1 unproven']);
    });
  });

  describe('keeps journals', () => {
    it('one at a time for an application, and says who has it and since when', async () => {
      const delivery = await startDelivery(ledger, place.clock);
      const id = await ledger.journals.begin(journal(delivery, [step(1)]));
      const second = place.open();
      for (const who of [ledger, second]) {
        await expect(who.journals.begin(journal(delivery, [step(1)]))).rejects.toMatchObject({
          kind: 'conflict',
          code: 'journal-held',
          message: expect.stringMatching(
            new RegExp(
              `ana applies rev1 since 2026-01-01T00:00:00.000Z .process ${process.pid} on .*${delivery}`,
            ),
          ) as string,
        });
      }
      await second.journals.begin({ ...journal(delivery, []), ...OTHER });
      await ledger.journals.state(id, 'committed');
      await second.journals.begin(journal(delivery, []));
    });

    it('of which exactly one of many that begin at once is begun', async () => {
      const ledgers = Array.from({ length: 4 }, () => place.open());
      const begun = await Promise.allSettled(
        ledgers.map((each) => each.journals.begin(journal('d', [step(1)]))),
      );
      expect(begun.filter((each) => each.status === 'fulfilled')).toHaveLength(1);
    });

    it('with every step, and the objects whole until they are not needed any more', async () => {
      const steps = Array.from({ length: 450 }, (_, n) => step(n));
      steps[7] = step(7, { action: 'create', before: undefined, namespace: undefined });
      const id = await ledger.journals.begin(journal('d', steps));
      expect((await ledger.journals.get(id))?.steps).toEqual(steps);
      await Promise.all([
        ledger.journals.step(id, 3, { state: 'begun' }),
        ledger.journals.step(id, 4, { state: 'failed', message: 'refused' }),
      ]);
      await ledger.journals.step(id, 3, { state: 'done', uid: 'u3', resourceVersion: '33' });
      await ledger.journals.state(id, 'restoring');
      const half = await ledger.journals.get(id);
      expect(half?.state).toBe('restoring');
      expect(half?.steps[3]).toEqual({ ...step(3), state: 'done', uid: 'u3', resourceVersion: '33' });
      expect(half?.steps[4]).toEqual({ ...step(4), state: 'failed', message: 'refused' });
      expect(half?.steps[5]).toEqual(step(5));
      await ledger.journals.state(id, 'restored');
      const ended = await ledger.journals.get(id);
      expect(ended?.steps.every((each) => each.before === undefined && each.after === undefined)).toBe(true);
      expect(ended?.steps[3]).toMatchObject({ state: 'done', uid: 'u3' });
      await expect(ledger.journals.step(id, 3, { state: 'undone' })).rejects.toMatchObject({
        code: 'journal-lost',
      });
    });

    it('with many steps that end at once, each as it ended, in the order in which it was told', async () => {
      const id = await ledger.journals.begin(
        journal(
          'd',
          Array.from({ length: 250 }, (_, n) => step(n)),
        ),
      );
      const change = (n: number) => ({ state: 'done' as const, uid: `u'${n}`, resourceVersion: String(n) });
      const told = Array.from({ length: 250 }, (_, n) => ledger.journals.step(id, n, change(n)));
      await Promise.all([
        ...told,
        ledger.journals.step(id, 7, { state: 'begun' }),
        ledger.journals.step(id, 8, { state: 'failed', message: 'refused' }),
        ledger.journals.step(id, 9, change(99)),
      ]);
      const steps = (await ledger.journals.get(id))?.steps ?? [];
      expect(steps.map(({ state, uid, resourceVersion }) => ({ state, uid, resourceVersion }))).toEqual(
        Array.from({ length: 250 }, (_, n) => {
          if (n === 7) return { ...change(7), state: 'begun' };
          if (n === 8) return { ...change(8), state: 'failed' };
          return change(n === 9 ? 99 : n);
        }),
      );
      const missing = [ledger.journals.step(id, 1, change(1)), ledger.journals.step(id, 999, change(2))];
      const ended = await Promise.allSettled(missing);
      expect(ended.map((each) => each.status)).toEqual(['rejected', 'rejected']);
    });

    it('and keeps the objects of one that is stuck', async () => {
      const id = await ledger.journals.begin(journal('d', [step(1)]));
      await ledger.journals.state(id, 'stuck');
      expect((await ledger.journals.get(id))?.steps).toEqual([step(1)]);
      expect(await ledger.journals.unfinished()).toEqual([]);
      await ledger.journals.begin(journal('d', []));
    });

    it('that are watched, beside the next one, until they are taken back or let stand', async () => {
      const id = await ledger.journals.begin(journal('d', [step(1)]));
      await ledger.journals.state(id, 'proving');
      const next = await ledger.journals.begin(journal('e', []));
      await ledger.journals.state(next, 'committed');
      await ledger.journals.release(id);
      expect(await ledger.journals.unfinished()).toEqual([]);
      expect(await ledger.journals.proving()).toMatchObject([{ id, state: 'proving' }]);
      expect((await ledger.journals.takeOver(id)).steps).toEqual([step(1)]);
      await ledger.journals.state(id, 'restoring');
      expect(await ledger.journals.proving()).toEqual([]);
      await ledger.journals.state(id, 'restored');
      expect((await ledger.journals.get(id))?.steps[0]?.after).toBeUndefined();
    });

    it('whose process lives, for nobody else to take', async () => {
      const id = await ledger.journals.begin(journal('d', [step(1)]));
      const other = place.open();
      await place.clock.advance(120_000);
      expect(await other.journals.unfinished()).toEqual([]);
      await expect(other.journals.takeOver(id)).rejects.toMatchObject({ code: 'journal-held' });
      const lost = { kind: 'conflict', code: 'journal-lost' };
      await expect(other.journals.step(id, 1, { state: 'done' })).rejects.toMatchObject(lost);
      await expect(other.journals.state(id, 'committed')).rejects.toMatchObject(lost);
      expect((await ledger.journals.get(id))?.steps).toEqual([step(1)]);
    });

    it('that were let go, for exactly one to take over', async () => {
      const dying = place.open();
      const id = await dying.journals.begin(journal('d', [step(1)]));
      await dying.journals.step(id, 1, { state: 'begun' });
      await dying.close();
      await expect(ledger.journals.begin(journal('d', []))).rejects.toMatchObject({
        code: 'journal-unfinished',
      });
      expect(await ledger.journals.unfinished(SHOP)).toMatchObject([{ id, state: 'open', revision: 'rev1' }]);
      expect(await ledger.journals.unfinished(OTHER)).toEqual([]);
      const takers = [ledger, place.open(), place.open()];
      const taken = await Promise.allSettled(takers.map((each) => each.journals.takeOver(id)));
      const won = taken.findIndex((each) => each.status === 'fulfilled');
      expect(taken.filter((each) => each.status === 'fulfilled')).toHaveLength(1);
      const winner = takers[won];
      expect(await winner?.journals.takeOver(id)).toMatchObject({ steps: [{ ...step(1), state: 'begun' }] });
      await winner?.journals.step(id, 1, { state: 'undone' });
      await winner?.journals.state(id, 'restored');
      await expect(ledger.journals.takeOver(id)).rejects.toMatchObject({ code: 'journal-lost' });
    });

    it('of another machine until its lease has run out, and then never for the one that slept', async () => {
      const sleeper = place.open();
      const id = await sleeper.journals.begin(journal('d', [step(1)]));
      await place.execute("update landfall_journal set machine = 'another', pid = 1, process_start = ''");
      expect(await ledger.journals.unfinished()).toEqual([]);
      await expect(ledger.journals.takeOver(id)).rejects.toMatchObject({ code: 'journal-held' });
      await place.execute('update landfall_journal set lease_until = 1');
      expect(await ledger.journals.unfinished()).toHaveLength(1);
      await ledger.journals.takeOver(id);
      await expect(sleeper.journals.step(id, 1, { state: 'done' })).rejects.toMatchObject({
        code: 'journal-lost',
      });
      await expect(sleeper.journals.state(id, 'committed')).rejects.toMatchObject({ code: 'journal-lost' });
      await ledger.journals.step(id, 1, { state: 'undone' });
    });

    it('and renews the lease while it works and while it waits', async () => {
      const id = await ledger.journals.begin(journal('d', [step(1)]));
      const until = async () => {
        const [row] = await place.execute('select lease_until from landfall_journal');
        return Number(row?.['lease_until']);
      };
      await place.execute('update landfall_journal set lease_until = 1');
      await place.clock.advance(11_000);
      await expect.poll(until).toBeGreaterThan(1);
      await place.execute('update landfall_journal set lease_until = 1');
      await ledger.journals.state(id, 'restoring');
      expect(await until()).toBeGreaterThan(1);
    });

    it('that only the right key opens', async () => {
      const dying = place.open();
      const id = await dying.journals.begin(journal('d', [step(1)]));
      await dying.close();
      const stranger = place.open({ key: 'b6'.repeat(32) });
      expect(await stranger.journals.unfinished()).toHaveLength(1);
      await expect(stranger.journals.get(id)).rejects.toMatchObject({ kind: 'conflict', code: 'ledger-key' });
      await ledger.journals.begin({ ...journal('d', [step(1)]), ...OTHER });
      await place.execute(
        "update landfall_journal set sealed = (select sealed from landfall_journal where application = 'other')",
      );
      await expect(ledger.journals.get(id)).rejects.toMatchObject({ code: 'ledger-damaged' });
    });
  });

  it('keeps plans, decisions and notices, with who and when', async () => {
    const plan = await ledger.plans.save({ ...SHOP, revision: 'rev1', actor: ANA, plan: { changes: [] } });
    expect(await ledger.plans.get(plan)).toEqual({
      id: plan,
      ...SHOP,
      revision: 'rev1',
      actor: ANA,
      createdAt: '2026-01-01T00:00:00.000Z',
      plan: { changes: [] },
    });
    expect(await ledger.plans.get('nope')).toBeUndefined();
    for (const reason of ['first', 'second'])
      await ledger.decisions.record({
        ...SHOP,
        kind: 'drift-accepted',
        actor: ANA,
        reason,
        detail: { n: 1 },
      });
    expect((await ledger.decisions.list(SHOP, 9)).map((each) => each.reason)).toEqual(['second', 'first']);
    expect((await ledger.decisions.list(SHOP, 1))[0]).toMatchObject({
      ...SHOP,
      actor: ANA,
      detail: { n: 1 },
    });
    expect(await ledger.decisions.list(OTHER, 9)).toEqual([]);
    await ledger.notices.record({
      ...SHOP,
      delivery: undefined,
      environment: 'prod',
      channel: 'webhook hooks.corp.io',
      state: 'failed',
      attempts: 4,
      message: 'answered 500',
    });
    expect(await ledger.notices.list(SHOP, 9)).toMatchObject([
      { channel: 'webhook hooks.corp.io', attempts: 4 },
    ]);
  });

  it('keeps a hold once, with who put it first, until it is lifted', async () => {
    const hold = { ...SHOP, kind: 'revision', revision: 'bad', reason: 'health failed', actor: ANA } as const;
    const first = await ledger.holds.put(hold);
    expect(await ledger.holds.put({ ...hold, reason: 'again' })).toBe(first);
    const second = await ledger.holds.put({ ...hold, revision: 'worse' });
    expect((await ledger.holds.list(SHOP)).map((each) => each.id)).toEqual([second, first]);
    expect((await ledger.holds.list())[1]).toMatchObject({ ...hold, since: '2026-01-01T00:00:00.000Z' });
    expect(await ledger.holds.list(OTHER)).toEqual([]);
    expect([await ledger.holds.lift(first), await ledger.holds.lift(first)]).toEqual([true, false]);
  });

  describe('keeps changes of Git', () => {
    const change = (to: string) => ({
      ...SHOP,
      kind: 'promotion' as const,
      actor: ANA,
      message: '',
      detail: { to },
    });

    it('one open one of an application, which the second who begins one is given', async () => {
      const begun = await Promise.all([
        ledger.changes.begin(change('a')),
        place.open().changes.begin(change('b')),
      ]);
      expect(begun.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(begun.map(({ change: { id } }) => id)).size).toBe(1);
      const id = begun[0]?.change.id ?? '';
      expect(await ledger.changes.open(SHOP)).toEqual([begun[0]?.change]);
      expect(await ledger.changes.move(id, 'waiting', { state: 'landed', message: 'there' })).toBe(true);
      expect(await ledger.changes.open()).toEqual([]);
      const next = await ledger.changes.begin(change('c'));
      expect(next).toMatchObject({ created: true, change: { state: 'waiting', detail: { to: 'c' } } });
      // Two processes of the same millisecond are in no order.
      expect(new Set((await ledger.changes.list(SHOP, 10)).map((each) => each.state))).toEqual(
        new Set(['waiting', 'landed']),
      );
      expect(await ledger.changes.get(id)).toMatchObject({ id, message: 'there' });
      expect(await ledger.changes.get('')).toBeUndefined();
    });

    it('and lets only one of two move it on', async () => {
      const { id } = (await ledger.changes.begin(change('a'))).change;
      const other = place.open();
      const moved = await Promise.all(
        [ledger, other].map((each) => each.changes.move(id, 'waiting', { state: 'committing' })),
      );
      expect(moved.filter(Boolean)).toHaveLength(1);
    });
  });

  it('keeps since when a release stands without a break', async () => {
    const since = async () => {
      const standing = await ledger.standings.get(SHOP);
      return standing === undefined ? undefined : [standing.release, standing.since, standing.seen];
    };
    const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
    expect(await since()).toBeUndefined();
    await ledger.standings.see(SHOP, 'one');
    await place.clock.advance(60_000);
    await ledger.standings.see(SHOP, 'one');
    await ledger.standings.see(OTHER, 'one');
    expect(await since()).toEqual(['one', at(0), at(1)]);
    await ledger.standings.see(SHOP, 'two');
    expect(await since()).toEqual(['two', at(1), at(1)]);
    await ledger.standings.see(SHOP, undefined);
    expect(await since()).toBeUndefined();
    await ledger.standings.see(SHOP, 'two');
    expect(await since()).toEqual(['two', at(1), at(1)]);
    expect(await ledger.standings.get(OTHER)).toMatchObject({ release: 'one' });
  });

  it('keeps how twenty images failed, and compares with the one before', async () => {
    const measured = (digest: string, minute: number) => ({
      digest,
      release: digest,
      at: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString(),
      shares: [{ group: 'sms', failed: minute, total: 100, of: 'shop/sent' }],
    });
    for (let minute = 0; minute < 25; minute += 1)
      await ledger.errorShares.record(SHOP, measured(`image-${minute}`, minute));
    await ledger.errorShares.record(SHOP, measured('image-24', 30));
    expect(
      (await place.execute('select count(*) as n from landfall_error_share')).map((row) => Number(row['n'])),
    ).toEqual([20]);
    expect(await ledger.errorShares.baseline(SHOP, 'image-24')).toEqual({
      release: 'image-23',
      at: '2026-01-01T00:23:00.000Z',
      shares: [{ group: 'sms', failed: 23, total: 100, of: 'shop/sent' }],
    });
    expect((await ledger.errorShares.baseline(SHOP, undefined))?.shares[0]?.failed).toBe(30);
    expect(await ledger.errorShares.baseline(OTHER, undefined)).toBeUndefined();
  });

  it('refuses tables that a newer Landfall made', async () => {
    await startDelivery(ledger, place.clock);
    await place.execute('update landfall_format set version = 99');
    await expect(place.open().deliveries.list({}, 1)).rejects.toMatchObject({
      kind: 'conflict',
      code: 'ledger-newer',
      message: expect.stringMatching(/format 99.*up to \d+/) as string,
    });
  });

  it('takes texts with zero bytes, quotes and half characters', async () => {
    const id = await startDelivery(ledger, place.clock);
    const message = 'a\u0000b \'quoted\' "so" \\ ü 🚀';
    await ledger.deliveries.update(id, { message, results: [{ message }], proof: { message } });
    const found = await ledger.deliveries.get(id);
    expect([found?.message, found?.results[0]?.['message'], found?.proof?.['message']]).toEqual(
      Array.from({ length: 3 }, () => message.replace('\u0000', '\u2400')),
    );
  });
});
