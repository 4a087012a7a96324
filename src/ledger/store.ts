import path from 'node:path';
import { Kysely } from 'kysely';
import type { Clock } from '../kernel/index.ts';
import { LEDGER_FILE } from './contract.ts';
import type { Ledger, LedgerOptions } from './contract.ts';
import { changesIn } from './changes.ts';
import { buildsIn } from './builds.ts';
import { clusterKeysIn } from './clusters.ts';
import type { Introductions } from './clusters.ts';
import { decisionsIn } from './decisions.ts';
import { deliveriesIn } from './deliveries.ts';
import { errorSharesIn } from './error-shares.ts';
import { thisProcess } from './holder.ts';
import type { Holder } from './holder.ts';
import { holdsIn } from './holds.ts';
import { createIds } from './identifier.ts';
import { identified } from './identified.ts';
import { journalsIn } from './journals.ts';
import { loadKey } from './key.ts';
import type { SealingKey } from './key.ts';
import { noticesIn } from './notices.ts';
import { plansIn } from './plans.ts';
import { postgresLedger } from './postgres.ts';
import { migrate } from './schema.ts';
import type { Database, Flavour, Tables } from './schema.ts';
import { sqliteLedger } from './sqlite.ts';
import { standingsIn } from './standings.ts';

/** What the parts of an opened ledger share. */
export interface Store {
  readonly database: Database;
  readonly flavour: Flavour;
  readonly clock: Clock;
  readonly holder: Holder;
  readonly newId: () => string;
  readonly key: () => Promise<SealingKey>;
}

/** A ledger whose database is open, and how to say what its database threw. */
export interface OpenLedger extends Omit<Ledger, 'clusters' | 'prepare'> {
  readonly doubt: (server: string) => Promise<string | undefined>;
  readonly failure: (thrown: unknown) => unknown;
}

/** Opens the database, makes or brings up its tables. Throws what `LedgerOptions` name and cannot be used. */
export async function openStore(options: LedgerOptions, introductions: Introductions): Promise<OpenLedger> {
  const { url, folder, clock, key } = options;
  const { dialect, flavour } =
    url === undefined ? await sqliteLedger(path.join(folder, LEDGER_FILE), clock) : await postgresLedger(url);
  const database = new Kysely<Tables>({ dialect });
  try {
    await migrate(database, flavour);
  } catch (thrown) {
    await database.destroy();
    throw flavour.failure(thrown);
  }
  let loaded: Promise<SealingKey> | undefined;
  const store: Store = {
    database,
    flavour,
    clock,
    holder: thisProcess(),
    newId: createIds(clock),
    key: () => (loaded ??= loadKey(key, folder, url !== undefined)),
  };
  const journals = journalsIn(store);
  const builds = buildsIn(store);
  const keys = clusterKeysIn(store, introductions);
  const ledger = {
    deliveries: deliveriesIn(store),
    journals,
    plans: plansIn(store),
    decisions: decisionsIn(store),
    holds: holdsIn(store),
    errorShares: errorSharesIn(store),
    changes: changesIn(store),
    standings: standingsIn(store),
    notices: noticesIn(store),
    builds,
    async close() {
      // Whoever could not write has said so. What is not let go is free once its lease is over or this process is gone.
      await Promise.allSettled([journals.letGo(), builds.letGo()]);
      await database.destroy();
    },
  };
  return {
    ...identified(ledger, keys),
    doubt: (server) => keys.doubt(server),
    failure: (thrown) => flavour.failure(thrown),
  };
}
