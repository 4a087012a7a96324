import { createHash } from 'node:crypto';
import path from 'node:path';
import { LandfallError, type Clock } from '../kernel/index.ts';
import { checkoutCommit, type Checkout } from './checkout.ts';
import {
  deleteBranch,
  fastForward,
  type BranchDeletion,
  type FastForwardRequest,
  type MovedBranch,
} from './branches.ts';
import { commitTo, refOf, type CommitRequest, type CommitResult } from './commit.ts';
import {
  fetchCommit,
  fetchMirror,
  fetchOtherRef,
  followRemoteHead,
  isOnDisk,
  type MirrorOnDisk,
} from './fetch.ts';
import { openFolder } from './folder.ts';
import {
  diffFiles,
  firstParents,
  isAncestor,
  readCommit,
  readLog,
  type CommitInfo,
  type FileChange,
} from './history.ts';
import type { FileChanges } from './make-commit.ts';
import { movedAt } from './moved.ts';
import { parseLocation, withAccess, type GitAccess, type GitLocation } from './location.ts';
import { createObjectReader, type ObjectReader } from './objects.ts';
import { listRefs, type GitRef } from './refs.ts';
import {
  assertRevision,
  resolveRevision,
  revisionNotFound,
  tagNames,
  type Repository,
  type ResolvedRevision,
} from './revisions.ts';
import { revertChanges, type RevertRequest } from './revert.ts';
import { shareRuns } from './shared.ts';
import { readSubmodules, type Submodule } from './submodules.ts';
import { createTag, type TagRequest, type TagResult } from './tag.ts';
import { findTrailer, type TrailerSearch } from './trailers.ts';
import { createCommitTree, type FileTree } from './tree.ts';
import { verifySignature, type Signed, type TrustedKeys, type Verification } from './verify.ts';
import { folderWriter, remoteWriter, type RefWriter } from './writer.ts';

/** A repository to read from, and to commit to: a local folder in place, or a bare mirror of a remote one. */
export interface GitMirror {
  /** How people know it; never holds credentials. */
  readonly display: string;
  /** Brings what the remote has now; nothing to do for a folder. Callers of the same moment share one fetch. */
  fetch(signal?: AbortSignal): Promise<void>;
  /**
   * The commit that a branch, tag, full or abbreviated commit or HEAD names. The first call fetches; later ones
   * answer from what the last fetch brought, except for a full commit that is not there, which is asked for.
   */
  resolve(revision: string, signal?: AbortSignal): Promise<ResolvedRevision>;
  /** The tags there are; the first call fetches. */
  tags(signal?: AbortSignal): Promise<readonly string[]>;
  /** Branches and tags with their commits, newest first, as the last fetch brought them; the first call fetches. */
  refs(signal?: AbortSignal): Promise<readonly GitRef[]>;
  /** Writes the files of a commit into a new folder. See {@link checkoutCommit}. */
  checkout(commit: string, folder: string, signal: AbortSignal): Promise<Checkout>;
  /** The files of a commit, read from the object database. */
  tree(commit: string): FileTree;
  submodules(commit: string, signal?: AbortSignal): Promise<readonly Submodule[]>;
  /** Whether one of those keys has signed it. See {@link verifySignature}. */
  verify(signed: Signed, keys: TrustedKeys, signal: AbortSignal): Promise<Verification>;
  log(
    options: { readonly from?: string; readonly path?: string; readonly limit: number },
    signal?: AbortSignal,
  ): Promise<readonly CommitInfo[]>;
  commitInfo(commit: string, signal?: AbortSignal): Promise<CommitInfo>;
  /** When a branch or tag was last seen to move, in ms; undefined where nothing tells. See {@link movedAt}. */
  movedAt(revision: string, signal?: AbortSignal): Promise<number | undefined>;
  /** The commits that the branch at `from` has been at, newest first: its first parents. */
  firstParents(from: string, limit: number, signal?: AbortSignal): Promise<readonly string[]>;
  isAncestor(ancestor: string, descendant: string, signal?: AbortSignal): Promise<boolean>;
  diffFiles(before: string, after: string, signal?: AbortSignal): Promise<readonly FileChange[]>;
  /** Makes a commit on a branch, and pushes it where the repository is remote. See {@link CommitRequest}. */
  commit(request: CommitRequest, signal?: AbortSignal): Promise<CommitResult>;
  /**
   * The commit on a branch that has a trailer, as the branch is now: this fetches first, since whoever asks wants to
   * know whether to act again.
   */
  findTrailer(branch: string, search: TrailerSearch, signal?: AbortSignal): Promise<CommitInfo | undefined>;
  /** The files that a revert changes; to be committed by a function given to `commit`. */
  revertChanges(request: RevertRequest, signal?: AbortSignal): Promise<FileChanges>;
  fastForward(request: FastForwardRequest, signal?: AbortSignal): Promise<MovedBranch>;
  deleteBranch(request: BranchDeletion, signal?: AbortSignal): Promise<boolean>;
  createTag(request: TagRequest, signal?: AbortSignal): Promise<TagResult>;
  /** Ends the git process that reads objects. */
  close(): void;
}

