import type { Ledger } from './contract.ts';
import { about, isoNow, subjectOf } from './rows.ts';
import type { Store } from './store.ts';

/** One row of an application: what stands there, since when. A release that is replaced or breaks begins anew. */
export function standingsIn(store: Store): Ledger['standings'] {
  const { database } = store;
  return {
    async see(subject, release) {
      if (release === undefined) {
        await database
          .deleteFrom('landfall_standing')
          .where(about(subjectOf(subject)))
          .execute();
        return;
      }
      const now = isoNow(store);
      await database
        .insertInto('landfall_standing')
        .values({ ...subjectOf(subject), release, since: now, seen: now })
        .onConflict((conflict) =>
          conflict.columns(['cluster', 'namespace', 'application']).doUpdateSet((eb) => ({
            since: eb
              .case()
              .when('landfall_standing.release', '=', release)
              .then(eb.ref('landfall_standing.since'))
              .else(now)
              .end(),
            release,
            seen: now,
          })),
        )
        .execute();
    },
    async get(subject) {
      const row = await database
        .selectFrom('landfall_standing')
        .select(['release', 'since', 'seen'])
        .where(about(subjectOf(subject)))
        .executeTakeFirst();
      return row;
    },
  };
}
