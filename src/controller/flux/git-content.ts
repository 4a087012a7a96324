import { createHash } from 'node:crypto';
import { getArray, getIn, getObject, getString, isJsonObject, jsonEqual } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { submoduleUrl, treeBelow, treeOfFiles, treeOfFolders, treeWithMounts } from '../../git/index.ts';
import type { FileTree, GitMirror } from '../../git/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { ignorePatterns, withoutIgnored } from '../../boundaries/render/index.ts';
import { fluxCommit } from '../../boundaries/sync/index.ts';
import { DEPENDENCY_WAIT } from './failure.ts';
import { mirrorOf, submoduleMirror, urlOf } from './git-access.ts';
import type { GitAccessOptions } from './git-access.ts';
import { GIT_REPOSITORY } from './kinds.ts';
import { sourceFailed } from './source-status.ts';

const MAX_DEPTH = 5;

/**
 * What an artifact of Flux would hold: the commit, with submodules and what is included. What the source itself leaves
 * out is still there: who reads it takes that out.
 */
export async function gitArtifact(
  options: GitAccessOptions,
  source: KubeObject,
  commit: string,
  signal: AbortSignal,
): Promise<FileTree> {
  return artifactAt(options, source, { commit, includes: includedOf(source) }, signal, 0);
}

async function artifactAt(
  options: GitAccessOptions,
  source: KubeObject,
  at: { readonly commit: string; readonly includes: readonly Included[] },
  signal: AbortSignal,
  depth: number,
): Promise<FileTree> {
  const mirror = await mirrorOf(options, source, signal);
  const cloned = await withSubmodules(options, source, mirror, urlOf(source), at.commit, signal, 0);
  const folders = sparseFolders(source);
  const checkedOut = folders === undefined ? cloned : treeOfFolders(cloned, folders);
  const mounts = new Map<string, FileTree>();
  for (const { name, fromPath, toPath, commit } of at.includes) {
    const { namespace = 'default' } = source.metadata;
    const other = await options.client.get({ ...GIT_REPOSITORY, namespace, name }, signal);
    if (other === undefined) throw unavailable('NotFound', `could not get resource for include '${name}'`);
    if (depth >= MAX_DEPTH) {
      throw unavailable('NoArtifact', `include '${name}' is more than ${MAX_DEPTH} includes deep`);
    }
    const next = { commit, includes: includedOf(other) };
    const whole = await artifactAt(options, other, next, signal, depth + 1);
    const tree = withoutIgnored(whole, ignorePatterns(other));
    if ((await checkedOut.kind(toPath)) !== undefined) {
      throw copyFailure(name, fromPath, toPath, `there is something at ${toPath} already`);
    }
    if ((await tree.kind(fromPath)) !== 'directory') {
      throw copyFailure(name, fromPath, toPath, `there is no folder ${fromPath}`);
    }
    mounts.set(toPath, treeBelow(tree, fromPath));
  }
  return treeWithMounts(checkedOut, mounts);
}

function unavailable(reason: string, message: string) {
  return sourceFailed({ condition: 'IncludeUnavailable', reason, message, again: DEPENDENCY_WAIT });
}

function copyFailure(name: string, from: string, to: string, why: string) {
  const message = `failed to copy '${name}' include from ${from} to ${to}: ${why}`;
  return sourceFailed({ condition: 'StorageOperationFailed', reason: 'CopyFailure', message });
}

/** Where submodules are asked for, theirs too; where not, their folders are empty, as in a clone without them. */
async function withSubmodules(
  options: GitAccessOptions,
  source: KubeObject,
  mirror: GitMirror,
  url: string,
  commit: string,
  signal: AbortSignal,
  depth: number,
): Promise<FileTree> {
  const tree = mirror.tree(commit);
  const submodules = await mirror.submodules(commit, signal);
  if (submodules.length === 0) return tree;
  const follows = getIn(source, 'spec', 'recurseSubmodules') === true;
  if (follows && depth >= MAX_DEPTH) {
    throw sourceFailed({
      reason: 'GitOperationFailed',
      message: `failed to checkout and determine revision: submodules are nested more than ${MAX_DEPTH} deep`,
    });
  }
  const mounts = new Map<string, FileTree>();
  for (const each of submodules) {
    if (!follows) {
      mounts.set(each.path, treeOfFiles(new Map()));
      continue;
    }
    const where = submoduleUrl(each.url, url);
    const other = await submoduleMirror(options, source, where, signal);
    await other.resolve(each.commit, signal);
    const inner = await withSubmodules(options, source, other, where, each.commit, signal, depth + 1);
    mounts.set(each.path, inner);
  }
  return treeWithMounts(tree, mounts);
}

