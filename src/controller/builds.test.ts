import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildStage } from '../../test/builds-stage.ts';
import type { BuildStage } from '../../test/builds-stage.ts';
import { LandfallError, silentLogger, systemClock } from '../kernel/index.ts';
import { openLedger } from '../ledger/index.ts';
import type { Ledger } from '../ledger/index.ts';
import { parseLandfallYaml } from '../pipeline/index.ts';
import { startBuilds } from './builds.ts';
import type { BuildLoop, BuildLoopOptions } from './builds.ts';
import type { Declarations } from './declarations.ts';

const PATIENT = { timeout: 60_000, interval: 50 };

let stage: BuildStage;
/** What the deployment repository declares now; undefined: it cannot be read. */
let declared: string | undefined;
let reads = 0;
const loops: BuildLoop[] = [];
const ledgers: Ledger[] = [];

beforeEach(async () => {
  stage = await buildStage();
});
afterEach(async () => {
  for (const loop of loops.splice(0)) await loop.close();
  for (const ledger of ledgers.splice(0)) await ledger.close();
  await stage.close();
});

const DEV = `  shop:
    repository: "@SOURCE@"
    on: { branch: main }
    approval: { by: [ana] }
    image: "@REGISTRY@/shop"
    steps: [{ name: count, run: ["${process.execPath}", -e, "require('fs').appendFileSync(process.env.COUNTER, 'run ')"] }]
    package: { entrypoint: [node] }`;

const declarations: Pick<Declarations, 'read'> = {
  read: () => {
    reads += 1;
    const url = 'https://git.corp.io/deploy.git';
    if (declared === undefined) {
      const problem = new LandfallError('no answer', { kind: 'unavailable', code: 'git-unreachable' });
      return Promise.resolve({ known: [], unread: [{ url, problem }] });
    }
    const text = `apiVersion: landfall.dev/v1\nbuilds:\n${declared}\n`
      .replaceAll('@REGISTRY@', stage.registry.host)
      .replaceAll('@SOURCE@', stage.source);
    const file = parseLandfallYaml(text);
    return Promise.resolve({
      known: [{ url, mirror: stage.mirror, commit: 'd'.repeat(40), branch: 'main', file }],
      unread: [],
    });
  },
};

/** One replica, with a connection to the ledger of its own. */
function replica(
  concurrency = 2,
  { tickMs = 20, onBuilt = () => {} }: Pick<BuildLoopOptions, 'tickMs' | 'onBuilt'> = {},
): BuildLoop {
  const ledger = openLedger({ folder: path.join(stage.folder, 'state'), clock: systemClock });
  ledgers.push(ledger);
  const loop = startBuilds({
    declarations,
    open: () => Promise.resolve(stage.mirror),
    ledger,
    registry: stage.client,
    clock: systemClock,
    logger: silentLogger,
    folder: path.join(stage.folder, 'work'),
    env: { PATH: process.env['PATH'] },
    pollMs: 3_600_000,
    tickMs,
    onBuilt,
    concurrency,
  });
  loops.push(loop);
  return loop;
}

const approve = async (actor: string) => {
  const [build] = await stage.ledger.builds.list({ states: ['PENDING'] }, 1);
  if (build === undefined) throw new Error('a build waits');
  await stage.ledger.builds.review({
    build: build.id,
    kind: 'approve',
    actor: { name: actor, attestedBy: 'cluster' },
    groups: [],
    permitted: false,
    cluster: 'c',
    comment: '',
    url: undefined,
    commit: build.commit,
    definitionDigest: build.definitionDigest,
  });
  return build;
};

const state = async () => (await stage.ledger.builds.list({}, 9)).map((build) => build.state);

describe('the loop of builds', { timeout: 120_000 }, () => {
  it('of two replicas finds one build, and runs it once', async () => {
    const counter = path.join(stage.folder, 'counter');
    await writeFile(counter, '');
    declared = `${DEV}\n    env: { COUNTER: "${counter}" }`;
    await stage.commit({ a: '1' });
    const [first] = [replica(), replica()];
    await vi.waitFor(async () => expect(await state()).toEqual(['PENDING']), PATIENT);
    await approve('ana');
    await vi.waitFor(async () => expect(await state()).toEqual(['SUCCESS']), PATIENT);
    await stage.commit({ a: '2' });
    // Somebody pushed; the poll is an hour away.
    expect(first?.pushed(new Set([stage.source.toLowerCase()]))).toBe(1);
    await vi.waitFor(async () => expect(await state()).toEqual(['PENDING', 'SUCCESS']), PATIENT);
    await approve('ana');
    await vi.waitFor(async () => expect(await state()).toEqual(['SUCCESS', 'SUCCESS']), PATIENT);
    expect(await readFile(counter, 'utf8')).toBe('run run ');
    const requests = stage.registry
      .requests()
      .filter(({ method, url }) => method === 'PUT' && /manifests\/sha-/.test(url));
    expect(requests).toHaveLength(2);
  });

  it('begins what it found, and tells what it built, at once and not at its next look', async () => {
    const ungated = DEV.replace('    approval: { by: [ana] }\n', '');
    declared = `${ungated}\n    env: { COUNTER: "${path.join(stage.folder, 'counter')}" }`;
    await stage.commit({ a: '1' });
    const built: string[] = [];
    const loop = replica(2, { tickMs: 3_600_000, onBuilt: ({ commit }) => built.push(commit) });
    await vi.waitFor(async () => expect(await state()).toEqual(['SUCCESS']), PATIENT);
    const commit = await stage.commit({ a: '2' });
    await vi.waitFor(() => expect(loop.pushed(new Set([stage.source.toLowerCase()]))).toBe(1), PATIENT);
    await vi.waitFor(() => expect(built).toContain(commit), PATIENT);
  });

  it('begins nothing by a declaration that cannot be read again, or that has changed meanwhile', async () => {
    declared = DEV;
    await stage.commit({ a: '1' });
    replica(0);
    await vi.waitFor(async () => expect(await state()).toEqual(['PENDING']), PATIENT);
    declared = undefined;
    const build = await approve('ana');
    const before = reads;
    // It was asked again, twice, whether that is still declared, and nobody answered.
    await vi.waitFor(() => expect(reads).toBeGreaterThan(before + 1), PATIENT);
    expect(await state()).toEqual(['PENDING']);
    declared = DEV.replace('by: [ana]', 'by: [ben]');
    await vi.waitFor(
      async () =>
        expect((await stage.ledger.builds.get(build.id))?.message).toMatch(
          // The next look says it in the words of the gate.
          /1 earlier approvals do not count|1 not counted: what is built, or who decides, was changed/,
        ),
      PATIENT,
    );
    await approve('ben');
    await vi.waitFor(async () => expect(await state()).toEqual(['QUEUED']), PATIENT);
  });
});
