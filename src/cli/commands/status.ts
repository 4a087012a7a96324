import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import { withCluster, withExamples, withOutput } from '../options.ts';
import type { ClusterOptions, OutputOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

/** Applications looked at side by side; each look is a dozen requests. */
const AT_ONCE = 4;

export const statusCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('status')
      .summary('every Application with its verdict')
      .description(
        'Every Application with its verdict, beside what its engine says. Exit 0 when all have landed, 1 when one is broken, 2 otherwise.',
      )
      .argument('[app...]', 'only these Applications');
    withExamples(withOutput(withCluster(command)), [
      'landfall status',
      'landfall status comms-notification comms-platform -o json',
    ]).action(async (names: readonly string[], options: ClusterOptions & OutputOptions) => {
      const [
        { openSources },
        { listApplications, prove },
        { questionOf },
        { asLandfallError, mapBounded },
        { renderStatus, statusRow },
        { formatAnswer },
        { stateFolder },
      ] = await Promise.all([
        import('../sources.ts'),
        import('../../verdict/index.ts'),
        import('../question.ts'),
        import('../../kernel/index.ts'),
        import('../output/status.ts'),
        import('../output/format.ts'),
        import('../folders.ts'),
      ]);
      const sources = await openSources(options, io);
      try {
        const all = await listApplications(sources.kube, options.namespace, io.signal);
        const known = all.map((object) => ({
          name: object.metadata.name,
          namespace: object.metadata.namespace,
        }));
        const wanted =
          names.length === 0
            ? known
            : names.map(
                (name) =>
                  known.find((entry) => entry.name === name) ?? { name, namespace: options.namespace },
              );
        const rows = await mapBounded(wanted, AT_ONCE, async ({ name, namespace }) => {
          try {
            const question = questionOf(
              { ...options, application: name, namespace },
              sources,
              stateFolder(io.env),
            );
            return statusRow(name, (await prove(sources, question, io.signal)).proof);
          } catch (thrown) {
            if (io.signal.aborted || names.length > 0) throw thrown;
            return statusRow(name, asLandfallError(thrown));
          }
        });
        io.out(formatAnswer(options.output, rows, () => renderStatus(rows, outStyle(io))));
        const states = new Set(rows.map((row) => row.state));
        exit(
          states.has('broken')
            ? EXIT.broken
            : [...states].every((state) => state === 'landed')
              ? EXIT.ok
              : EXIT.unproven,
        );
      } finally {
        sources.close();
      }
    });
  },
};
