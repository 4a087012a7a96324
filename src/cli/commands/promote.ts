import { Option } from 'commander';
import type { Command } from 'commander';
import type { PlacesOptions } from '../promotion/open.ts';
import type { Deed } from '../promotion/decide.ts';
import type { CliIo } from '../io.ts';
import { parseDuration, withCluster, withExamples, withOutput } from '../options.ts';
import type { CliCommand } from './command.ts';

export interface PromoteCommandOptions extends PlacesOptions {
  readonly from?: string;
  readonly to?: string;
  readonly override?: string;
  readonly older?: boolean;
  readonly dryRun?: boolean;
  readonly wait: number;
}

export interface DecideOptions extends PlacesOptions {
  readonly comment?: string;
  readonly wait: number;
}

/** Contexts of the kubeconfig, separated by commas. */
export function parseContexts(text: string): readonly string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

export function withContexts(command: Command): Command {
  return command.option(
    '--contexts <names>',
    'look in these contexts of the kubeconfig, too, separated by commas',
    parseContexts,
  );
}

function waiting(command: Command, ms: number, text: string): Command {
  return command.addOption(
    new Option('--wait <duration>', 'how long gates and proof are waited for')
      .argParser(parseDuration)
      .default(ms, text),
  );
}

const DEEDS: readonly (readonly [Deed, string])[] = [
  ['approve', 'approve a promotion that waits, as the cluster knows you, and go on with it'],
  ['reject', 'reject a promotion that waits: it ends'],
  ['cancel', 'end a promotion that waits'],
  ['resume', 'go on with a promotion or a rollback, whoever began it'],
  ['show', 'how a promotion or a rollback stands'],
];

function registerDeed(
  promote: Command,
  deed: Deed,
  text: string,
  io: CliIo,
  exit: (code: number) => void,
): void {
  const command = promote
    .command(deed)
    .summary(text)
    .description(`${text.charAt(0).toUpperCase()}${text.slice(1)}.`)
    .argument('<id>', 'of the promotion, or its beginning: landfall promote and landfall releases show it');
  if (deed !== 'show' && deed !== 'resume') command.option('--comment <text>', 'why, for the history');
  waiting(command, 0, '0');
  const example = `landfall promote ${deed} 1m8qe3m2${deed === 'resume' ? ' --wait 30m' : ''}`;
  withExamples(withOutput(withContexts(withCluster(command))), [example]).action(
    async (id: string, options: DecideOptions) => {
      const { answerDecide } = await import('../promotion/decide.ts');
      exit(await answerDecide(deed, id, options, io));
    },
  );
}

export const promoteCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('promote')
      // What stands behind approve, show and the others is theirs.
      .enablePositionalOptions()
      .summary('carry what has landed in one environment into the next, and prove it there')
      .description(
        'Carry a release that has landed in one environment into the next: a commit to the overlay of that one alone, shown and proven before it is made, then followed to its own proof. Exit 0 landed, 1 stopped or refused, 2 it waits or is not proven in time.',
      )
      .argument('<app>', 'the workload, such as payment-api, or the application it comes from')
      .option('--from <environment>', 'environment or application to come from; default: the one before --to')
      .option('--to <environment>', 'environment or application to go to; default: the one after --from')
      .option(
        '--override <reason>',
        'go on although it has not landed or soaked, a window is closed or a check says no; kept as a decision',
      )
      .option('--older', 'an older release than the target runs is meant')
      .option('--dry-run', 'show gates and what would change, and write nothing');
    waiting(command, 600_000, '10m');
    withExamples(withOutput(withContexts(withCluster(command))), [
      'landfall promote payment-api --from dev --to staging',
      'landfall promote payment-api --to prod --dry-run',
      'landfall promote payment-api --to prod --wait 2h       # through its gates',
      'landfall promote approve 01m3x7 --comment "seen in staging"',
      'landfall promote payment-api --to prod --override "outage 4711"',
    ]).action(async (app: string, options: PromoteCommandOptions) => {
      const { answerPromote } = await import('../promotion/promote.ts');
      exit(await answerPromote(app, options, io));
    });
    for (const [deed, text] of DEEDS) registerDeed(command, deed, text, io, exit);
  },
};
