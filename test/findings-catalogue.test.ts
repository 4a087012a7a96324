import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BOUNDARIES } from '../src/boundaries/index.ts';
import { isJsonObject } from '../src/kernel/index.ts';
import type { JsonValue } from '../src/kernel/index.ts';
import { findingsOf } from '../src/verdict/index.ts';
import type { World, WorldObject } from '../src/verdict/index.ts';
import { CASES } from './findings-cases/index.ts';
import { LIVE } from './findings-live-cases.ts';
import { SOURCE, world } from './findings-worlds.ts';

const TABLE = path.resolve(import.meta.dirname, '../docs/findings.md');

function table(): string {
  const rows = CASES.map((one) => {
    const [first] = findingsOf(one.broken);
    // A cluster may tell the same failure by another finding of its family, which no recorded case has.
    const live = LIVE.some(
      ({ failure, id }) =>
        failure === one.failure &&
        (id === one.id || !CASES.some((other) => other.failure === failure && other.id === id)),
    );
    return `| ${one.failure} | ${one.boundary} | \`${one.id}\` | ${one.what} | ${live ? 'live' : 'recorded'} | ${first?.landfallCan ?? 'a person'} | no finding |`;
  });
  return `# What Landfall recognises

Every failure of the catalogue, the boundary at which it has to be mended, and the finding that names it. Each is
brought about beside a twin that is well and must not be called broken. \`live\`: an embedded cluster makes the failure
by itself, out of the manifests. \`recorded\`: objects, events and outputs in the words of Kubernetes and the engines.
The last but one column says who can mend it: Landfall by a commit, a sync or a rollback, or a person.

This table is written by its test (\`LANDFALL_GOLDEN=1 npx vitest run test/findings-catalogue.test.ts\`).

| failure | boundary | finding | brought about by | how | who mends it | healthy twin |
| --- | --- | --- | --- | --- | --- | --- |
${rows.toSorted().join('\n')}
`;
}

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

  it('has every failure, and the published table says so', () => {
    expect(new Set(CASES.map(({ failure }) => failure)).size).toBe(100);
    if (process.env['LANDFALL_GOLDEN'] === '1') writeFileSync(TABLE, table());
    expect(readFileSync(TABLE, 'utf8')).toBe(table());
  });

  it('names one cause once, with everything that it brought about as its evidence', () => {
    const [quota] = CASES.filter(({ id }) => id === 'quota-exceeded');
    const [set] = quota?.broken.live.filter(({ kind }) => kind === 'ReplicaSet') ?? [];
    const [event] = quota?.broken.events ?? [];
    if (set === undefined || event === undefined) throw new Error('no ReplicaSet');
    const twelve = Array.from({ length: 12 }, (_, index) => `api-6b7f9a8d4${index}`);
    const found = findingsOf(
      world({
        live: twelve.map((name): WorldObject => ({ ...set, name })),
        events: twelve.map((name) => ({ ...event, object: `ReplicaSet/shop/${name}` })),
      }),
    );
    expect(found.map(({ id }) => id)).toEqual(['quota-exceeded']);
    expect(found[0]?.claims).toHaveLength(12);
  });
});

/** A value of which something is missing or of another type. */
function damaged(value: JsonValue, choose: () => number): JsonValue {
  const roll = choose();
  if (roll < 0.04) return [null, 7, 'x', [], {}, true][Math.floor(choose() * 6)] ?? null;
  if (Array.isArray(value)) return value.filter(() => choose() > 0.05).map((item) => damaged(item, choose));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(() => choose() > 0.05)
      .map(([key, item]) => [key, damaged(item, choose)]),
  );
}

describe('a rule', () => {
  const all = CASES.flatMap(({ broken, twin }) => [broken, twin]);

  it('never throws, and claims only what has a boundary and a source, whatever a world leaves out', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(all.length - 1), { minLength: 1, maxLength: 4 }),
        fc.integer(),
        (picked, seed) => {
          let state = seed;
          const choose = () => {
            state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
            return ((state >>> 8) & 0xffff) / 0x10000;
          };
          const worlds = picked.flatMap((index) => all[index] ?? []);
          const part = <K extends keyof World>(key: K): World[K] =>
            worlds
              .flatMap((one) => one[key] as readonly unknown[])
              .filter(() => choose() > 0.1) as unknown as World[K];
          const objects = (list: readonly WorldObject[]) =>
            list.map((object): WorldObject => {
              const value = damaged(object.value, choose);
              return {
                ...object,
                value: isJsonObject(value) ? value : {},
                whole: choose() > 0.5,
                namespace: choose() > 0.2 ? object.namespace : undefined,
              };
            });
          const found = findingsOf(
            world({
              live: objects(part('live')),
              desired: objects(part('desired')),
              files: part('files'),
              events: part('events'),
              logs: part('logs'),
              samples: part('samples'),
              builds: part('builds'),
              commits: part('commits'),
              digests: part('digests'),
              engines: part('engines'),
              answers: part('answers'),
              at: choose() > 0.5 ? '2026-03-01T12:00:00Z' : undefined,
            }),
          );
          for (const finding of found) {
            expect(BOUNDARIES).toContain(finding.boundary);
            expect(finding.confidence).toBeGreaterThan(0);
            expect(finding.confidence).toBeLessThanOrEqual(1);
            expect(finding.claims.every(({ source }) => source === SOURCE)).toBe(true);
          }
        },
      ),
      { seed: 20_260_301, numRuns: 400 },
    );
  });

  it('puts causes before risks, and the surest first', () => {
    for (const one of all) {
      const found = findingsOf(one);
      const ranks = found.map(({ kind, confidence }) => (kind === 'cause' ? 1 : 0) + confidence / 2);
      expect(ranks).toEqual(ranks.toSorted((a, b) => b - a));
    }
  });
});
