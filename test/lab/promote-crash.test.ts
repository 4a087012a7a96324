import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registryMirrors } from '../../src/cli/sources.ts';
import { createGitMirrors, runGit } from '../../src/git/index.ts';
import type { GitMirror, GitMirrors } from '../../src/git/index.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { openLedger } from '../../src/ledger/index.ts';
import type { Ledger } from '../../src/ledger/index.ts';
import { createRegistryClient } from '../../src/oci/index.ts';
import type { RegistryClient } from '../../src/oci/index.ts';
import {
  declarationsOf,
  findPair,
  promote,
  rememberStanding,
  resumeChange,
  rollback,
  subjectOfApplication,
  surveyApplications,
} from '../../src/pipeline/index.ts';
import type { ChangeDeps, Survey } from '../../src/pipeline/index.ts';
import { openLab } from './stage.ts';
import type { Lab } from './stage.ts';

// A process dies at every call that writes, before it and after it. Whoever comes next finds one change, one commit,
// one delivery, and ends it.
const MINUTE = 60_000;
const OVERLAYS = 'apps/payment-api/overlays';

let lab: Lab;
let registry: RegistryClient;

class Died extends Error {}

/**
 * A process that dies before its n-th writing call: nothing that it does from then on comes through. To have died after
 * the call is to have died before the next one: what a process knows is gone either way.
 */
function mortal(at: number) {
  let calls = 0;
  let dead = false;
  const names: string[] = [];
  async function writing<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (dead) throw new Died(name);
    calls += 1;
    names.push(name);
    if (calls !== at) return work();
    dead = true;
    throw new Died(name);
  }
  function reading<T>(work: () => Promise<T>): Promise<T> {
    if (dead) throw new Died('reading');
    return work();
  }
  return { writing, reading, died: () => dead, names: () => names };
}

type Mortal = ReturnType<typeof mortal>;

function mortalLedger(ledger: Ledger, life: Mortal): Ledger {
  const { changes, decisions, deliveries, holds, standings } = ledger;
  return {
    ...ledger,
    changes: {
      ...changes,
      begin: (change) => life.writing('changes.begin', () => changes.begin(change)),
      move: (id, from, change) =>
        life.writing(`changes.move ${change.state ?? ''}`, () => changes.move(id, from, change)),
      get: (id) => life.reading(() => changes.get(id)),
    },
    decisions: {
      ...decisions,
      record: (one) => life.writing('decisions.record', () => decisions.record(one)),
    },
    deliveries: {
      ...deliveries,
      start: (one) => life.writing('deliveries.start', () => deliveries.start(one)),
      update: (id, change) => life.writing('deliveries.update', () => deliveries.update(id, change)),
    },
    holds: { ...holds, put: (one) => life.writing('holds.put', () => holds.put(one)) },
    standings: { ...standings, see: (of, release) => life.reading(() => standings.see(of, release)) },
  };
}

function mortalGit(git: GitMirrors, life: Mortal): GitMirrors {
  const seen = new Map<GitMirror, GitMirror>();
  return {
    ...git,
    open(url, access) {
      const mirror = git.open(url, access);
      const known = seen.get(mirror) ?? {
        ...mirror,
        commit: (request, signal) => life.writing('git.commit', () => mirror.commit(request, signal)),
      };
      seen.set(mirror, known);
      return known;
    },
  };
}

interface Process {
  readonly survey: Survey;
  readonly deps: ChangeDeps;
  readonly life: Mortal;
  readonly ledger: Ledger;
  end(): Promise<void>;
}

async function start(life: Mortal): Promise<Process> {
  const signal = new AbortController().signal;
  const git = createGitMirrors({ folder: path.join(lab.home, 'mirrors'), clock: systemClock });
  const ledger = openLedger({ folder: path.join(lab.home, 'crash'), clock: systemClock });
  const sources = { kube: lab.kube, git: mortalGit(git, life), registry, clock: systemClock };
  const survey = await surveyApplications([{ context: '', sources }], signal);
  const deps: ChangeDeps = {
    ledger: mortalLedger(ledger, life),
    clock: systemClock,
    author: { name: 'landfall', email: 'landfall@localhost' },
    cwd: lab.home,
    questionFor: ({ spec }) => ({
      application: spec.name,
      namespace: spec.namespace,
      declaredBy: declarationsOf,
    }),
    nudge: ({ spec }) => lab.refresh(spec.name),
    remember: (application, look) => rememberStanding(deps.ledger, subjectOfApplication(application), look),
    onStep: () => {},
  };
  return {
    survey,
    deps,
    life,
    ledger,
    async end() {
      await ledger.close();
      git.close();
    },
  };
}

const ACTOR = { name: 'ana', attestedBy: 'cluster' } as const;

