import { Option } from 'commander';
import type { Command } from 'commander';
import { withRules } from '../option-rules.ts';
import { parseDuration, withCluster, withOutput } from '../options.ts';
import type { ClusterOptions, OutputOptions } from '../options.ts';

/** What names a set, and how it is looked at. */
export interface SetOptions extends ClusterOptions, OutputOptions {
  readonly env?: string;
  readonly name?: string;
  readonly prune?: boolean;
  readonly pruneKept?: boolean;
  readonly recreate?: boolean;
  readonly loose?: boolean;
}

export interface ApplyCommandOptions extends SetOptions {
  readonly dryRun?: boolean;
  readonly timeout: number;
  readonly onFailure: 'restore' | 'keep';
  readonly again?: boolean;
  readonly wait?: boolean;
  readonly plan?: string;
}

export interface PlanCommandOptions extends SetOptions {
  readonly out?: string;
  readonly save?: boolean;
}

export function withSet(command: Command): Command {
  const set = withOutput(withCluster(command));
  const namespace = set.options.find(({ long }) => long === '--namespace');
  if (namespace !== undefined) {
    namespace.description = 'where objects go that name no namespace; for an Application, its own namespace';
  }
  withRules(set, { needs: { '--prune-kept': '--prune' } });
  return set
    .option('--env <name>', 'the environment: named in what is told; default: what landfall.yaml says')
    .option('--name <name>', 'name of the application; default: the repository and folder')
    .option('--prune', 'delete what the last delivery applied and this one no longer has')
    .option('--prune-kept', 'prune namespaces, definitions and volume claims too, with all they hold')
    .option('--recreate', 'delete and make anew what cannot be changed')
    .option('--loose', 'tell what does not fit together within the set, and go on');
}

export function withApply(command: Command): Command {
  withRules(command, {
    // A plan is carried out as it was reviewed.
    against: {
      '--plan': ['--env', '--name', '--namespace', '--prune', '--prune-kept', '--recreate', '--loose'],
    },
  });
  return withSet(command)
    .option('--dry-run', 'check everything and change nothing')
    .addOption(
      new Option('--timeout <duration>', 'how long it may take to become healthy')
        .argParser(parseDuration)
        .default(300_000, '5m'),
    )
    .addOption(
      new Option('--on-failure <what>', 'take everything back, or leave it half done as kubectl does')
        .choices(['restore', 'keep'])
        .default('restore'),
    )
    .option('--again', 'apply a revision that was taken back before')
    .option('--wait', 'wait for another delivery of this application to end')
    .option('--plan <file|id>', 'carry out a plan exactly as it was reviewed');
}
