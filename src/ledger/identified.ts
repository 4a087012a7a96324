import type { ClusterKeys } from './clusters.ts';
import type { Ledger, LedgerSubject } from './contract.ts';

/** What of the ledger is kept by cluster; the rest passes through. */
type Kept = Omit<Ledger, 'clusters' | 'journals' | 'prepare'> & {
  readonly journals: Omit<Ledger['journals'], 'elsewhere'>;
};

/**
 * The same ledger for callers, who name a cluster by the address they reach it at: what is kept is kept by who the
 * cluster is, and is given back under the address that the caller knows.
 */
export function identified<T extends Kept>(ledger: T, keys: ClusterKeys): T & Pick<Ledger, 'journals'> {
  const { deliveries, journals, plans, decisions, holds, errorShares, changes, standings, notices } = ledger;

  async function into<S extends Partial<LedgerSubject>>(subject: S): Promise<S> {
    const { cluster } = subject;
    return cluster === undefined ? subject : { ...subject, cluster: await keys.keyOf(cluster) };
  }
  async function from<S extends LedgerSubject>(kept: S): Promise<S> {
    return { ...kept, cluster: await keys.nameOf(kept.cluster) };
  }
  const allFrom = async <S extends LedgerSubject>(kept: Promise<readonly S[]>): Promise<readonly S[]> =>
    Promise.all((await kept).map(from));
  const maybeFrom = async <S extends LedgerSubject>(kept: Promise<S | undefined>): Promise<S | undefined> => {
    const one = await kept;
    return one && from(one);
  };

  return {
    ...ledger,
    deliveries: {
      ...deliveries,
      start: async (delivery) => deliveries.start(await into(delivery)),
      observe: async (seen) => deliveries.observe(await into(seen)),
      get: (id) => maybeFrom(deliveries.get(id)),
      list: async (subject, limit) => allFrom(deliveries.list(await into(subject), limit)),
    },
    journals: {
      ...journals,
      begin: async (journal) => journals.begin(await into(journal)),
      get: (id) => maybeFrom(journals.get(id)),
      unfinished: async (subject = {}) => allFrom(journals.unfinished(await into(subject))),
      async elsewhere(subject) {
        const others = await keys.othersAt(subject.cluster);
        const left = await Promise.all(others.map((cluster) => journals.unfinished({ ...subject, cluster })));
        return allFrom(Promise.resolve(left.flat()));
      },
      proving: async (subject = {}) => allFrom(journals.proving(await into(subject))),
      takeOver: async (id) => from(await journals.takeOver(id)),
    },
    plans: {
      save: async (plan) => plans.save(await into(plan)),
      get: (id) => maybeFrom(plans.get(id)),
    },
    decisions: {
      record: async (decision) => decisions.record(await into(decision)),
      list: async (subject, limit) => allFrom(decisions.list(await into(subject), limit)),
    },
    holds: {
      ...holds,
      put: async (hold) => holds.put(await into(hold)),
      list: async (subject = {}) => allFrom(holds.list(await into(subject))),
    },
    errorShares: {
      record: async (subject, measured) => errorShares.record(await into(subject), measured),
      baseline: async (subject, digest) => errorShares.baseline(await into(subject), digest),
    },
    changes: {
      ...changes,
      async begin(change) {
        const begun = await changes.begin(await into(change));
        return { ...begun, change: await from(begun.change) };
      },
      get: (id) => maybeFrom(changes.get(id)),
      list: async (subject, limit) => allFrom(changes.list(await into(subject), limit)),
      open: async (subject = {}) => allFrom(changes.open(await into(subject))),
    },
    standings: {
      see: async (subject, release) => standings.see(await into(subject), release),
      get: async (subject) => standings.get(await into(subject)),
    },
    notices: {
      record: async (notice) => notices.record(await into(notice)),
      list: async (subject, limit) => allFrom(notices.list(await into(subject), limit)),
    },
  };
}
