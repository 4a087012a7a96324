import path from 'node:path';
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
import { deliverFirst, editManifest, reachDev, reachProd, rollBack } from './acts.ts';
import { openTomodaStage } from './stage.ts';
import type { TomodaStage } from './stage.ts';
import { tellerOf } from './teller.ts';
import type { Teller } from './teller.ts';
import type { Waiting } from './waits.ts';

/** What came of one part of the story. */
interface Outcome {
  readonly act: string;
  readonly requests: number;
  readonly lost: number;
}

async function play(stage: TomodaStage, teller: Teller, waiting: Waiting): Promise<readonly Outcome[]> {
  await deliverFirst(stage, teller);
  const { commit, seen } = await reachDev(stage, teller, waiting);
  const outcome = (act: string, { requests, lost }: LoadReport): Outcome => ({
    act,
    requests,
    lost,
  });
  return [
    outcome('dev', seen),
    outcome('prod', await reachProd(stage, commit, teller, waiting)),
    outcome('rolled back', await rollBack(stage, teller, waiting)),
    outcome('manifest edited', await editManifest(stage, teller)),
  ];
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
    const outcomes = await play(stage, teller, io);
    if (options.output !== 'text') io.out(formatAnswer(options.output, outcomes, () => ''));
    const lost = outcomes.reduce((sum, outcome) => sum + outcome.lost, 0);
    const requests = outcomes.reduce((sum, outcome) => sum + outcome.requests, 0);
    teller.show(
      `\n${style.bold(outcomes.map(({ act }) => act).join(' → '))}   ${requests} requests, ${lost} lost, in ${duration(io.clock.now() - started)}\n`,
    );
    if (options.once !== true) {
      teller.show(
        `\n  It stays up until Ctrl-C. In another terminal, in this folder:\n    export HOME=${stage.env['HOME'] ?? ''} KUBECONFIG=${stage.kubeconfig}\n    kubectl rollout status deployment/tomoda-api -n prod\n    npx landfall prove prod-tomoda\n`,
      );
      await untilAborted(io.signal);
    }
    return lost === 0 ? EXIT.ok : EXIT.broken;
  } finally {
    await stage.close();
  }
}
