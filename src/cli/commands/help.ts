import type { Command } from 'commander';
import { LandfallError, nearest } from '../../kernel/index.ts';
import { withExamples } from '../options.ts';
import type { CliCommand } from './command.ts';

/** What help knows besides commands, by the words that ask for it. */
export const TOPICS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    boundaries: `A delivery crosses eight boundaries, always in this order. Each asks one question.

  artifact  Was this commit built, and into which image digest?         CI mends it
  intent    Does Git, at the tracked revision, ask for exactly that?    a commit mends it
  render    Do the manifests made from that revision say it?            base, overlay or chart
  sync      Did the controller fetch that revision and apply all of it? controller, access
  live      Does the API server store it, and has nobody changed it?    a decision about drift
  health    Are the stored objects usable?                              the workload
  rollout   Has the new revision replaced the old one on every pod,
            with the right digest?                                      rollout controller
  traffic   Do users get it?                                            selectors, the application

Each is one of five:

  ✓ proven          evidence agrees, and is as new as the change
  … moving          not there yet, and still within its deadline
  ✗ broken          evidence contradicts what was expected
  ? unknown         no evidence, stale evidence, or evidence that cannot decide; never counts as proof
  – not applicable  the shape of the objects leaves nothing to prove

landed: every boundary is proven or not applicable. Otherwise one boundary is named, the one to mend:
stopped at intent, moving at rollout, unproven at artifact.
`,
    'exit-codes': `  0    landed, or done
  1    broken, or the command failed; diff: something differs
  2    not proven in time: nothing contradicts it, and something is not known; diff: it failed
  3    wrong usage, or a name that is not there; nothing was started
  130  interrupted; what was begun was taken back
  141  whoever read the output went away first
`,
    environment: `  KUBECONFIG                   the cluster, as for kubectl
  DOCKER_CONFIG                credentials of registries, as for docker
  LANDFALL_REGISTRY_MIRRORS    HOST=URL,HOST=URL: reach registries by other addresses
  LANDFALL_LEDGER              history in PostgreSQL: postgres://USER@HOST/DATABASE
  LANDFALL_LEDGER_KEY          32 bytes in hex or base64 that seal journals; needed with PostgreSQL
  LANDFALL_SERVER              landfall serve --webhook that landfall builds report tells
  LANDFALL_TOKEN               says who decides, for landfall builds approve --server
  LANDFALL_WEBHOOK_SECRET      what senders of webhooks and reports sign with
  LANDFALL_CLUSTER_TOKEN       token of landfall cluster start, off the command line
  XDG_CACHE_HOME               mirrors of repositories; may be thrown away. Default ~/.cache
  XDG_STATE_HOME               measurements, built images, clusters. Default ~/.local/state
  NO_COLOR, FORCE_COLOR        colours off, on
`,
  }),
);

function find(program: Command, words: readonly string[]): Command | undefined {
  return words.reduce<Command | undefined>(
    (at, word) => at?.commands.find((command) => command.name() === word),
    program,
  );
}

export const helpCommand: CliCommand = {
  register(program, io) {
    program.helpCommand(false);
    const help = program
      .command('help')
      .summary('help for a command or a topic')
      .description(`help for a command, or a topic: ${[...TOPICS.keys()].join(', ')}`)
      .argument('[topic...]', 'a command or a topic');
    withExamples(help, [
      'landfall help cluster start',
      'landfall help boundaries',
      'landfall help exit-codes',
    ]).action((words: readonly string[]) => {
      const topic = TOPICS.get(words.join('-'));
      const command = find(program, words);
      if (words.length === 0 || command === program) program.outputHelp();
      else if (topic !== undefined) io.out(topic);
      else if (command !== undefined) command.outputHelp();
      else {
        const known = [...TOPICS.keys(), ...program.commands.map((one) => one.name())];
        const near = nearest(words.join(' '), known);
        throw new LandfallError(`There is no help for '${words.join(' ')}'.`, {
          kind: 'not-found',
          code: 'help-topic',
          object: words.join(' '),
          hint:
            near.length > 0
              ? `Did you mean ${near.join(', ')}?`
              : `Topics are ${[...TOPICS.keys()].join(', ')}.`,
        });
      }
    });
  },
};