async function promoting({ survey, deps }: Process) {
  const pair = findPair(survey, { app: 'payment-api', from: 'dev', to: 'staging' });
  const ask = { pair, actor: ACTOR, override: 'a reason', older: true, auto: false };
  const options = { waitMs: 60_000, dryRun: false };
  return promote(ask, survey, deps, options, new AbortController().signal);
}

async function goingBack({ survey, deps }: Process) {
  const target = findPair(survey, { app: 'payment-api', from: 'dev', to: 'staging' }).target;
  return rollback(
    {
      target,
      actor: ACTOR,
      to: undefined,
      reason: undefined,
      override: 'a reason',
      imagesOnly: false,
      waitMs: 60_000,
      dryRun: false,
    },
    survey,
    deps,
    new AbortController().signal,
  );
}

async function bodies(trailer: string): Promise<readonly string[]> {
  const text = await runGit('Reading the log', ['log', '--format=%B', 'main'], { cwd: lab.repository });
  return text.split('\n').filter((line) => line.startsWith(`${trailer}: `));
}

/** Goes on as the controller would, where the dead process left something, else asks again as a person would. */
async function recover(work: (process: Process) => Promise<{ readonly state: string }>): Promise<void> {
  const next = await start(mortal(Number.POSITIVE_INFINITY));
  try {
    const [open] = await next.ledger.changes.open();
    const signal = new AbortController().signal;
    const report =
      open === undefined
        ? await work(next)
        : await resumeChange(open, next.survey, next.deps, 60_000, signal);
    expect(['landed', 'already']).toContain(report.state);
    expect(await next.ledger.changes.open()).toEqual([]);
    const deliveries = await next.ledger.deliveries.list({ application: 'payment-api-staging' }, 1000);
    const revisions = deliveries
      .filter(({ trigger }) => trigger !== 'observed')
      .map(({ revision }) => revision);
    expect(new Set(revisions).size).toBe(revisions.length);
    const running = deliveries.filter(({ state }) => state === 'running');
    expect(running).toEqual([]);
  } finally {
    await next.end();
  }
}

async function setStaging(): Promise<void> {
  const file = `${OVERLAYS}/staging/patch-image.yaml`;
  const text = await lab.read(file);
  if (text.includes('nginx:1.27.5\n')) return;
  await lab.commit({ [file]: text.replace(/image: .*/, 'image: nginx:1.27.5') });
  await lab.refresh('payment-api-staging');
}

async function liftAll(): Promise<void> {
  const ledger = openLedger({ folder: path.join(lab.home, 'crash'), clock: systemClock });
  for (const { id } of await ledger.holds.list()) await ledger.holds.lift(id);
  await ledger.close();
}

beforeAll(async () => {
  lab = await openLab();
  // No pods: what is looked at is what is written.
  const none = (await import('../../examples/payment-api/index.ts')).platformRepositoryFiles(lab.repository);
  const replicas = `${OVERLAYS}/staging/patch-replicas.yaml`;
  const text = (await none)[replicas] ?? '';
  await lab.onboard({ [replicas]: text.replace('replicas: 3', 'replicas: 0') });
  for (const environment of ['dev', 'staging'] as const) {
    await lab.register(environment);
    await lab.landed(`payment-api-${environment}`);
  }
  registry = createRegistryClient({
    mirrors: registryMirrors(lab.kube.registryMirrors),
    clock: systemClock,
  });
}, 3 * MINUTE);

afterAll(async () => {
  registry?.close();
  await lab?.close();
});

describe.each([
  ['a promotion', promoting, 'Landfall-Promotion'],
  ['a rollback', goingBack, 'Landfall-Rollback'],
] as const)('%s', (name, work, trailer) => {
  it(
    'that dies at any of its writes is ended by whoever comes next, with one commit and one delivery',
    async () => {
      const steps: string[] = [];
      for (let at = 1; ; at += 1) {
        if (name === 'a promotion') await setStaging();
        else {
          await liftAll();
          await recover(promoting);
        }
        const before = (await bodies(trailer)).length;
        const life = mortal(at);
        const process = await start(life);
        try {
          await work(process);
        } catch (thrown) {
          if (!life.died()) throw thrown;
          steps.push(life.names().at(-1) ?? '');
        } finally {
          await process.end();
        }
        await recover(work);
        const after = await bodies(trailer);
        expect(after.length - before, steps.at(-1)).toBe(1);
        expect(new Set(after).size).toBe(after.length);
        if (!life.died()) break;
      }
      // Every kind of write was died at.
      expect(new Set(steps.map((step) => step.split(' ')[0]))).toEqual(
        new Set([
          'changes.begin',
          'changes.move',
          'decisions.record',
          'deliveries.start',
          'deliveries.update',
          'git.commit',
          ...(name === 'a rollback' ? ['holds.put'] : []),
        ]),
      );
    },
    10 * MINUTE,
  );
});
