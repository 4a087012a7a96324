import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { APPROVER, DEV_API_HOST, startLoad } from '../examples/tomoda/index.ts';
import { openTomodaStage } from '../src/cli/demo/tomoda/stage.ts';
import type { TomodaStage } from '../src/cli/demo/tomoda/stage.ts';
import { buildIs, overlayAsksFor } from '../src/cli/demo/tomoda/waits.ts';
import { until } from '../src/cli/demo/until.ts';
import { getNumber, getString, systemClock } from '../src/kernel/index.ts';
import { markdown, median, milliseconds } from './table.ts';
import type { Row } from './table.ts';

const ROUNDS = 3;
const LIMIT_MS = 180_000;

/** When each boundary was crossed, in the order in which a delivery crosses them; ms since the push. */
const STATIONS = [
  ['the build waits for its approval', 'the push is seen, the build is PENDING'],
  ['artifact', 'approved, checked out, tested, packed, pushed, recorded'],
  ['intent', 'the updater commits tag and digest into the overlay'],
  ['render, sync', 'the commit is fetched, rendered and applied'],
  ['live, health, rollout', 'both Deployments have only new pods, all of them ready'],
  ['traffic', 'the Ingress answers with the new commit'],
  ['proof', '`landfall prove` says landed'],
] as const;

type Times = readonly number[];

async function deployed(stage: TomodaStage, signal: AbortSignal, digest: string): Promise<void> {
  await until(systemClock, 'The rollout', LIMIT_MS, signal, async () => {
    for (const name of ['tomoda-api', 'tomoda-async']) {
      const object = await stage.kube.get(
        { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'tomoda', name },
        signal,
      );
      const image = getString(object, 'spec', 'template', 'spec', 'containers', 0, 'image') ?? '';
      const count = (field: string) => getNumber(object, 'status', field);
      const done =
        image.endsWith(digest) &&
        count('observedGeneration') === getNumber(object, 'metadata', 'generation') &&
        count('replicas') === 1 &&
        count('updatedReplicas') === 1 &&
        count('availableReplicas') === 1;
      if (!done) return undefined;
    }
    return true;
  });
}

async function synced(stage: TomodaStage, signal: AbortSignal, revision: string): Promise<void> {
  await until(systemClock, 'The sync', LIMIT_MS, signal, async () => {
    const application = await stage.kube.get(
      { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', namespace: 'argocd', name: 'tomoda' },
      signal,
    );
    const of = (...path: readonly string[]) => getString(application, 'status', ...path);
    return (
      (of('operationState', 'phase') === 'Succeeded' &&
        of('operationState', 'syncResult', 'revision') === revision) ||
      undefined
    );
  });
}

/** One commit, from its push to its proof in dev. */
async function carry(stage: TomodaStage, round: number, signal: AbortSignal): Promise<Times> {
  const { repositories } = stage;
  const { app, edit } = repositories;
  const waiting = { clock: systemClock, signal };
  const load = startLoad(await stage.ingress(DEV_API_HOST));
  try {
    const commit = await edit(app, 'README.md', (text) => `${text}\nRound ${round}.\n`, `Round ${round}`);
    const began = performance.now();
    const since = () => performance.now() - began;
    const { id } = await buildIs(stage, 'tomoda-dev', commit, 'PENDING', waiting);
    const pending = since();
    const approved = await stage.run(['builds', 'approve', id], { as: APPROVER });
    if (approved.code !== 0) throw new Error(approved.err);
    await buildIs(stage, 'tomoda-dev', commit, 'SUCCESS', waiting);
    const artifact = since();
    const pin = await overlayAsksFor(stage, 'tomoda', `sha-${commit}`, waiting);
    const intent = since();
    const proving = stage.run(['prove', 'tomoda', '--revision', commit, '--wait', '3m']).then((ran) => {
      if (ran.code !== 0) throw new Error(`${ran.out}${ran.err}`);
      return since();
    });
    const [sync, rollout, traffic, proof] = await Promise.all([
      synced(stage, signal, pin.commit).then(since),
      deployed(stage, signal, pin.digest).then(since),
      until(systemClock, 'An answer of the new pod', LIMIT_MS, signal, () =>
        Promise.resolve(load.report().answeredBy.has(commit) || undefined),
      ).then(since),
      proving,
    ]);
    return [pending, artifact, intent, sync, rollout, traffic, proof];
  } finally {
    const { lost, why } = await load.stop();
    if (lost > 0) process.stderr.write(`${lost} requests were lost: ${why[0] ?? ''}\n`);
  }
}

/** Measures a commit on its way from the push to the proof in dev, by boundary; prints Markdown. */
export async function benchDelivery(): Promise<string> {
  const stop = new AbortController();
  const stage = await openTomodaStage({
    folder: await mkdtemp(path.join(tmpdir(), 'landfall-bench-')),
    clock: systemClock,
    signal: stop.signal,
  });
  try {
    await stage.register('tomoda');
    const first = await stage.run(['prove', 'tomoda', '--wait', '3m']);
    if (first.code !== 0) throw new Error(`${first.out}${first.err}`);
    const rounds: Times[] = [];
    for (let round = 1; round <= ROUNDS; round++) rounds.push(await carry(stage, round, stop.signal));
    const at = (index: number) => median(rounds.map((times) => times[index] ?? Number.NaN));
    const rows: readonly Row[] = STATIONS.map(([what, how], index) => ({
      what: `${what}: ${how}`,
      ours: `+${milliseconds(Math.max(0, at(index) - (index === 0 ? 0 : at(index - 1))))}`,
      other: milliseconds(at(index)),
      ratio: '',
    }));
    return markdown(
      'From a push to the proof in dev',
      { ours: `median of ${ROUNDS}`, other: 'since the push' },
      rows,
    );
  } finally {
    await stage.close();
  }
}
