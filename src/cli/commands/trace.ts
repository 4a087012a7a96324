import { outStyle } from '../io.ts';
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
      const [
        { openSources },
        { prove, traceAttribute, traceField, traceImage, TRACE_ATTRIBUTES },
        { questionOf },
        { renderTrace },
        { formatAnswer },
        { progressLine },
        { stateFolder },
      ] = await Promise.all([
        import('../sources.ts'),
        import('../../verdict/index.ts'),
        import('../question.ts'),
        import('../output/trace.ts'),
        import('../output/format.ts'),
        import('../output/progress.ts'),
        import('../folders.ts'),
      ]);
      const sources = await openSources(options, io);
      const progress = progressLine(io, options.quiet === true || options.output !== 'text');
      try {
        const question = questionOf(
          { ...options, application, onProgress: progress.step },
          sources,
          stateFolder(io.env),
        );
        const { material, proof } = await prove(sources, question, io.signal);
        progress.clear();
        const known = TRACE_ATTRIBUTES.some((name) => name === attribute);
        const trace =
          attribute === 'image' && proof.image !== undefined
            ? traceImage(proof.boundaries, proof.image)
            : known
              ? traceAttribute(proof.boundaries, attribute)
              : traceField(material, attribute);
        io.out(formatAnswer(options.output, trace, () => renderTrace(trace, io.clock.now(), outStyle(io))));
      } finally {
        progress.clear();
        sources.close();
      }
    });
  },
};
