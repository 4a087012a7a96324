import { access } from 'node:fs/promises';
import path from 'node:path';
import { LandfallError } from '../kernel/index.ts';
import type { ClusterIdentity } from '../kube/index.ts';
import type { Ledger, LedgerOptions } from './contract.ts';
import { LEDGER_FILE } from './contract.ts';
import type { OpenLedger } from './store.ts';

/**
 * The ledger of a state folder, or of the PostgreSQL at `url`. Nothing is loaded or opened before the first question;
 * one that failed to open is tried again at the next. Throws `ledger-unwritable`, `ledger-damaged`, `ledger-newer`,
 * `ledger-busy`, `ledger-unavailable` or `ledger-key`, from whichever call first meets it.
 */
export function openLedger(options: LedgerOptions): Ledger {
  let opening: Promise<OpenLedger> | undefined;
  let closed = false;
  const introductions = new Map<string, () => Promise<ClusterIdentity>>();

  async function use<T>(work: (ledger: OpenLedger) => Promise<T>): Promise<T> {
    if (closed) throw new LandfallError('The ledger is closed.', { kind: 'bug', code: 'ledger-closed' });
    opening ??= import('./store.ts').then(({ openStore }) => openStore(options, introductions));
    let ledger: OpenLedger;
    try {
      ledger = await opening;
    } catch (thrown) {
      opening = undefined;
      throw thrown;
    }
    try {
      return await work(ledger);
    } catch (thrown) {
      throw ledger.failure(thrown);
    }
  }

  /** A question: where there is no ledger yet, the answer is that it holds nothing, and none is made. */
  async function ask<T>(work: (ledger: OpenLedger) => Promise<T>, nothing: T): Promise<T> {
    if (options.url !== undefined || opening !== undefined) return use(work);
    try {
      await access(path.join(options.folder, LEDGER_FILE));
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return nothing;
    }
    return use(work);
  }

  return {
    clusters: {
      know: (server, identify) => void introductions.set(server, identify),
      doubt: (server) => use((ledger) => ledger.doubt(server)),
    },
    deliveries: {
      start: (delivery) => use((ledger) => ledger.deliveries.start(delivery)),
      observe: (seen) => use((ledger) => ledger.deliveries.observe(seen)),
      update: (id, change) => use((ledger) => ledger.deliveries.update(id, change)),
      get: (id) => ask((ledger) => ledger.deliveries.get(id), undefined),
      list: (subject, limit) => ask((ledger) => ledger.deliveries.list(subject, limit), []),
    },
    journals: {
      begin: (journal) => use((ledger) => ledger.journals.begin(journal)),
      step: (id, seq, change) => use((ledger) => ledger.journals.step(id, seq, change)),
      state: (id, state) => use((ledger) => ledger.journals.state(id, state)),
      get: (id) => ask((ledger) => ledger.journals.get(id), undefined),
      unfinished: (subject) => ask((ledger) => ledger.journals.unfinished(subject), []),
      elsewhere: (subject) => ask((ledger) => ledger.journals.elsewhere(subject), []),
      proving: (subject) => ask((ledger) => ledger.journals.proving(subject), []),
      takeOver: (id) => use((ledger) => ledger.journals.takeOver(id)),
      release: (id) => use((ledger) => ledger.journals.release(id)),
      forget: (id, by) => use((ledger) => ledger.journals.forget(id, by)),
    },
    plans: {
      save: (plan) => use((ledger) => ledger.plans.save(plan)),
      get: (id) => ask((ledger) => ledger.plans.get(id), undefined),
    },
    decisions: {
      record: (decision) => use((ledger) => ledger.decisions.record(decision)),
      list: (subject, limit) => ask((ledger) => ledger.decisions.list(subject, limit), []),
    },
    holds: {
      put: (hold) => use((ledger) => ledger.holds.put(hold)),
      list: (subject) => ask((ledger) => ledger.holds.list(subject), []),
      lift: (id) => use((ledger) => ledger.holds.lift(id)),
    },
    errorShares: {
      record: (subject, measured) => use((ledger) => ledger.errorShares.record(subject, measured)),
      baseline: (subject, digest) => ask((ledger) => ledger.errorShares.baseline(subject, digest), undefined),
    },
    changes: {
      begin: (change) => use((ledger) => ledger.changes.begin(change)),
      move: (id, from, change) => use((ledger) => ledger.changes.move(id, from, change)),
      get: (id) => ask((ledger) => ledger.changes.get(id), undefined),
      list: (subject, limit) => ask((ledger) => ledger.changes.list(subject, limit), []),
      open: (subject) => ask((ledger) => ledger.changes.open(subject), []),
    },
    standings: {
      see: (subject, release) => use((ledger) => ledger.standings.see(subject, release)),
      get: (subject) => ask((ledger) => ledger.standings.get(subject), undefined),
    },
    notices: {
      record: (notice) => use((ledger) => ledger.notices.record(notice)),
      list: (subject, limit) => ask((ledger) => ledger.notices.list(subject, limit), []),
    },
    builds: {
      add: (build) => use((ledger) => ledger.builds.add(build)),
      get: (id) => ask((ledger) => ledger.builds.get(id), undefined),
      list: (filter, limit) => ask((ledger) => ledger.builds.list(filter, limit), []),
      move: (id, from, to) => use((ledger) => ledger.builds.move(id, from, to)),
      redefine: (id, to) => use((ledger) => ledger.builds.redefine(id, to)),
      review: (review) => use((ledger) => ledger.builds.review(review)),
      reviews: (id) => ask((ledger) => ledger.builds.reviews(id), []),
      cancel: (id, message) => use((ledger) => ledger.builds.cancel(id, message)),
      claim: (only) => ask((ledger) => ledger.builds.claim(only), undefined),
      keep: (id) => use((ledger) => ledger.builds.keep(id)),
      note: (id, change) => use((ledger) => ledger.builds.note(id, change)),
      end: (id, state, message) => use((ledger) => ledger.builds.end(id, state, message)),
      release: (id) => use((ledger) => ledger.builds.release(id)),
      step: (id, step) => use((ledger) => ledger.builds.step(id, step)),
      steps: (id) => ask((ledger) => ledger.builds.steps(id), []),
      seen: (declaredIn, trigger) => ask((ledger) => ledger.builds.seen(declaredIn, trigger), undefined),
      sawRefs: (declaredIn, trigger, refs) =>
        use((ledger) => ledger.builds.sawRefs(declaredIn, trigger, refs)),
      told: (id, state) => use((ledger) => ledger.builds.told(id, state)),
    },
    prepare() {
      ask(() => Promise.resolve(), undefined).catch(() => {});
    },
    async close() {
      closed = true;
      const ledger = await opening?.catch(() => undefined);
      await ledger?.close();
    },
  };
}
