import path from 'node:path';
import type { RenderedSet } from '../boundaries/index.ts';
import { treeWith } from '../git/index.ts';
import type { FileTexts, FileTree } from '../git/index.ts';
import { asLandfallError, getArray, getString, LandfallError, parseYaml } from '../kernel/index.ts';
import type { JsonValue } from '../kernel/index.ts';
import { diffRenders, render } from '../kustomize/index.ts';
import type { ComparedObject, ObjectChange } from '../kustomize/index.ts';
import { listApplications, readDelivered, renderSources } from '../verdict/index.ts';
import type { ApplicationSpec, Sources } from '../verdict/index.ts';

/** What a change of files does to one environment that it is not meant for. Plain JSON. */
export interface Reached {
  /** Name of the application, or the folder of one that no application of this cluster delivers. */
  readonly who: string;
  readonly folder: string;
  /** `unread`: it cannot be rendered here, before as after. */
  readonly state: 'unchanged' | 'changed' | 'unread';
  readonly changes: readonly ObjectChange[];
  /** Why it could not be rendered. */
  readonly why: string;
}

export interface ReachQuestion {
  readonly sources: Pick<Sources, 'kube' | 'git'>;
  /** The application that is meant. */
  readonly spec: ApplicationSpec;
  /** The branch that the change goes to; applications that track another are out of its reach. */
  readonly branch: string;
  readonly commit: string;
  readonly before: FileTree;
  readonly after: FileTree;
  readonly signal: AbortSignal;
}

const FILES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];
const SKIPPED = new Set(['.git', 'node_modules', 'vendor', 'charts']);
const MAX_FOLDERS = 5000;
const MAX_DEPTH = 12;

/** A rendered set as renders are compared. */
export function comparedObjects(set: Pick<RenderedSet, 'objects'>): readonly ComparedObject[] {
  return set.objects.map(({ object, why }) => ({
    apiVersion: object.apiVersion,
    kind: object.kind,
    namespace: object.metadata.namespace ?? '',
    name: object.metadata.name,
    value: object,
    why: (field) => why(field).map((source) => ({ ...source, column: 0 })),
  }));
}

async function kustomizations(tree: FileTree): Promise<ReadonlyMap<string, JsonValue>> {
  const found = new Map<string, JsonValue>();
  const walk = async (folder: string, depth: number): Promise<void> => {
    if (depth > MAX_DEPTH || found.size >= MAX_FOLDERS) return;
    const names = (await tree.list(folder === '.' ? '' : folder)) ?? [];
    const file = FILES.find((name) => names.includes(name));
    if (file !== undefined) {
      const bytes = await tree.readFile(path.posix.join(folder, file));
      found.set(folder, yamlOf(bytes));
    }
    for (const name of names) {
      const child = path.posix.join(folder, name);
      if (SKIPPED.has(name)) continue;
      // What cannot be looked into, such as a submodule, holds no environment of this repository.
      const kind = await tree.kind(child).catch(() => undefined);
      if (kind === 'directory') await walk(child, depth + 1);
    }
  };
  await walk('.', 0);
  return found;
}

function yamlOf(bytes: Uint8Array | undefined): JsonValue {
  try {
    return parseYaml(Buffer.from(bytes ?? []).toString('utf8'), 'kustomization')[0] ?? null;
  } catch {
    return null;
  }
}

/** Folders with a kustomization that no other one builds on: environments, whoever delivers them. */
export async function environmentFolders(tree: FileTree): Promise<readonly string[]> {
  const all = await kustomizations(tree);
  const bases = new Set<string>();
  for (const [folder, content] of all) {
    for (const field of ['resources', 'bases', 'components']) {
      for (const entry of getArray(content, field))
        if (typeof entry === 'string')
          bases.add(path.posix.normalize(path.posix.join(folder, entry)).replace(/\/$/, ''));
    }
  }
  return [...all]
    .filter(([folder, content]) => !bases.has(folder) && getString(content, 'kind') !== 'Component')
    .map(([folder]) => folder);
}

