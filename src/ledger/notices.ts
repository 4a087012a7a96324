import type { Ledger, Notice } from './contract.ts';
import { redactText } from './redact.ts';
import { dropOld } from './retention.ts';
import { about, isoNow, MOST, subjectOf } from './rows.ts';
import type { Store } from './store.ts';

export function noticesIn(store: Store): Ledger['notices'] {
  return {
    async record(notice) {
      const id = store.newId();
      await store.database.transaction().execute(async (session) => {
        await session
          .insertInto('landfall_notice')
          .values({
            id,
            ...subjectOf(notice),
            delivery: notice.delivery ?? null,
            environment: notice.environment ?? null,
            channel: notice.channel,
            state: notice.state,
            attempts: notice.attempts,
            at: isoNow(store),
            message: redactText(notice.message),
          })
          .execute();
        await dropOld(session, 'notices', notice);
      });
      return id;
    },
    async list(subject, limit) {
      const rows = await store.database
        .selectFrom('landfall_notice')
        .selectAll()
        .where(about(subject))
        .orderBy('id', 'desc')
        .limit(Math.min(limit, MOST))
        .execute();
      return rows.map((row) => ({
        id: row.id,
        ...subjectOf(row),
        delivery: row.delivery ?? undefined,
        environment: row.environment ?? undefined,
        channel: row.channel,
        state: row.state as Notice['state'],
        attempts: row.attempts,
        at: row.at,
        message: row.message,
      }));
    },
  };
}
