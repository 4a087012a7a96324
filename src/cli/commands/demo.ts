import { Argument } from 'commander';
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

const STORIES = ['incident', 'tomoda'] as const;

export const demoCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('demo')
      .summary("replay the deploy that didn't deploy, or a whole pipeline, for real")
      .description(
        "Play a story for real on an embedded cluster. incident: the deploy that didn't deploy: deliver, break, explain, mend, prove. tomoda: from push to proof in dev and prod: approve, build, update, roll without a lost request, roll back.",
      )
      .addArgument(new Argument('[story]', 'which one').choices(STORIES).default('incident'))
      .option('--once', 'end after the proof instead of staying up until Ctrl-C')
      .option('--keep <dir>', 'make the repositories here and leave them; default: a temporary folder')
      .option('--port <number>', 'port of the API server; default: a free one', parsePort)
      .option('--registry-port <number>', 'port of the registry; default: a free one', parsePort)
      .option('-q, --quiet', 'print the verdicts only');
    withExamples(withOutput(command), [
      'landfall demo',
      'landfall demo --once',
      'landfall demo --once -o json',
      'landfall demo tomoda',
    ]).action(async (story: (typeof STORIES)[number], options: DemoOptions) => {
      const { tellStory } =
        story === 'tomoda' ? await import('../demo/tomoda/story.ts') : await import('../demo/story.ts');
      exit(await tellStory(options, io));
    });
  },
};
