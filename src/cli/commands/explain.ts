import { Option } from 'commander';
import { outStyle } from '../io.ts';
import { withCluster, withExamples } from '../options.ts';
import type { ClusterOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

interface ExplainOptions extends ClusterOptions {
  readonly output: 'text' | 'markdown' | 'json' | 'yaml';
}

export const explainCommand: CliCommand = {
  register(program, io) {
    const command = program
      .command('explain')
      .summary('the delivery note: where it stopped, why, what to do, how to verify it')
      .description(
        'The delivery note: what the system is, where its delivery stopped and why, what misled, what to do, how to verify it.',
      )
      .argument('<app>', 'name of the Argo CD Application')
      .addOption(
        new Option('-o, --output <format>', 'how to print the note')
          .choices(['text', 'markdown', 'json', 'yaml'])
          .default('text'),
      );
    withExamples(withCluster(command), [
      'landfall explain comms-notification',
      'landfall explain comms-notification -o markdown > note.md',
    ]).action(async (application: string, options: ExplainOptions) => {
      const [
        { openSources },
        { prove, writeNote },
        { questionOf },
        { noteMarkdown, renderNote },
        { formatAnswer },
        { progressLine },
        { stateFolder },
      ] = await Promise.all([
        import('../sources.ts'),
        import('../../verdict/index.ts'),
        import('../question.ts'),
        import('../output/note.ts'),
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
        const note = writeNote(proof, material.rendered);
        io.out(
          options.output === 'markdown'
            ? noteMarkdown(note)
            : formatAnswer(options.output, note, () => renderNote(note, outStyle(io))),
        );
      } finally {
        progress.clear();
        sources.close();
      }
    });
  },
};
