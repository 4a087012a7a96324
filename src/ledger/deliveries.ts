import { getString } from '../kernel/index.ts';
import { LandfallError, isJsonObject } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';
import type { Selectable } from 'kysely';
import type { Delivery, DeliveryState, Ledger, Observation } from './contract.ts';
import { rowOfBeginning } from './beginning.ts';
import { redact, redactText } from './redact.ts';
import { dropOldDeliveries } from './retention.ts';
import type { Session, Tables } from './schema.ts';
import { about, actorColumns, actorOf, isoNow, MOST, objectOf, subjectOf } from './rows.ts';
import type { Store } from './store.ts';

type Row = Selectable<Tables['landfall_delivery']>;

/** Looks at what several processes see at once. */
const TRIES = 5;
/** Characters; two hundred of an application are kept. */
const LARGEST_PROOF = 256 * 1024;
/** States that a proof may still change. */
const OPEN: readonly DeliveryState[] = ['running', 'applied'];

function deliveryOf(row: Row): Delivery {
  const results = JSON.parse(row.results) as JsonValue;
  return {
    id: row.id,
    ...subjectOf(row),
    environment: row.environment ?? undefined,
    revision: row.revision,
    trigger: row.trigger as Delivery['trigger'],
    actor: actorOf(row),
    startedAt: row.started_at,
    finishedAt: row.finished_at ?? undefined,
    state: row.state as DeliveryState,
    message: row.message,
    results: Array.isArray(results) ? results.filter(isJsonObject) : [],
    digest: row.digest ?? undefined,
    proof: row.proof === null ? undefined : objectOf(row.proof),
  };
}

/** The claims of a proof of thousands of objects; what it says of each boundary stays. */
function withoutClaims(key: string, value: unknown): unknown {
  return key === 'claims' ? [] : value;
}

function proofColumns(proof: JsonObject): { readonly proof: string; readonly digest?: string } {
  const digest = getString(proof, 'release', 'digest');
  const kept = redact(proof);
  const whole = JSON.stringify(kept);
  return {
    proof:
      whole.length <= LARGEST_PROOF ? whole : JSON.stringify({ ...kept, claimsLeftOut: true }, withoutClaims),
    ...(digest === undefined ? {} : { digest }),
  };
}

function unknownDelivery(id: string): LandfallError {
  return new LandfallError(`The ledger holds no delivery ${id}.`, {
    kind: 'not-found',
    code: 'delivery-unknown',
    object: id,
    hint: 'landfall history APP lists what it holds.',
  });
}

function contended({ namespace, application }: Observation): LandfallError {
  return new LandfallError(`Others write what they see of ${namespace}/${application} at the same time.`, {
    kind: 'conflict',
    code: 'ledger-busy',
    object: `${namespace}/${application}`,
    hint: 'Look again.',
  });
}

function newestOf(session: Session, subject: Observation) {
  return session.selectFrom('landfall_delivery').selectAll().where(about(subject)).orderBy('id', 'desc');
}

/** The delivery that an observation is about: the newest one when it carried that revision, else what was seen before. */
async function observedBefore(
  session: Session,
  seen: Observation,
  digest: string | undefined,
): Promise<Row | undefined> {
  const same = (row: Row) => row.digest === null || digest === undefined || row.digest === digest;
  const newest = await newestOf(session, seen).limit(1).executeTakeFirst();
  if (newest !== undefined && newest.revision === seen.revision && same(newest)) return newest;
  const candidates = await newestOf(session, seen)
    .where('trigger', '=', 'observed')
    .where('revision', '=', seen.revision)
    .limit(MOST)
    .execute();
  return candidates.find((row) => row.digest === digest) ?? candidates.find(same);
}

