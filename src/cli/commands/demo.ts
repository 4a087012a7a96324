import { parsePort, withExamples, withOutput } from '../options.ts';
import type { OutputOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

export interface DemoOptions extends OutputOptions {
  readonly once?: boolean;
  readonly quiet?: boolean;
  readonly keep?: string;
  readonly port?: number;
  readonly registryPort?: number;
}

export const demoCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('demo')
      .summary("replay the deploy that didn't deploy, for real")
      .description(
        'Replay "the deploy that didn\'t deploy" for real on an embedded cluster: deliver, break, explain, mend, prove.',
      )
      .option('--once', 'end after the proof instead of staying up until Ctrl-C')
      .option('--keep <dir>', 'make the repositories here and leave them; default: a temporary folder')
      .option('--port <number>', 'port of the API server; default: a free one', parsePort)
      .option('--registry-port <number>', 'port of the registry; default: a free one', parsePort)
      .option('-q, --quiet', 'print the verdicts only');
    withExamples(withOutput(command), [
      'landfall demo',
      'landfall demo --once',
      'landfall demo --once -o json',
    ]).action(async (options: DemoOptions) => {
      const { tellStory } = await import('../demo/story.ts');
      exit(await tellStory(options, io));
    });
  },
};
