import path from 'node:path';
import {
  declaredReplicas,
  isWorkload,
  podTemplate,
  selects,
  templateContainers,
} from '../../boundaries/index.ts';
import { getObject, LandfallError, nearest, textOf } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { folderTree, render } from '../../kustomize/index.ts';
import type { FileTree } from '../../kustomize/index.ts';
import { discoverOverlays } from '../init/discover.ts';
import type { FoundOverlay } from '../init/discover.ts';

/** A workload as its manifests ask for it. */
export interface LaidOutWorkload {
  readonly object: string;
  /** Undefined for kinds that have no count. */
  readonly replicas: number | undefined;
  readonly images: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface LaidOutService {
  readonly object: string;
  readonly selector: Readonly<Record<string, string>>;
  /** Workloads whose pods it selects; empty means that it will have no endpoints. */
  readonly reaches: readonly string[];
}

/** One environment of a repository: what belongs to it alone, what it shares, and what it asks for. Plain JSON. */
export interface LaidOutEnvironment {
  readonly environment: string;
  readonly application: string;
  readonly path: string;
  readonly namespace: string | undefined;
  /** Files of this environment alone: a change here reaches nobody else. */
  readonly own: readonly string[];
  /** Files that lie outside of it, with the other environments that read them, too. */
  readonly shared: readonly { readonly file: string; readonly with: readonly string[] }[];
  /** The file that registers it with a controller. */
  readonly registration: string | undefined;
  readonly workloads: readonly LaidOutWorkload[];
  readonly services: readonly LaidOutService[];
  /** Why it does not render, where it does not. */
  readonly failure: string | undefined;
}

interface Rendered {
  readonly objects: readonly KubeObject[];
  readonly files: readonly string[];
}

async function rendered(tree: FileTree, overlay: FoundOverlay, signal: AbortSignal): Promise<Rendered> {
  if (overlay.failure !== undefined) return { objects: [], files: [] };
  const { objects, inputs } = await render(tree, overlay.path, { signal });
  const files: string[] = [];
  for (const input of inputs) {
    if (input.present && (await tree.kind(input.path)) === 'file') files.push(input.path);
  }
  return { objects: objects.map((object) => object.value as unknown as KubeObject), files };
}

function texts(map: object | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(map ?? {}).map(([key, value]) => [key, textOf(value as string)]));
}

function labelsOf(workload: KubeObject): Readonly<Record<string, string>> {
  return texts(getObject(podTemplate(workload), 'metadata', 'labels'));
}

function nameOf(object: KubeObject): string {
  return `${object.kind}/${object.metadata.name}`;
}

function isOwn(file: string, folder: string): boolean {
  return folder === '.' || file.startsWith(`${folder}/`);
}

/** Reads every environment of a repository. Throws `not-found` where `folder` is given and is none of them. */
export async function readLayout(
  root: string,
  folder: string | undefined,
  signal: AbortSignal,
): Promise<readonly LaidOutEnvironment[]> {
  const tree = folderTree(root);
  const overlays = await discoverOverlays(root, signal);
  const read = new Map<string, Rendered>();
  for (const overlay of overlays) read.set(overlay.path, await rendered(tree, overlay, signal));
  const chosen =
    folder === undefined
      ? overlays
      : overlays.filter((overlay) => isOwn(overlay.path, folder) || overlay.path === folder);
  if (folder !== undefined && chosen.length === 0) {
    const paths = overlays.map((overlay) => overlay.path);
    const near = nearest(folder, paths);
    throw new LandfallError(`${folder} is no environment of ${root}, and holds none.`, {
      kind: 'not-found',
      code: 'environment-not-found',
      object: folder,
      hint:
        paths.length === 0
          ? 'There is no kustomization in it.'
          : `Environments are ${(near.length > 0 ? near : paths).slice(0, 6).join(', ')}.`,
    });
  }
  return chosen.map((overlay): LaidOutEnvironment => {
    const { objects = [], files = [] } = read.get(overlay.path) ?? {};
    const workloads = objects.filter(isWorkload);
    return {
      environment: overlay.environment,
      application: overlay.application,
      path: overlay.path,
      namespace: overlay.namespace,
      own: files.filter((file) => isOwn(file, overlay.path)),
      shared: files
        .filter((file) => !isOwn(file, overlay.path))
        .map((file) => ({
          file,
          with: overlays
            .filter(
              (other) => other.path !== overlay.path && read.get(other.path)?.files.includes(file) === true,
            )
            .map((other) => other.environment),
        })),
      registration: overlay.registeredIn,
      workloads: workloads.map((object) => ({
        object: nameOf(object),
        replicas: declaredReplicas(object),
        images: templateContainers(object).map((container) => container.image),
        labels: labelsOf(object),
      })),
      services: objects.flatMap((object) => {
        const selector = getObject(object, 'spec', 'selector');
        if (object.kind !== 'Service' || selector === undefined) return [];
        const reaches = workloads.filter((workload) => selects(selector, labelsOf(workload))).map(nameOf);
        return [{ object: nameOf(object), selector: texts(selector), reaches }];
      }),
      failure: overlay.failure,
    };
  });
}

/** A folder of the command line, as the repository names it; undefined for its root. */
export function folderIn(root: string, folder: string): string | undefined {
  const relative = path.relative(root, folder).split(path.sep).join('/');
  return relative === '' ? undefined : relative;
}
