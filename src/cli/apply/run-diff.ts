import { stringifyYaml } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import type { PlanItem, PlannedField } from '../../apply/index.ts';
import { errStyle, outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';
import type { Style } from '../output/style.ts';
import type { SetOptions } from './options.ts';
import { planJson, problemLines } from './plan-text.ts';
import { openSession, planFor } from './session.ts';

/** As `kubectl diff`: 0 nothing differs, 1 something does, more than 1: it could not be found out. */
const DIFF = { same: 0, differs: 1, failed: 2 } as const;

function sided(sign: '+' | '-', value: JsonValue, style: Style): readonly string[] {
  const text = typeof value === 'object' ? stringifyYaml(value).trimEnd() : String(value);
  const paint = sign === '+' ? style.green : style.red;
  return text.split('\n').map((line) => paint(`${sign}  ${line}`));
}

function fieldLines(field: PlannedField, style: Style): readonly string[] {
  const where = field.where === undefined ? '' : `  ${field.where}`;
  return [
    style.cyan(`@@ ${field.field} @@${where}`),
    ...(field.before === undefined ? [] : sided('-', field.before, style)),
    ...(field.after === undefined ? [] : sided('+', field.after, style)),
  ];
}

function itemLines({ planned }: PlanItem, style: Style): readonly string[] {
  const { kind, namespace, name, action } = planned;
  const path = `${kind}/${namespace === undefined ? '' : `${namespace}/`}${name}`;
  const where = planned.where === undefined ? '' : `  ${planned.where}`;
  switch (action) {
    case 'create':
      return [style.bold('--- nothing'), style.bold(`+++ ${path}${where}`)];
    case 'prune':
      return [style.bold(`--- ${path}`), style.bold('+++ nothing')];
    case 'recreate':
      return [style.bold(`--- ${path}`), style.bold(`+++ ${path}  made anew${where}`), ...planned.notes];
    case 'change':
      return planned.fields.length === 0
        ? []
        : [
            style.bold(`--- ${path}  live`),
            style.bold(`+++ ${path}${where}`),
            ...planned.fields.flatMap((field) => fieldLines(field, style)),
          ];
    case 'unchanged':
    case 'skip':
      return [];
    default:
      return action satisfies never;
  }
}

/** `landfall diff`: what is live against what the files ask for, by the API server's own dry run. */
export async function runDiff(what: string, options: SetOptions, io: CliIo): Promise<number> {
  const session = await openSession(options, io);
  try {
    const { plan } = await planFor(what, options, session, io);
    const [style, aside] = [outStyle(io), errStyle(io)];
    const lines = plan.items.map((item) => itemLines(item, style)).filter((each) => each.length > 0);
    io.out(
      formatAnswer(options.output, planJson(plan), () =>
        lines.length === 0 ? '' : `${lines.map((each) => each.join('\n')).join('\n')}\n`,
      ),
    );
    const refused = plan.problems.filter(({ check }) => check !== 'relation' && check !== 'permission');
    for (const problem of refused) io.err(`${problemLines(problem, aside).join('\n')}\n`);
    if (refused.length > 0) return DIFF.failed;
    return lines.length === 0 ? DIFF.same : DIFF.differs;
  } finally {
    await session.close();
  }
}
