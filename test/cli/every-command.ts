import { Command } from 'commander';
import { commandsFor } from '../../src/cli/commands/index.ts';
import type { CliIo } from '../../src/cli/io.ts';
import { systemClock } from '../../src/kernel/index.ts';

/** One command that can be run, as the program describes it. */
export interface Leaf {
  /** `cluster start` */
  readonly words: string;
  readonly options: readonly string[];
}

/** Every command of the program that does something. */
export function everyLeaf(): readonly Leaf[] {
  const io: CliIo = {
    out: () => {},
    err: () => {},
    outTerminal: {},
    errTerminal: {},
    env: {},
    cwd: '/',
    clock: systemClock,
    signal: new AbortController().signal,
    stdin: () => Promise.resolve(''),
  };
  const program = new Command('landfall');
  for (const command of commandsFor(undefined)) command.register(program, io, () => {});
  const leaves = (command: Command, words: string): readonly Leaf[] =>
    command.commands.length > 0
      ? command.commands.flatMap((child) => leaves(child, `${words} ${child.name()}`.trim()))
      : [{ words, options: command.options.flatMap(({ long }) => (long ? [long] : [])) }];
  return leaves(program, '');
}

/**
 * A way to call each command that asks a cluster, so that it gets as far as asking it. `{manifests}` is a folder with
 * one ConfigMap.
 */
export const ASKING: Readonly<Record<string, readonly string[]>> = {
  prove: ['shop'],
  trace: ['shop', 'image'],
  explain: ['shop'],
  health: ['shop'],
  status: [],
  note: ['shop'],
  drift: ['shop'],
  updates: ['check', 'shop'],
  releases: ['shop'],
  promote: ['shop', '--from', 'staging', '--to', 'prod'],
  rollback: ['shop'],
  'holds put': ['shop', '--reason', 'not now'],
  sync: ['shop'],
  plan: ['{manifests}'],
  diff: ['{manifests}'],
  apply: ['{manifests}'],
  check: ['{manifests}', '--cluster'],
};

/** They take options of a cluster and do without one, or ask it only about what the ledger holds. */
export const DO_WITHOUT: readonly string[] = [
  'promote approve',
  'promote reject',
  'promote cancel',
  'promote resume',
  'promote show',
  'holds list',
  'holds lift',
  'recover',
  'image build',
  'builds approve',
  'builds reject',
  'builds cancel',
  'builds run',
  'serve',
  'cluster start',
];
