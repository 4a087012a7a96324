/**
 * `landfall promote` and `landfall rollback` killed by SIGKILL before each write into their ledger and before and after
 * each write into Git, and gone on with by `landfall promote resume`: one change, one commit, one delivery each time, and
 * never half of a rollback. Exit 1 where it is otherwise.
 *
 * A write is named by what it is and how many of its kind went before it, as a run of its own lists them: what other
 * work of the same command writes meanwhile moves no other write's name.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { platformRepositoryFiles } from '../../examples/payment-api/index.ts';
import { runGit } from '../../src/git/index.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { openLedger } from '../../src/ledger/index.ts';
import type { Ledger } from '../../src/ledger/index.ts';
import { openBinary } from '../cli/binary.ts';
import { openLab } from '../lab/stage.ts';

const STAGING = 'apps/payment-api/overlays/staging';
const APPLICATION = 'payment-api-staging';
const MOST = 60;

/**
 * Runs inside of the program. Lists commits of the ledger from the first one that a change is in, and the calls of git
 * that write; kills its own process at the one that is named.
 */
const PRELOAD = `
import { appendFileSync } from 'node:fs';
import childProcess from 'node:child_process';
import { createRequire, syncBuiltinESMExports } from 'node:module';
const { KILL_AT, KILL_LOG, KILL_SCRIPT } = process.env;
const Database = createRequire(KILL_SCRIPT)('libsql');
let begun = false;
const counts = new Map();
function step(kind) {
  const count = (counts.get(kind) ?? 0) + 1;
  counts.set(kind, count);
  const name = kind + ' #' + count;
  appendFileSync(KILL_LOG, name + '\\n');
  if (name === KILL_AT) process.kill(process.pid, 'SIGKILL');
}
let tables = [];
const { prepare, exec } = Database.prototype;
Database.prototype.prepare = function (sql) {
  const table = /^\\s*(?:insert into|update|delete from) "landfall_(\\w+)"/i.exec(sql)?.[1];
  if (table !== undefined) tables.push(table);
  return prepare.call(this, sql);
};
Database.prototype.exec = function (sql) {
  if (sql === 'begin immediate') tables = [];
  if (sql === 'commit') {
    begun = begun || tables.includes('change');
    if (begun) step('ledger ' + tables.join(' '));
  }
  return exec.call(this, sql);
};
const { spawn } = childProcess;
childProcess.spawn = function (program, args, ...rest) {
  const write = Array.isArray(args) ? args.find((each) => /^(?:hash-object|commit-tree|read-tree|update-ref)$/.test(each)) : undefined;
  if (program !== 'git' || write === undefined) return spawn.call(this, program, args, ...rest);
  step('before git ' + write);
  const child = spawn.call(this, program, args, ...rest);
  child.once('close', () => step('after git ' + write));
  return child;
};
syncBuiltinESMExports();
`;

const COMMANDS = [
  ['promote', 'Landfall-Promotion', ['promote', 'payment-api', '--from', 'dev', '--to', 'staging']],
  ['rollback', 'Landfall-Rollback', ['rollback', APPLICATION]],
] as const;

let broken = 0;
const died = new Set<string>();
const lab = await openLab();
const binary = await openBinary();
const preload = path.join(binary.folder, 'kill.mjs');
const log = path.join(binary.folder, 'steps');
const env = { KUBECONFIG: lab.kubeconfig };
await writeFile(preload, PRELOAD);

async function withLedger<T>(work: (ledger: Ledger) => Promise<T>): Promise<T> {
  const ledger = openLedger({
    folder: path.join(binary.home, '.local', 'state', 'landfall'),
    clock: systemClock,
  });
  try {
    return await work(ledger);
  } finally {
    await ledger.close();
  }
}

async function trailers(trailer: string): Promise<readonly string[]> {
  const text = await runGit('Reading the log', ['log', '--format=%B', 'main'], { cwd: lab.repository });
  return text.split('\n').filter((line) => line.startsWith(`${trailer}: `));
}

async function landed(args: readonly string[]): Promise<string> {
  const { code, out, err } = await binary.run([...args, '--wait', '120s', '-o', 'json'], {
    env,
    cwd: lab.repository,
  });
  if (out === '') return `exit ${code ?? 'none'}: ${err}`;
  const { state, message } = JSON.parse(out) as { readonly state: string; readonly message: string };
  return state === 'landed' || state === 'already' ? '' : `${state}: ${message}`;
}

