import { Option } from 'commander';
import type { Command } from 'commander';
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
  return withOutput(withCluster(command))
    .option('--env <name>', 'the environment: named in what is told; default: what landfall.yaml says')
    .option('--name <name>', 'name of the application; default: the repository and folder')
    .option('--prune', 'delete what the last delivery applied and this one no longer has')
    .option('--prune-kept', 'prune namespaces, definitions and volume claims too, with all they hold')
    .option('--recreate', 'delete and make anew what cannot be changed')
    .option('--loose', 'tell what does not fit together within the set, and go on');
}

export function withApply(command: Command): Command {
  return withSet(command)
    .option('--dry-run', 'check everything and change nothing')
    .option('--timeout <duration>', 'how long it may take to become healthy', parseDuration, 300_000)
    .addOption(
      new Option('--on-failure <what>', 'take everything back, or leave it half done as kubectl does')
        .choices(['restore', 'keep'])
        .default('restore'),
    )
    .option('--again', 'apply a revision that was taken back before')
    .option('--wait', 'wait for another delivery of this application to end')
    .option('--plan <file|id>', 'carry out a plan exactly as it was reviewed');
}