/** Undefined: everything is checked out. */
function sparseFolders(source: KubeObject): readonly string[] | undefined {
  const folders = getArray(source, 'spec', 'sparseCheckout').filter(
    (item): item is string => typeof item === 'string',
  );
  return folders.length === 0 ? undefined : folders.map((folder) => folder.replace(/^\.\//, ''));
}

/** Every folder of `spec.sparseCheckout` has to be there. */
export async function checkSparse(source: KubeObject, tree: FileTree): Promise<void> {
  for (const folder of sparseFolders(source) ?? []) {
    if ((await tree.kind(folder)) === 'directory') continue;
    const message = `failed to sparse checkout directories : sparse checkout dir '${folder}' does not exist in repository`;
    throw sourceFailed({ reason: 'GitOperationFailed', message });
  }
}

interface Included {
  readonly name: string;
  readonly fromPath: string;
  readonly toPath: string;
  readonly commit: string;
}

/** What `spec.include` names, at the artifacts that the status says were taken. */
function includedOf(source: KubeObject): readonly Included[] {
  const artifacts = getArray(source, 'status', 'includedArtifacts');
  return getArray(source, 'spec', 'include').map((include, index) => {
    const name = getString(include, 'repository', 'name') ?? '';
    const commit = fluxCommit(getString(artifacts[index], 'revision') ?? '');
    if (commit === undefined) throw unavailable('NoArtifact', `no artifact available for include '${name}'`);
    return {
      name,
      fromPath: getString(include, 'fromPath') ?? '',
      toPath: getString(include, 'toPath') || name,
      commit,
    };
  });
}

/** The artifacts that `spec.include` names now, in its order. Throws what the status then says. */
export async function includedArtifacts(
  options: GitAccessOptions,
  source: KubeObject,
  signal: AbortSignal,
): Promise<readonly JsonObject[]> {
  const found: JsonObject[] = [];
  for (const include of getArray(source, 'spec', 'include')) {
    const name = getString(include, 'repository', 'name') ?? '';
    const { namespace = 'default' } = source.metadata;
    const other = await options.client.get({ ...GIT_REPOSITORY, namespace, name }, signal);
    if (other === undefined) {
      throw unavailable(
        'NotFound',
        `could not get resource for include '${name}': gitrepositories.source.toolkit.fluxcd.io "${name}" not found`,
      );
    }
    const artifact = getObject(other, 'status', 'artifact');
    if (artifact === undefined)
      throw unavailable('NoArtifact', `no artifact available for include '${name}'`);
    found.push(artifact);
  }
  return found;
}

/** Of everything that the content depends on: another digest is another content. */
export function contentDigest(source: KubeObject, commit: string, included: readonly JsonObject[]): string {
  const spec = getObject(source, 'spec') ?? {};
  const parts: JsonValue = [
    getString(spec, 'url') ?? '',
    commit,
    spec['ignore'] ?? null,
    spec['include'] ?? null,
    spec['sparseCheckout'] ?? null,
    spec['recurseSubmodules'] ?? false,
    included.map((artifact) => artifact['digest'] ?? artifact['revision'] ?? null),
  ];
  return `sha256:${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;
}

/** What Flux writes down of what an artifact was made with. */
export function observed(source: KubeObject, included: readonly JsonObject[]): JsonObject {
  const spec = getObject(source, 'spec') ?? {};
  const list = (name: string) => {
    const value = spec[name];
    return Array.isArray(value) && value.length > 0 ? value : undefined;
  };
  const fields: Record<string, JsonValue | undefined> = {
    observedIgnore: spec['ignore'],
    observedInclude: list('include'),
    observedSparseCheckout: list('sparseCheckout'),
    observedRecurseSubmodules: spec['recurseSubmodules'] === true ? true : undefined,
    includedArtifacts: included.length === 0 ? undefined : [...included],
  };
  return Object.fromEntries(Object.entries(fields)) as JsonObject;
}

/** Whether one of the two includes the other. */
export function includes(source: KubeObject, other: KubeObject): boolean {
  return (
    source.kind === 'GitRepository' &&
    jsonEqual(source.metadata.namespace ?? 'default', other.metadata.namespace ?? 'default') &&
    getArray(source, 'spec', 'include').some(
      (item) => isJsonObject(item) && getString(item, 'repository', 'name') === other.metadata.name,
    )
  );
}
