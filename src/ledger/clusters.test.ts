import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterIdentity } from '../kube/index.ts';
import type { Ledger } from './index.ts';
import { ANA, journal, kinds, SHOP, startDelivery, step } from '../../test/ledger-places.ts';
import type { Place } from '../../test/ledger-places.ts';

const BY_NAME = SHOP.cluster;
const BY_ADDRESS = 'https://127.0.0.1:7443';
const DENIED: ClusterIdentity = { unknown: 'namespaces "kube-system" is forbidden', lasting: true };

describe.each(kinds)('clusters of a ledger in $name', (kind) => {
  let place: Place;

  beforeAll(() => kind.start());
  afterAll(() => kind.stop());
  beforeEach(async () => {
    place = await kind.place();
  });
  afterEach(() => place.close());

  /** A process of its own that reaches clusters at addresses. */
  async function meeting(at: Readonly<Record<string, string | ClusterIdentity>>): Promise<Ledger> {
    const ledger = place.open();
    for (const [server, identity] of Object.entries(at)) {
      const answer = typeof identity === 'string' ? { uid: identity } : identity;
      ledger.clusters.know(server, () => Promise.resolve(answer));
    }
    // Two meetings have an order.
    await place.clock.advance(1000);
    return ledger;
  }

  async function leaveJournal(ledger: Ledger, cluster: string): Promise<string> {
    const delivery = await startDelivery(ledger, place.clock);
    const id = await ledger.journals.begin({ ...journal(delivery, [step(1)]), cluster });
    await ledger.journals.release(id);
    return id;
  }

  it('are the same at another address, with all that is kept of them', async () => {
    const one = await meeting({ [BY_NAME]: 'one' });
    const id = await leaveJournal(one, BY_NAME);
    await one.holds.put({ ...SHOP, kind: 'updates', revision: '', reason: 'not now', actor: ANA });
    await one.standings.see(SHOP, 'r1');
    const other = await meeting({ [BY_ADDRESS]: 'one' });
    const there = { ...SHOP, cluster: BY_ADDRESS };
    expect(await other.journals.unfinished(there)).toMatchObject([{ id, cluster: BY_ADDRESS }]);
    expect(await other.journals.takeOver(id)).toMatchObject({ cluster: BY_ADDRESS, steps: [{ seq: 1 }] });
    expect(await other.deliveries.list(there, 10)).toMatchObject([{ cluster: BY_ADDRESS, revision: 'rev1' }]);
    expect(await other.holds.list(there)).toMatchObject([{ cluster: BY_ADDRESS, reason: 'not now' }]);
    expect(await other.standings.get(there)).toMatchObject({ release: 'r1' });
    expect(await other.journals.elsewhere(there)).toEqual([]);
  });

  it('that take over an address get nothing of the one before, and can tell what it left', async () => {
    const id = await leaveJournal(await meeting({ [BY_NAME]: 'one-1234567' }), BY_NAME);
    const two = await meeting({ [BY_NAME]: 'two' });
    expect(await two.journals.unfinished(SHOP)).toEqual([]);
    expect(await two.deliveries.list(SHOP, 10)).toEqual([]);
    expect(await two.journals.elsewhere(SHOP)).toMatchObject([
      { id, cluster: `${BY_NAME} (cluster one-1234)` },
    ]);
    // It begins one of its own beside it.
    expect(await leaveJournal(two, BY_NAME)).not.toBe(id);
    expect(await two.journals.unfinished(SHOP)).toHaveLength(1);
    // Whoever reaches the first one elsewhere still finds its own, and it alone.
    const one = await meeting({ [BY_ADDRESS]: 'one-1234567' });
    expect(await one.journals.unfinished({ ...SHOP, cluster: BY_ADDRESS })).toMatchObject([{ id }]);
  });

  it('that are gone leave a journal that somebody may give up, who is remembered for it', async () => {
    const one = await meeting({ [BY_NAME]: 'one-1234567' });
    const id = await leaveJournal(one, BY_NAME);
    const two = await meeting({ [BY_NAME]: 'two' });
    const own = await leaveJournal(two, BY_NAME);
    const [left] = await two.journals.elsewhere(SHOP);
    await two.journals.forget(id, { actor: ANA, reason: 'thrown away' });
    expect(await two.journals.elsewhere(SHOP)).toEqual([]);
    expect(await two.journals.unfinished(SHOP)).toMatchObject([{ id: own }]);
    expect(await two.journals.get(id)).toMatchObject({
      state: 'forgotten',
      steps: [{ seq: 1, before: undefined, after: undefined }],
    });
    const [decision, ...more] = await one.decisions.list(SHOP, 10);
    expect([decision, more]).toMatchObject([
      {
        kind: 'journal-forgotten',
        actor: ANA,
        reason: 'thrown away',
        detail: { delivery: left?.delivery, revision: left?.revision },
      },
      [],
    ]);
    expect(await two.decisions.list(SHOP, 10)).toEqual([]);
    expect(await two.deliveries.get(left?.delivery ?? '')).toMatchObject({
      state: 'stuck',
      message: 'it stays half done, given up by ana: thrown away',
    });
    // Once, and its cluster may begin again.
    await expect(two.journals.forget(id, { actor: ANA, reason: '' })).rejects.toMatchObject({
      code: 'journal-lost',
    });
    expect(await leaveJournal(one, BY_NAME)).not.toBe(id);
  });

  it('keep a journal whose process lives from being given up', async () => {
    const one = await meeting({ [BY_NAME]: 'one' });
    const delivery = await startDelivery(one, place.clock);
    const id = await one.journals.begin({ ...journal(delivery, [step(1)]), cluster: BY_NAME });
    const two = await meeting({ [BY_NAME]: 'two' });
    await expect(two.journals.forget(id, { actor: ANA, reason: '' })).rejects.toMatchObject({
      code: 'journal-held',
    });
    await one.journals.state(id, 'committed');
    expect(await two.decisions.list({}, 10)).toEqual([]);
  });

  it('are followed by the name that they were shown by', async () => {
    await leaveJournal(await meeting({ [BY_NAME]: 'one-1234567' }), BY_NAME);
    await leaveJournal(await meeting({ [BY_NAME]: 'two' }), BY_NAME);
    const alone = await meeting({});
    const names = (await alone.deliveries.list({ application: SHOP.application }, 10)).map(
      ({ cluster }) => cluster,
    );
    expect(names).toEqual([BY_NAME, `${BY_NAME} (cluster one-1234)`]);
    for (const cluster of names)
      expect(await alone.deliveries.list({ ...SHOP, cluster }, 10)).toHaveLength(1);
  });

  it('that say nothing are taken for the one that was met there last, and this is told', async () => {
    const id = await leaveJournal(await meeting({ [BY_NAME]: 'one' }), BY_NAME);
    const poor = await meeting({ [BY_NAME]: DENIED, [BY_ADDRESS]: DENIED });
    expect(await poor.journals.unfinished(SHOP)).toMatchObject([{ id }]);
    expect(await poor.clusters.doubt(BY_NAME)).toContain('forbidden');
    expect(await poor.journals.unfinished({ ...SHOP, cluster: BY_ADDRESS })).toEqual([]);
    expect(await (await meeting({ [BY_NAME]: 'one' })).clusters.doubt(BY_NAME)).toBeUndefined();
  });

  it('that did not answer are asked again', async () => {
    const ledger = place.open();
    const answers: ClusterIdentity[] = [{ unknown: 'no answer', lasting: false }, { uid: 'one' }];
    ledger.clusters.know(BY_NAME, () => Promise.resolve(answers.shift() ?? DENIED));
    expect(await ledger.clusters.doubt(BY_NAME)).toBe('no answer');
    expect(await ledger.clusters.doubt(BY_NAME)).toBeUndefined();
    expect(await ledger.clusters.doubt(BY_NAME)).toBeUndefined();
  });

  describe('whose rows were kept by address', () => {
    /** As a ledger was that knew addresses only. */
    async function legacy(): Promise<string> {
      const before = place.open();
      const id = await leaveJournal(before, BY_NAME);
      await before.holds.put({ ...SHOP, kind: 'updates', revision: '', reason: 'not now', actor: ANA });
      await before.standings.see(SHOP, 'r1');
      await before.close();
      await place.execute('drop table landfall_cluster');
      await place.execute('update landfall_format set version = 3');
      return id;
    }

    it('take them over at the first meeting, once', async () => {
      const id = await legacy();
      const one = await meeting({ [BY_NAME]: 'one' });
      expect(await one.journals.unfinished(SHOP)).toMatchObject([{ id }]);
      expect(await one.holds.list(SHOP)).toHaveLength(1);
      const moved = await meeting({ [BY_ADDRESS]: 'one' });
      expect(await moved.journals.unfinished({ ...SHOP, cluster: BY_ADDRESS })).toMatchObject([{ id }]);
      expect(await moved.standings.get({ ...SHOP, cluster: BY_ADDRESS })).toMatchObject({ release: 'r1' });
      expect(await (await meeting({ [BY_NAME]: 'two' })).journals.unfinished(SHOP)).toEqual([]);
    });

    it('take over what was seen of a release only where they have not seen it themselves', async () => {
      const seen = (cluster: string, revision: string, digest?: string) => ({
        ...SHOP,
        cluster,
        environment: 'prod',
        revision,
        actor: ANA,
        state: 'landed' as const,
        message: 'landed',
        proof: digest === undefined ? {} : { release: { digest } },
      });
      const before = place.open();
      await before.deliveries.observe(seen(BY_NAME, 'rev1'));
      await before.deliveries.observe(seen(BY_NAME, 'rev0', 'sha256:0'));
      const there = await meeting({ [BY_ADDRESS]: 'one' });
      await there.deliveries.observe(seen(BY_ADDRESS, 'rev1', 'sha256:1'));
      const one = await meeting({ [BY_NAME]: 'one' });
      await one.deliveries.observe(seen(BY_NAME, 'rev1', 'sha256:1'));
      const kept = await one.deliveries.list(SHOP, 10);
      expect(kept.map(({ revision, digest }) => `${revision} ${digest}`).toSorted()).toEqual([
        'rev0 sha256:0',
        'rev1 sha256:1',
      ]);
    });

    it('take over a journal as soon as their own of that application has ended', async () => {
      const id = await legacy();
      const there = { ...SHOP, cluster: BY_ADDRESS };
      const own = await leaveJournal(await meeting({ [BY_ADDRESS]: 'one' }), BY_ADDRESS);
      const both = await meeting({ [BY_NAME]: 'one', [BY_ADDRESS]: 'one' });
      expect(await both.journals.unfinished(SHOP)).toMatchObject([{ id: own }]);
      await both.journals.takeOver(own);
      await both.journals.state(own, 'restored');
      expect(await (await meeting({ [BY_NAME]: 'one' })).journals.unfinished(SHOP)).toMatchObject([{ id }]);
      expect(await both.deliveries.list(there, 10)).toHaveLength(2);
    });
  });

  it('are met by several processes at once', async () => {
    await startDelivery(place.open(), place.clock);
    const all = await Promise.all(Array.from({ length: 4 }, () => meeting({ [BY_NAME]: 'one' })));
    const lists = await Promise.all(all.map((ledger) => ledger.deliveries.list(SHOP, 10)));
    expect(lists.map(({ length }) => length)).toEqual([1, 1, 1, 1]);
  });
});
