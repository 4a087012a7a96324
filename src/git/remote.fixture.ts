/** A repository, published over HTTP, and a mirror of it, fresh for each test. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { asLandfallError, systemClock, type Clock, type LandfallError } from '../kernel/index.ts';
import { createGitMirrors, type GitMirror, type GitMirrors } from './index.ts';
import {
  commitAll,
  createRepository,
  git,
  publish,
  serveGit,
  temporaryFolder,
  type GitServer,
} from './test-support.ts';

export const author = { name: 'Landfall', email: 'landfall@example.com' };

export const change = (text: string) => ({
  branch: 'main',
  files: { 'a.yaml': text },
  message: 'Pin the image',
  author,
});

export interface RemoteStage {
  /** Files of this run that are deleted at its end. */
  temporary: string;
  server: GitServer;
  mirrors: GitMirrors;
  /** A clone with a work tree, whose `main` is published as {@link bare}. */
  folder: string;
  bare: string;
  url: string;
  mirror: GitMirror;
  first: string;
  clock: Clock;
  /** Milliseconds that were waited between attempts: they pass at once. */
  pauses: number[];
  subjects(branch?: string): Promise<readonly string[]>;
  /** Publishes what `folder` has on main. */
  push(): Promise<void>;
}

/** Pauses pass at once, and are written down; what is longer, such as keeping a lock alive, goes by real time. */
function eagerClock(pauses: number[]): Clock {
  return {
    now: () => Date.now(),
    after(ms, callback) {
      if (ms >= 9000) return systemClock.after(ms, callback);
      pauses.push(ms);
      return systemClock.after(0, callback);
    },
  };
}

/** To be called once at the top of a test file. */
export function remoteStage(): RemoteStage {
  const pauses: number[] = [];
  const stage = { clock: eagerClock(pauses), pauses } as RemoteStage;
  let count = 0;
  let root: string;
  let remove: () => PromiseLike<void>;

  beforeAll(async () => {
    const temporary = await temporaryFolder();
    remove = () => temporary[Symbol.asyncDispose]();
    stage.temporary = temporary.path;
    root = path.join(temporary.path, 'served');
    await mkdir(root);
    stage.server = await serveGit(root);
    stage.mirrors = createGitMirrors({ folder: path.join(temporary.path, 'cache'), clock: stage.clock });
  });

  afterAll(async () => {
    stage.mirrors.close();
    await stage.server[Symbol.asyncDispose]();
    await remove();
  });

  beforeEach(async () => {
    count += 1;
    pauses.length = 0;
    stage.server.onRequest = undefined;
    stage.folder = await createRepository(path.join(stage.temporary, `repo-${count}`));
    stage.first = await commitAll(stage.folder, { 'a.yaml': 'image: one\n', 'b.yaml': 'b\n' }, 'First');
    stage.bare = await publish(stage.folder, root, `repo-${count}.git`);
    stage.url = `${stage.server.url}/repo-${count}.git`;
    stage.mirror = stage.mirrors.open(stage.url);
  });

  stage.subjects = async (branch = 'main') =>
    (await git(stage.bare, 'log', '--format=%s', branch)).trim().split('\n');
  stage.push = async () => {
    await git(stage.folder, 'push', '--quiet', stage.bare, 'main');
    await stage.mirror.fetch();
  };
  return stage;
}

export async function failure(attempt: Promise<unknown>): Promise<LandfallError> {
  return asLandfallError(
    await attempt.then(
      () => new Error('it did not fail'),
      (thrown: unknown) => thrown,
    ),
  );
}
