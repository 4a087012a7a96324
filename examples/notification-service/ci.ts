import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createGitMirrors, runGit } from '../../src/git/index.ts';
import {
  getString,
  LandfallError,
  parseJson,
  runProgram,
  systemClock,
  type Clock,
} from '../../src/kernel/index.ts';
import {
  attachBuildRecord,
  buildImage,
  pushImage,
  type BuildRecord,
  type Platform,
  type RegistryClient,
} from '../../src/oci/index.ts';

export interface BuildRequest {
  /** Folder or URL of the source repository. */
  readonly repository: string;
  /** A tag, branch or commit of it. */
  readonly revision: string;
  /** `registry.corp.io/notification-service`, without a tag. */
  readonly image: string;
  readonly client: RegistryClient;
  /** In the order in which they are pushed. Default: the version, then `latest`. */
  readonly tags?: readonly string[];
  /** Default `node`. */
  readonly entrypoint?: readonly string[];
  /** Default `server.js`. */
  readonly cmd?: readonly string[];
  /** Default: Linux on this machine's architecture. */
  readonly platforms?: readonly Platform[];
  /** The line that the pipeline writes into its log. */
  readonly log?: (line: string) => void;
  readonly clock?: Clock;
  /** Where the temporary checkout is made. Default: the system's temporary folder. */
  readonly workDir?: string;
}

export interface Build {
  readonly version: string;
  readonly commit: string;
  /** `registry.corp.io/notification-service:latest` and the like, in the order of the pushes. */
  readonly references: readonly string[];
  /** What all of them are now, from the registry's answer. */
  readonly digest: string;
  /** As the image says it: the commit's time, so that building again makes the same image. */
  readonly buildDate: string;
  readonly pushedAt: string;
  readonly record: BuildRecord;
}

/**
 * The pipeline of the example: checks out one commit, tests it, writes what it is into the image, pushes the image
 * under its tags, and attaches the record of the build.
 */
export async function buildAndPush(request: BuildRequest, signal: AbortSignal): Promise<Build> {
  const { client, image, clock = systemClock } = request;
  const workspace = await mkdtemp(path.join(request.workDir ?? tmpdir(), 'landfall-ci-'));
  const mirrors = createGitMirrors({ folder: path.join(workspace, 'mirrors'), clock });
  try {
    const source = mirrors.open(request.repository);
    const { commit, ref } = await source.resolve(request.revision, signal);
    const { time } = await source.commitInfo(commit, signal);
    const folder = path.join(workspace, 'source');
    await checkOut(request.repository, commit, folder, signal);
    const version = await versionOf(folder);
    await runTests(folder, signal);
    const buildInfo = { version, commit, buildDate: time };
    await writeFile(path.join(folder, 'build-info.json'), `${JSON.stringify(buildInfo, null, 2)}\n`);
    const built = await buildImage(
      {
        folder,
        entrypoint: request.entrypoint ?? ['node'],
        cmd: request.cmd ?? ['server.js'],
        exposedPorts: [8080],
        labels: { revision: commit, version, source: source.display },
        created: time,
        ...(request.platforms === undefined ? {} : { platforms: request.platforms }),
      },
      signal,
    );
    const builtAt = new Date(clock.now()).toISOString();
    const references: string[] = [];
    let record: BuildRecord | undefined;
    for (const tag of request.tags ?? [version, 'latest']) {
      const pushed = await pushImage(client, built, `${image}:${tag}`, signal, { clock });
      references.push(pushed.reference);
      record = {
        repository: source.display,
        commit,
        ref: ref ?? commit,
        version,
        image: pushed.reference,
        digest: pushed.index,
        index: pushed.index,
        manifests: pushed.manifests,
        configs: pushed.configs,
        builtAt,
        pushedAt: pushed.pushedAt,
        builder: 'ci-pipeline',
      };
    }
    if (record === undefined) throw noTag(image);
    await attachBuildRecord(client, record, signal);
    const name = image.split('/').at(-1) ?? image;
    request.log?.(
      `[${record.pushedAt}] ci-pipeline | [${name}] Built and pushed v${version} (commit ${commit.slice(0, 8)}) -> ${record.image} ${record.digest}`,
    );
    const { digest, pushedAt } = record;
    return { version, commit, references, digest, buildDate: time, pushedAt, record };
  } finally {
    mirrors.close();
    await rm(workspace, { recursive: true, force: true });
  }
}

async function checkOut(
  repository: string,
  commit: string,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  await runGit(
    `Cloning ${repository}`,
    ['clone', '--quiet', '--no-checkout', '-c', 'core.autocrlf=false', '--', repository, folder],
    {
      signal,
      env: { GIT_ALLOW_PROTOCOL: 'file:http:https:ssh' },
    },
  );
  await runGit(`Checking out ${commit}`, ['checkout', '--quiet', '--detach', commit], {
    cwd: folder,
    signal,
  });
}

async function versionOf(folder: string): Promise<string> {
  const file = path.join(folder, 'package.json');
  const version = getString(parseJson(await readFile(file, 'utf8'), 'package.json'), 'version');
  if (version !== undefined) return version;
  throw new LandfallError('package.json of the example has no version.', {
    kind: 'invalid-input',
    code: 'example-version',
    object: 'package.json',
    hint: 'Write "version": "x.y.z" into it.',
  });
}

async function runTests(folder: string, signal: AbortSignal): Promise<void> {
  const result = await runProgram(process.execPath, ['--test'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder },
    signal,
    timeoutMs: 60_000,
  });
  if (result.code === 0) return;
  const failed = result.stdout
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trimStart().startsWith('not ok'))
    .map((line) => line.trim().replace(/^not ok \d+ - /, ''));
  throw new LandfallError(
    `The tests of the commit failed: ${failed.join('; ').slice(0, 500) || result.stderr.slice(0, 500)}`,
    {
      kind: 'invalid-input',
      code: 'example-tests',
      hint: 'Nothing was built or pushed. Mend the commit.',
    },
  );
}

function noTag(image: string): LandfallError {
  return new LandfallError(`${image} was to be pushed without a tag.`, {
    kind: 'invalid-input',
    code: 'example-tags',
    object: image,
    hint: 'Name at least one tag.',
  });
}
