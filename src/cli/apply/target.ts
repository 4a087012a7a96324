import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { findRoot, runGit } from '../../git/index.ts';
import type { FileTree } from '../../git/index.ts';
import { LandfallError, getArray, getString } from '../../kernel/index.ts';
import { folderTree, memoryTree } from '../../kustomize/index.ts';
import type { FileTree as RenderTree } from '../../kustomize/index.ts';
import { IN_CLUSTER } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { placeObjects, setDigest } from '../../apply/index.ts';
import type { RenderedFacts } from '../../boundaries/index.ts';
import { renderApplication } from '../../boundaries/render/index.ts';
import type { RenderedSet } from '../../boundaries/render/index.ts';
import { applicationSpec, isHook, trackedBy, withTracking } from '../../boundaries/sync/index.ts';
import type { LedgerSubject } from '../../ledger/index.ts';
import type { ArgoFacts } from '../../verdict/index.ts';
import type { CliIo } from '../io.ts';
import type { OpenSources } from '../sources.ts';
import type { SetOptions } from './options.ts';

const LANDFALL_FILE = 'landfall.yaml';

/** What is to be applied, from wherever it was named. */
export interface ApplyTarget {
  readonly subject: LedgerSubject;
  /** The commit, or a digest of the set where no commit holds exactly this. */
  readonly revision: string;
  /** Each in its namespace. */
  readonly set: readonly RenderedFacts[];
  /** Of the set. */
  readonly digest: string;
  /** Text of landfall.yaml beside it; undefined where there is none. */
  readonly declarations: string | undefined;
  /** The Application that names it, where one does: its status lists what was managed before. */
  readonly application: { readonly object: KubeObject; readonly argo: ArgoFacts | undefined } | undefined;
  /** How people name it: `deploy/`, `payment-api`. */
  readonly display: string;
  readonly warnings: readonly string[];
}

/** Finds out what `DIR|FILE|-|APP` names and renders it. Throws where files are wrong, with the line. */
export async function resolveTarget(
  what: string,
  options: SetOptions,
  sources: OpenSources,
  io: CliIo,
): Promise<ApplyTarget> {
  if (what === '-') return fromText(await io.stdin(), what, options, sources, io);
  const location = path.resolve(io.cwd, what);
  if (existsSync(location)) {
    if (statSync(location).isDirectory()) return fromFolder(location, what, options, sources, io);
    if (/^kustomization\.ya?ml$|^Kustomization$/.test(path.basename(location))) {
      return fromFolder(path.dirname(location), what, options, sources, io);
    }
    return fromText(await readFile(location, 'utf8'), what, options, sources, io);
  }
  if (/[/\\]|\.(?:ya?ml|json)$/.test(what)) {
    throw new LandfallError(`There is no file or folder ${location}.`, {
      kind: 'not-found',
      code: 'path-not-found',
      object: what,
      hint: 'Name a folder with manifests or a kustomization.yaml, a manifest, - for stdin, or an Application.',
    });
  }
  return fromApplication(what, options, sources, io);
}

function rendered(set: RenderedSet, what: string): readonly RenderedFacts[] {
  if (set.failure !== undefined) {
    throw new LandfallError(set.failure.message, {
      kind: 'invalid-input',
      code: set.failure.code,
      ...(set.failure.where === undefined ? {} : { object: set.failure.where }),
      ...(set.failure.hint === undefined ? {} : { hint: set.failure.hint }),
    });
  }
  if (set.objects.length > 0) return set.objects;
  throw new LandfallError(`${what} renders to no object; nothing is applied and nothing is pruned.`, {
    kind: 'invalid-input',
    code: 'empty-render',
    object: what,
    hint: 'Name a folder with manifests or a kustomization.yaml, a manifest, - for stdin, or an Application.',
  });
}

/** A tree that answers everything that a commit's does. */
function whole(tree: RenderTree): FileTree {
  const nothing = () => Promise.resolve(undefined);
  return {
    readFile: (file) => tree.readFile(file),
    kind: (file) => tree.kind(file),
    list: (folder) => tree.list?.(folder) ?? nothing(),
    identity: (file) => tree.identity?.(file) ?? nothing(),
    resolve: (file) => tree.resolve?.(file) ?? Promise.resolve(file),
  };
}

