import type { Ledger } from './contract.ts';
import { redact, redactText } from './redact.ts';
import { dropOld } from './retention.ts';
import { about, actorColumns, actorOf, isoNow, MOST, objectOf, subjectOf } from './rows.ts';
import type { Store } from './store.ts';

export function decisionsIn(store: Store): Ledger['decisions'] {
  return {
    async record(decision) {
      const id = store.newId();
      await store.database.transaction().execute(async (session) => {
        await session
          .insertInto('landfall_decision')
          .values({
            id,
            ...subjectOf(decision),
            kind: decision.kind,
            ...actorColumns(decision.actor),
            at: isoNow(store),
            reason: redactText(decision.reason),
            detail: JSON.stringify(redact(decision.detail)),
          })
          .execute();
        await dropOld(session, 'decisions', decision);
      });
      return id;
    },
    async list(subject, limit) {
      const rows = await store.database
        .selectFrom('landfall_decision')
        .selectAll()
        .where(about(subject))
        .orderBy('id', 'desc')
        .limit(Math.min(limit, MOST))
        .execute();
      return rows.map((row) => ({
        id: row.id,
        ...subjectOf(row),
        kind: row.kind,
        actor: actorOf(row),
        at: row.at,
        reason: row.reason,
        detail: objectOf(row.detail),
      }));
    },
  };
}
