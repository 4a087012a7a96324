import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBinary } from '../cli/binary.ts';
import type { Binary } from '../cli/binary.ts';

const MINUTE = 60_000;
let binary: Binary;

beforeAll(async () => {
  binary = await openBinary();
}, 2 * MINUTE);
afterAll(() => binary.remove());

// As it is installed: what tsx forgives is not forgiven here.
describe('landfall demo tomoda', () => {
  it('plays to its end without a lost request, and leaves nothing', { timeout: 10 * MINUTE }, async () => {
    const { code, out, err } = await binary.run(['demo', 'tomoda', '--once', '-o', 'json']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const outcomes = JSON.parse(out) as readonly { readonly act: string; readonly lost: number }[];
    expect(outcomes.map(({ act, lost }) => [act, lost])).toEqual([
      ['dev', 0],
      ['prod', 0],
      ['rolled back', 0],
      ['manifest edited', 0],
    ]);
    expect(await binary.leftovers()).toEqual([]);
  });

  it('ends in the middle when it is interrupted, and leaves nothing', { timeout: 5 * MINUTE }, async () => {
    const started = binary.start(['demo', 'tomoda']);
    await started.until(/its Applications are registered/);
    started.kill('SIGINT');
    expect(await started.ended).toMatchObject({ code: 130 });
    expect(await binary.leftovers()).toEqual([]);
  });

  it('names the stories that there are', async () => {
    const { code, err } = await binary.run(['demo', 'tomodo']);
    expect(code).toBe(3);
    expect(err).toContain('incident, tomoda');
  });
});