async function fromFolder(
  folder: string,
  what: string,
  options: SetOptions,
  sources: OpenSources,
  io: CliIo,
): Promise<ApplyTarget> {
  const repository = await findRoot(folder, io.signal);
  const root = repository === undefined || repository.bare ? folder : repository.root;
  const inside = path.relative(root, folder).split(path.sep).join('/');
  const render = (tree: FileTree) =>
    renderApplication(tree, inside === '' ? '.' : inside, { signal: io.signal });
  const [set, state] = await Promise.all([
    render(whole(folderTree(root))),
    repository === undefined ? undefined : stateOf(root, io),
  ]);
  const commit = await commitOf(root, state, sources, async (tree) => {
    const committed = await render(tree);
    return setDigest(committed.objects) === setDigest(set.objects);
  });
  const base = path.basename(root);
  return placed(rendered(set, what), {
    what,
    name: options.name ?? (inside === '' ? base : `${base}/${inside}`),
    commit,
    declarations: await readIfThere(path.join(root, LANDFALL_FILE)),
    warnings: set.warnings,
    options,
    sources,
    io,
  });
}

async function fromText(
  text: string,
  what: string,
  options: SetOptions,
  sources: OpenSources,
  io: CliIo,
): Promise<ApplyTarget> {
  const file = what === '-' ? 'stdin.yaml' : path.basename(what);
  const folder = what === '-' ? io.cwd : path.dirname(path.resolve(io.cwd, what));
  const [set, repository] = await Promise.all([
    renderApplication(whole(memoryTree({ [file]: text })), '.', { signal: io.signal }),
    findRoot(folder, io.signal),
  ]);
  const root = repository === undefined || repository.bare ? folder : repository.root;
  const inside = path.relative(root, path.join(folder, file)).split(path.sep).join('/');
  return placed(rendered(set, what), {
    what,
    name: options.name ?? (what === '-' ? path.basename(root) : `${path.basename(root)}/${inside}`),
    commit:
      what === '-' || repository === undefined
        ? undefined
        : await commitOf(root, await stateOf(root, io), sources, async (tree) => {
            const committed = await tree.readFile(inside);
            return committed !== undefined && Buffer.from(committed).toString('utf8') === text;
          }),
    declarations: await readIfThere(path.join(root, LANDFALL_FILE)),
    warnings: set.warnings,
    options,
    sources,
    io,
  });
}

/**
 * The landfall.yaml of the repository that a folder or manifest lies in, or would, and what the application is called
 * that lies there; for what is no folder or file, that of the folder where one is.
 */
export async function declarationsBeside(
  what: string,
  io: CliIo,
): Promise<{ readonly text: string | undefined; readonly name: string }> {
  const location = path.resolve(io.cwd, what === '-' ? '.' : what);
  const there = existsSync(location);
  const folder = !there ? io.cwd : statSync(location).isDirectory() ? location : path.dirname(location);
  const repository = await findRoot(folder, io.signal);
  const root = repository === undefined || repository.bare ? folder : repository.root;
  const inside = path.relative(root, location).split(path.sep).join('/');
  const base = path.basename(root);
  return {
    text: await readIfThere(path.join(root, LANDFALL_FILE)),
    name: !there ? what : inside === '' ? base : `${base}/${inside}`,
  };
}

async function readIfThere(file: string): Promise<string | undefined> {
  return existsSync(file) ? readFile(file, 'utf8') : undefined;
}

interface WorkTree {
  readonly head: string;
  /** Nothing in it differs from `head`. */
  readonly clean: boolean;
}

/** Undefined for a repository without a commit. */
async function stateOf(root: string, io: CliIo): Promise<WorkTree | undefined> {
  const about = `Reading the state of ${root}`;
  const options = { cwd: root, signal: io.signal };
  const [head, status] = await Promise.all([
    runGit(about, ['rev-parse', '--verify', 'HEAD'], options).catch(() => undefined),
    runGit(about, ['status', '--porcelain', '--untracked-files=normal'], options),
  ]);
  return head === undefined ? undefined : { head: head.trim(), clean: status.trim() === '' };
}

/**
 * The commit that is checked out, where it says exactly what is applied: the work tree is clean, or what is not
 * committed has no part in the set.
 */
async function commitOf(
  root: string,
  state: WorkTree | undefined,
  sources: OpenSources,
  saysTheSame: (tree: FileTree) => Promise<boolean>,
): Promise<string | undefined> {
  if (state === undefined) return undefined;
  const { head, clean } = state;
  return clean || (await saysTheSame(sources.git.open(root).tree(head))) ? head : undefined;
}

