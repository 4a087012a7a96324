import type { Ledger } from './contract.ts';
import { redact } from './redact.ts';
import { dropOld } from './retention.ts';
import { actorColumns, actorOf, isoNow, objectOf, subjectOf } from './rows.ts';
import type { Store } from './store.ts';

export function plansIn(store: Store): Ledger['plans'] {
  return {
    async save(plan) {
      const id = store.newId();
      await store.database.transaction().execute(async (session) => {
        await session
          .insertInto('landfall_plan')
          .values({
            id,
            ...subjectOf(plan),
            revision: plan.revision,
            created_at: isoNow(store),
            ...actorColumns(plan.actor),
            plan: JSON.stringify(redact(plan.plan)),
          })
          .execute();
        await dropOld(session, 'plans', plan);
      });
      return id;
    },
    async get(id) {
      const row = await store.database
        .selectFrom('landfall_plan')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst();
      return (
        row && {
          id: row.id,
          ...subjectOf(row),
          revision: row.revision,
          createdAt: row.created_at,
          actor: actorOf(row),
          plan: objectOf(row.plan),
        }
      );
    },
  };
}
