import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LandfallError } from '../kernel/index.ts';
import { gitFailure } from './failures.ts';
import { readCommit } from './history.ts';
import type { FileChanges } from './make-commit.ts';
import { assertOid, runGit, tryGit } from './program.ts';
import type { Repository } from './revisions.ts';

export interface RevertRequest {
  /** What is taken back. Of a merge: what it brought into its first parent. */
  readonly commit: string;
  /** The commit that the revert stands on: the tip of the branch. */
  readonly onto: string;
}

interface Side {
  readonly mode: string;
  readonly oid: string;
}

interface Change {
  readonly path: string;
  readonly before: Side | undefined;
  readonly after: Side | undefined;
}

const LIMIT = 2000;
const ORDINARY = new Set(['100644', '100755']);

/**
 * The files that a revert of a commit changes on top of another: by path, what nobody touched since goes back to what
 * it was, and what was touched since is merged line by line. Throws `conflict` with the paths where that cannot be done,
 * and never gives a part of it.
 */
export async function revertChanges(
  repository: Repository,
  request: RevertRequest,
  signal?: AbortSignal,
): Promise<FileChanges> {
  const commit = assertOid(request.commit);
  const onto = assertOid(request.onto);
  const info = await readCommit(repository, commit, signal);
  const [parent] = info.parents;
  if (parent === undefined) {
    throw refuse(repository, commit, `it is the first commit of ${repository.display}`, []);
  }
  const changes = await changesBetween(repository, parent, commit, signal);
  if (changes.length > LIMIT) throw refuse(repository, commit, `it changes more than ${LIMIT} files`, []);
  const tip = await sidesAt(repository, onto, changes, signal);
  const texts: Record<string, string> = {};
  const deleted: string[] = [];
  const conflicts: string[] = [];
  for (const { path: file, before, after } of changes) {
    const now = tip.get(file);
    if (now?.oid === before?.oid && (now === undefined) === (before === undefined)) continue;
    const special = [before, after, now].some((side) => side !== undefined && !ORDINARY.has(side.mode));
    // A file that comes back comes back as an ordinary one.
    if (special || (now === undefined && before?.mode === '100755'))
      conflicts.push(`${file} (no ordinary file)`);
    else if (before === undefined) {
      if (now?.oid === after?.oid) deleted.push(file);
      else conflicts.push(`${file} (changed since it was added)`);
    } else if (now === undefined) {
      if (after === undefined)
        texts[file] = (await textOf(repository, before.oid)) ?? noText(conflicts, file);
      else conflicts.push(`${file} (deleted since)`);
    } else if (after === undefined) conflicts.push(`${file} (added again since)`);
    else {
      const oids = [now.oid, after.oid, before.oid] as const;
      const merged =
        now.oid === after.oid ? await textOf(repository, before.oid) : await merge(repository, oids, signal);
      if (merged === undefined) conflicts.push(file);
      else if (merged !== (await textOf(repository, now.oid))) texts[file] = merged;
    }
  }
  if (conflicts.length > 0) {
    const shown = conflicts.slice(0, 10).join(', ');
    throw refuse(repository, commit, `what it changed was changed again since: ${shown}`, conflicts);
  }
  return { texts, deleted };
}

function noText(conflicts: string[], file: string): string {
  conflicts.push(`${file} (no text)`);
  return '';
}

/** What a commit changed, with the objects of both sides. */
async function changesBetween(
  repository: Repository,
  before: string,
  after: string,
  signal: AbortSignal | undefined,
): Promise<readonly Change[]> {
  const text = await runGit(
    `Reading what ${after} of ${repository.display} changed`,
    ['diff-tree', '-r', '-z', '--no-renames', '--no-ext-diff', '--raw', before, after],
    { gitDir: repository.gitDir, signal },
  );
  const fields = text.split('\0');
  const changes: Change[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [oldMode = '', newMode = '', oldOid = '', newOid = ''] = (fields[index] ?? '').slice(1).split(' ');
    const side = (mode: string, oid: string) => (/^0+$/.test(oid) ? undefined : { mode, oid });
    changes.push({
      path: fields[index + 1] ?? '',
      before: side(oldMode, oldOid),
      after: side(newMode, newOid),
    });
  }
  return changes;
}

async function sidesAt(
  repository: Repository,
  commit: string,
  changes: readonly Change[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, Side>> {
  const sides = new Map<string, Side>();
  // Some at a time: a command line has an end.
  for (let at = 0; at < changes.length; at += 100) {
    const paths = changes.slice(at, at + 100).map((change) => change.path);
    const text = await runGit(
      `Reading ${commit} of ${repository.display}`,
      ['ls-tree', '-z', commit, '--', ...paths],
      { gitDir: repository.gitDir, signal },
    );
    for (const record of text.split('\0').filter((each) => each !== '')) {
      const [head = '', file = ''] = record.split('\t');
      const [mode = '', , oid = ''] = head.split(' ');
      sides.set(file, { mode, oid });
    }
  }
  return sides;
}

/** The text of an object; undefined where it is none. */
async function textOf(repository: Repository, oid: string): Promise<string | undefined> {
  const object = await repository.reader.read(oid);
  if (object?.type !== 'blob' || object.body.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(object.body);
  } catch {
    return undefined;
  }
}

/** Three texts merged by lines; undefined where they conflict. */
async function merge(
  repository: Repository,
  oids: readonly [ours: string, base: string, theirs: string],
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const texts = await Promise.all(oids.map((oid) => textOf(repository, oid)));
  if (texts.some((text) => text === undefined)) return undefined;
  const folder = await mkdtemp(path.join(tmpdir(), 'landfall-merge-'));
  try {
    const files = ['ours', 'base', 'theirs'].map((name) => path.join(folder, name));
    for (const [index, file] of files.entries()) await writeFile(file, texts[index] ?? '');
    const result = await tryGit(['merge-file', '--stdout', '--', ...files], { cwd: folder, signal });
    if (result.code === 0) return result.stdout.toString('utf8');
    // As many as there are conflicts; anything beyond is a failure.
    if (result.code > 0 && result.code < 128) return undefined;
    throw gitFailure(`Merging a file of ${repository.display}`, result.stderr);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function refuse(
  repository: Repository,
  commit: string,
  why: string,
  paths: readonly string[],
): LandfallError {
  return new LandfallError(`${commit.slice(0, 12)} of ${repository.display} cannot be reverted: ${why}.`, {
    kind: 'conflict',
    code: 'git-revert-conflict',
    object: paths[0] ?? commit,
    hint: 'Revert the later commits first, or go back to an earlier state by hand.',
  });
}
