import { withCluster, withExamples, withOutput } from '../options.ts';
import type { ClusterOptions, OutputOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

export const traceCommand: CliCommand = {
  register(program, io) {
    const command = program
      .command('trace')
      .summary('one attribute at each boundary, side by side')
      .description(
        'One attribute at each boundary, side by side: right up to one of them, and wrong after it.',
      )
      .argument('<app>', 'name of the Argo CD Application')
      .argument(
        '[attribute]',
        'image, version, commit, replicas, revision, or a field as deploy/NAME:spec.replicas',
        'image',
      );
    withExamples(withOutput(withCluster(command)), [
      'landfall trace comms-notification image',
      'landfall trace payment-api deploy/payment-api:spec.replicas',
    ]).action(async (application: string, attribute: string, options: ClusterOptions & OutputOptions) => {
      const { answerTrace } = await import('../answers/trace.ts');
      await answerTrace(application, attribute, options, io);
    });
  },
};
