import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import type { CliIo } from '../io.ts';
import { withRules } from '../option-rules.ts';
import { parseCount, parseMirror, withCluster, withExamples, withOutput } from '../options.ts';
import type { ClusterOptions, OutputOptions } from '../options.ts';
import type { CliCommand } from './command.ts';
import { registerReport } from './builds-report.ts';

export interface BuildOptions extends ClusterOptions, OutputOptions {}

export interface ListOptions extends OutputOptions {
  readonly limit: number;
  readonly trigger?: string;
  readonly state?: string;
  readonly ledger?: string;
}

export interface LogsOptions extends OutputOptions {
  readonly follow?: boolean;
  readonly ledger?: string;
}

export interface ReviewOptions extends BuildOptions {
  readonly comment: string;
  readonly url?: string;
  readonly commit?: string;
  readonly server?: string;
  readonly tokenFile?: string;
}

export interface RunOptions extends BuildOptions {
  readonly ref?: string;
  readonly declaredIn?: string;
  readonly here?: boolean;
  readonly wait?: boolean;
}

export interface WorkOptions {
  readonly builds: number;
  readonly ledger?: string;
  readonly registryMirror?: Readonly<Record<string, string>>;
}

type Exit = (code: number) => void;

const SHOWN = 20;
const STATES = [
  'PENDING',
  'QUEUED',
  'WORKING',
  'SUCCESS',
  'FAILURE',
  'CANCELLED',
  'TIMEOUT',
  'SUPERSEDED',
  'REJECTED',
  'EXPIRED',
];

function withLedger(command: Command): Command {
  return command.option(
    '--ledger <url>',
    'history in PostgreSQL, postgres://…; default: LANDFALL_LEDGER, a file of this user',
  );
}

function parseUrl(text: string): string {
  if (!/^https?:\/\/[^\s/@]+(?:\/\S*)?$/.test(text))
    throw new InvalidArgumentError('An http address without user and password is wanted.');
  return text;
}

function parseServer(text: string): string {
  return parseUrl(text).replace(/\/+$/, '');
}

function parseCommit(text: string): string {
  if (!/^[0-9a-f]{7,64}$/.test(text)) throw new InvalidArgumentError('A commit is at least 7 hex digits.');
  return text;
}

function registerReading(builds: Command, io: CliIo, exit: Exit): void {
  const list = builds
    .command('list', { isDefault: true })
    .summary('builds, newest first')
    .description(
      'The builds that the ledger holds, newest first: what waits for whom, what runs, how it ended.',
    )
    .option('--limit <count>', 'how many', parseCount, SHOWN)
    .option('--trigger <name>', 'only builds of this entry of builds in landfall.yaml')
    .addOption(new Option('--state <state>', 'only builds in this state').choices(STATES));
  withExamples(withLedger(withOutput(list)), [
    'landfall builds',
    'landfall builds list --state PENDING -o json',
  ]).action(async (options: ListOptions) => {
    const { listBuilds } = await import('../builds/read.ts');
    exit(await listBuilds(options, io));
  });

  const show = builds
    .command('show')
    .summary('one build whole: who approved it, its steps, its image')
    .description(
      'One build whole: what started it, who decided what, each step, and which digests it became.',
    )
    .argument('<id>', 'id of the build, or the beginning of it');
  withExamples(withLedger(withOutput(show)), ['landfall builds show 1m7y4nqgce']).action(
    async (id: string, options: ListOptions) => {
      const { showBuild } = await import('../builds/read.ts');
      exit(await showBuild(id, options, io));
    },
  );

  const logs = builds
    .command('logs')
    .summary('what the steps of a build wrote')
    .description(
      'What the steps of a build wrote: the first and the last of each, without secrets. With -f until it has ended; the exit code is then that of the build.',
    )
    .argument('<id>', 'id of the build, or the beginning of it')
    .option('-f, --follow', 'go on until the build has ended');
  withExamples(withLedger(withOutput(logs)), ['landfall builds logs 1m7y4nqgce -f']).action(
    async (id: string, options: LogsOptions) => {
      const { showLogs } = await import('../builds/logs.ts');
      exit(await showLogs(id, options, io));
    },
  );
}

