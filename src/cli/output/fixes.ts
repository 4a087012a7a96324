import type { Finding } from '../../verdict/index.ts';

/** What mends a finding, now and for good, and how one sees that it did; Markdown, with an empty line before each. */
export function fixesMarkdown(
  finding: Pick<Finding, 'immediateFix' | 'durableFix' | 'verify'>,
): readonly string[] {
  const { immediateFix, durableFix, verify } = finding;
  const commands = (lines: readonly string[]) => (lines.length === 0 ? [] : ['', '```sh', ...lines, '```']);
  return [
    ...[
      { title: 'Now', fix: immediateFix },
      { title: 'For good', fix: durableFix },
    ].flatMap(({ title, fix }) => ['', `**${title}.** ${fix.text}`, ...commands(fix.commands)]),
    ...(verify.length === 0 ? [] : ['', '**Verify**', ...commands(verify)]),
  ];
}
