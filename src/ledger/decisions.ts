import type { Ledger } from './contract.ts';
import { redact, redactText } from './redact.ts';
import { dropOld } from './retention.ts';
import { about, actorColumns, actorOf, isoNow, MOST, objectOf, subjectOf } from './rows.ts';
import type { Session } from './schema.ts';
import type { Store } from './store.ts';

/** Keeps one decision, as part of whatever else it is decided with. */
export async function insertDecision(
  session: Session,
  store: Store,
  decision: Parameters<Ledger['decisions']['record']>[0],
): Promise<string> {
  const id = store.newId();
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
  return id;
}

export function decisionsIn(store: Store): Ledger['decisions'] {
  return {
    record: (decision) =>
      store.database.transaction().execute((session) => insertDecision(session, store, decision)),
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
