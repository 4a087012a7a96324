import { sql } from 'kysely';
import type { LedgerSubject } from './contract.ts';
import { about } from './rows.ts';
import type { Session } from './schema.ts';

const KEPT = { deliveries: 200, decisions: 500, plans: 50, notices: 200, holds: 200, changes: 200 } as const;
const KEPT_MS = 90 * 24 * 60 * 60 * 1000;

/**
 * Keeps 200 deliveries of an application, the one that comes next counted, and of all applications those of the last 90 days. The last one that landed
 * stays, since it is what one goes back to, and so does everything whose journal is not at an end.
 */
export async function dropOldDeliveries(
  session: Session,
  subject: LedgerSubject,
  now: number,
): Promise<void> {
  const before = new Date(now - KEPT_MS).toISOString();
  const mine = about(subject);
  const { rows } = await sql<{ readonly id: string }>`
    select id from landfall_delivery as old
    where (started_at < ${before} or (
        ${mine} and id < coalesce((
          select id from landfall_delivery where ${mine}
          order by id desc limit 1 offset ${sql.lit(KEPT.deliveries - 2)}
        ), '')
      ))
      and id <> coalesce((
        select id from landfall_delivery as landed
        where landed.cluster = old.cluster and landed.namespace = old.namespace
          and landed.application = old.application and landed.state = 'landed'
        order by id desc limit 1
      ), '')
      and not exists (
        select 1 from landfall_journal as journal
        where journal.delivery = old.id and journal.state in ('open', 'restoring', 'proving', 'stuck')
      )
      and (state <> 'running' or started_at < ${before})
    limit 500`.execute(session);
  const ids = rows.map((row) => row.id);
  if (ids.length === 0) return;
  // The steps of a journal go with it.
  await session.deleteFrom('landfall_journal').where('delivery', 'in', ids).execute();
  await session.deleteFrom('landfall_delivery').where('id', 'in', ids).execute();
}

/** Keeps so many of an application in the tables that only grow. */
export async function dropOld(
  session: Session,
  what: 'decisions' | 'plans' | 'notices' | 'holds' | 'changes',
  subject: LedgerSubject,
): Promise<void> {
  const table = sql.table(
    {
      decisions: 'landfall_decision',
      plans: 'landfall_plan',
      notices: 'landfall_notice',
      holds: 'landfall_hold',
      changes: 'landfall_change',
    }[what],
  );
  const mine = about(subject);
  await sql`
    delete from ${table} where ${mine} and id < coalesce((
      select id from ${table} where ${mine} order by id desc limit 1 offset ${sql.lit(KEPT[what] - 1)}
    ), '')`.execute(session);
}

const KEPT_BUILDS = 200;

/**
 * Keeps 200 builds of a trigger, the one that comes next counted, and of all triggers those of the last 90 days. The
 * last one that succeeded stays, and so does everything that has not ended. Output and reviews go with their build.
 */
export async function dropOldBuilds(
  session: Session,
  { declaredIn, trigger }: { readonly declaredIn: string; readonly trigger: string },
  now: number,
): Promise<void> {
  const before = new Date(now - KEPT_MS).toISOString();
  const mine = sql<boolean>`declared_in = ${declaredIn} and trigger = ${trigger}`;
  const { rows } = await sql<{ readonly id: string }>`
    select id from landfall_build as old
    where (created_at < ${before} or (
        ${mine} and id < coalesce((
          select id from landfall_build where ${mine}
          order by id desc limit 1 offset ${sql.lit(KEPT_BUILDS - 2)}
        ), '')
      ))
      and id <> coalesce((
        select id from landfall_build as good
        where good.declared_in = old.declared_in and good.trigger = old.trigger and good.state = 'SUCCESS'
        order by id desc limit 1
      ), '')
      and state not in ('PENDING', 'QUEUED', 'WORKING')
    limit 500`.execute(session);
  const ids = rows.map((row) => row.id);
  if (ids.length > 0) await session.deleteFrom('landfall_build').where('id', 'in', ids).execute();
}
