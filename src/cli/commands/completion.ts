import { Argument } from 'commander';
import type { Command } from 'commander';
import { withExamples } from '../options.ts';
import type { CliCommand } from './command.ts';

interface Word {
  /** Path of the command, words joined by a space; '' for landfall itself. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly { readonly flag: string; readonly description: string }[];
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
      typeof option.long !== 'string' ? [] : [{ flag: option.long, description: option.description }],
    ),
  };
  return [own, ...children.flatMap((child) => wordsOf(child, `${path} ${child.name()}`.trim()))];
}

function bash(words: readonly Word[]): string {
  const cases = words.map(
    (word) =>
      `    '${word.path}') candidates='${[...word.commands.map((one) => one.name), ...word.options.map((one) => one.flag), '--help'].join(' ')}' ;;`,
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
      ...word.options.map(
        (one) =>
          `complete -c landfall${seen.length === 0 ? '' : ` -n ${quote(seen.join('; and '))}`} -l ${one.flag.slice(2)} -d ${quote(one.description)}`,
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
