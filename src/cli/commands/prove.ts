import { parseDuration, withCluster, withExamples, withOutput } from '../options.ts';
import type { ClusterOptions, OutputOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

export interface ProveOptions extends ClusterOptions, OutputOptions {
  readonly wait?: number;
  readonly revision?: string;
  readonly image?: string;
  readonly acceptSimulated?: boolean;
}

export const proveCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('prove')
      .summary('did the release get there? the answer, and the evidence at eight boundaries')
      .description(
        'Did the release get there? Eight boundaries, each with its evidence. Exit 0 landed, 1 broken, 2 not proven in time.',
      )
      .argument('<app>', 'name of the Argo CD Application')
      .option(
        '--wait <duration>',
        'look again until it has landed or is broken, at most this long',
        parseDuration,
      )
      .option(
        '--revision <revision>',
        'ask about this commit: of the deployment repository, or of the source that is built',
      )
      .option('--image <reference>', 'ask about this image instead of what Git asks for')
      .option('--accept-simulated', 'take pods that say that they are simulated as running (tests of scale)');
    withExamples(withOutput(withCluster(command)), [
      'landfall prove comms-notification',
      'landfall prove comms-notification --wait 5m          # in a pipeline, after the push',
      'landfall prove payment-api --image registry.corp.io/payment-api:1.8.2 -o json',
    ]).action(async (application: string, options: ProveOptions) => {
      const { answerProve } = await import('../answers/prove.ts');
      exit(await answerProve(application, options, io));
    });
  },
};
