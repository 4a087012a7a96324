import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { childProgram } from '../../test/child-program.ts';
import type { ChildProgram } from '../../test/child-program.ts';
import type { LedgerOptions } from './index.ts';
import { ANA, journal, kinds, SHOP, sqlite, startDelivery, step } from '../../test/ledger-places.ts';
import type { Place } from '../../test/ledger-places.ts';

/**
 * A process of its own. `write`: deliveries, one line for each that was acknowledged. `journal`: a journal, then its
 * steps, one line for each.
 */
const CHILD = `
import { writeSync } from 'node:fs';
import { openLedger } from './src/ledger/index.ts';
import { systemClock } from './src/kernel/index.ts';
const { options, work, count, subject, steps } = JSON.parse(process.argv[2]);
const ledger = openLedger({ ...options, clock: systemClock });
const actor = { name: 'child', attestedBy: 'nobody' };
const tell = (text) => writeSync(1, text + '\\n');
if (work === 'write') {
  for (let n = 0; n < count; n += 1) {
    tell(await ledger.deliveries.start({ ...subject, environment: undefined, revision: String(n), trigger: 'sync', actor, startedAt: new Date().toISOString() }));
  }
} else {
  const id = await ledger.journals.begin({ ...subject, delivery: 'd', revision: 'rev1', fieldManager: 'landfall', startedAt: new Date().toISOString(), steps });
  tell(id);
  for (let n = 0; ; n += 1) {
    const { seq } = steps[n % steps.length];
    await ledger.journals.step(id, seq, { state: 'done', message: 'turn ' + n });
    tell(String(n));
  }
}
await ledger.close();
`;

let program: ChildProgram;

beforeAll(async () => {
  program = await childProgram(CHILD);
});
afterAll(() => {
  program?.remove();
});

