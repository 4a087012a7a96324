import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import { parseDuration, withCluster, withExamples, withOutput } from '../options.ts';
import type { ClusterOptions, OutputOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

interface ProveOptions extends ClusterOptions, OutputOptions {
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
      const [
        { openSources },
        { proveUntil },
        { questionOf, rememberErrors },
        { renderProof },
        { formatAnswer },
        { progressLine },
        { stateFolder },
      ] = await Promise.all([
        import('../sources.ts'),
        import('../../verdict/index.ts'),
        import('../question.ts'),
        import('../output/proof.ts'),
        import('../output/format.ts'),
        import('../output/progress.ts'),
        import('../folders.ts'),
      ]);
      const sources = await openSources(options, io);
      const progress = progressLine(io, options.quiet === true || options.output !== 'text');
      try {
        const state = stateFolder(io.env);
        const question = questionOf({ ...options, application, onProgress: progress.step }, sources, state);
        const { material, proof } = await proveUntil(sources, question, options.wait ?? 0, io.signal);
        progress.clear();
        await rememberErrors(material, proof, state);
        io.out(formatAnswer(options.output, proof, () => renderProof(proof, outStyle(io))));
        exit(
          proof.verdict.state === 'landed'
            ? EXIT.ok
            : proof.verdict.state === 'broken'
              ? EXIT.broken
              : EXIT.unproven,
        );
      } finally {
        progress.clear();
        sources.close();
      }
    });
  },
};
