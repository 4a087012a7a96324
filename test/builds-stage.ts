import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startRegistry } from '../src/drydock/registry/index.ts';
import type { Registry } from '../src/drydock/registry/index.ts';
import { createGitMirrors, runGit } from '../src/git/index.ts';
import type { GitMirror } from '../src/git/index.ts';
import { silentLogger, systemClock } from '../src/kernel/index.ts';
import { openLedger } from '../src/ledger/index.ts';
import type { Build, Ledger } from '../src/ledger/index.ts';
import { createRegistryClient } from '../src/oci/index.ts';
import type { RegistryClient } from '../src/oci/index.ts';
import { declaredBuilds, lookForBuilds, parseLandfallYaml, runBuild } from '../src/pipeline/index.ts';
import type { DeclaredBuild, RunContext } from '../src/pipeline/index.ts';

/** A source repository, a registry and a ledger, all real, in one folder. */
export interface BuildStage {
  readonly folder: string;
  readonly source: string;
  readonly registry: Registry;
  readonly client: RegistryClient;
  readonly ledger: Ledger;
  readonly mirror: GitMirror;
  readonly context: RunContext;
  git(...args: string[]): Promise<string>;
  commit(files: Readonly<Record<string, string>>, message?: string): Promise<string>;
  /** What `builds:` of a landfall.yaml declares, its first entry; `@REGISTRY@` and `@SOURCE@` are filled in. */
  declare(builds: string, more?: string): DeclaredBuild;
  /** Looks for what is new, and gives the newest build of the trigger. */
  look(declared: DeclaredBuild): Promise<Build>;
  /** Claims and runs what is queued, and gives it as it ended. */
  run(change?: Partial<RunContext>, signal?: AbortSignal): Promise<Build>;
  /** Folders of runs that are still there. */
  workspaces(): Promise<readonly string[]>;
  close(): Promise<void>;
}

const IDENTITY = {
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
  GIT_CONFIG_GLOBAL: '/dev/null',
};

export async function buildStage(options: { readonly referrers?: boolean } = {}): Promise<BuildStage> {
  const folder = await mkdtemp(path.join(tmpdir(), 'landfall-builds-'));
  const source = path.join(folder, 'source');
  await mkdir(source);
  const git = (...args: string[]) => runGit(`git ${args[0]}`, args, { cwd: source, env: IDENTITY });
  await git('init', '--quiet', '--initial-branch=main');
  const registry = await startRegistry(options);
  const client = createRegistryClient({ retries: 0 });
  const ledger = openLedger({ folder: path.join(folder, 'state'), clock: systemClock });
  const mirrors = createGitMirrors({ folder: path.join(folder, 'cache'), clock: systemClock });
  const mirror = mirrors.open(source);
  const signal = new AbortController().signal;
  const context: RunContext = {
    builds: ledger.builds,
    openSource: () => Promise.resolve(mirror),
    registry: client,
    clock: systemClock,
    logger: silentLogger,
    folder: path.join(folder, 'work'),
    env: { PATH: process.env['PATH'] },
    graceMs: 300,
    heartbeatMs: 50,
  };
  return {
    folder,
    source,
    registry,
    client,
    ledger,
    mirror,
    context,
    git,
    async commit(files, message = 'Change something') {
      for (const [name, text] of Object.entries(files)) {
        await mkdir(path.dirname(path.join(source, name)), { recursive: true });
        await writeFile(path.join(source, name), text);
      }
      await git('add', '--all');
      await git('commit', '--quiet', '--allow-empty', '-m', message);
      return (await git('rev-parse', 'HEAD')).trim();
    },
    declare(builds, more = '') {
      const text = `apiVersion: landfall.dev/v1\nbuilds:\n${builds}\n${more}\n`
        .replaceAll('@REGISTRY@', registry.host)
        .replaceAll('@SOURCE@', source);
      const [first] = declaredBuilds(parseLandfallYaml(text), 'https://git.corp.io/deploy', 'd'.repeat(40));
      if (first === undefined) throw new Error('a build was declared');
      return first;
    },
    async look(declared) {
      await lookForBuilds(ledger.builds, declared, mirror, signal);
      const [newest] = await ledger.builds.list({ trigger: declared.name }, 1);
      if (newest === undefined) throw new Error('a build was found');
      return newest;
    },
    async run(change = {}, stop = signal) {
      const claimed = await ledger.builds.claim();
      if (claimed === undefined) throw new Error('a build was queued');
      await runBuild({ ...context, ...change }, claimed, stop);
      const ended = await ledger.builds.get(claimed.id);
      if (ended === undefined) throw new Error('the build is kept');
      return ended;
    },
    async workspaces() {
      return readdir(path.join(folder, 'work')).catch(() => []);
    },
    async close() {
      await ledger.close();
      mirrors.close();
      client.close();
      await registry.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
