/**
 * What the ledger costs, against the bare library below it doing the same number of durable writes in the same run, and
 * on PostgreSQL where that is installed.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import Sqlite from 'libsql';
import { systemClock } from '../src/kernel/index.ts';
import { openLedger } from '../src/ledger/index.ts';
import type { JournalStep, LedgerOptions } from '../src/ledger/index.ts';
import { postgresPrograms, startPostgres } from '../test/postgres.ts';
import { markdown, median, milliseconds } from './table.ts';
import type { Row } from './table.ts';

const ROUNDS = 7;
const ROWS = 500;
const CLI = path.resolve(import.meta.dirname, '../dist/landfall.js');
const SUBJECT = { cluster: 'https://10.0.0.1:6443', namespace: 'argocd', application: 'shop' };

async function timed(work: () => unknown): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function deployment(seq: number): JournalStep {
  const object = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: `app-${seq}`, namespace: 'shop', labels: { app: `app-${seq}` } },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: `app-${seq}` } },
      template: {
        metadata: { labels: { app: `app-${seq}` } },
        spec: {
          containers: [
            { name: 'main', image: `registry.corp.io/app:${seq}`, ports: [{ containerPort: 80 }] },
          ],
        },
      },
    },
  };
  return {
    seq,
    action: 'change',
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    namespace: 'shop',
    name: `app-${seq}`,
    before: object,
    after: object,
    state: 'planned',
    uid: undefined,
    resourceVersion: undefined,
    message: '',
  };
}

interface Measured {
  readonly open: number;
  readonly begin: number;
  readonly oneByOne: number;
  readonly together: number;
}

/** A journal of 500 objects: begun, then each step written by itself, then all at once as a parallel apply does. */
async function journal(options: LedgerOptions): Promise<Measured> {
  const ledger = openLedger(options);
  const open = await timed(() => ledger.holds.list());
  const steps = Array.from({ length: ROWS }, (_, seq) => deployment(seq));
  let id = '';
  const begin = await timed(async () => {
    id = await ledger.journals.begin({
      ...SUBJECT,
      delivery: 'bench',
      revision: 'bench',
      fieldManager: 'landfall',
      startedAt: '2026-01-01T00:00:00.000Z',
      steps,
    });
  });
  const oneByOne = await timed(async () => {
    for (const { seq } of steps) await ledger.journals.step(id, seq, { state: 'begun' });
  });
  const together = await timed(() =>
    Promise.all(steps.map(({ seq }) => ledger.journals.step(id, seq, { state: 'done', uid: 'uid' }))),
  );
  await ledger.journals.state(id, 'committed');
  await ledger.close();
  return { open, begin, oneByOne, together };
}

/** The same library without anything of ours, as durable. */
async function bare(file: string): Promise<Pick<Measured, 'open' | 'oneByOne'>> {
  let database: Sqlite.Database | undefined;
  const open = await timed(() => {
    database = new Sqlite(file);
    database.exec('pragma journal_mode = wal; pragma synchronous = full');
    database.exec('create table if not exists t (a text)');
  });
  const oneByOne = await timed(() => {
    for (let n = 0; n < ROWS; n += 1) database?.prepare('insert into t values (?)').run(['begun']);
  });
  database?.close();
  return { open, oneByOne };
}

function middle(all: readonly Measured[], of: keyof Measured): number {
  return median(all.map((each) => each[of]));
}

async function rounds(options: LedgerOptions): Promise<readonly Measured[]> {
  // The first makes the tables and warms the code up.
  await journal(options);
  const all: Measured[] = [];
  for (let round = 0; round < ROUNDS; round += 1) all.push(await journal(options));
  return all;
}

function program(args: readonly string[], home: string): number {
  const began = performance.now();
  spawnSync(process.execPath, [CLI, ...args], {
    stdio: 'ignore',
    env: { ...process.env, XDG_STATE_HOME: home },
  });
  return performance.now() - began;
}

/** Measures the ledger; prints Markdown. */
export async function benchLedger(): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'landfall-bench-'));
  const programs = postgresPrograms();
  const server = programs === undefined ? undefined : await startPostgres(programs, true);
  try {
    const clock = systemClock;
    const ours = await rounds({ folder: path.join(folder, 'landfall'), clock });
    const theirs: Pick<Measured, 'open' | 'oneByOne'>[] = [];
    for (let round = 0; round <= ROUNDS; round += 1) theirs.push(await bare(path.join(folder, 'bare.db')));
    const shared =
      server === undefined
        ? undefined
        : await rounds({ url: server.url, key: '5a'.repeat(32), folder, clock });
    const version: number[] = [];
    const history: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      version.push(program(['--version'], folder));
      history.push(program(['history', 'shop'], folder));
    }
    const theirOpen = median(theirs.slice(1).map((each) => each.open));
    const theirRows = median(theirs.slice(1).map((each) => each.oneByOne));
    const row = (what: string, of: keyof Measured, other = Number.NaN): Row => ({
      what,
      ours: milliseconds(middle(ours, of)),
      other: [
        Number.isNaN(other) ? '' : `${milliseconds(other)} bare`,
        shared === undefined ? '' : `${milliseconds(middle(shared, of))} PostgreSQL`,
      ]
        .filter((part) => part !== '')
        .join(', '),
      ratio: Number.isNaN(other) ? '' : `${(middle(ours, of) / other).toFixed(1)} × bare`,
    });
    return markdown('Ledger', { ours: 'SQLite', other: 'bare libsql, PostgreSQL' }, [
      row('open, and one question', 'open', theirOpen),
      row(`begin a journal of ${ROWS} objects, sealed`, 'begin'),
      row(`${ROWS} durable changes, one after the other`, 'oneByOne', theirRows),
      row(`${ROWS} durable changes, as a parallel apply makes them`, 'together'),
      {
        what: '`landfall history`, against `landfall --version`',
        ours: milliseconds(median(history)),
        other: milliseconds(median(version)),
        ratio: '',
      },
    ]);
  } finally {
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