function registerDeciding(builds: Command, io: CliIo, exit: Exit): void {
  const kinds = [
    [
      'approve',
      'let a waiting build begin',
      'Approve a waiting build: exactly its commit, and exactly as it is declared now. Who you are is what the cluster says.',
    ],
    ['reject', 'end a waiting build', 'Reject a waiting build. Who you are is what the cluster says.'],
    [
      'cancel',
      'end a build, also one that runs',
      'End a build that waits or runs. Every process of it is ended, and its image is not pushed.',
    ],
  ] as const;
  for (const [kind, summary, description] of kinds) {
    const command = builds
      .command(kind)
      .summary(summary)
      .description(description)
      .argument('<id>', 'id of the build, or the beginning of it')
      .option('--comment <text>', 'why; kept with the decision', '')
      .option('--url <address>', 'where it was discussed; kept with the decision', parseUrl)
      .option('--commit <commit>', 'only if the build is of this commit', parseCommit)
      .option(
        '--server <address>',
        'decide through this landfall serve --webhook, where the ledger cannot be reached',
        parseServer,
      )
      .option(
        '--token-file <file>',
        'for --server: a token of the cluster that says who you are; default: LANDFALL_TOKEN',
      );
    withRules(command, { needs: { '--token-file': '--server' } });
    withExamples(withOutput(withCluster(command)), [
      `landfall builds ${kind} 1m7y4nqgce --comment '${kind === 'approve' ? 'read it, and its tests' : 'not this week'}'`,
    ]).action(async (id: string, options: ReviewOptions) => {
      const { decideBuild } = await import('../builds/decide.ts');
      exit(await decideBuild(id, kind, options, io));
    });
  }
}

function registerRun(builds: Command, io: CliIo, exit: Exit): void {
  const run = builds
    .command('run')
    .summary('start a build by hand, or the same one again')
    .description(
      'Start a build of what its trigger names now: the tip of its branch, or a tag. The gate is the same as ever; whoever serves the ledger runs it, or this process with --here.',
    )
    .argument('<trigger>', 'entry of builds in landfall.yaml')
    .option('--ref <name>', 'the tag to build; default: the branch, or the newest tag of the trigger')
    .option(
      '--declared-in <repository>',
      'deployment repository whose landfall.yaml declares it; default: that of its last build, else the folder',
    )
    .option('--here', 'run it in this process, as soon as it is approved')
    .option('--wait', 'follow it until it has ended; the exit code is that of the build');
  withExamples(withOutput(withCluster(run)), [
    'landfall builds run tomoda-dev --wait',
    'landfall builds run tomoda-prod --ref v1.2.3 --declared-in https://git.corp.io/devops.git',
  ]).action(async (trigger: string, options: RunOptions) => {
    const { runByHand } = await import('../builds/run.ts');
    exit(await runByHand(trigger, options, io));
  });
}

function registerWork(builds: Command, io: CliIo, exit: Exit): void {
  const work = builds
    .command('work')
    .summary('run queued builds here, and nothing else, until Ctrl-C')
    .description(
      'Run the builds that landfall serve finds and people approve, and nothing else: with the ledger, Git and the right to push, without a cluster. Steps run as this user; start the server with --builds 0 then.',
    )
    .option('--builds <count>', 'builds at a time', parseCount, 2)
    .option(
      '--registry-mirror <host=url>',
      'reach a registry by another address; may be repeated',
      parseMirror,
    );
  withExamples(withLedger(work), [
    'landfall builds work --ledger postgres://builder@db.corp.io/landfall',
  ]).action(async (options: WorkOptions) => {
    const { workHere } = await import('../builds/work.ts');
    exit(await workHere(options, io));
  });
}

export const buildsCommand: CliCommand = {
  register(program, io, exit) {
    const builds = program
      .command('builds')
      .summary('builds: list, show, logs, approve, reject, cancel, run, work, report')
      .description(
        'Builds: which commit became which image. Triggers and gates are declared in landfall.yaml of the deployment repository; landfall serve finds, runs and tells of builds.',
      );
    withExamples(builds, [
      'landfall builds',
      "landfall builds approve 1m7y4nqgce --comment 'read it'",
      'landfall builds logs 1m7y4nqgce -f',
      'landfall builds report registry.corp.io/shop:1.4.0     # in a job of another CI',
    ]);
    registerReading(builds, io, exit);
    registerDeciding(builds, io, exit);
    registerRun(builds, io, exit);
    registerWork(builds, io, exit);
    registerReport(builds, io, exit);
  },
};
