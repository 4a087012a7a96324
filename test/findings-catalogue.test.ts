import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findingsOf } from '../src/verdict/index.ts';
import { CASES } from './findings-cases.ts';

describe('the catalogue', () => {
  it.each(CASES.map((one) => [`${one.failure} ${one.what}`, one] as const))('%s', (_name, one) => {
    const [first] = findingsOf(one.broken);
    expect(first).toMatchObject({ id: one.id, failure: one.failure, boundary: one.boundary });
    expect(first?.claims.length).toBeGreaterThan(0);
    expect(first?.misleading.length).toBeGreaterThan(0);
    expect(first?.verify.length).toBeGreaterThan(0);
    expect(findingsOf(one.twin).filter(({ failure }) => failure === one.failure)).toEqual([]);
    expect(findingsOf(one.twin).filter(({ kind }) => kind === 'cause')).toEqual([]);
  });
});
