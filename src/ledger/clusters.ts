import { sql } from 'kysely';
import type { ClusterIdentity } from '../kube/index.ts';
import { isoNow } from './rows.ts';
import type { Session } from './schema.ts';
import type { Store } from './store.ts';

/** Asks each cluster that this process works with who it is, by the address that it uses for it. */
export type Introductions = ReadonlyMap<string, () => Promise<ClusterIdentity>>;

/** The column `cluster` holds who a cluster is; callers name and are told an address. */
export interface ClusterKeys {
  /** What is kept of the cluster that a caller names so. */
  keyOf(name: string): Promise<string>;
  /** What a caller calls the cluster that something is kept of. */
  nameOf(key: string): Promise<string>;
  /** Keys of other clusters that answered at this address before. */
  othersAt(server: string): Promise<readonly string[]>;
  /** Why it is not certain which cluster answers at this address; undefined where it said so. */
  doubt(server: string): Promise<string | undefined>;
}

interface Met {
  readonly cluster: string;
  readonly server: string;
  readonly seen: string;
}

interface Resolved {
  readonly key: string;
  readonly doubt: string | undefined;
}

const PREFIX = 'uid:';
/** Characters of a uid that people are shown. */
const SHOWN = 8;

interface Adopted {
  readonly table: string;
  /** What may be there once only: which other row of that application says so. */
  readonly once?: string;
  /** Which of those that are there already say nothing new; any other waits until that has come to its end. */
  readonly same?: string;
}

/**
 * What has no identity yet was written by a Landfall that knew addresses only, or while the identity could not be read.
 * The first cluster that is met at the address takes it over.
 */
const ADOPTED: readonly Adopted[] = [
  {
    table: 'landfall_journal',
    once: "mine.state in ('open', 'restoring') and other.state in ('open', 'restoring')",
  },
  {
    table: 'landfall_delivery',
    // One that was seen without a digest is any of that revision.
    once: "mine.trigger = 'observed' and other.trigger = 'observed' and other.revision = mine.revision and (other.digest is null or mine.digest is null or other.digest = mine.digest)",
    same: "trigger = 'observed'",
  },
  { table: 'landfall_plan' },
  { table: 'landfall_decision' },
  {
    table: 'landfall_hold',
    once: 'other.kind = mine.kind and other.revision = mine.revision',
    same: '1 = 1',
  },
  { table: 'landfall_error_share', once: 'other.digest = mine.digest', same: '1 = 1' },
  { table: 'landfall_notice' },
  {
    table: 'landfall_change',
    once: "mine.state in ('waiting', 'committing', 'following') and other.state in ('waiting', 'committing', 'following')",
  },
  { table: 'landfall_standing', once: '1 = 1', same: '1 = 1' },
];

async function adopt(session: Session, server: string, key: string): Promise<void> {
  for (const { table, once, same } of ADOPTED) {
    const taken =
      once === undefined
        ? sql``
        : sql` and not exists (select 1 from ${sql.table(table)} as other
            where other.cluster = ${key} and other.namespace = mine.namespace
              and other.application = mine.application and ${sql.raw(once)})`;
    await sql`update ${sql.table(table)} as mine set cluster = ${key} where mine.cluster = ${server}${taken}`.execute(
      session,
    );
    if (same !== undefined)
      await sql`delete from ${sql.table(table)} where cluster = ${server} and ${sql.raw(same)}`.execute(
        session,
      );
  }
}

async function hasOrphans(session: Session, server: string): Promise<boolean> {
  const parts = ADOPTED.map(
    ({ table }) =>
      sql`select 1 as one where exists (select 1 from ${sql.table(table)} where cluster = ${server})`,
  );
  const { rows } = await sql`${sql.join(parts, sql` union all `)}`.execute(session);
  return rows.length > 0;
}

export function clusterKeysIn(store: Store, introductions: Introductions): ClusterKeys {
  const { database } = store;
  const resolved = new Map<string, Promise<Resolved>>();
  /** Addresses that this process calls a cluster by, by key. */
  const called = new Map<string, string>();
  let all: Promise<readonly Met[]> | undefined;

  /** Every cluster at every address, the newest meeting first. */
  function meetings(): Promise<readonly Met[]> {
    all ??= database.selectFrom('landfall_cluster').selectAll().orderBy('seen', 'desc').execute();
    all.catch(() => (all = undefined));
    return all;
  }

  async function newestAt(server: string): Promise<string | undefined> {
    return (await meetings()).find((met) => met.server === server)?.cluster;
  }

  async function meet(server: string, key: string): Promise<void> {
    if ((await newestAt(server)) === key && !(await hasOrphans(database, server))) return;
    await database.transaction().execute(async (session) => {
      const seen = isoNow(store);
      await session
        .insertInto('landfall_cluster')
        .values({ cluster: key, server, seen })
        .onConflict((conflict) => conflict.columns(['cluster', 'server']).doUpdateSet({ seen }))
        .execute();
      const others = await session
        .selectFrom('landfall_cluster')
        .select('cluster')
        .where('server', '=', server)
        .where('cluster', '<>', key)
        .executeTakeFirst();
      if (others === undefined) await adopt(session, server, key);
    });
    all = undefined;
  }

  async function introduced(server: string, ask: () => Promise<ClusterIdentity>): Promise<Resolved> {
    const identity = await ask();
    if ('uid' in identity) {
      const key = `${PREFIX}${identity.uid}`;
      await meet(server, key);
      called.set(key, called.get(key) ?? server);
      return { key, doubt: undefined };
    }
    const key = (await newestAt(server)) ?? server;
    called.set(key, called.get(key) ?? server);
    if (!identity.lasting) resolved.delete(server);
    return { key, doubt: identity.unknown };
  }

  function resolve(server: string): Promise<Resolved> | undefined {
    const ask = introductions.get(server);
    if (ask === undefined) return undefined;
    const known = resolved.get(server);
    if (known !== undefined) return known;
    const asked = introduced(server, ask);
    resolved.set(server, asked);
    asked.catch(() => resolved.delete(server));
    return asked;
  }

  async function nameOf(key: string): Promise<string> {
    const own = called.get(key);
    if (own !== undefined || !key.startsWith(PREFIX)) return own ?? key;
    const metAt = async () => (await meetings()).find(({ cluster }) => cluster === key);
    let met = await metAt();
    if (met === undefined) {
      // Another process has met it since.
      all = undefined;
      met = await metAt();
    }
    if (met === undefined) return key;
    const moved = (await newestAt(met.server)) !== key;
    return moved ? `${met.server} (cluster ${key.slice(PREFIX.length, PREFIX.length + SHOWN)})` : met.server;
  }

  return {
    nameOf,
    async keyOf(name) {
      const introduced = await resolve(name);
      if (introduced !== undefined) return introduced.key;
      // Nobody here has met it; others may have since the last look.
      all = undefined;
      for (const { cluster } of await meetings()) if ((await nameOf(cluster)) === name) return cluster;
      return name;
    },
    async othersAt(server) {
      const own = (await resolve(server))?.key ?? (await newestAt(server));
      const here = (await meetings()).filter((met) => met.server === server);
      return here.map(({ cluster }) => cluster).filter((cluster) => cluster !== own);
    },
    async doubt(server) {
      return (await resolve(server))?.doubt;
    },
  };
}
