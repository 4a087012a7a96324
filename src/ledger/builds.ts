import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { LandfallError } from '../kernel/index.ts';
import { buildOf, endedBuild, hasEnded, newRow, unknownBuild } from './build-rows.ts';
import type { BuildRow } from './build-rows.ts';
import { buildRunsIn } from './build-runs.ts';
import type { BuildRuns } from './build-runs.ts';
import { buildReviewsIn } from './build-reviews.ts';
import { seenRefsIn } from './build-seen.ts';
import type { Build, BuildFilter, Builds, NewBuild } from './builds-contract.ts';
import { rowOfBeginning } from './beginning.ts';
import { redactText } from './redact.ts';
import { dropOldBuilds } from './retention.ts';
import { isoNow, MOST } from './rows.ts';
import type { Session } from './schema.ts';
import type { Store } from './store.ts';

/** Attempts to add what others add at the same moment. */
const TRIES = 5;

function newestOf(session: Session, key: NewBuild) {
  return session
    .selectFrom('landfall_build')
    .selectAll()
    .where('declared_in', '=', key.declaredIn)
    .where('trigger', '=', key.trigger)
    .where('ref', '=', key.ref)
    .where('commit_id', '=', key.commit)
    .orderBy('attempt', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export async function rowById(session: Session, id: string): Promise<BuildRow> {
  const row = await session.selectFrom('landfall_build').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw unknownBuild(id);
  return row;
}

export function buildsIn(store: Store): Builds & Pick<BuildRuns, 'letGo'> {
  const { database } = store;
  const owner = randomUUID();

  async function addOnce(build: NewBuild): Promise<{ build: Build; added: boolean } | undefined> {
    return database.transaction().execute(async (session) => {
      const before = await newestOf(session, build);
      const open = before !== undefined && !hasEnded(buildOf(before).state);
      if (before !== undefined && (open || build.again !== true))
        return { build: buildOf(before), added: false };
      await dropOldBuilds(session, build, store.clock.now());
      const row = newRow(build, store.newId(), (before?.attempt ?? 0) + 1, isoNow(store));
      const added = await session
        .insertInto('landfall_build')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .returningAll()
        .executeTakeFirst();
      return added && { build: buildOf(added), added: true };
    });
  }

  function listed(filter: BuildFilter) {
    let query = database.selectFrom('landfall_build').selectAll();
    if (filter.declaredIn !== undefined) query = query.where('declared_in', '=', filter.declaredIn);
    if (filter.trigger !== undefined) query = query.where('trigger', '=', filter.trigger);
    if (filter.repository !== undefined) query = query.where('repository', '=', filter.repository);
    if (filter.ref !== undefined) query = query.where('ref', '=', filter.ref);
    if (filter.commit !== undefined) query = query.where('commit_id', '=', filter.commit);
    if (filter.states !== undefined) query = query.where('state', 'in', filter.states);
    if (filter.untold === true) query = query.where('told', '<>', sql<string>`state`);
    return query;
  }

  return {
    async add(build) {
      for (let left = TRIES; left > 0; left -= 1) {
        const found = await addOnce(build);
        if (found !== undefined) return found;
      }
      throw new LandfallError(`Others add a build of ${build.trigger} at the same time.`, {
        kind: 'conflict',
        code: 'ledger-busy',
        object: build.trigger,
        hint: 'Try again.',
      });
    },
    async get(id) {
      const row = await rowOfBeginning(database.selectFrom('landfall_build').selectAll(), id, {
        what: 'builds',
        code: 'build-ambiguous',
      });
      return row && buildOf(row);
    },
    async list(filter, limit) {
      const rows = await listed(filter).orderBy('id', 'desc').limit(Math.min(limit, MOST)).execute();
      return rows.map(buildOf);
    },
    async move(id, from, { state, message, note }) {
      return database.transaction().execute(async (session) => {
        const row = await rowById(session, id);
        const { numUpdatedRows } = await session
          .updateTable('landfall_build')
          .set({
            state,
            message: redactText(message),
            ...(note === undefined
              ? {}
              : { notes: JSON.stringify([...buildOf(row).notes, redactText(note)]) }),
            ...(hasEnded(state) ? { finished_at: isoNow(store) } : {}),
          })
          .where('id', '=', id)
          .where('state', 'in', from)
          .executeTakeFirst();
        return numUpdatedRows > 0n;
      });
    },
    async redefine(id, to) {
      const { numUpdatedRows } = await database
        .updateTable('landfall_build')
        .set({
          definition: JSON.stringify(to.definition),
          definition_digest: to.definitionDigest,
          declared_at: to.declaredAt,
          image: to.image,
          message: redactText(to.message),
          // It is told again what it waits for.
          told: '',
        })
        .where('id', '=', id)
        .where('state', '=', 'PENDING')
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },
    async cancel(id, message) {
      return database.transaction().execute(async (session) => {
        const build = buildOf(await rowById(session, id));
        if (hasEnded(build.state)) throw endedBuild(build);
        const now = isoNow(store);
        const waits = build.state !== 'WORKING';
        await session
          .updateTable('landfall_build')
          .set({
            cancel: redactText(message),
            ...(waits ? { state: 'CANCELLED', message: redactText(message), finished_at: now } : {}),
          })
          .where('id', '=', id)
          .where('state', '=', build.state)
          .execute();
        return buildOf(await rowById(session, id)).state;
      });
    },
    async told(id, state) {
      await database
        .updateTable('landfall_build')
        .set({ told: state })
        .where('id', '=', id)
        .where('state', '=', state)
        .execute();
    },
    ...buildReviewsIn(store),
    ...buildRunsIn(store, owner),
    ...seenRefsIn(store),
  };
}
