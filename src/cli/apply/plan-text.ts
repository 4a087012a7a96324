import type { JsonValue } from '../../kernel/index.ts';
import type { Plan, PlannedField, PlannedObject, PlanProblem } from '../../apply/index.ts';
import { wrap } from '../output/style.ts';
import type { Style } from '../output/style.ts';

const LABEL = 10;
const SHOWN_FIELDS = 12;

/** One line of a run: `  plan      5 objects: 2 new`. */
export function line(label: string, text: string): string {
  return `  ${label.padEnd(LABEL)}${text}`.trimEnd();
}

/** What belongs to the line above. */
export function under(text: string, style: Style): readonly string[] {
  return wrap(text, style.width - LABEL - 2).map((each) => `${' '.repeat(LABEL + 2)}${each}`);
}

export function objectText(object: { readonly kind: string; readonly name: string }): string {
  return `${object.kind}/${object.name}`;
}

const WORDS: Readonly<Record<PlannedObject['action'], string>> = {
  create: 'new',
  change: 'changed',
  recreate: 'made anew',
  unchanged: 'unchanged',
  prune: 'pruned',
  skip: 'skipped',
};

/** `5 objects: 2 new, 1 changed, 2 unchanged` */
export function countsText(plan: Plan): string {
  const counts = new Map<string, number>();
  for (const { planned } of plan.items) {
    counts.set(WORDS[planned.action], (counts.get(WORDS[planned.action]) ?? 0) + 1);
  }
  const parts = Object.values(WORDS).flatMap((word) => {
    const count = counts.get(word);
    return count === undefined ? [] : [`${count} ${word}`];
  });
  const { length } = plan.items;
  return `${length} ${length === 1 ? 'object' : 'objects'}: ${parts.join(', ')}`;
}

function shown(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text.replaceAll('\n', '⏎');
}

/** On one line where it fits, else the line in Git below it. */
function fieldLines(field: PlannedField, style: Style): readonly string[] {
  const [before, after] = [shown(field.before), shown(field.after)];
  const width = `      ${field.field}: ${before} → ${after}   ${field.where ?? ''}`.length;
  const change = `      ${field.field}: ${style.red(before)} → ${style.green(after)}`;
  if (field.where === undefined) return [change];
  if (width <= style.width) return [`${change}   ${style.dim(field.where)}`];
  return [change, `        ${style.dim(field.where)}`];
}

const MARKS: Readonly<Record<PlannedObject['action'], string>> = {
  create: '+',
  change: '~',
  recreate: '±',
  unchanged: ' ',
  prune: '-',
  skip: '·',
};

/** Each object that something happens to, with its fields and the lines that ask for them. */
export function objectLines(plan: Plan, style: Style): readonly string[] {
  const paint: Readonly<Record<PlannedObject['action'], (text: string) => string>> = {
    create: style.green,
    change: style.yellow,
    recreate: style.yellow,
    unchanged: style.dim,
    prune: style.red,
    skip: style.dim,
  };
  return plan.items.flatMap(({ planned }) => {
    if (planned.action === 'unchanged') return [];
    const namespace = planned.namespace === undefined ? '' : `${planned.namespace}/`;
    const where = planned.where === undefined ? '' : style.dim(`   ${planned.where}`);
    const title = `    ${paint[planned.action](MARKS[planned.action])} ${planned.kind}/${namespace}${planned.name}  ${WORDS[planned.action]}${where}`;
    const more = planned.fields.length - SHOWN_FIELDS;
    return [
      title,
      ...planned.notes.map((note) => style.dim(`      ${note}`)),
      ...planned.fields.slice(0, SHOWN_FIELDS).flatMap((field) => fieldLines(field, style)),
      ...(more > 0 ? [style.dim(`      and ${more} more fields`)] : []),
    ];
  });
}

/** One problem: the object and the reason, then the line in Git. */
export function problemLines(problem: PlanProblem, style: Style): readonly string[] {
  const { message, where } = problem;
  return [
    ...under(`${style.bold(objectText(problem))}  ${message}`, style),
    ...(where === undefined ? [] : under(style.dim(where), style)),
  ];
}

const CHECKS: readonly (readonly [string, readonly PlanProblem['check'][]])[] = [
  ['set', ['set', 'schema', 'relation', 'cluster']],
  ['allowed', ['permission']],
  ['dry run', ['dry-run']],
];

/** The plan in lines: what would change, what is allowed, what the server says. */
export function planLines(plan: Plan, style: Style, detail: boolean): readonly string[] {
  const lines = [line('plan', countsText(plan)), ...(detail ? objectLines(plan, style) : [])];
  for (const [label, checks] of CHECKS) {
    const problems = plan.problems.filter(({ check }) => checks.includes(check));
    if (problems.length > 0) {
      const count = `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`;
      const text = label === 'dry run' ? `${plan.dryRun.refused} of ${plan.dryRun.asked} refused` : count;
      lines.push(line(label, `${style.red('✗')} ${text}`));
      lines.push(...problems.flatMap((problem) => problemLines(problem, style)));
    } else if (label === 'allowed' && plan.allowed.kinds > 0) {
      const { verbs, kinds } = plan.allowed;
      const whom = plan.identity === undefined ? '' : ` as ${plan.identity}`;
      lines.push(line(label, `${verbs.join(', ')} on ${kinds} ${kinds === 1 ? 'kind' : 'kinds'}${whom}`));
    } else if (label === 'dry run') {
      const { asked, refused, later } = plan.dryRun;
      // What is refused for another reason than its content is told above.
      const good = asked - refused;
      const rest = later === 0 ? '' : `, ${later} of them again once what they need is there`;
      lines.push(
        line(label, `${refused === 0 ? style.green('✓') : ' '} ${good} of ${asked} accepted${rest}`),
      );
    }
  }
  for (const warning of plan.warnings) {
    lines.push(...wrap(`${style.yellow('!')} ${warning}`, style.width - 2).map((each) => `  ${each}`));
  }
  return lines;
}

/** The plan as data: what `-o json` prints and what is saved. */
export function planJson(plan: Plan) {
  return {
    objects: plan.items.map(({ planned }) => planned),
    problems: plan.problems,
    warnings: plan.warnings,
    identity: plan.identity,
    allowed: plan.allowed,
    dryRun: plan.dryRun,
  };
}