/** Kills the command at a write, or nowhere; ends it by another process, and says what is wrong then. */
async function suffer([name, trailer, args]: (typeof COMMANDS)[number], at = '') {
  const before = await trailers(trailer);
  await writeFile(log, '');
  const started = binary.start([...args, '--wait', '120s', '-o', 'json'], {
    cwd: lab.repository,
    env: {
      ...env,
      NODE_OPTIONS: `--import=${preload}`,
      KILL_AT: at,
      KILL_LOG: log,
      KILL_SCRIPT: binary.script,
    },
  });
  const { signal } = await started.ended;
  const steps = (await readFile(log, 'utf8')).trim().split('\n');
  const wrong: string[] = [];
  const left = await withLedger((ledger) => ledger.changes.open({ application: APPLICATION }));
  const [open, another] = left;
  if (another !== undefined) wrong.push(`${left.length} are open`);
  wrong.push(await landed(open === undefined ? args : ['promote', 'resume', open.id]));
  const after = await trailers(trailer);
  if (after.length - before.length !== 1) wrong.push(`${after.length - before.length} commits`);
  if (new Set(after).size !== after.length) wrong.push('the same change was committed twice');
  await withLedger(async (ledger) => {
    if ((await ledger.changes.open()).length > 0) wrong.push('something is still open');
    const deliveries = await ledger.deliveries.list({ application: APPLICATION }, 1000);
    const own = deliveries.filter(({ trigger }) => trigger !== 'observed').map(({ revision }) => revision);
    if (new Set(own).size !== own.length) wrong.push('two deliveries of one commit');
    if (deliveries.some(({ state }) => state === 'running')) wrong.push('a delivery runs for ever');
    const holds = await ledger.holds.list({ application: APPLICATION });
    const kinds = holds
      .map(({ kind }) => kind)
      .toSorted()
      .join(' ');
    if (kinds !== (name === 'rollback' ? 'promotion updates' : '')) wrong.push(`held: ${kinds || 'nothing'}`);
    for (const { id } of holds) await ledger.holds.lift(id);
  });
  const text = await lab.read(`${STAGING}/patch-image.yaml`);
  if (!text.includes(name === 'rollback' ? 'nginx:1.27.5\n' : 'nginx:1.27.6@sha256:')) wrong.push(text);
  for (const each of wrong.filter((text) => text !== '')) {
    broken += 1;
    process.stderr.write(`${name}, ${signal === 'SIGKILL' ? `killed at ${at}` : 'whole'}: ${each}\n`);
  }
  return { killed: signal === 'SIGKILL', steps };
}

try {
  // No pods: what is looked at is what is written.
  const replicas = `${STAGING}/patch-replicas.yaml`;
  const files = await platformRepositoryFiles(lab.repository);
  await lab.onboard({ [replicas]: (files[replicas] ?? '').replace('replicas: 3', 'replicas: 0') });
  for (const environment of ['dev', 'staging'] as const) {
    await lab.register(environment);
    const args = ['prove', `payment-api-${environment}`, '--wait', '120s'];
    const { code, out, err } = await binary.run(args, { env, cwd: lab.repository });
    if (code !== 0) throw new Error(out + err);
  }
  // One after the other, always: what the first brings the second takes back.
  const lists: string[][] = [];
  for (const command of COMMANDS) lists.push((await suffer(command)).steps);
  const longest = Math.max(...lists.map(({ length }) => length));
  if (longest > MOST) throw new Error(`more than ${MOST} writes: ${lists.join(', ')}`);
  for (let at = 0; at < longest; at += 1) {
    for (const [index, command] of COMMANDS.entries()) {
      const step = lists[index]?.[at];
      if ((await suffer(command, step)).killed) died.add(`${command[0]} ${step}`);
    }
  }
  process.stdout.write(`killed at:\n${[...died].map((step) => `  ${step}`).join('\n')}\n`);
} finally {
  await binary.remove();
  await lab.close();
}
// Each kind of write has to have been died at, or nothing was tested.
const wanted = [
  'ledger change',
  'before git commit-tree',
  'before git update-ref',
  'after git update-ref',
  'ledger delivery',
];
const missed = COMMANDS.flatMap(([name]) =>
  wanted
    .map((kind) => `${name} ${kind} #`)
    .filter((prefix) => ![...died].some((step) => step.startsWith(prefix)))
    .map((prefix) => prefix.slice(0, -2)),
);
if (missed.length > 0) process.stderr.write(`never died at: ${missed.join(', ')}\n`);
process.exitCode = broken === 0 && missed.length === 0 ? 0 : 1;
