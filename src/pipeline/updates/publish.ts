import type { CommitAuthor, FileTexts, GitMirror } from '../../git/index.ts';
import { asLandfallError } from '../../kernel/index.ts';
import type { Updater } from './configuration/index.ts';

/** One commit that is to be published. */
export interface Publication {
  readonly mirror: GitMirror;
  readonly updater: Updater;
  /** The branch that was read. */
  readonly base: string;
  /** Its tip when it was read. */
  readonly tip: string;
  /** Another branch to push to. */
  readonly push?: string;
  readonly files: FileTexts;
  readonly message: string;
  /** Of the update, the same for whoever makes it. */
  readonly id: string;
}

export interface Published {
  readonly commit: string;
  readonly branch: string;
  /** On the branch that is delivered. */
  readonly direct: boolean;
  readonly pullRequest?: { readonly number: number; readonly url: string };
}

/** Publishes a commit; `moved` where the branch is not where it was read. */
export type Publish = (publication: Publication, signal: AbortSignal) => Promise<Published | 'moved'>;

/** Straight to the branch that is delivered: it moves only if it is still where it was read. */
export const publishDirect: Publish = async ({ mirror, updater, base, tip, files, message }, signal) => {
  const author: CommitAuthor = updater.commit.author;
  try {
    const { commit } = await mirror.commit(
      { branch: base, expectParent: tip, files, message, author },
      signal,
    );
    return { commit, branch: base, direct: true };
  } catch (thrown) {
    if (['git-branch-moved', 'git-branch-busy'].includes(asLandfallError(thrown).code)) return 'moved';
    throw thrown;
  }
};
