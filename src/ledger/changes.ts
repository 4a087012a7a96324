import type { Selectable } from 'kysely';
import { LandfallError } from '../kernel/index.ts';
import type { Change, ChangeState, Ledger } from './contract.ts';
import { rowOfBeginning } from './beginning.ts';
import { redact, redactText } from './redact.ts';
import { dropOld } from './retention.ts';
import { about, actorColumns, actorOf, isoNow, MOST, objectOf, subjectOf } from './rows.ts';
import type { Tables } from './schema.ts';
import type { Store } from './store.ts';

const OPEN: readonly ChangeState[] = ['waiting', 'committing', 'following'];
/** An open one may come to its end between the insert and the look. */
const TRIES = 5;

function changeOf(row: Selectable<Tables['landfall_change']>): Change {
  return {
    id: row.id,
    ...subjectOf(row),
    kind: row.kind as Change['kind'],
    state: row.state as ChangeState,
    actor: actorOf(row),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    message: row.message,
    detail: objectOf(row.detail),
  };
}

/** One change of a subject is open at a time, which the database sees to. */
export function changesIn(store: Store): Ledger['changes'] {
  const { database } = store;
  return {
    async begin(change) {
      for (let left = TRIES; left > 0; left -= 1) {
        const begun = await database.transaction().execute(async (session) => {
          const now = isoNow(store);
          const added = await session
            .insertInto('landfall_change')
            .values({
              id: store.newId(),
              ...subjectOf(change),
              kind: change.kind,
              state: 'waiting',
              ...actorColumns(change.actor),
              created_at: now,
              updated_at: now,
              message: redactText(change.message),
              detail: JSON.stringify(redact(change.detail)),
            })
            .onConflict((conflict) => conflict.doNothing())
            .returningAll()
            .executeTakeFirst();
          if (added !== undefined) {
            await dropOld(session, 'changes', change);
            return { change: changeOf(added), created: true };
          }
          const open = await session
            .selectFrom('landfall_change')
            .selectAll()
            .where(about(change))
            .where('state', 'in', OPEN)
            .executeTakeFirst();
          return open === undefined ? undefined : { change: changeOf(open), created: false };
        });
        if (begun !== undefined) return begun;
      }
      throw new LandfallError(`Others begin and end changes of ${change.application} at the same time.`, {
        kind: 'conflict',
        code: 'ledger-busy',
        object: change.application,
        hint: 'Try again.',
      });
    },
    async move(id, from, { state, message, detail }) {
      const moved = await database
        .updateTable('landfall_change')
        .set({
          ...(state === undefined ? {} : { state }),
          ...(message === undefined ? {} : { message: redactText(message) }),
          ...(detail === undefined ? {} : { detail: JSON.stringify(redact(detail)) }),
          updated_at: isoNow(store),
        })
        .where('id', '=', id)
        .where('state', '=', from)
        .executeTakeFirst();
      return moved.numUpdatedRows > 0n;
    },
    async get(id) {
      const row = await rowOfBeginning(database.selectFrom('landfall_change').selectAll(), id, {
        what: 'promotions and rollbacks',
        code: 'change-ambiguous',
      });
      return row && changeOf(row);
    },
    async list(subject, limit) {
      const rows = await database
        .selectFrom('landfall_change')
        .selectAll()
        .where(about(subject))
        .orderBy('id', 'desc')
        .limit(Math.min(limit, MOST))
        .execute();
      return rows.map(changeOf);
    },
    async open(subject = {}) {
      const rows = await database
        .selectFrom('landfall_change')
        .selectAll()
        .where(about(subject))
        .where('state', 'in', OPEN)
        .orderBy('id')
        .limit(MOST)
        .execute();
      return rows.map(changeOf);
    },
  };
}
