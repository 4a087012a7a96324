import { LandfallError } from '../kernel/index.ts';
import { readLog, type CommitInfo } from './history.ts';
import { assertOid } from './program.ts';
import type { Repository } from './revisions.ts';

/** A line at the end of a commit's message that says what the commit was made for: `Landfall-Update: 01J…`. */
export interface Trailer {
  readonly key: string;
  readonly value: string;
}

export interface TrailerSearch {
  readonly trailer: Trailer;
  /** Only commits that this one does not have, which is the tip from before the attempt. */
  readonly since?: string;
  /** Commits that are looked through at most, newest first. Default 1,000. */
  readonly limit?: number;
}

const LIMIT = 1000;

/** The commit on a branch that has the trailer: what an attempt left whose process died. */
export async function findTrailer(
  repository: Repository,
  tip: string,
  search: TrailerSearch,
  signal: AbortSignal | undefined,
): Promise<CommitInfo | undefined> {
  const line = trailerLine(search.trailer);
  const { since, limit = LIMIT } = search;
  // A tip that was pushed away and collected hides nothing: then all of the branch is looked through.
  const known = since !== undefined && (await repository.reader.read(assertOid(since))) !== undefined;
  const commits = await readLog(
    repository,
    { from: tip, limit, ...(known ? { without: since } : {}) },
    signal,
  );
  return commits.find(({ body }) => lastParagraph(body).includes(line));
}

/** The message with trailers in its last paragraph; one that it has already is not repeated. */
export function withTrailers(message: string, trailers: readonly Trailer[]): string {
  const text = message.trimEnd();
  const [first = '', ...rest] = text.split(/\n[ \t]*\n/);
  const last = rest.length === 0 ? [] : lastParagraph(text);
  const lines = trailers.map(trailerLine).filter((line) => !last.includes(line));
  if (lines.length === 0 || first === '') return message;
  const open = last.length > 0 && last.every((line) => TRAILER.test(line));
  return `${text}${open ? '\n' : '\n\n'}${lines.join('\n')}\n`;
}

const TRAILER = /^[A-Za-z][A-Za-z0-9-]*: \S/;

function lastParagraph(text: string): readonly string[] {
  const paragraph =
    text
      .trim()
      .split(/\n[ \t]*\n/)
      .at(-1) ?? '';
  return paragraph.split('\n').map((line) => line.trim());
}

function trailerLine({ key, value }: Trailer): string {
  const line = `${key}: ${value}`;
  if (TRAILER.test(line) && !/\p{Cc}/u.test(line) && value === value.trim() && line.length <= 500)
    return line;
  throw new LandfallError(`'${line.slice(0, 100)}' cannot be a trailer of a commit.`, {
    kind: 'invalid-input',
    code: 'git-trailer',
    object: key.slice(0, 100),
    hint: 'A name of letters, digits and dashes, and a value on one line.',
  });
}