export interface GitMirrors {
  /** The mirror of a URL or folder; the same one for the same URL and identity. Reads nothing yet. */
  open(url: string, access?: GitAccess): GitMirror;
  close(): void;
}

/** Keeps one bare mirror per remote URL under `folder`, shared with other processes by lock files. */
export function createGitMirrors(options: { readonly folder: string; readonly clock: Clock }): GitMirrors {
  const opened = new Map<string, { readonly mirror: GitMirror; readonly access: string }>();
  return {
    open(url, access) {
      const location = withAccess(parseLocation(url), access);
      // The whole URL, credentials included: two people's views of one URL never share a mirror.
      const whose = access === undefined ? url : `${url}\n${access.identity}`;
      const key = location.kind === 'folder' ? `folder ${location.folder}` : `remote ${whose}`;
      const given = JSON.stringify([access?.authorization, access?.environment]);
      const known = opened.get(key);
      if (known?.access === given) return known.mirror;
      // New credentials of the same identity: the same mirror on disk, reached in the new way.
      known?.mirror.close();
      const mirror =
        location.kind === 'folder'
          ? openLocal(location, options.clock)
          : openRemote(location, options, createHash('sha256').update(whose).digest('hex').slice(0, 40));
      opened.set(key, { mirror, access: given });
      return mirror;
    },
    close() {
      for (const { mirror } of opened.values()) mirror.close();
      opened.clear();
    },
  };
}

/** Answers about commits that are kept: a commit never changes, nor what lies before it. */
const KEPT_ANSWERS = 500;

function keep<Value>(answers: Map<string, Value>, key: string, value: Value): Value {
  const [oldest] = answers.keys();
  if (answers.size >= KEPT_ANSWERS && oldest !== undefined) answers.delete(oldest);
  answers.set(key, value);
  return value;
}

const KEPT_COMMITS = 256;
/** Neither a branch nor a tag. */
const OTHER_REF = /^refs\/(?!heads\/|tags\/|remotes\/)/;
const FULL_COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

type Reading = Pick<
  GitMirror,
  | 'tags'
  | 'refs'
  | 'checkout'
  | 'tree'
  | 'submodules'
  | 'verify'
  | 'log'
  | 'commitInfo'
  | 'movedAt'
  | 'firstParents'
  | 'isAncestor'
  | 'diffFiles'
>;

/** What folders and mirrors answer alike, once their repository is there. */
function reading(
  ready: (signal?: AbortSignal) => Promise<Repository>,
  resolve: GitMirror['resolve'],
  display: string,
): Reading {
  const late: ObjectReader = {
    read: async (oid) => (await ready()).reader.read(oid),
    close: () => {},
  };
  const infos = new Map<string, CommitInfo>();
  const before = new Map<string, true>();
  const submodules = new Map<string, readonly Submodule[]>();
  return {
    tags: async (signal) => tagNames(await ready(signal), signal),
    refs: async (signal) => listRefs(await ready(signal), signal),
    checkout: async (commit, folder, signal) => checkoutCommit(await ready(signal), commit, folder, signal),
    tree: (commit) => createCommitTree(late, commit, display),
    async submodules(commit, signal) {
      const known = submodules.get(commit);
      if (known !== undefined) return known;
      // Most commits have none, which is seen without starting a program.
      const file = await createCommitTree(late, commit, display).kind('.gitmodules');
      const found = file === undefined ? [] : await readSubmodules(await ready(signal), commit, signal);
      if (submodules.size >= KEPT_COMMITS) submodules.clear();
      submodules.set(commit, found);
      return found;
    },
    verify: async (signed, keys, signal) => verifySignature(await ready(signal), signed, keys, signal),
    async log(options, signal) {
      const from = options.from ?? (await resolve('HEAD', signal)).commit;
      return readLog(await ready(signal), { ...options, from }, signal);
    },
    movedAt: async (revision, signal) => movedAt(await ready(signal), revision, signal),
    commitInfo: async (commit, signal) =>
      infos.get(commit) ?? keep(infos, commit, await readCommit(await ready(signal), commit, signal)),
    firstParents: async (from, limit, signal) => firstParents(await ready(signal), from, limit, signal),
    async isAncestor(ancestor, descendant, signal) {
      const pair = `${ancestor} ${descendant}`;
      if (before.has(pair)) return true;
      // A "no" is not kept: a shallow clone may learn of more.
      const lies = await isAncestor(await ready(signal), ancestor, descendant, signal);
      return lies && keep(before, pair, true);
    },
    diffFiles: async (before, after, signal) => diffFiles(await ready(signal), before, after, signal),
  };
}

type Writing = Pick<
  GitMirror,
  'commit' | 'findTrailer' | 'revertChanges' | 'fastForward' | 'deleteBranch' | 'createTag'
>;