function start({ clock: _clock, ...options }: LedgerOptions, more: object) {
  const child = spawn(process.execPath, [program.file, JSON.stringify({ options, subject: SHOP, ...more })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { child, exited: once(child, 'exit'), lines: createInterface(child.stdout) };
}

describe.each(kinds)('a ledger in $name and several processes', (kind) => {
  let place: Place;
  beforeAll(() => kind.start());
  afterAll(() => kind.stop());
  beforeEach(async () => {
    place = await kind.place();
  });
  afterEach(() => place.close());

  it('holds what was acknowledged before a kill -9, and lets a journal be taken over at once', async () => {
    const steps = Array.from({ length: 40 }, (_, n) => step(n));
    const { child, exited, lines } = start(place.options, { work: 'journal', steps });
    const told: string[] = [];
    for await (const line of lines) {
      told.push(line);
      // In the middle of the third time round: some write is on its way.
      if (told.length === 100) child.kill('SIGKILL');
    }
    await exited;
    const [id = ''] = told;
    const last = Number(told.at(-1));
    expect(last).toBeGreaterThanOrEqual(98);
    const ledger = place.open();
    await expect(ledger.journals.begin(journal('d', []))).rejects.toMatchObject({
      code: 'journal-unfinished',
    });
    expect((await ledger.journals.unfinished()).map((each) => each.id)).toEqual([id]);
    const found = await ledger.journals.takeOver(id);
    expect(found.steps.map(({ before, after }) => ({ before, after }))).toEqual(
      steps.map(({ before, after }) => ({ before, after })),
    );
    const turns = found.steps.map((each) => Number(each.message.replace('turn ', '')));
    // Each step holds its last acknowledged turn, or the one that was on its way.
    for (const [seq, turn] of turns.entries()) {
      const acknowledged = last - ((last - seq) % 40);
      expect([acknowledged, last + 1]).toContain(turn);
    }
    await ledger.journals.state(id, 'restored');
  });

  it('is made once and loses nothing when two begin to write at the same time', async () => {
    const children = [1, 2].map(() => start(place.options, { work: 'write', count: 60 }));
    const told = await Promise.all(
      children.map(async ({ lines, exited }) => {
        const ids: string[] = [];
        for await (const line of lines) ids.push(line);
        expect((await exited)[0]).toBe(0);
        return ids;
      }),
    );
    const found = (await place.open().deliveries.list(SHOP, 1000)).map((each) => each.id);
    expect(told.flat()).toHaveLength(120);
    expect(new Set(found)).toEqual(new Set(told.flat()));
  });
});

describe('a ledger file', () => {
  let place: Place;
  const at = (name: string) => path.join(place.options.folder, name);
  beforeEach(async () => {
    place = await sqlite.place();
  });
  afterEach(() => place.close());

  it('holds no byte of a Secret, sealed or not', async () => {
    const value = 'hunter2-and-a-longer-tail-0123456789';
    const encoded = Buffer.from(value).toString('base64');
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'db',
        annotations: {
          'kubectl.kubernetes.io/last-applied-configuration': `{"kind":"Secret","data":{"password":"${encoded}"}}`,
        },
      },
      data: { password: encoded },
      stringData: { password: value },
    };
    const ledger = place.open();
    const id = await startDelivery(ledger, place.clock);
    const kept = await ledger.journals.begin(
      journal(id, [step(1, { kind: 'Secret', name: 'db', before: secret, after: secret })]),
    );
    const change = {
      kind: 'Secret',
      name: 'db',
      changes: [{ path: 'data.password', from: encoded, to: value }],
    };
    await ledger.deliveries.update(id, {
      results: [{ object: secret }, change],
      message: `refused: ${JSON.stringify(secret)}`,
      proof: { live: [{ items: [secret] }], text: JSON.stringify(secret, null, 2) },
    });
    await ledger.plans.save({ ...SHOP, revision: 'r', actor: ANA, plan: { changes: [change, secret] } });
    await ledger.decisions.record({ ...SHOP, kind: 'x', actor: ANA, reason: 'x', detail: { secret } });
    const bytes = Buffer.concat(readdirSync(place.options.folder).map((name) => readFileSync(at(name))));
    expect(bytes.includes('db')).toBe(true);
    for (const part of [value, encoded, value.slice(0, 12), encoded.slice(0, 12)])
      expect(bytes.includes(part)).toBe(false);
    expect((await ledger.journals.get(kept))?.steps[0]?.after).toEqual(secret);
    expect((await ledger.deliveries.get(id))?.results[1]).toEqual({
      kind: 'Secret',
      name: 'db',
      changes: [{ path: 'data.password', from: '(left out)', to: '(left out)' }],
    });
  });

  it('is for its owner alone, as are its key and its helpers', async () => {
    const ledger = place.open();
    await ledger.journals.begin(journal('d', []));
    const modes = readdirSync(place.options.folder).map((name) => [name, statSync(at(name)).mode & 0o777]);
    expect(Object.fromEntries(modes)).toEqual({
      'ledger.db': 0o600,
      'ledger.db-shm': 0o600,
      'ledger.db-wal': 0o600,
      'ledger.key': 0o600,
    });
  });

  it('is not made by a question', async () => {
    const ledger = place.open();
    expect(await ledger.deliveries.list({}, 10)).toEqual([]);
    expect(await ledger.errorShares.baseline(SHOP, undefined)).toBeUndefined();
    expect(readdirSync(place.options.folder)).toEqual([]);
    await startDelivery(ledger, place.clock);
    expect(await ledger.deliveries.list({}, 10)).toHaveLength(1);
  });

  it.each([
    ['is no database', 'no database at all, only text '.repeat(100)],
    ['is cut off', 'SQLite format 3\u0000'],
  ])('that %s is said to be damaged, and left as it is', async (_, text) => {
    writeFileSync(at('ledger.db'), text);
    await expect(place.open().deliveries.list({}, 1)).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'ledger-damaged',
      object: at('ledger.db'),
      hint: expect.stringContaining('mv ') as string,
    });
    expect(readFileSync(at('ledger.db'), 'utf8')).toBe(text);
  });

  it('that can no longer be written is closed all the same, or the reason would be lost behind that', async () => {
    const ledger = place.open();
    await ledger.journals.begin(journal('d', []));
    await place.execute('drop table landfall_journal');
    await expect(ledger.close()).resolves.toBeUndefined();
  });

  it('that cannot be written says where, and is tried again', async () => {
    writeFileSync(at('file'), '');
    const ledger = place.open({ folder: at('file') });
    await expect(startDelivery(ledger, place.clock)).rejects.toMatchObject({
      kind: 'denied',
      code: 'ledger-unwritable',
      message: expect.stringContaining(path.join(at('file'), 'ledger.db')) as string,
    });
    rmSync(at('file'));
    await startDelivery(ledger, place.clock);
  });

  it('whose folder cannot be made says so, instead of trying for ever', async () => {
    symlinkSync(at('nowhere'), at('dangling'));
    const ledger = place.open({ folder: path.join(at('dangling'), 'a', 'b') });
    await expect(startDelivery(ledger, place.clock)).rejects.toMatchObject({
      kind: 'denied',
      code: 'ledger-unwritable',
    });
  });

  it('keeps its locks when this process opens it once more: nobody else takes it for left', async () => {
    const ledger = place.open();
    await startDelivery(ledger, place.clock);
    const again = place.open();
    await again.deliveries.list(SHOP, 1);
    // Whoever closes a file last puts its log away; this one is not the last.
    const { exited } = start(place.options, { work: 'write', count: 1 });
    expect((await exited)[0]).toBe(0);
    expect(readdirSync(path.dirname(at('ledger.db')))).toContain('ledger.db-wal');
  });

  it("that is locked is waited for, also when the lock is this very process's", async () => {
    const ledger = place.open();
    await startDelivery(ledger, place.clock);
    const { default: Sqlite } = await import('libsql');
    const other = new Sqlite(at('ledger.db'));
    other.exec('begin immediate');
    const written = startDelivery(ledger, place.clock);
    await new Promise((resolve) => setImmediate(resolve));
    other.exec('commit');
    await written;
    await startDelivery(ledger, place.clock);
    other.close();
  });

  it('with a key that is none, or with another key, does not open a journal', async () => {
    await expect(place.open({ key: 'short' }).journals.begin(journal('d', []))).rejects.toMatchObject({
      kind: 'invalid-input',
      code: 'ledger-key',
      message: expect.not.stringContaining('short') as string,
    });
    const dying = place.open();
    const id = await dying.journals.begin(journal('d', [step(1)]));
    await dying.close();
    rmSync(at('ledger.key'));
    const ledger = place.open();
    await expect(ledger.journals.takeOver(id)).rejects.toMatchObject({
      kind: 'conflict',
      code: 'ledger-key',
    });
    // It was not taken by somebody who can do nothing with it.
    expect(await place.open().journals.unfinished()).toHaveLength(1);
  });
});

it('that cannot be reached says so without the password', async () => {
  const place = await sqlite.place();
  const ledger = place.open({ url: 'postgres://ana:hunter2@127.0.0.1:1/none' });
  await expect(ledger.deliveries.list({}, 1)).rejects.toMatchObject({
    kind: 'unavailable',
    code: 'ledger-unavailable',
    message: expect.stringMatching(/^(?!.*hunter2).*127\.0\.0\.1:1/) as string,
  });
  await place.close();
});

it('in PostgreSQL seals with a key that was given, not with one of this machine', async () => {
  for (const kind of kinds.filter((each) => each.name === 'PostgreSQL')) {
    await kind.start();
    const place = await kind.place();
    await expect(place.open({ key: undefined }).journals.begin(journal('d', []))).rejects.toMatchObject({
      code: 'ledger-key',
      hint: expect.stringContaining('LANDFALL_LEDGER_KEY') as string,
    });
    expect(readdirSync(place.options.folder)).toEqual([]);
    await place.close();
    await kind.stop();
  }
});