async function placed(
  facts: readonly RenderedFacts[],
  from: {
    readonly what: string;
    readonly name: string;
    readonly commit: string | undefined;
    readonly declarations: string | undefined;
    readonly warnings: readonly string[];
    readonly options: SetOptions;
    readonly sources: OpenSources;
    readonly io: CliIo;
  },
): Promise<ApplyTarget> {
  const { kube } = from.sources;
  const namespace = from.options.namespace ?? kube.namespace;
  const set = await placeObjects(kube, facts, namespace, from.io.signal);
  const digest = setDigest(set);
  return {
    subject: { cluster: kube.server, namespace, application: from.name },
    revision: from.commit ?? digest,
    set,
    digest,
    declarations: from.declarations,
    application: undefined,
    display: from.what,
    warnings: from.warnings,
  };
}

async function fromApplication(
  name: string,
  options: SetOptions,
  sources: OpenSources,
  io: CliIo,
): Promise<ApplyTarget> {
  const { kube, git } = sources;
  // The verdict engine is behind this door, and files need none of it.
  const {
    appliedBy: appliedOf,
    findApplication,
    fromGit,
    renderSources,
  } = await import('../../verdict/index.ts');
  const found = fromGit(await findApplication(kube, name, options.namespace, io.signal));
  const { destination } = applicationSpec(found.object);
  const here =
    destination.server === undefined
      ? destination.name === undefined || destination.name === 'in-cluster'
      : destination.server === IN_CLUSTER || destination.server === kube.server;
  if (!here) {
    throw new LandfallError(
      `${name} goes to ${destination.server ?? destination.name ?? ''}, and this context is ${kube.server}.`,
      {
        kind: 'invalid-input',
        code: 'other-cluster',
        object: name,
        hint: 'Use the context of the cluster that it goes to: --context NAME.',
      },
    );
  }
  const mirror = git.open(found.repository);
  await mirror.fetch(io.signal);
  const { commit } = await mirror.resolve(found.revision, io.signal);
  const tree = mirror.tree(commit);
  const { set } = await renderSources(sources, found, commit, io.signal, tree);
  const bytes = await tree.readFile(LANDFALL_FILE);
  const wanted = rendered(set, name);
  const all = appliedOf(found, wanted);
  const excluded = wanted.filter((facts) => !all.includes(facts));
  const hooks = all.filter(({ object }) => isHook(object));
  const brought = await broughtNamespace(found.object, found.destination, all, sources, io);
  const own = [...brought, ...all.filter(({ object }) => !isHook(object))];
  const { argo } = found;
  const placedOnes = await placeObjects(kube, own, found.destination, io.signal);
  const objects =
    argo === undefined
      ? placedOnes
      : placedOnes.map((facts) => ({
          ...facts,
          object: withTracking(facts.object, argo.instance, found.destination, argo.settings.tracking),
        }));
  return {
    subject: { cluster: kube.server, namespace: found.namespace, application: name },
    revision: commit,
    set: objects,
    digest: setDigest(objects),
    declarations: bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8'),
    application: { object: found.object, argo },
    display: name,
    warnings: [
      ...set.warnings,
      ...excluded.map(
        ({ object }) => `${object.kind}/${object.metadata.name} is left out: its engine does not apply it`,
      ),
      ...hooks.map(({ object }) => `${object.kind}/${object.metadata.name} is a hook; landfall sync runs it`),
    ],
  };
}

/** The destination's namespace, where CreateNamespace asks for it, the set does not bring it and it is not there. */
async function broughtNamespace(
  application: KubeObject,
  name: string,
  set: readonly RenderedFacts[],
  { kube }: OpenSources,
  io: CliIo,
): Promise<readonly RenderedFacts[]> {
  if (!applicationSpec(application).policy.options.includes('CreateNamespace=true')) return [];
  if (set.some(({ object }) => object.kind === 'Namespace' && object.metadata.name === name)) return [];
  const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  const live = await kube.get({ apiVersion: 'v1', kind: 'Namespace', name }, io.signal);
  return live === undefined ? [{ object: namespace, why: () => [] }] : [];
}

/** Objects that the status of an Application lists and that say that they are its own. */
export function listedBy(application: KubeObject): readonly {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}[] {
  return getArray(application, 'status', 'resources').flatMap((item) => {
    const group = getString(item, 'group') ?? '';
    const [version, kind, name] = ['version', 'kind', 'name'].map((field) => getString(item, field) ?? '');
    const namespace = getString(item, 'namespace') ?? '';
    if (version === undefined || kind === undefined || name === undefined || name === '') return [];
    const apiVersion = group === '' ? version : `${group}/${version}`;
    return [namespace === '' ? { apiVersion, kind, name } : { apiVersion, kind, namespace, name }];
  });
}

/** True for an object that belongs to the Application by its own word. */
export function belongsTo(object: KubeObject, argo: ArgoFacts | undefined): boolean {
  return argo !== undefined && trackedBy(object, argo.settings.tracking) === argo.instance;
}
