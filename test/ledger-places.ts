import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { postgresPrograms, startPostgres } from './postgres.ts';
import { manualClock } from '../src/kernel/index.ts';
import type { ManualClock } from '../src/kernel/index.ts';
import { openLedger } from '../src/ledger/index.ts';
import type {
  Actor,
  Journal,
  JournalStep,
  Ledger,
  LedgerOptions,
  LedgerSubject,
} from '../src/ledger/index.ts';

export const SHOP: LedgerSubject = {
  cluster: 'https://10.0.0.1:6443',
  namespace: 'argocd',
  application: 'shop',
};
export const ANA: Actor = { name: 'ana', attestedBy: 'cluster' };

/** An empty place for a ledger; several may be opened on it. */
export interface Place {
  readonly clock: ManualClock;
  readonly options: LedgerOptions;
  open(change?: Partial<LedgerOptions>): Ledger;
  /** Straight to the tables, behind the ledger's back. */
  execute(statement: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  close(): Promise<void>;
}

export interface Kind {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  place(): Promise<Place>;
}

function placeOf(options: LedgerOptions, clock: ManualClock, execute: Place['execute']): Place {
  const opened: Ledger[] = [];
  return {
    clock,
    options,
    open(change = {}) {
      const ledger = openLedger({ ...options, ...change });
      opened.push(ledger);
      return ledger;
    },
    execute,
    async close() {
      for (const ledger of opened) await ledger.close();
      rmSync(options.folder, { recursive: true, force: true });
    },
  };
}

function temporary(): string {
  return mkdtempSync(path.join(tmpdir(), 'landfall-ledger-'));
}

export const sqlite: Kind = {
  name: 'SQLite',
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  async place() {
    const folder = temporary();
    const clock = manualClock();
    const { default: Sqlite } = await import('libsql');
    return placeOf({ folder, clock }, clock, (statement) => {
      const database = new Sqlite(path.join(folder, 'ledger.db'));
      try {
        const prepared = database.prepare(statement);
        if (prepared.reader) return Promise.resolve(prepared.all() as Record<string, unknown>[]);
        prepared.run();
        return Promise.resolve([]);
      } finally {
        database.close();
      }
    });
  },
};

function postgresFrom(programs: string): Kind {
  let server: Awaited<ReturnType<typeof startPostgres>> | undefined;
  let places = 0;
  return {
    name: 'PostgreSQL',
    async start() {
      server = await startPostgres(programs);
    },
    async stop() {
      await server?.close();
    },
    async place() {
      const schema = `place_${(places += 1)}`;
      const base = server?.url ?? '';
      const url = `${base}&options=${encodeURIComponent(`-c search_path=${schema}`)}`;
      const execute = async (at: string, statement: string) => {
        const client = new pg.Client({ connectionString: at });
        await client.connect();
        try {
          return (await client.query<Record<string, unknown>>(statement)).rows;
        } finally {
          await client.end();
        }
      };
      await execute(base, `create schema ${schema}`);
      const clock = manualClock();
      const options = { url, folder: temporary(), clock, key: 'a5'.repeat(32) };
      return placeOf(options, clock, (statement) => execute(url, statement));
    },
  };
}

const programs = postgresPrograms();

/** Both databases; PostgreSQL only where it is installed, unless CI says that it must be. */
export const kinds: readonly Kind[] = [sqlite, ...(programs === undefined ? [] : [postgresFrom(programs)])];
export const postgresMissing =
  programs === undefined ? 'PostgreSQL is not installed: the ledger is tested on SQLite alone' : undefined;

export function startDelivery(ledger: Ledger, clock: ManualClock, revision = 'rev1'): Promise<string> {
  return ledger.deliveries.start({
    ...SHOP,
    environment: 'prod',
    revision,
    trigger: 'apply',
    actor: ANA,
    startedAt: new Date(clock.now()).toISOString(),
  });
}

export function step(seq: number, change: Partial<JournalStep> = {}): JournalStep {
  return {
    seq,
    action: 'change',
    apiVersion: 'v1',
    kind: 'ConfigMap',
    namespace: 'shop',
    name: `settings-${seq}`,
    before: { data: { size: String(seq) } },
    after: { data: { size: String(seq + 1) } },
    state: 'planned',
    uid: undefined,
    resourceVersion: undefined,
    message: '',
    ...change,
  };
}

export function journal(delivery: string, steps: readonly JournalStep[]): Omit<Journal, 'id' | 'state'> {
  return {
    ...SHOP,
    delivery,
    revision: 'rev1',
    fieldManager: 'landfall',
    startedAt: '2026-01-01T00:00:00.000Z',
    steps,
  };
}
