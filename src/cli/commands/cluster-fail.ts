import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { parseDuration, withExamples, withOutput } from '../options.ts';
import type { CliIo } from '../io.ts';
import type { FailOptions } from '../cluster/fail.ts';
import type { FaultFlags } from '../cluster/fault-options.ts';

type Given = FailOptions & FaultFlags;

function parseNumber(text: string): number {
  const value = Number(text);
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('A whole number is wanted.');
  return value;
}

const words = (text: string) => text.split(',').map((word) => word.trim());

function parseVerbs(text: string): readonly string[] {
  const known = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
  const wrong = words(text).find((verb) => !known.includes(verb));
  if (wrong === undefined) return words(text);
  throw new InvalidArgumentError(`'${wrong}' is no verb: ${known.join(', ')}.`);
}

/** Which of the calls. */
function withTriggers(command: Command): Command {
  return command
    .option('--nth <k>', 'only the k-th that matches', parseNumber)
    .option('--every <n>', 'every n-th that matches', parseNumber)
    .option('--times <n>', 'so many, then no more; default: until it is healed', parseNumber);
}

function withAnswers(command: Command): Command {
  return command
    .option('--status <code>', 'answer with this status', parseNumber)
    .option('--retry-after <seconds>', 'with --status: when to come again', parseNumber)
    .option('--slow <duration>', 'wait so long before it is looked at', parseDuration)
    .option('--hang', 'give no answer until it is healed')
    .option('--reset', 'cut the connection');
}

function finished(
  command: Command,
  examples: readonly string[],
  run: (options: Given) => Promise<void>,
): void {
  const whole = command.option('--name <name>', 'which cluster of this machine', 'landfall');
  withExamples(withOutput(whole), examples).action(run);
}