type Render = (tree: FileTree) => Promise<readonly ComparedObject[]>;

async function reached(
  who: string,
  folder: string,
  { before, after, signal }: ReachQuestion,
  one: Render,
): Promise<Reached> {
  const attempt = async (tree: FileTree) => {
    try {
      return { objects: await one(tree), why: '' };
    } catch (thrown) {
      signal.throwIfAborted();
      return { objects: undefined, why: asLandfallError(thrown).message };
    }
  };
  const old = await attempt(before);
  const now = await attempt(after);
  const base = { who, folder, changes: [], why: '' };
  if (old.objects === undefined && now.objects === undefined)
    // What cannot be rendered for the same reason before and after says nothing, and is said.
    return old.why === now.why
      ? { ...base, state: 'unread', why: now.why }
      : { ...base, state: 'changed', why: now.why };
  if (old.objects === undefined || now.objects === undefined)
    return { ...base, state: 'changed', why: now.why || old.why };
  const changes = diffRenders({ objects: old.objects }, { objects: now.objects });
  return { ...base, state: changes.length === 0 ? 'unchanged' : 'changed', changes };
}

/** The other applications that are delivered from this branch of this repository. */
async function neighbours(question: ReachQuestion): Promise<readonly ApplicationSpec[]> {
  const { sources, spec, branch, signal } = question;
  const mirror = sources.git.open(spec.repository);
  const found: ApplicationSpec[] = [];
  for (const object of await listApplications(sources.kube, undefined, signal)) {
    const { name, namespace } = object.metadata;
    if (object.kind === spec.object.kind && name === spec.name && namespace === spec.namespace) continue;
    let other: ApplicationSpec;
    try {
      other = await readDelivered(sources.kube, object, signal);
    } catch (thrown) {
      signal.throwIfAborted();
      // One that names no repository, or whose source is not there, takes nothing from this one.
      if (asLandfallError(thrown).kind === 'invalid-input') continue;
      throw thrown;
    }
    if (other.from.kind !== 'git' || other.repository !== spec.repository) continue;
    try {
      const { ref } = await mirror.resolve(other.revision, signal);
      if (ref !== undefined && ref !== `refs/heads/${branch}`) continue;
      if (ref === undefined && other.revision !== 'HEAD') continue;
    } catch (thrown) {
      signal.throwIfAborted();
      if (asLandfallError(thrown).kind === 'not-found') continue;
      throw thrown;
    }
    found.push(other);
  }
  return found;
}

/**
 * What a change does to every other environment of the repository: the applications that track the branch, and the
 * folders that look like environments and are delivered elsewhere. A change is meant for one; nobody else may see it.
 */
export async function reachOfChange(question: ReachQuestion): Promise<readonly Reached[]> {
  const { sources, spec, commit, before, signal } = question;
  const answers: Reached[] = [];
  const seen = new Set([spec.path]);
  for (const other of await neighbours(question)) {
    seen.add(other.path);
    answers.push(
      await reached(other.name, other.path, question, async (tree) => {
        const { set } = await renderSources(sources, other, commit, signal, tree);
        if (set.failure !== undefined)
          throw new LandfallError(set.failure.message, { kind: 'invalid-input', code: set.failure.code });
        return comparedObjects(set);
      }),
    );
  }
  for (const folder of await environmentFolders(before)) {
    if (seen.has(folder)) continue;
    answers.push(
      await reached(
        folder,
        folder,
        question,
        async (tree) => (await render(tree, folder === '.' ? '' : folder, { signal })).objects,
      ),
    );
  }
  return answers;
}

/** As `reachOfChange`, of new texts on top of a commit. */
export function reachOfFiles(
  question: Omit<ReachQuestion, 'after'>,
  files: FileTexts,
): Promise<readonly Reached[]> {
  return reachOfChange({ ...question, after: treeWith(question.before, files) });
}
