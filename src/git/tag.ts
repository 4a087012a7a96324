import { LandfallError } from '../kernel/index.ts';
import { assertAuthor, assertMessage, type CommitAuthor } from './make-commit.ts';
import { assertOid, runGit, tryGit } from './program.ts';
import { assertRevision, resolveRevision } from './revisions.ts';
import { signingConfig, type Signing } from './signing.ts';
import type { RefWriter } from './writer.ts';

export interface TagRequest {
  readonly name: string;
  readonly commit: string;
  readonly message: string;
  readonly tagger: CommitAuthor;
  readonly sign?: Signing;
}

export interface TagResult {
  readonly ref: string;
  readonly commit: string;
  /** False: the tag was there, on the same commit. */
  readonly created: boolean;
}

/**
 * Makes an annotated tag and pushes it. A tag never moves: one of that name on another commit is a conflict, on the
 * same commit it is the answer, so that this can be repeated after a crash.
 */
export function createTag(writer: RefWriter, request: TagRequest, signal?: AbortSignal): Promise<TagResult> {
  const { repository, clock } = writer;
  const { gitDir, display } = repository;
  const { name, sign } = request;
  const commit = assertOid(request.commit);
  assertRevision(name, display);
  const ref = `refs/tags/${name}`;
  const { name: who, email } = assertAuthor(request.tagger);
  return writer.alone(signal, async () => {
    await writer.refresh(signal);
    const there = (await resolveRevision(repository, ref, signal))?.commit;
    if (there !== undefined) return same(there);
    const attempted = `Tagging ${commit.slice(0, 12)} of ${display}`;
    const date = `@${Math.floor(clock.now() / 1000)} +0000`;
    let object: string;
    try {
      const mode = sign === undefined ? '--annotate' : '--sign';
      await runGit(
        attempted,
        [...signingConfig(sign), 'tag', mode, '--cleanup=verbatim', '--file=-', '--', name, commit],
        {
          gitDir,
          signal,
          input: assertMessage(request.message),
          env: { GIT_COMMITTER_NAME: who, GIT_COMMITTER_EMAIL: email, GIT_COMMITTER_DATE: date },
        },
      );
      object = (await runGit(attempted, ['rev-parse', '--verify', ref], { gitDir, signal })).trim();
    } finally {
      // It is a tag once the other side has it; the next fetch brings it back.
      await tryGit(['update-ref', '-d', ref], { gitDir });
    }
    if (await writer.move({ ref, from: undefined, to: object }, signal))
      return { ref, commit, created: true };
    await writer.refresh(signal);
    const now = (await resolveRevision(repository, ref, signal))?.commit;
    if (now !== undefined) return same(now);
    throw conflict(
      `${name} could not be made in ${display}: somebody else was making it, too.`,
      'Try again.',
    );
  });

  function same(there: string): TagResult {
    if (there === commit) return { ref, commit, created: false };
    throw conflict(
      `${display} has a tag ${name} already, on ${there.slice(0, 12)} and not on ${commit.slice(0, 12)}.`,
      'Tags are not moved: choose another name.',
    );
  }

  function conflict(message: string, hint: string): LandfallError {
    return new LandfallError(message, { kind: 'conflict', code: 'git-tag-exists', object: ref, hint });
  }
}
