import { withRules } from '../option-rules.ts';
import { withExamples, withOutput } from '../options.ts';
import type { OutputOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

export interface InitOptions extends OutputOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly url?: string;
  readonly revision?: string;
  readonly applicationNamespace: string;
}

export const initCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('init')
      .summary('write a first landfall.yaml and Applications for a repository')
      .description(
        'Look at the repository here, show what was found, and write a first landfall.yaml and an Application for each overlay.',
      )
      .argument('[dir]', 'the deployment repository', '.')
      .option('-y, --yes', 'write without asking')
      .option('--dry-run', 'show what would be written, and write nothing')
      .option('--url <url>', 'URL under which the cluster reaches the repository; default: the remote origin')
      .option('--revision <revision>', 'what the Applications track; default: the branch that is checked out')
      .option('--application-namespace <name>', 'namespace of the Applications', 'argocd');
    withRules(command, { against: { '--yes': ['--dry-run'] } });
    withExamples(withOutput(command), [
      'landfall init --dry-run',
      'landfall init --yes --url https://git.corp.io/platform/deploy.git',
    ]).action(async (folder: string, options: InitOptions) => {
      const { initRepository } = await import('../init/init.ts');
      exit(await initRepository(folder, options, io));
    });
  },
};