/** `landfall cluster fail`: what goes wrong on purpose in a cluster of this machine. */
export function registerFail(cluster: Command, io: CliIo, exit: (code: number) => void): void {
  const fail = cluster
    .command('fail')
    .summary('let something go wrong on purpose, and heal it')
    .description(
      'Let something go wrong on purpose in a cluster that runs here. It lasts until it is healed, or for --times.',
    );
  withExamples(fail, [
    'landfall cluster fail api --verb patch --resource deployments --every 3 --status 503',
    'landfall cluster fail pods -l app=web --oom --times 2',
    'landfall cluster fail node node-2 --lost',
    'landfall cluster fail list',
    'landfall cluster fail heal          # everything',
  ]);
  const start = async (options: Given, build: 'apiFault' | 'registryFault' | 'pullFault' | 'podFault') => {
    const faults = await import('../cluster/fault-options.ts');
    const { startFault } = await import('../cluster/fail.ts');
    exit(await startFault(faults[build](options), options, io));
  };

  const api = fail
    .command('api')
    .description('Requests of the API server; controllers and nodes do not feel it.')
    .option(
      '--verb <verbs>',
      'get, list, watch, create, update, patch, delete; several by commas',
      parseVerbs,
    )
    .option('--resource <plural>', 'deployments, pods/status; * for any')
    .option('--group <group>', 'API group, "" for the core group')
    .option('-n, --namespace <name>', 'in this namespace only')
    .option('--object <name>', 'of this name only')
    .option('--client <text>', 'whose User-Agent contains this, like kubectl/')
    .addOption(new Option('--dry-runs <which>', 'only dry runs, or what is none').choices(['only', 'not']));
  withTriggers(withAnswers(api))
    .option('--after-write', 'with --hang and --reset: after the write was committed')
    .option('--late', 'carry it out only once its client has gone')
    .addOption(
      new Option('--end-watch <how>', 'end watches, running ones too').choices(['reset', 'close', 'expired']),
    )
    .option('--after-events <n>', 'with --end-watch: after so many more events', parseNumber);
  finished(
    api,
    [
      'landfall cluster fail api --status 503 --times 5',
      'landfall cluster fail api --verb patch --nth 12 --reset --after-write',
      'landfall cluster fail api --resource configmaps --end-watch expired',
    ],
    (options) => start(options, 'apiFault'),
  );

  const registry = fail
    .command('registry')
    .description('Requests of the embedded registry, whoever asks.')
    .option('--repository <name>', 'for this repository only')
    .option('--reference <tag>', 'for this tag or digest only');
  withTriggers(withAnswers(registry))
    .option('--truncate', 'cut the answer off in the middle')
    .option('--corrupt', 'answer with a wrong byte');
  finished(
    registry,
    [
      'landfall cluster fail registry --status 429 --retry-after 30',
      'landfall cluster fail registry --repository shop/web --corrupt --times 1',
    ],
    (options) => start(options, 'registryFault'),
  );

  const pull = fail
    .command('pull')
    .description('Pulls of nodes, of simulated images too.')
    .option('--image <pattern>', 'of this image only; * stands for anything')
    .option('--node <name>', 'on this node only')
    .option('--status <code>', 'as if the registry answered this: 401, 404, 429, 500', parseNumber)
    .option('--slow <duration>', 'so much longer', parseDuration)
    .option('--timeout', 'as if the registry did not answer');
  finished(
    withTriggers(pull),
    [
      "landfall cluster fail pull --image 'nginx:*' --slow 90s",
      'landfall cluster fail pull --status 404 --node node-1',
    ],
    (options) => start(options, 'pullFault'),
  );

  const pods = fail
    .command('pods')
    .description('Containers, of processes and simulated ones. Without a filter: all.')
    .option('-l, --selector <labels>', 'of pods with these labels')
    .option('-n, --namespace <name>', 'in this namespace only')
    .option('--pod <name>', 'of this pod only')
    .option('-c, --container <name>', 'of this name only')
    .option('--crash', 'end them, now and after each start')
    .option('--exit-code <code>', 'with --crash: the code; default: 1', parseNumber)
    .option('--oom', 'kill them for want of memory, now and after each start')
    .option('--after <duration>', 'with --crash and --oom: so long after the start', parseDuration)
    .option('--never-ready', 'keep them from becoming ready')
    .option('--slow-start <duration>', 'let them count as started so much later', parseDuration)
    .option('--ignore-sigterm', 'let them end only when their grace is over')
    .addOption(new Option('--evict <why>', 'put their pods out').choices(['memory', 'disk']));
  finished(
    withTriggers(pods),
    [
      'landfall cluster fail pods -l app=web --crash --exit-code 3 --after 30s',
      'landfall cluster fail pods -n shop --never-ready',
    ],
    (options) => start(options, 'podFault'),
  );

  const node = fail
    .command('node <node>')
    .description('A node as its kubelet shows it.')
    .option('--lost', 'its kubelet reports nothing; what runs goes on')
    .option('--not-ready', 'it says that it is not ready')
    .addOption(new Option('--pressure <of>', 'it runs out of this').choices(['memory', 'disk', 'pid']))
    .option('--name <name>', 'which cluster of this machine', 'landfall');
  withExamples(withOutput(node), [
    'landfall cluster fail node node-2 --lost',
    'landfall cluster fail node node-1 --pressure disk',
  ]).action(async (which: string, options: Given) => {
    const { nodeFault } = await import('../cluster/fault-options.ts');
    const { startFault } = await import('../cluster/fail.ts');
    exit(await startFault(nodeFault(which, options), options, io));
  });

  finished(
    fail.command('list').description('What goes wrong on purpose now, and how often it has.'),
    ['landfall cluster fail list', 'landfall cluster fail list -o json'],
    async (options) => {
      const { listFaults } = await import('../cluster/fail.ts');
      exit(await listFaults(options, io));
    },
  );

  const heal = fail
    .command('heal [id...]')
    .description('End faults by their ids, as list shows them; without any: all.')
    .option('--name <name>', 'which cluster of this machine', 'landfall');
  withExamples(withOutput(heal), ['landfall cluster fail heal fault-1', 'landfall cluster fail heal']).action(
    async (ids: readonly string[], options: FailOptions) => {
      const { healFaults } = await import('../cluster/fail.ts');
      exit(await healFaults(ids, options, io));
    },
  );
}
