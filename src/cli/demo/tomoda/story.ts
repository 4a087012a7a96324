import path from 'node:path';
import { DEV_API_HOST, startLoad } from '../../../../examples/tomoda/index.ts';
import type { LoadReport } from '../../../../examples/tomoda/index.ts';
import { LandfallError } from '../../../kernel/index.ts';
import type { DemoOptions } from '../../commands/demo.ts';
import { EXIT } from '../../exit.ts';
import { outStyle } from '../../io.ts';
import type { CliIo } from '../../io.ts';
import { formatAnswer } from '../../output/format.ts';
import { duration } from '../../output/style.ts';
import { untilAborted } from '../../until-aborted.ts';
import { openDemoFolder } from '../folder.ts';
import { openTomodaStage } from './stage.ts';
import type { TomodaStage } from './stage.ts';
import { loadLine, tellerOf } from './teller.ts';
import type { Teller } from './teller.ts';

/** What came of one part of the story. */
interface Outcome {
  readonly act: string;
  readonly requests: number;
  readonly lost: number;
}

/** Two pools, each in dev and in prod, with 1.0.0. */
async function deliverFirst(stage: TomodaStage, { say, landfall }: Teller): Promise<void> {
  say('tomoda 1.0.0 is in both registries and pinned in both overlays; its Applications are registered');
  await stage.register('tomoda');
  await stage.register('prod-tomoda');
  await landfall(['prove', 'tomoda', '--wait', '3m']);
  await landfall(['prove', 'prod-tomoda', '--wait', '3m']);
}

/** A manifest that is changed by hand is synced like any other commit. */
async function editManifest(
  stage: TomodaStage,
  { say, detail, typed, landfall }: Teller,
): Promise<LoadReport> {
  const { repositories } = stage;
  const overlay = `${repositories.overlays.tomoda}/kustomization.yaml`;
  say('A manifest is edited directly, in overlays/dev; nobody waits for the poll');
  const load = startLoad(await stage.ingress(DEV_API_HOST));
  try {
    const patch = [
      'patches:',
      '  - target: { kind: Deployment }',
      '    patch: |',
      '      - { op: add, path: /spec/template/spec/containers/0/env/-, value: { name: DRAIN_MS, value: "1500" } }',
    ];
    const commit = await repositories.edit(
      repositories.devops,
      overlay,
      (text) => `${text}${patch.join('\n')}\n`,
      'Drain a little longer in dev',
    );
    typed(`git push origin main   # devops, ${overlay}: ${commit.slice(0, 8)}`);
    await landfall(['sync', 'tomoda']);
    await landfall(['prove', 'tomoda', '--revision', commit, '--wait', '3m'], { answer: true });
  } finally {
    const report = await load.stop();
    detail(loadLine(report, DEV_API_HOST));
  }
  return load.report();
}

async function play(stage: TomodaStage, teller: Teller): Promise<readonly Outcome[]> {
  await deliverFirst(stage, teller);
  const edited = await editManifest(stage, teller);
  return [{ act: 'manifest edited', requests: edited.requests, lost: edited.lost.length }];
}

/** Plays the pipeline of the document on a stage of its own; answers with the exit code. Nothing is left behind. */
export async function tellStory(options: DemoOptions, io: CliIo): Promise<number> {
  const started = io.clock.now();
  const style = outStyle(io);
  const opened: { stage?: TomodaStage } = {};
  const teller = tellerOf(options, io, () => {
    if (opened.stage !== undefined) return opened.stage;
    throw new LandfallError('The stage is not open yet.', { kind: 'bug', code: 'demo-stage' });
  });
  teller.say(
    'Drydock comes up with two registries; the repositories tomoda and devops are made; landfall serve starts',
  );
  const stage = await openTomodaStage({
    folder: await openDemoFolder(),
    clock: io.clock,
    signal: io.signal,
    keep: options.keep === undefined ? undefined : path.resolve(io.cwd, options.keep),
    port: options.port,
    registryPort: options.registryPort,
  });
  opened.stage = stage;
  try {
    const outcomes = await play(stage, teller);
    if (options.output !== 'text') io.out(formatAnswer(options.output, outcomes, () => ''));
    const lost = outcomes.reduce((sum, outcome) => sum + outcome.lost, 0);
    const requests = outcomes.reduce((sum, outcome) => sum + outcome.requests, 0);
    teller.show(
      `\n${style.bold(outcomes.map(({ act }) => act).join(' → '))}   ${requests} requests, ${lost} lost, in ${duration(io.clock.now() - started)}\n`,
    );
    if (options.once !== true) {
      teller.show(
        `\n  It stays up until Ctrl-C. In another terminal:\n    export HOME=${stage.env['HOME'] ?? ''} KUBECONFIG=${stage.kubeconfig}\n    kubectl rollout status deployment/tomoda-api -n prod\n    npx landfall prove prod-tomoda\n`,
      );
      await untilAborted(io.signal);
    }
    return lost === 0 ? EXIT.ok : EXIT.broken;
  } finally {
    await stage.close();
  }
}
