import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { findRepository, runGit, withoutCredentials } from '../../git/index.ts';
import { getString, LandfallError, parseJson } from '../../kernel/index.ts';
import { attachBuildRecord, buildImage, createRegistryClient, pushImage } from '../../oci/index.ts';
import type { BuildRecord, Platform } from '../../oci/index.ts';
import { rememberRecord } from '../built-images.ts';
import type { BuildOptions } from '../commands/image.ts';
import { stateFolder } from '../folders.ts';
import type { CliIo } from '../io.ts';
import { kubeconfigMirrors, registryOptions } from '../sources.ts';

export interface BuiltFolder {
  readonly references: readonly string[];
  readonly digest: string;
  readonly commit: string;
  readonly version: string | undefined;
  readonly record: BuildRecord;
}

interface SourceFacts {
  readonly commit: string;
  readonly ref: string;
  readonly time: string;
  readonly repository: string;
}

async function sourceOf(folder: string, options: BuildOptions, io: CliIo): Promise<SourceFacts> {
  const found = await findRepository(folder, io.signal);
  if (found === undefined) {
    throw new LandfallError(
      `${folder} is in no Git repository, so no commit can be written into the image.`,
      {
        kind: 'invalid-input',
        code: 'folder-without-commit',
        object: folder,
        hint: 'Commit it first; what cannot be traced to a commit cannot be proven.',
      },
    );
  }
  const git = (args: readonly string[]) =>
    runGit(`Reading the commit of ${folder}`, args, { cwd: folder, signal: io.signal });
  const head = (
    await git(['rev-parse', '--verify', '--end-of-options', `${options.revision ?? 'HEAD'}^{commit}`])
  ).trim();
  const current = (await git(['rev-parse', 'HEAD'])).trim();
  const dirty = await git(['status', '--porcelain', '--', '.']);
  if (head !== current || dirty !== '') {
    const what =
      head === current
        ? `has changes that are not committed (${dirty.split('\n')[0]?.trim() ?? ''})`
        : `is at ${current.slice(0, 8)}, not at ${head.slice(0, 8)}`;
    throw new LandfallError(`${folder} ${what}; an image of it would claim a commit that it does not hold.`, {
      kind: 'conflict',
      code: 'folder-not-clean',
      object: folder,
      hint: 'Commit or stash the changes, or check the commit out, then build.',
    });
  }
  const time = (await git(['show', '--no-patch', '--format=%cI', head])).trim();
  return {
    commit: head,
    ref: found.branch === undefined ? head : `refs/heads/${found.branch}`,
    time: new Date(time).toISOString(),
    repository: withoutCredentials(options.source ?? found.remotes['origin'] ?? found.root),
  };
}

async function versionOf(folder: string, options: BuildOptions): Promise<string | undefined> {
  if (options.release !== undefined) return options.release;
  const text = await readFile(path.join(folder, 'package.json'), 'utf8').catch(() => undefined);
  return text === undefined
    ? undefined
    : getString(parseJson(text, path.join(folder, 'package.json')), 'version');
}

function platformOf(text: string): Platform {
  const [os = '', architecture = '', variant] = text.split('/');
  if (os === '' || architecture === '') {
    throw new LandfallError(`'${text}' names no platform.`, {
      kind: 'invalid-input',
      code: 'platform',
      object: text,
      hint: 'Write it as linux/amd64.',
    });
  }
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/** Builds a clean folder at its commit, pushes it under every tag, attaches the record, and remembers the digests. */
export async function buildFolder(folder: string, options: BuildOptions, io: CliIo): Promise<BuiltFolder> {
  const root = path.resolve(io.cwd, folder);
  const source = await sourceOf(root, options, io);
  const version = await versionOf(root, options);
  const image = await buildImage(
    {
      folder: root,
      entrypoint: options.entrypoint ?? ['node', 'server.js'],
      workingDir: options.workdir ?? '/app',
      labels: {
        revision: source.commit,
        source: source.repository,
        ...(version === undefined ? {} : { version }),
      },
      created: source.time,
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.platform === undefined ? {} : { platforms: options.platform.map(platformOf) }),
    },
    io.signal,
  );
  const builtAt = new Date(io.clock.now()).toISOString();
  const client = createRegistryClient(registryOptions(options, io, await kubeconfigMirrors(options, io)));
  try {
    const references: string[] = [];
    let record: BuildRecord | undefined;
    for (const tag of options.tag) {
      const pushed = await pushImage(client, image, tag, io.signal, { clock: io.clock });
      references.push(pushed.reference);
      record = {
        repository: source.repository,
        commit: source.commit,
        ref: source.ref,
        ...(version === undefined ? {} : { version }),
        image: pushed.reference,
        digest: pushed.index,
        index: pushed.index,
        manifests: pushed.manifests,
        configs: pushed.configs,
        builtAt,
        pushedAt: pushed.pushedAt,
        builder: 'landfall',
      };
      await attachBuildRecord(client, record, io.signal);
    }
    if (record === undefined) {
      throw new LandfallError('No tag was given to push to.', {
        kind: 'invalid-input',
        code: 'no-tag',
        hint: 'Name one: -t registry.corp.io/shop:1.4.0.',
      });
    }
    await rememberRecord(stateFolder(io.env), record);
    return { references, digest: record.digest, commit: source.commit, version, record };
  } finally {
    client.close();
  }
}
