import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { commandsFor } from '../src/cli/commands/index.ts';
import type { CliIo } from '../src/cli/io.ts';
import { systemClock } from '../src/kernel/index.ts';

// What the documentation, the help and the examples tell people to type is there: commands, flags, number of words.
const root = path.resolve(import.meta.dirname, '..');

function program(): Command {
  const io: CliIo = {
    out: () => {},
    err: () => {},
    outTerminal: {},
    errTerminal: {},
    env: {},
    cwd: root,
    clock: systemClock,
    signal: new AbortController().signal,
    stdin: () => Promise.resolve(''),
  };
  const made = new Command('landfall').version('0', '-V, --version');
  for (const command of commandsFor(undefined)) command.register(made, io, () => {});
  return made;
}

interface Documented {
  readonly where: string;
  /** What stands behind `landfall`. */
  readonly text: string;
}

/** Lines of code blocks and spans of code that begin with the program's name. */
function documentedIn(file: string): readonly Documented[] {
  const lines = readFileSync(path.join(root, file), 'utf8').split('\n');
  const found: Documented[] = [];
  let fence = false;
  for (const [index, line] of lines.entries()) {
    const where = `${file}:${index + 1}`;
    if (/^\s*```/.test(line)) fence = !fence;
    else if (fence) {
      const command = /^\s*(?:\$ )?landfall (?<text>.+)$/.exec(line)?.groups?.['text'];
      if (command !== undefined) found.push({ where, text: command });
    } else
      for (const span of line.matchAll(/`(?:\$ )?landfall (?<text>[^`]+)`/g))
        found.push({ where, text: span.groups?.['text'] ?? '' });
  }
  return found;
}

/** Examples of the help of every command. */
function helped(command: Command): readonly Documented[] {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
  const own = help
    .split('\n')
    .flatMap((line) => /^\s+landfall (?<text>.+)$/.exec(line)?.groups?.['text'] ?? [])
    .map((text) => ({ where: `help of ${command.name()}`, text }));
  return [...own, ...command.commands.flatMap(helped)];
}

/** The words of one command, as a shell gives them; ends at a comment, a pipe or the next command. */
function wordsOf(text: string): readonly string[] {
  const words = text.match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
  const end = words.findIndex((word) => /^(?:#|\|\|?|>|>>|<|&&?|;|…)$/.test(word) || /^(?:#|2>)/.test(word));
  return (end < 0 ? words : words.slice(0, end)).map((word) => word.replaceAll(/^["'[]|["'\],;]$/g, ''));
}

/** `plan|apply` is both. */
function alternatives(words: readonly string[]): readonly (readonly string[])[] {
  const [first, ...rest] = words;
  if (first === undefined) return [[]];
  const firsts = /^[a-z-]+(?:\|[a-z-]+)+$/.test(first) ? first.split('|') : [first];
  return firsts.flatMap((word) => alternatives(rest).map((others) => [word, ...others]));
}

/** What is wrong with a command line; undefined where everything that it names is there. */
function wrong(top: Command, words: readonly string[]): string | undefined {
  let command = top;
  const chain = [top];
  let taken = 0;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (/^--?[a-zA-Z]/.test(word)) {
      const [flag = ''] = word.split('=');
      const option = chain
        .flatMap(({ options }) => options)
        .find(({ long, short }) => long === flag || short === flag);
      if (option === undefined && !['-h', '--help'].includes(flag)) return `${command.name()} has no ${flag}`;
      if (option !== undefined && (option.required || option.optional) && !word.includes('=')) at += 1;
      continue;
    }
    const next = command.commands.find((each) => each.name() === word || each.aliases().includes(word));
    if (next !== undefined && taken === 0) {
      command = next;
      chain.push(next);
      continue;
    }
    taken += 1;
    const { registeredArguments: known } = command;
    if (taken > known.length && known.at(-1)?.variadic !== true)
      return `${chain.map((each) => each.name()).join(' ')} takes no '${word}'`;
  }
  return undefined;
}

const FOLDERS = [
  '.',
  'docs',
  'docs/decisions',
  ...readdirSync(path.join(root, 'examples'))
    .map((name) => `examples/${name}`)
    .filter((folder) => statSync(path.join(root, folder)).isDirectory()),
];
const FILES = FOLDERS.flatMap((folder) =>
  readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.posix.join(folder, name)),
);

it('every command and flag that the documentation and the help show is there', () => {
  const top = program();
  const all = [...FILES.filter((file) => file !== 'CHANGELOG.md').flatMap(documentedIn), ...helped(top)];
  expect(all.length).toBeGreaterThan(150);
  const problems = all.flatMap(({ where, text }) =>
    alternatives(wordsOf(text)).flatMap((words) => {
      const problem = wrong(top, words);
      return problem === undefined ? [] : [`${where}: landfall ${text.slice(0, 90)}: ${problem}`];
    }),
  );
  expect(problems).toEqual([]);
});

it('what is not there is told', () => {
  const top = program();
  expect(wrong(top, ['prove', 'shop', '--wiat', '5m'])).toBe('prove has no --wiat');
  expect(wrong(top, ['builds', 'aprove', '1m8q'])).toBe("landfall builds takes no 'aprove'");
  expect(wrong(top, ['prov', 'shop'])).toBe("landfall takes no 'prov'");
});
