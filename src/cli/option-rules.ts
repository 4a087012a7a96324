import type { Command } from 'commander';
import { LandfallError } from '../kernel/index.ts';

/** What options have to do with each other, by their long flags. */
export interface OptionRules {
  /** An option, and those that say something else than it. */
  readonly against?: Readonly<Record<string, readonly string[]>>;
  /** An option that says nothing without another. */
  readonly needs?: Readonly<Record<string, string>>;
}

function isGiven(command: Command, flag: string): boolean {
  const option = command.options.find(({ long }) => long === flag);
  if (option === undefined) {
    throw new LandfallError(`landfall ${command.name()} has no option ${flag}.`, {
      kind: 'bug',
      code: 'option-rule',
    });
  }
  return command.getOptionValueSource(option.attributeName()) === 'cli';
}

function problemOf(command: Command, { against = {}, needs = {} }: OptionRules): string | undefined {
  for (const [flag, others] of Object.entries(against)) {
    const other = others.find((each) => isGiven(command, each));
    if (isGiven(command, flag) && other !== undefined) return `${flag} and ${other} contradict each other.`;
  }
  for (const [flag, other] of Object.entries(needs)) {
    if (isGiven(command, flag) && !isGiven(command, other)) return `${flag} says nothing without ${other}.`;
  }
  return undefined;
}

/** Refuses options that contradict each other, and such as would be passed over, before anything is started. */
export function withRules(command: Command, rules: OptionRules): Command {
  return command.hook('preAction', () => {
    const problem = problemOf(command, rules);
    if (problem === undefined) return;
    throw new LandfallError(problem, {
      kind: 'invalid-input',
      code: 'usage-options',
      hint: `Leave one of them out, or see what each does: landfall ${pathOf(command)} --help`,
    });
  });
}

function pathOf(command: Command): string {
  const { parent } = command;
  const above = parent === null || parent.parent === null ? '' : `${pathOf(parent)} `;
  return `${above}${command.name()}`;
}
