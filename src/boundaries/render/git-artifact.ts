import { LandfallError, getArray, getIn, getString } from '../../kernel/index.ts';
import { submoduleUrl, treeBelow, treeOfFiles, treeOfFolders, treeWithMounts } from '../../git/index.ts';
import type { FileTree, GitMirror } from '../../git/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { fluxCommit } from '../sync/index.ts';
import { ignorePatterns, withoutIgnored } from './source-ignore.ts';

/** Where the parts of an artifact are read: each caller has credentials of its own for that. */
export interface GitArtifactPlaces {
  /** The repository of a GitRepository. */
  readonly mirror: (source: KubeObject, signal: AbortSignal) => Promise<GitMirror>;
  /** The one that a submodule in the repository of a GitRepository names. */
  readonly submodule: (source: KubeObject, url: string, signal: AbortSignal) => Promise<GitMirror>;
  /** Another GitRepository of the same namespace. */
  readonly included: (
    source: KubeObject,
    name: string,
    signal: AbortSignal,
  ) => Promise<KubeObject | undefined>;
}

const MAX_DEPTH = 5;

/** Why an artifact cannot be put together; the status of the source says more by the code. */
type ArtifactProblem =
  | 'include-missing'
  | 'include-not-there'
  | 'include-copy'
  | 'submodule-depth'
  | 'sparse-folder';

function problem(code: ArtifactProblem, message: string): LandfallError {
  return new LandfallError(message, { kind: 'invalid-input', code });
}

/**
 * What an artifact of a Flux GitRepository would hold: the commit, with submodules and what is included. What the source
 * itself leaves out is still there: who reads it takes that out. Throws `ArtifactProblem`s for what does not fit.
 */
export async function gitArtifact(
  places: GitArtifactPlaces,
  source: KubeObject,
  commit: string,
  signal: AbortSignal,
): Promise<FileTree> {
  return artifactAt(places, source, { commit, includes: includedOf(source) }, signal, 0);
}

async function artifactAt(
  places: GitArtifactPlaces,
  source: KubeObject,
  at: { readonly commit: string; readonly includes: readonly IncludedSource[] },
  signal: AbortSignal,
  depth: number,
): Promise<FileTree> {
  const mirror = await places.mirror(source, signal);
  const url = getString(source, 'spec', 'url') ?? '';
  const cloned = await withSubmodules(places, source, mirror, url, at.commit, signal, 0);
  const folders = sparseFolders(source);
  const checkedOut = folders === undefined ? cloned : treeOfFolders(cloned, folders);
  const mounts = new Map<string, FileTree>();
  for (const { name, fromPath, toPath, commit } of at.includes) {
    const other = await places.included(source, name, signal);
    if (other === undefined) {
      throw problem('include-missing', `could not get resource for include '${name}'`);
    }
    if (depth >= MAX_DEPTH) {
      throw problem('include-not-there', `include '${name}' is more than ${MAX_DEPTH} includes deep`);
    }
    const next = { commit, includes: includedOf(other) };
    const whole = await artifactAt(places, other, next, signal, depth + 1);
    const tree = withoutIgnored(whole, ignorePatterns(other));
    if ((await checkedOut.kind(toPath)) !== undefined) {
      throw copyProblem(name, fromPath, toPath, `there is something at ${toPath} already`);
    }
    if ((await tree.kind(fromPath)) !== 'directory') {
      throw copyProblem(name, fromPath, toPath, `there is no folder ${fromPath}`);
    }
    mounts.set(toPath, treeBelow(tree, fromPath));
  }
  return treeWithMounts(checkedOut, mounts);
}

function copyProblem(name: string, from: string, to: string, why: string): LandfallError {
  return problem('include-copy', `failed to copy '${name}' include from ${from} to ${to}: ${why}`);
}

/** Where submodules are asked for, theirs too; where not, their folders are empty, as in a clone without them. */
async function withSubmodules(
  places: GitArtifactPlaces,
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
    throw problem('submodule-depth', `submodules are nested more than ${MAX_DEPTH} deep`);
  }
  const mounts = new Map<string, FileTree>();
  for (const each of submodules) {
    if (!follows) {
      mounts.set(each.path, treeOfFiles(new Map()));
      continue;
    }
    const where = submoduleUrl(each.url, url);
    const other = await places.submodule(source, where, signal);
    await other.resolve(each.commit, signal);
    const inner = await withSubmodules(places, source, other, where, each.commit, signal, depth + 1);
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
    throw problem(
      'sparse-folder',
      `failed to sparse checkout directories : sparse checkout dir '${folder}' does not exist in repository`,
    );
  }
}

/** One of `spec.include`, at the artifact that was taken of it. */
export interface IncludedSource {
  readonly name: string;
  readonly fromPath: string;
  readonly toPath: string;
  readonly commit: string;
}

/** What `spec.include` names, at the artifacts that the status says were taken. */
export function includedOf(source: KubeObject): readonly IncludedSource[] {
  const artifacts = getArray(source, 'status', 'includedArtifacts');
  return getArray(source, 'spec', 'include').map((include, index) => {
    const name = getString(include, 'repository', 'name') ?? '';
    const commit = fluxCommit(getString(artifacts[index], 'revision') ?? '');
    if (commit === undefined)
      throw problem('include-not-there', `no artifact available for include '${name}'`);
    return {
      name,
      fromPath: getString(include, 'fromPath') ?? '',
      toPath: getString(include, 'toPath') || name,
      commit,
    };
  });
}
