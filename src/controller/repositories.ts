import { LandfallError } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { GitMirror } from '../git/index.ts';
import type { Level } from './queue.ts';

/** The commits that revisions name, asked of each repository once for everybody who asks at the same time. */
export interface Repositories {
  /**
   * `live`: a full commit is taken as it is. `git`: an answer of the last two seconds will do. Above that, only an
   * answer to a question that was asked after this call. Throws what Git says.
   */
  resolve(url: string, revision: string, level: Level, project: string, signal: AbortSignal): Promise<string>;
}

interface Waiting {
  readonly revision: string;
  readonly resolve: (commit: string) => void;
  readonly reject: (error: unknown) => void;
}

interface Repository {
  readonly answers: Map<string, { readonly commit: string; readonly at: number }>;
  waiting: Waiting[];
  working: boolean;
}

const FRESH = 2000;
const GIT_TIMEOUT = 120_000;
const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

export function createRepositories(
  open: (url: string, project: string, signal: AbortSignal) => Promise<GitMirror>,
  clock: Clock,
): Repositories {
  /** Who sees a repository with the same credentials shares its mirror, and what it answered. */
  const repositories = new WeakMap<GitMirror, Repository>();

  function repositoryOf(mirror: GitMirror): Repository {
    let repository = repositories.get(mirror);
    if (repository === undefined) {
      repository = { answers: new Map(), waiting: [], working: false };
      repositories.set(mirror, repository);
    }
    return repository;
  }

  /** One fetch for everybody who waits; who comes meanwhile waits for the next. */
  async function work(mirror: GitMirror, repository: Repository, signal: AbortSignal): Promise<void> {
    if (repository.working) return;
    repository.working = true;
    try {
      while (repository.waiting.length > 0) {
        const batch = repository.waiting;
        repository.waiting = [];
        await answer(mirror, repository, batch, signal);
      }
    } finally {
      repository.working = false;
    }
  }

  async function answer(
    mirror: GitMirror,
    repository: Repository,
    batch: readonly Waiting[],
    signal: AbortSignal,
  ): Promise<void> {
    const late = new AbortController();
    const timer = clock.after(GIT_TIMEOUT, () => late.abort());
    const limit = AbortSignal.any([signal, late.signal]);
    const at = clock.now();
    const explained = (thrown: unknown) =>
      late.signal.aborted && !signal.aborted ? timedOut(mirror.display, thrown) : thrown;
    try {
      await mirror.fetch(limit);
      for (const revision of new Set(batch.map((item) => item.revision))) {
        const asking = batch.filter((item) => item.revision === revision);
        try {
          const { commit } = await mirror.resolve(revision, limit);
          repository.answers.set(revision, { commit, at });
          for (const item of asking) item.resolve(commit);
        } catch (thrown) {
          for (const item of asking) item.reject(explained(thrown));
        }
      }
    } catch (thrown) {
      for (const item of batch) item.reject(explained(thrown));
    } finally {
      timer.cancel();
    }
  }

  return {
    async resolve(url, revision, level, project, signal) {
      if (level === 'live' && COMMIT.test(revision)) return revision;
      const mirror = await open(url, project, signal);
      const repository = repositoryOf(mirror);
      const known = repository.answers.get(revision);
      if (known !== undefined && level === 'git' && clock.now() - known.at < FRESH) {
        return known.commit;
      }
      return new Promise((resolve, reject) => {
        repository.waiting.push({ revision, resolve, reject });
        work(mirror, repository, signal).catch(reject);
      });
    },
  };
}

function timedOut(display: string, cause: unknown): LandfallError {
  return new LandfallError(`${display} did not answer within ${GIT_TIMEOUT / 1000} s.`, {
    kind: 'unavailable',
    code: 'git-timeout',
    cause,
  });
}
