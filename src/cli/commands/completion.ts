import { Argument } from 'commander';
import type { Command } from 'commander';
import { withExamples } from '../options.ts';
import type { CliCommand } from './command.ts';
import { TOPICS } from './help.ts';

interface Word {
  /** Path of the command, words joined by a space; '' for landfall itself. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly Flag[];
  /** What the arguments may be, where that is known. */
  readonly values: readonly string[];
}

interface Flag {
  readonly flag: string;
  readonly short: string | undefined;
  readonly description: string;
  /** What may stand behind it; undefined where that is anything, empty where it takes nothing. */
  readonly values: readonly string[] | undefined;
}

function wordsOf(command: Command, path: string): readonly Word[] {
  const children = command.commands.filter((child) => child.name() !== 'help' || path === '');
  const own: Word = {
    path,
    commands: children.map((child) => ({
      name: child.name(),
      description: child.description().split(/[.:]/)[0] ?? '',
    })),
    options: command.options.flatMap((option) =>
      typeof option.long !== 'string'
        ? []
        : [
            {
              flag: option.long,
              short: option.short,
              description: option.description,
              values: option.required || option.optional ? option.argChoices : [],
            },
          ],
    ),
    values:
      path === 'help'
        ? [...TOPICS.keys(), ...(command.parent?.commands ?? []).map((one) => one.name())]
        : command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
  };
  return [own, ...children.flatMap((child) => wordsOf(child, `${path} ${child.name()}`.trim()))];
}

function bash(words: readonly Word[]): string {
  const cases = words.map(
    (word) =>
      `    '${word.path}') candidates='${[...word.commands.map((one) => one.name), ...word.values, ...word.options.map((one) => one.flag), '--help'].join(' ')}' ;;`,
  );
  // Behind an option that takes a value stands one of its values, or whatever bash completes by itself.
  const behind = words.flatMap((word) =>
    word.options.flatMap(({ flag, short, values }) =>
      values?.length === 0
        ? []
        : [flag, ...(short === undefined ? [] : [short])].map(
            (one) => `    '${word.path} ${one}') candidates='${(values ?? []).join(' ')}' ;;`,
          ),
    ),
  );
  const known = words.filter((word) => word.path !== '').map((word) => `'${word.path}'`);
  return `_landfall() {
  local path='' word try candidates=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    try="\${path:+$path }$word"
    case "$try" in ${known.join('|')}) path="$try" ;; esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  case "$path \${COMP_WORDS[COMP_CWORD-1]}" in
${behind.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$candidates" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _landfall landfall
`;
}

function fish(words: readonly Word[]): string {
  const quote = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = words.flatMap((word) => {
    const parts = word.path.split(' ').filter((part) => part !== '');
    const below = word.commands.map((one) => one.name).join(' ');
    const seen = parts.map((part) => `__fish_seen_subcommand_from ${part}`);
    const condition = [...seen, ...(below === '' ? [] : [`not __fish_seen_subcommand_from ${below}`])].join(
      '; and ',
    );
    return [
      ...word.commands.map(
        (one) =>
          `complete -c landfall -f${condition === '' ? '' : ` -n ${quote(condition)}`} -a ${one.name} -d ${quote(one.description)}`,
      ),
      ...(word.values.length === 0
        ? []
        : [`complete -c landfall -f -n ${quote(condition)} -a ${quote(word.values.join(' '))}`]),
      ...word.options.map(
        (one) =>
          `complete -c landfall${seen.length === 0 ? '' : ` -n ${quote(seen.join('; and '))}`} -l ${one.flag.slice(2)}${one.short === undefined ? '' : ` -s ${one.short.slice(1)}`}${one.values === undefined ? ' -r' : one.values.length === 0 ? '' : ` -x -a ${quote(one.values.join(' '))}`} -d ${quote(one.description)}`,
      ),
    ];
  });
  return `${lines.join('\n')}\n`;
}

export const completionCommand: CliCommand = {
  register(program, io) {
    const command = program
      .command('completion')
      .summary('completion script for bash, zsh or fish')
      .description('Print a completion script.')
      .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']));
    withExamples(command, [
      'eval "$(landfall completion bash)"      # in ~/.bashrc; the same with zsh in ~/.zshrc',
      'landfall completion fish | source      # in ~/.config/fish/config.fish',
    ]).action((shell: 'bash' | 'zsh' | 'fish') => {
      const words = wordsOf(program, '');
      if (shell === 'fish') io.out(fish(words));
      else
        io.out(shell === 'zsh' ? `autoload -U +X bashcompinit && bashcompinit\n${bash(words)}` : bash(words));
    });
  },
};