/** What folders and mirrors write alike. */
function writing(
  ready: (signal?: AbortSignal) => Promise<RefWriter>,
  fetch: (signal?: AbortSignal) => Promise<void>,
): Writing {
  return {
    commit: async (request, signal) => commitTo(await ready(signal), request, signal),
    async findTrailer(branch, search, signal) {
      await fetch(signal);
      const { repository } = await ready(signal);
      assertRevision(branch, repository.display);
      const tip = await resolveRevision(repository, refOf(branch), signal);
      return tip && findTrailer(repository, tip.commit, search, signal);
    },
    revertChanges: async (request, signal) =>
      revertChanges((await ready(signal)).repository, request, signal),
    fastForward: async (request, signal) => fastForward(await ready(signal), request, signal),
    deleteBranch: async (request, signal) => deleteBranch(await ready(signal), request, signal),
    createTag: async (request, signal) => createTag(await ready(signal), request, signal),
  };
}

function openLocal(location: Extract<GitLocation, { kind: 'folder' }>, clock: Clock): GitMirror {
  const { folder, display } = location;
  let repository: (Repository & { readonly bare: boolean }) | undefined;

  async function ready(signal?: AbortSignal): Promise<Repository & { readonly bare: boolean }> {
    if (repository) return repository;
    const found = await openFolder(folder, signal);
    repository ??= {
      ...found,
      display,
      reader: createObjectReader({ gitDir: found.gitDir, display, clock }),
    };
    return repository;
  }

  async function resolve(revision: string, signal?: AbortSignal): Promise<ResolvedRevision> {
    assertRevision(revision, display);
    const found = await resolveRevision(await ready(signal), revision, signal);
    if (found) return found;
    throw await revisionNotFound(await ready(signal), revision, signal);
  }

  return {
    display,
    async fetch(signal) {
      await ready(signal);
    },
    resolve,
    ...reading(ready, resolve, display),
    ...writing(
      async (signal) => folderWriter(await ready(signal), clock),
      async (signal) => void (await ready(signal)),
    ),
    close() {
      repository?.reader.close();
      repository = undefined;
    },
  };
}

function openRemote(
  remote: Extract<GitLocation, { kind: 'remote' }>,
  options: { readonly folder: string; readonly clock: Clock },
  name: string,
): GitMirror {
  const { display } = remote;
  const { clock } = options;
  const gitDir = path.resolve(options.folder, `${name}.git`);
  const reader = createObjectReader({ gitDir, display, clock });
  const repository: Repository = { gitDir, display, reader };
  const onDisk: MirrorOnDisk = { remote, gitDir, clock, onReplaced: () => reader.close() };
  let fetches = 0;
  let headKnownAt = -1;

  const fetch = shareRuns(async (signal) => {
    await fetchMirror(onDisk, signal);
    fetches += 1;
  });

  /** Commits never change: what is on disk already can be read while the remote is away. */
  async function ready(signal?: AbortSignal): Promise<Repository> {
    if (fetches === 0 && !(await isOnDisk(onDisk))) await fetch(signal);
    return repository;
  }

  async function resolve(revision: string, signal?: AbortSignal): Promise<ResolvedRevision> {
    assertRevision(revision, display);
    if (fetches === 0) {
      const known =
        FULL_COMMIT.test(revision) && (await isOnDisk(onDisk))
          ? await resolveRevision(repository, revision, signal)
          : undefined;
      if (known) return known;
      await fetch(signal);
    }
    // Nothing else fetches it: it is asked for whenever somebody asks.
    if (OTHER_REF.test(revision) && !(await fetchOtherRef(onDisk, revision, signal))) {
      throw await revisionNotFound(repository, revision, signal);
    }
    if (revision === 'HEAD' && headKnownAt !== fetches) {
      const seen = fetches;
      await followRemoteHead(onDisk, signal);
      headKnownAt = seen;
    }
    const found = await resolveRevision(repository, revision, signal);
    if (found) return found;
    if (FULL_COMMIT.test(revision)) {
      if (await fetchCommit(onDisk, revision, signal ?? new AbortController().signal)) {
        const fetched = await resolveRevision(repository, revision, signal);
        if (fetched) return fetched;
      }
    }
    throw await revisionNotFound(repository, revision, signal);
  }

  return {
    display,
    fetch,
    resolve,
    ...reading(ready, resolve, display),
    ...writing(async (signal) => {
      if (fetches === 0) await fetch(signal);
      return remoteWriter(onDisk, repository);
    }, fetch),
    close: () => reader.close(),
  };
}

/**
 * Makes a commit in `repository`: a mirror, or the path of a local repository.
 * See {@link CommitRequest} for what is promised.
 */
export async function commitFiles(
  request: CommitRequest & { readonly repository: string | GitMirror; readonly clock: Clock },
  signal?: AbortSignal,
): Promise<CommitResult> {
  const { repository, clock, ...commit } = request;
  if (typeof repository !== 'string') return repository.commit(commit, signal);
  const location = parseLocation(repository);
  if (location.kind === 'remote') {
    throw new LandfallError(`A commit was to be made in ${location.display}, which is not a folder.`, {
      kind: 'invalid-input',
      code: 'git-url',
      object: location.display,
      hint: 'Open the URL as a mirror and commit to that.',
    });
  }
  const mirror = openLocal(location, clock);
  try {
    return await mirror.commit(commit, signal);
  } finally {
    mirror.close();
  }
}
