import type { CommitAuthor, FileTexts, GitMirror } from '../../git/index.ts';
import { asLandfallError, LandfallError } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import { createForge } from '../forge/index.ts';
import type { Forge } from '../forge/index.ts';
import type { Updater } from './configuration/index.ts';
import { readUpdateHistory } from './history.ts';
import { updatesIn } from './message.ts';

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
}

export interface Published {
  readonly commit: string;
  readonly branch: string;
  /** On the branch that is delivered. */
  readonly direct: boolean;
  readonly pullRequest?: {
    readonly number: number;
    readonly url: string;
    readonly state: 'open' | 'merged' | 'closed';
  };
}

/** Publishes a commit; `moved` where the branch is not where it was read. */
export type Publish = (publication: Publication, signal: AbortSignal) => Promise<Published | 'moved'>;

export interface PublishOptions {
  readonly clock: Clock;
  /** Where tokens of Git hosts are. Default: of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The host of a repository. Default: by its name. */
  readonly forge?: (updater: Updater) => Forge;
}

/** Straight to the branch that is delivered, or to another one, with a pull request where that is asked for. */
export function createPublish(options: PublishOptions): Publish {
  const forgeOf =
    options.forge ??
    (({ git }: Updater) =>
      createForge({
        repository: git.url,
        provider: git.pullRequest?.forge ?? 'auto',
        clock: options.clock,
        ...(git.pullRequest?.token === undefined ? {} : { token: git.pullRequest.token }),
        ...(git.pullRequest?.declared === undefined ? {} : { declared: git.pullRequest.declared }),
        ...(options.environment === undefined ? {} : { environment: options.environment }),
      }));
  return async (publication, signal) => {
    try {
      if (publication.push === undefined || publication.push === publication.base)
        return await commitDirect(publication, signal);
      return await propose({ ...publication, push: publication.push }, forgeOf, signal);
    } catch (thrown) {
      const { code } = asLandfallError(thrown);
      if (code === 'git-branch-moved' || code === 'git-branch-busy') return 'moved';
      throw thrown;
    }
  };
}

/** The branch moves only if it is still where it was read. */
async function commitDirect(
  { mirror, updater, base, tip, files, message }: Publication,
  signal: AbortSignal,
): Promise<Published> {
  const author: CommitAuthor = updater.commit.author;
  const { sign } = updater.commit;
  const { commit } = await mirror.commit(
    { branch: base, expectParent: tip, files, message, author, ...(sign === undefined ? {} : { sign }) },
    signal,
  );
  return { commit, branch: base, direct: true };
}

/**
 * The branch holds one commit on top of what is delivered: it is made anew when something newer is proposed, and left
 * as it is while it proposes the same. What a person added to it is not thrown away.
 */
async function propose(
  publication: Publication & { readonly push: string },
  forgeOf: (updater: Updater) => Forge,
  signal: AbortSignal,
): Promise<Published> {
  const { mirror, updater, base, push, message } = publication;
  const forge = updater.git.pullRequest === undefined ? undefined : forgeOf(updater);
  const before = await branchTip(mirror, push, signal);
  const same = before === undefined ? undefined : await proposing(mirror, before, message, signal);
  const commit = same ?? (await makeAnew(publication, before, signal));
  if (forge === undefined) return { commit, branch: push, direct: false };
  const known = await forge.find(push, base, signal);
  // Somebody closed it: the same thing is not asked twice.
  if (same !== undefined && known?.state === 'closed')
    return { ...proposal(commit, push), pullRequest: known };
  const [title = '', ...body] = message.split('\n');
  const opened = await forge.open({ head: push, base, title, body: body.join('\n').trim() }, signal);
  return { ...proposal(commit, push), pullRequest: opened };
}

function proposal(commit: string, branch: string): Published {
  return { commit, branch, direct: false };
}

async function branchTip(
  mirror: GitMirror,
  branch: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return (await mirror.resolve(`refs/heads/${branch}`, signal)).commit;
  } catch (thrown) {
    signal.throwIfAborted();
    if (asLandfallError(thrown).kind === 'not-found') return undefined;
    throw thrown;
  }
}

/** The commit on the branch that proposes just this; undefined where it proposes something else. */
async function proposing(
  mirror: GitMirror,
  tip: string,
  message: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const history = await readUpdateHistory(mirror, tip, signal);
  const wanted = updatesIn(message);
  const found = wanted.map(({ key, id }) => history.find(key, id)?.commit);
  const [first] = found;
  return first !== undefined && found.every((commit) => commit === first) ? first : undefined;
}

async function makeAnew(
  { mirror, updater, tip, push, files, message }: Publication & { readonly push: string },
  before: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  if (before !== undefined) await checkOurs(mirror, push, before, tip, signal);
  const { author, sign } = updater.commit;
  const { commit } = await mirror.commit(
    {
      branch: push,
      start: { from: tip, existing: 'replace' },
      files,
      message,
      author,
      ...(sign === undefined ? {} : { sign }),
    },
    signal,
  );
  return commit;
}

/** Every commit that would be gone from the branch must be an updater's, or be delivered anyway. */
async function checkOurs(
  mirror: GitMirror,
  branch: string,
  tip: string,
  base: string,
  signal: AbortSignal,
): Promise<void> {
  if (await mirror.isAncestor(tip, base, signal)) return;
  const { author, body, subject } = await mirror.commitInfo(tip, signal);
  if (updatesIn(`${subject}\n\n${body}`).length > 0) return;
  throw new LandfallError(
    `${branch} of ${mirror.display} ends with a commit of ${author.name}, '${subject.slice(0, 80)}', which would be lost.`,
    {
      kind: 'conflict',
      code: 'update-branch-taken',
      object: branch,
      hint: 'Merge or delete the branch, or let the updater push to another one.',
    },
  );
}
