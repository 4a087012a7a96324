import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKills } from '../apply/serve-kill.ts';
import type { KillStage } from '../apply/serve-kill.ts';
import { openBinary } from './binary.ts';
import type { Binary } from './binary.ts';

// The controller as a process that is killed for good. Every write of it is in test/slow/serve-kills.ts.
const MINUTE = 60_000;

let binary: Binary;
let stage: KillStage;

beforeAll(async () => {
  binary = await openBinary();
  stage = await openKills(binary);
}, MINUTE);

afterAll(async () => {
  await stage.close();
  await binary.remove();
}, MINUTE);

describe('landfall serve, killed by kill -9', () => {
  it(
    'between two waves, goes on where it was',
    async () => {
      expect(await stage.suffer({ at: 'between-waves' }, true)).toEqual({ hit: true, state: 'new' });
    },
    3 * MINUTE,
  );

  it(
    'in the middle of a wave, goes on where it was',
    async () => {
      const kill = { at: 'write', nth: 2, written: true } as const;
      expect(await stage.suffer(kill, true)).toEqual({ hit: true, state: 'new' });
    },
    3 * MINUTE,
  );

  it(
    'between two waves, takes everything back where nobody wants it any more',
    async () => {
      expect(await stage.suffer({ at: 'between-waves' }, false)).toEqual({ hit: true, state: 'old' });
    },
    3 * MINUTE,
  );

  it(
    'in the middle of a wave, takes everything back where nobody wants it any more',
    async () => {
      const kill = { at: 'write', nth: 3, written: false } as const;
      expect(await stage.suffer(kill, false)).toEqual({ hit: true, state: 'old' });
    },
    3 * MINUTE,
  );
});