async function addObserved(session: Session, seen: Observation, store: Store): Promise<string | undefined> {
  const id = store.newId();
  const now = isoNow(store);
  const added = await session
    .insertInto('landfall_delivery')
    .values({
      id,
      ...subjectOf(seen),
      environment: seen.environment ?? null,
      revision: seen.revision,
      trigger: 'observed',
      ...actorColumns(seen.actor),
      started_at: now,
      finished_at: seen.state === 'unproven' ? null : now,
      state: seen.state,
      message: redactText(seen.message),
      results: '[]',
      digest: null,
      ...proofColumns(seen.proof),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  if (added === undefined) return undefined;
  await session
    .updateTable('landfall_delivery')
    .set({ state: 'superseded', finished_at: now })
    .where(about(seen))
    .where('trigger', '=', 'observed')
    .where('state', '=', 'unproven')
    .where('id', '<', id)
    .execute();
  return id;
}

/** A proof of landing is evidence and stays; what a journal has decided keeps its state and its sentence. */
async function seeAgain(session: Session, row: Row, seen: Observation, store: Store): Promise<void> {
  // Who began it may not have known which environment it is.
  const environment = row.environment ?? seen.environment ?? null;
  if (row.state === 'landed') {
    if (environment !== row.environment)
      await session.updateTable('landfall_delivery').set({ environment }).where('id', '=', row.id).execute();
    return;
  }
  const own = row.trigger === 'observed';
  const decides = own || (OPEN.some((state) => state === row.state) && seen.state === 'landed');
  const state = decides
    ? {
        state: seen.state,
        message: redactText(seen.message),
        finished_at: seen.state === 'unproven' ? null : isoNow(store),
      }
    : {};
  await session
    .updateTable('landfall_delivery')
    .set({ environment, ...proofColumns(seen.proof), ...state })
    .where('id', '=', row.id)
    .execute();
}

export function deliveriesIn(store: Store): Ledger['deliveries'] {
  const { database } = store;
  return {
    async start(delivery) {
      const id = store.newId();
      await database.transaction().execute(async (session) => {
        // First, so that a machine whose clock is wrong does not lose what it begins.
        await dropOldDeliveries(session, delivery, store.clock.now());
        await session
          .insertInto('landfall_delivery')
          .values({
            id,
            ...subjectOf(delivery),
            environment: delivery.environment ?? null,
            revision: delivery.revision,
            trigger: delivery.trigger,
            ...actorColumns(delivery.actor),
            started_at: delivery.startedAt,
            finished_at: null,
            state: 'running',
            message: '',
            results: '[]',
            digest: null,
            proof: null,
          })
          .execute();
      });
      return id;
    },
    async observe(seen) {
      const digest = getString(seen.proof, 'release', 'digest');
      for (let left = TRIES; ; left -= 1) {
        const id = await database.transaction().execute(async (session) => {
          const before = await observedBefore(session, seen, digest);
          if (before === undefined) {
            await dropOldDeliveries(session, seen, store.clock.now());
            return addObserved(session, seen, store);
          }
          await seeAgain(session, before, seen, store);
          return before.id;
        });
        // Somebody else has added it between the look and the insert: there it is, then.
        if (id !== undefined) return id;
        if (left <= 1) throw contended(seen);
      }
    },
    async update(id, change) {
      const { finishedAt, state, message, results, proof } = change;
      const updated = await database
        .updateTable('landfall_delivery')
        .set({
          ...(finishedAt === undefined ? {} : { finished_at: finishedAt }),
          ...(state === undefined ? {} : { state }),
          ...(message === undefined ? {} : { message: redactText(message) }),
          ...(results === undefined ? {} : { results: JSON.stringify(results.map(redact)) }),
          ...(proof === undefined ? {} : proofColumns(proof)),
          id,
        })
        .where('id', '=', id)
        .executeTakeFirst();
      if (Number(updated.numUpdatedRows) === 0) throw unknownDelivery(id);
    },
    async get(id) {
      const row = await rowOfBeginning(database.selectFrom('landfall_delivery').selectAll(), id, {
        what: 'deliveries',
        code: 'delivery-ambiguous',
      });
      return row && deliveryOf(row);
    },
    async list(subject, limit) {
      const rows = await database
        .selectFrom('landfall_delivery')
        .selectAll()
        .where(about(subject))
        .orderBy('id', 'desc')
        .limit(Math.min(limit, MOST))
        .execute();
      return rows.map(deliveryOf);
    },
  };
}
