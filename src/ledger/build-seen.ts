import type { Builds } from './builds-contract.ts';
import { isoNow } from './rows.ts';
import type { Store } from './store.ts';

/** Refs of one trigger that are remembered, and rows of one insert. */
const MOST_REFS = 20_000;
const ROWS_AT_ONCE = 100;

export function seenRefsIn(store: Store): Pick<Builds, 'seen' | 'sawRefs'> {
  const { database } = store;
  return {
    async seen(declaredIn, trigger) {
      const known = await database
        .selectFrom('landfall_build_trigger')
        .select('since')
        .where('declared_in', '=', declaredIn)
        .where('trigger', '=', trigger)
        .executeTakeFirst();
      if (known === undefined) return undefined;
      const rows = await database
        .selectFrom('landfall_build_ref')
        .select(['ref', 'commit_id'])
        .where('declared_in', '=', declaredIn)
        .where('trigger', '=', trigger)
        .limit(MOST_REFS)
        .execute();
      return { since: known.since, refs: new Map(rows.map((row) => [row.ref, row.commit_id])) };
    },
    async sawRefs(declaredIn, trigger, refs) {
      const at = isoNow(store);
      await database.transaction().execute(async (session) => {
        await session
          .insertInto('landfall_build_trigger')
          .values({ declared_in: declaredIn, trigger, since: at })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
        const rows = [...refs].slice(0, MOST_REFS).map(([ref, commit]) => ({
          declared_in: declaredIn,
          trigger,
          ref,
          commit_id: commit,
          at,
        }));
        for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
          await session
            .insertInto('landfall_build_ref')
            .values(rows.slice(from, from + ROWS_AT_ONCE))
            .onConflict((conflict) =>
              conflict.columns(['declared_in', 'trigger', 'ref']).doUpdateSet((build) => ({
                commit_id: build.ref('excluded.commit_id'),
                at: build.ref('excluded.at'),
              })),
            )
            .execute();
        }
      });
    },
  };
}
