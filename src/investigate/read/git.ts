import type { AnswerFact, CommitFact } from '../../verdict/index.ts';
import type { Block, TextLine } from '../block.ts';
import type { Reading } from '../facts.ts';
import { parseCommand } from './command.ts';
import { artifactSource } from './objects.ts';

interface Open {
  readonly commit: string;
  readonly line: number;
  subject: string | undefined;
  author: string | undefined;
  time: string | undefined;
  refs: readonly string[];
  readonly files: string[];
  readonly changes: { readonly file: string; readonly removed: string[]; readonly added: string[] }[];
}

function refsOf(text: string | undefined): readonly string[] {
  return (text ?? '')
    .split(',')
    .map((ref) => ref.trim().replace(/^HEAD -> |^tag: /, ''))
    .filter((ref) => ref !== '');
}

function iso(text: string): string {
  const at = Date.parse(text);
  return Number.isNaN(at) ? text : new Date(at).toISOString();
}

/** `e3b7d9f1 (HEAD -> main, tag: v2.5.0) Subject`, with the marks of --graph in front. */
const ONELINE =
  /^[*|\\/ ]*(?<commit>[0-9a-f]{7,40})\s+(?:\((?<refs>(?:HEAD|tag:|[\w./-]+)[^)]*)\)\s+)?(?<subject>\S.*)$/;
const FULL = /^[*|\\/ ]*commit (?<commit>[0-9a-f]{7,40})(?:\s+\((?<refs>[^)]*)\))?$/;

function newCommit(commit: string, line: number, refs: readonly string[] = []): Open {
  return {
    commit,
    line,
    refs,
    subject: undefined,
    author: undefined,
    time: undefined,
    files: [],
    changes: [],
  };
}

/** `git log`, `git show` and diffs. A diff without a commit is a change of no commit: its name is empty. */
export function readGit(block: Block): Reading | undefined {
  const command = block.command === undefined ? undefined : parseCommand(block.command);
  const isGit = command?.program === 'git';
  if (command !== undefined && !isGit && !/^(?:diff|kubectl|gh)$/.test(command.program)) return undefined;
  const looks =
    (isGit &&
      /^(?:log|show|diff|reflog|ls-remote|rev-parse|rev-list|branch|tag|status|blame)$/.test(
        command.words[0] ?? '',
      )) ||
    block.lines.some(({ text }) => FULL.test(text) || text.startsWith('diff --git ')) ||
    (/\.(?:diff|patch)$/.test(block.artifact) &&
      block.lines.some(({ text }) => /^(?:---|\+\+\+) /.test(text))) ||
    (command === undefined &&
      block.lines.length > 0 &&
      block.lines
        .filter(({ text }) => text.trim() !== '')
        .every(({ text }) => ONELINE.test(text) && /\d/.test(text.slice(0, 8))));
  if (!looks) return undefined;
  const commits: Open[] = [];
  const answers: AnswerFact[] = [];
  const rest: TextLine[] = [];
  let change: Open['changes'][number] | undefined;
  const current = (line: number) => {
    const last = commits.at(-1);
    if (last !== undefined) return last;
    const opened = newCommit('', line);
    commits.push(opened);
    return opened;
  };
  for (const { text, line } of block.lines) {
    if (text.trim() === '') continue;
    const full = FULL.exec(text)?.groups;
    if (full !== undefined) {
      change = undefined;
      commits.push(newCommit(full['commit'] ?? '', line, refsOf(full['refs'])));
      continue;
    }
    const file =
      /^diff --git a\/\S+ b\/(?<file>\S+)/.exec(text)?.groups?.['file'] ??
      (change === undefined ? /^\+\+\+ (?:b\/)?(?<file>\S+)/.exec(text)?.groups?.['file'] : undefined);
    if (file !== undefined) {
      change = { file, removed: [], added: [] };
      current(line).changes.push(change);
      current(line).files.push(file);
      continue;
    }
    if (change !== undefined) {
      if (/^\+(?!\+\+ )/.test(text)) change.added.push(text.slice(1));
      else if (/^-(?!-- )/.test(text)) change.removed.push(text.slice(1));
      continue;
    }
    if (/^(?:---|\+\+\+|@@|index |new file|deleted file|similarity|rename )/.test(text)) continue;
    const last = commits.at(-1);
    const field = /^[*|\\/ ]*(?<key>Author|AuthorDate|Date|CommitDate|Commit|Merge):\s+(?<value>.*)$/.exec(
      text,
    )?.groups;
    if (field !== undefined && last !== undefined) {
      if (field['key'] === 'Author') last.author = (field['value'] ?? '').replace(/\s*<[^>]*>/, '');
      if (/Date/.test(field['key'] ?? '')) last.time = iso(field['value'] ?? '');
      continue;
    }
    const stat = /^\s(?<file>\S+)\s+\|\s+(?:\d+ [+-]*|Bin)/.exec(text)?.groups?.['file'];
    if (stat !== undefined) {
      current(line).files.push(stat);
      continue;
    }
    const remote = /^(?<commit>[0-9a-f]{40})\s+(?<ref>(?:refs\/\S+|HEAD))$/.exec(text)?.groups;
    if (remote !== undefined) {
      commits.push(
        newCommit(remote['commit'] ?? '', line, [
          (remote['ref'] ?? '').replace(/^refs\/(?:heads|tags)\//, ''),
        ]),
      );
      continue;
    }
    if (/^\s{4}/.test(text) && last !== undefined && last.commit !== '') {
      last.subject ??= text.trim();
      continue;
    }
    const oneline = ONELINE.exec(text)?.groups;
    if (oneline !== undefined) {
      const commit = newCommit(oneline['commit'] ?? '', line, refsOf(oneline['refs']));
      commit.subject = oneline['subject'];
      commits.push(commit);
      continue;
    }
    if (/^[0-9a-f]{40}$/.test(text.trim())) commits.push(newCommit(text.trim(), line, ['HEAD']));
    else if (isGit)
      answers.push({
        asked: block.command ?? 'git',
        answer: text.trim(),
        ok: /^(?:fatal|error|remote: error|hint: .*rejected| ! \[)/.test(text) ? false : undefined,
        source: artifactSource(block.artifact, line),
      });
    else if (!/^\s*\d+ files? changed/.test(text)) rest.push({ text, line });
  }
  if (commits.length === 0 && answers.length === 0) return undefined;
  const facts: CommitFact[] = commits.map(({ line, ...commit }) => ({
    ...commit,
    files: [...new Set(commit.files)],
    repository: undefined,
    source: artifactSource(block.artifact, line),
  }));
  return { facts: { commits: facts, answers: answers.slice(0, 200) }, rest };
}
