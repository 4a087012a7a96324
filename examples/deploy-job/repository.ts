import { cp, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runGit } from '../../src/git/index.ts';

const here = import.meta.dirname;

/** The repository of the example, checked out. */
export interface JobRepository {
  readonly folder: string;
  /** Commits release 2: a new image, and one Service more. */
  releaseTwo(): Promise<void>;
}

async function commit(folder: string, message: string, signal: AbortSignal): Promise<void> {
  const about = `Committing to ${folder}`;
  const identity = [
    '-c',
    'user.name=Example',
    '-c',
    'user.email=example@corp.io',
    '-c',
    'commit.gpgSign=false',
  ];
  await runGit(about, ['add', '-A'], { cwd: folder, signal });
  await runGit(about, [...identity, 'commit', '-q', '-m', message], { cwd: folder, signal });
}

/** Makes the repository in a new folder: real commits, of now. */
export async function createJobRepository(folder: string, signal: AbortSignal): Promise<JobRepository> {
  await cp(path.join(here, 'repository'), folder, { recursive: true });
  // A .gitignore of its own would hide files of the example from Landfall's repository.
  await rename(path.join(folder, 'gitignore'), path.join(folder, '.gitignore'));
  await runGit(`Making ${folder}`, ['init', '-q', '-b', 'main'], { cwd: folder, signal });
  await commit(folder, 'Deliver checkout 1.0.0', signal);
  return {
    folder,
    async releaseTwo() {
      const base = path.join(folder, 'deploy/base');
      await cp(path.join(here, 'release-2'), base, { recursive: true, force: true });
      const file = path.join(base, 'deployment.yaml');
      await writeFile(file, (await readFile(file, 'utf8')).replace('checkout:1.0.0', 'checkout:2.0.0'));
      await commit(folder, 'Deliver checkout 2.0.0, with its metrics', signal);
    },
  };
}

/** What another team has put into the cluster before. */
export const platformManifests = path.join(here, 'platform');
