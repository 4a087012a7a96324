import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBinary } from '../cli/binary.ts';
import type { Binary } from '../cli/binary.ts';
import { openOrdeals, ORDEALS, suffer } from './ordeal.ts';
import type { OrdealStage } from './ordeal.ts';

// Each call of the apply once: test/slow/apply-faults.ts. Here so many of each ordeal as fit into a test run.
const SAMPLE: readonly number[] = [88, 101];

let stage: OrdealStage;
let binary: Binary;

beforeAll(async () => {
  [stage, binary] = await Promise.all([openOrdeals(), openBinary()]);
  // The ledger's library is not part of the bundle.
  await symlink(
    path.resolve(import.meta.dirname, '../../node_modules'),
    path.join(binary.folder, 'node_modules'),
  ).catch(() => {});
});
afterAll(async () => {
  await stage.close();
  await binary.remove();
});

describe('an apply of thirty objects, of which one call', () => {
  it.each(ORDEALS)('%s, leaves all of the old set or all of the new one', async (ordeal) => {
    for (const nth of SAMPLE) {
      const { hit, state, text } = await suffer(stage, ordeal, nth, binary.script);
      expect(hit, `call ${nth} was made`).toBe(true);
      expect(['old', 'new'], `call ${nth} ${ordeal}: ${state}\n${text}`).toContain(state);
    }
  });
});
