import type { Style } from '../output/style.ts';
import { wrap } from '../output/style.ts';
import { version } from '../version.ts';
import type { CheckAnswer } from './check.ts';
import type { Issue } from './issue.ts';

const SHOWN_LEVEL = { error: 'error', warning: 'warning', risk: 'note' } as const;

function count(answer: CheckAnswer, level: Issue['level'], noun: string): string {
  const number = answer.issues.filter((issue) => issue.level === level).length;
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** The answer for people: how bad it is, then file and line of each. */
export function shown(answer: CheckAnswer, style: Style): string {
  const clean = answer.issues.length === 0;
  const first = clean
    ? `${style.green('✓')} nothing found in ${answer.folders.join(', ')}`
    : `${count(answer, 'error', 'error')}, ${count(answer, 'warning', 'warning')}, ${count(answer, 'risk', 'risk')}`;
  const lines = [style.bold(first)];
  for (const issue of answer.issues) {
    const mark =
      issue.level === 'error'
        ? style.red('✗ error')
        : issue.level === 'warning'
          ? style.yellow('! warning')
          : style.dim('· risk');
    lines.push('', `${mark}   ${style.dim(`${issue.file}:${issue.line}   ${issue.id}`)}`);
    lines.push(...wrap(issue.title, style.width - 2).map((line) => `  ${line}`));
    lines.push(...wrap(issue.fix, style.width - 4).map((line) => `    ${style.dim(line)}`));
  }
  if (answer.suppressed.length > 0)
    lines.push(
      '',
      `${answer.suppressed.length} suppressed: ${answer.suppressed.map(({ id, until }) => `${id} until ${until}`).join(', ')}`,
    );
  if (answer.notChecked.length > 0) lines.push('', style.dim(`not checked: ${answer.notChecked.join('; ')}`));
  return `${lines.join('\n')}\n`;
}

/** SARIF 2.1.0, as code scanning of GitHub and GitLab reads it. Suppressed findings are in it, marked as such. */
export function sarif(answer: CheckAnswer): string {
  const all = [...answer.issues, ...answer.suppressed];
  const rules = [...new Map(all.map((issue) => [issue.id, issue])).values()];
  const result = (issue: Issue) => ({
    ruleId: issue.id,
    level: SHOWN_LEVEL[issue.level],
    message: { text: `${issue.title}. ${issue.fix}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: issue.file, uriBaseId: 'SRCROOT' },
          region: { startLine: issue.line },
        },
      },
    ],
  });
  return `${JSON.stringify(
    {
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: [
        {
          tool: {
            driver: {
              name: 'landfall',
              version: version(),
              rules: rules.map((issue) => ({
                id: issue.id,
                shortDescription: { text: issue.id.replaceAll('-', ' ') },
                fullDescription: { text: issue.why },
                help: { text: issue.fix },
                properties: {
                  boundary: issue.boundary,
                  ...(issue.failure === undefined ? {} : { failure: issue.failure }),
                },
              })),
            },
          },
          results: [
            ...answer.issues.map(result),
            ...answer.suppressed.map((issue) => ({
              ...result(issue),
              suppressions: [{ kind: 'inSource', justification: `${issue.because} (until ${issue.until})` }],
            })),
          ],
        },
      ],
    },
    undefined,
    2,
  )}\n`;
}

function xml(text: string): string {
  return (
    text
      // What XML 1.0 cannot hold, not even escaped.
      .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
  );
}

/** JUnit: one test case for each finding; risks pass with a message, so that CI shows and does not count them. */
export function junit(answer: CheckAnswer): string {
  const failures = answer.issues.filter(({ level }) => level !== 'risk');
  const cases = [
    ...answer.issues.map((issue) => {
      const head = `    <testcase classname="${xml(issue.file)}" name="${xml(`${issue.id}: ${issue.title}`)}" file="${xml(issue.file)}" line="${issue.line}"`;
      const text = xml(`${issue.file}:${issue.line}\n${issue.why}\n${issue.fix}`);
      return issue.level === 'risk'
        ? `${head}>\n      <system-out>${text}</system-out>\n    </testcase>`
        : `${head}>\n      <failure type="${issue.level}" message="${xml(issue.title)}">${text}</failure>\n    </testcase>`;
    }),
    ...answer.suppressed.map(
      (issue) =>
        `    <testcase classname="${xml(issue.file)}" name="${xml(`${issue.id}: ${issue.title}`)}"><skipped message="${xml(`${issue.because} (until ${issue.until})`)}"/></testcase>`,
    ),
  ];
  if (cases.length === 0) cases.push('    <testcase classname="landfall" name="check"/>');
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n  <testsuite name="landfall check" tests="${cases.length}" failures="${failures.length}" skipped="${answer.suppressed.length}">\n${cases.join('\n')}\n  </testsuite>\n</testsuites>\n`;
}
