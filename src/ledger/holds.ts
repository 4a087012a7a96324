import type { Hold, Ledger } from './contract.ts';
import { redactText } from './redact.ts';
import { dropOld } from './retention.ts';
import { about, actorColumns, actorOf, isoNow, MOST, subjectOf } from './rows.ts';
import type { Store } from './store.ts';

export function holdsIn(store: Store): Ledger['holds'] {
  const { database } = store;
  return {
    put(hold) {
      return database.transaction().execute(async (session) => {
        const added = await session
          .insertInto('landfall_hold')
          .values({
            id: store.newId(),
            ...subjectOf(hold),
            kind: hold.kind,
            revision: hold.revision,
            reason: redactText(hold.reason),
            ...actorColumns(hold.actor),
            since: isoNow(store),
          })
          // The first one stays, with who and when.
          .onConflict((conflict) => conflict.doNothing())
          .returning('id')
          .executeTakeFirst();
        if (added !== undefined) {
          await dropOld(session, 'holds', hold);
          return added.id;
        }
        const { id } = await session
          .selectFrom('landfall_hold')
          .select('id')
          .where(about(hold))
          .where('kind', '=', hold.kind)
          .where('revision', '=', hold.revision)
          .executeTakeFirstOrThrow();
        return id;
      });
    },
    async list(subject = {}) {
      const rows = await database
        .selectFrom('landfall_hold')
        .selectAll()
        .where(about(subject))
        .orderBy('id', 'desc')
        .limit(MOST)
        .execute();
      return rows.map((row) => ({
        id: row.id,
        ...subjectOf(row),
        kind: row.kind as Hold['kind'],
        revision: row.revision,
        reason: row.reason,
        actor: actorOf(row),
        since: row.since,
      }));
    },
    async lift(id) {
      const { numDeletedRows } = await database
        .deleteFrom('landfall_hold')
        .where('id', '=', id)
        .executeTakeFirst();
      return numDeletedRows > 0n;
    },
  };
}
