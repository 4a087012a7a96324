import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stateFolder } from '../../src/cli/folders.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { openLedger } from '../../src/ledger/index.ts';
import { openBinary } from './binary.ts';
import type { Binary } from './binary.ts';

describe('the installed program', () => {
  let binary: Binary;
  beforeAll(async () => {
    binary = await openBinary();
    const ledger = openLedger({ folder: stateFolder({ HOME: binary.home }), clock: systemClock });
    await ledger.deliveries.start({
      cluster: 'https://10.0.0.1:6443',
      namespace: 'argocd',
      application: 'shop',
      environment: undefined,
      revision: 'a'.repeat(40),
      trigger: 'apply',
      actor: { name: 'ana', attestedBy: 'nobody' },
      startedAt: '2026-01-01T00:00:00.000Z',
    });
    await ledger.close();
  });
  afterAll(() => binary.remove());

  it('finds the native library that the ledger needs', async () => {
    const { code, out, err } = await binary.run(['history', 'shop']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('aaaaaaaa');
  });

  it('says what to do where that library is missing, and needs it for nothing else', async () => {
    await rm(path.join(binary.folder, 'node_modules'));
    const { code, err } = await binary.run(['history', 'shop']);
    expect(code).toBe(1);
    expect(err).toMatch(/^✗ SQLite does not run on this machine: .*libsql/);
    expect(err).toContain('--ledger');
    expect((await binary.run(['--version'])).code).toBe(0);
  });
});
