import { buildOf, lostBuild, LONGEST_TEXT, NOBODY, notesColumn, recordColumn, stepOf } from './build-rows.ts';
import type { BuildRow } from './build-rows.ts';
import type { Builds } from './builds-contract.ts';
import { lives } from './holder.ts';
import { redactText } from './redact.ts';
import { isoNow, MOST } from './rows.ts';
import type { Session } from './schema.ts';
import type { Store } from './store.ts';

const LEASE_MS = 30_000;

export type BuildRuns = Pick<Builds, 'claim' | 'keep' | 'note' | 'end' | 'release' | 'step' | 'steps'> & {
  /** Ends this process's claims: what it leaves running, another may take up at once. */
  letGo(): Promise<void>;
};

export function buildRunsIn(store: Store, owner: string): BuildRuns {
  const { database, flavour } = store;
  let claimed = false;

  /** The oldest that nobody works on. */
  async function free(
    session: Session,
    only: string | undefined,
    now: number,
  ): Promise<BuildRow | undefined> {
    let query = session
      .selectFrom('landfall_build')
      .selectAll()
      .where('state', 'in', ['QUEUED', 'WORKING'])
      .orderBy('id')
      .limit(MOST);
    if (only !== undefined) query = query.where('id', '=', only);
    const rows = await query.execute();
    return rows.find((row) => row.state === 'QUEUED' || !lives(row, store.holder, now));
  }

  /** What is written while the run is this process's. */
  async function mine(session: Session, id: string, change: Partial<BuildRow>): Promise<BuildRow> {
    const now = await flavour.now(session);
    const row = await session
      .updateTable('landfall_build')
      .set({ lease_until: now + LEASE_MS, ...change })
      .where('id', '=', id)
      .where('owner', '=', owner)
      .where('state', '=', 'WORKING')
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw lostBuild(id);
    return row;
  }

  return {
    async claim(only) {
      return database.transaction().execute(async (session) => {
        const now = await flavour.now(session);
        const row = await free(session, only, now);
        if (row === undefined) return undefined;
        const { name, machine, pid, start } = store.holder;
        const taken = await session
          .updateTable('landfall_build')
          .set({
            state: 'WORKING',
            started_at: row.started_at ?? isoNow(store),
            runs: row.runs + 1,
            owner,
            holder: name,
            machine,
            pid,
            process_start: start,
            lease_until: now + LEASE_MS,
          })
          .where('id', '=', row.id)
          .where('state', '=', row.state)
          .where('owner', '=', row.owner)
          // Whose lease was renewed meanwhile is alive after all.
          .where('lease_until', '=', row.lease_until)
          .returningAll()
          .executeTakeFirst();
        if (taken === undefined) return undefined;
        claimed = true;
        return buildOf(taken);
      });
    },
    async keep(id) {
      const { cancel } = await mine(database, id, {});
      return { cancel: cancel ?? undefined };
    },
    async note(id, { pushing, message, record, note }) {
      await database.transaction().execute(async (session) => {
        const { notes } = buildOf(await mine(session, id, {}));
        await mine(session, id, {
          ...(pushing === undefined ? {} : { pushing }),
          ...(message === undefined ? {} : { message: redactText(message) }),
          ...(record === undefined ? {} : { record: recordColumn(record) }),
          ...(note === undefined ? {} : { notes: notesColumn(notes, [note]) }),
        });
      });
    },
    async end(id, state, message) {
      await mine(database, id, { state, message: redactText(message), finished_at: isoNow(store) });
    },
    async release(id) {
      await database
        .updateTable('landfall_build')
        // A process that was asked to stop did not die of it.
        .set((build) => ({ ...NOBODY, state: 'QUEUED', runs: build('runs', '-', 1) }))
        .where('id', '=', id)
        .where('owner', '=', owner)
        .where('state', '=', 'WORKING')
        .execute();
    },
    async step(id, step) {
      await database.transaction().execute(async (session) => {
        await mine(session, id, {});
        const values = {
          name: step.name,
          state: step.state,
          exit_code: step.exitCode ?? null,
          started_at: step.startedAt,
          finished_at: step.finishedAt ?? null,
          head: redactText(step.head.slice(0, LONGEST_TEXT)),
          tail: redactText(step.tail.slice(-LONGEST_TEXT)),
          written: step.written,
        };
        await session
          .insertInto('landfall_build_step')
          .values({ build: id, seq: step.seq, ...values })
          .onConflict((conflict) => conflict.columns(['build', 'seq']).doUpdateSet(values))
          .execute();
      });
    },
    async steps(id) {
      const rows = await database
        .selectFrom('landfall_build_step')
        .selectAll()
        .where('build', '=', id)
        .orderBy('seq')
        .limit(MOST)
        .execute();
      return rows.map(stepOf);
    },
    async letGo() {
      if (!claimed) return;
      claimed = false;
      await database
        .updateTable('landfall_build')
        .set((build) => ({ ...NOBODY, state: 'QUEUED', runs: build('runs', '-', 1) }))
        .where('owner', '=', owner)
        .where('state', '=', 'WORKING')
        .execute();
    },
  };
}
