import type { FileTree } from '../../kustomize/index.ts';
import { parseLandfallYaml, undeclaredChannels } from '../../pipeline/index.ts';
import type { Issue } from './issue.ts';

/** Somebody has decided to live with a finding, for a reason and until a day. */
export interface Suppression {
  /** Id of the finding. */
  readonly finding: string;
  /** Where it holds: an object (`Deployment/comms/api`), or a file and line; everywhere without. */
  readonly object: string | undefined;
  readonly place: { readonly file: string; readonly line: number } | undefined;
  readonly reason: string;
  /** `2026-12-31`, the last day on which it holds. */
  readonly until: string;
  readonly file: string;
  readonly line: number;
}

/** `# landfall:ignore mutable-tag until=2026-12-31 waiting for the registry` on the line, or on the one above it. */
const COMMENT =
  /#\s*landfall:ignore\s+(?<finding>[\w-]+)\s+until=(?<until>\d{4}-\d\d-\d\d)\s+(?<reason>\S.*)$/;
const INCOMPLETE = /#\s*landfall:ignore\b/;

async function linesOf(tree: FileTree, file: string): Promise<readonly string[]> {
  const bytes = (await tree.kind(file)) === 'file' ? await tree.readFile(file) : undefined;
  return bytes === undefined ? [] : Buffer.from(bytes).toString('utf8').split('\n');
}

/** What `landfall.yaml` (`check.suppress`) and comments in the files of the findings say. */
export async function readSuppressions(
  tree: FileTree,
  issues: readonly Issue[],
): Promise<readonly Suppression[]> {
  const found: Suppression[] = [];
  const text = (await linesOf(tree, 'landfall.yaml')).join('\n');
  if (text.trim() !== '')
    for (const each of parseLandfallYaml(text).check?.suppress ?? [])
      found.push({
        finding: each.finding,
        object: each.object,
        place: undefined,
        reason: each.reason,
        until: each.until,
        file: 'landfall.yaml',
        line: 1,
      });
  for (const file of new Set(issues.map((issue) => issue.file))) {
    for (const [index, line] of (await linesOf(tree, file)).entries()) {
      if (!INCOMPLETE.test(line)) continue;
      const groups = COMMENT.exec(line)?.groups;
      found.push({
        finding: groups?.['finding'] ?? '',
        object: undefined,
        place: { file, line: index + 1 },
        reason: groups?.['reason'] ?? '',
        until: groups?.['until'] ?? '',
        file,
        line: index + 1,
      });
    }
  }
  return found;
}

/** Environments whose deliveries nobody is told of: a failure there would be silent. Nothing without a landfall.yaml. */
export async function untoldEnvironments(tree: FileTree): Promise<readonly Issue[]> {
  const lines = await linesOf(tree, 'landfall.yaml');
  if (lines.join('').trim() === '') return [];
  return undeclaredChannels(parseLandfallYaml(lines.join('\n'))).map((name): Issue => ({
    id: 'environment-untold',
    failure: undefined,
    level: 'error',
    boundary: 'intent',
    title: `nobody is told of deliveries to ${name}`,
    why: 'A failure in staging is as loud as one in production only where somebody hears of it.',
    fix: 'Name a channel under environments[].notify.',
    object: undefined,
    file: 'landfall.yaml',
    line:
      lines.findIndex((line) =>
        new RegExp(`name:\\s*["']?${name.replaceAll(/[^\w-]/g, '.')}\\b`).test(line),
      ) + 1 || 1,
  }));
}

function covers(rule: Suppression, issue: Issue): boolean {
  if (rule.finding !== issue.id) return false;
  if (rule.object !== undefined)
    return rule.object === issue.object || issue.object?.endsWith(`/${rule.object}`) === true;
  if (rule.place === undefined) return true;
  return (
    rule.place.file === issue.file && (rule.place.line === issue.line || rule.place.line === issue.line - 1)
  );
}

/** `today` is a day, `2026-03-01`. A suppression that is over, or says no reason or end, is reported and hides nothing. */
export function suppress(
  issues: readonly Issue[],
  rules: readonly Suppression[],
  today: string,
): {
  readonly issues: readonly Issue[];
  readonly suppressed: readonly (Issue & { readonly because: string; readonly until: string })[];
} {
  const valid = rules.filter(({ until, reason }) => reason !== '' && until >= today);
  const over = rules
    .filter((rule) => !valid.includes(rule))
    .map((rule): Issue => ({
      id: rule.until === '' ? 'suppression-incomplete' : 'suppression-expired',
      failure: undefined,
      level: 'warning',
      boundary: 'intent',
      title:
        rule.until === ''
          ? 'a suppression needs a finding, until=YYYY-MM-DD and a reason'
          : `the suppression of ${rule.finding} ended on ${rule.until}: ${rule.reason}`,
      why: 'It hides nothing any more.',
      fix: 'Mend what it hid, or decide again.',
      object: rule.object,
      file: rule.file,
      line: rule.line,
    }));
  const judged = issues.map((issue) => ({ issue, rule: valid.find((rule) => covers(rule, issue)) }));
  return {
    issues: [...judged.flatMap(({ issue, rule }) => (rule === undefined ? [issue] : [])), ...over],
    suppressed: judged.flatMap(({ issue, rule }) =>
      rule === undefined ? [] : [{ ...issue, because: rule.reason, until: rule.until }],
    ),
  };
}
