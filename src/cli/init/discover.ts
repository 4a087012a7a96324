import path from 'node:path';
import { asLandfallError, getArray, getObject, getString, parseYaml } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { folderTree, render } from '../../kustomize/index.ts';
import type { FileTree } from '../../kustomize/index.ts';
import { isWorkload, templateContainers } from '../../boundaries/index.ts';
import type { KubeObject } from '../../kube/index.ts';

const FILES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];
const ENVIRONMENTS = [
  'dev',
  'development',
  'test',
  'qa',
  'staging',
  'stage',
  'preprod',
  'prod',
  'production',
];
const SKIPPED = new Set(['.git', 'node_modules', 'vendor', 'charts']);
const MAX_FOLDERS = 20_000;
const MAX_DEPTH = 12;

/** An overlay that nothing else builds on: something that can be delivered. */
export interface FoundOverlay {
  /** Relative to the repository's root. */
  readonly path: string;
  readonly environment: string;
  readonly application: string;
  /** Namespace of its objects; undefined where they name none or several. */
  readonly namespace: string | undefined;
  readonly images: readonly string[];
  readonly services: readonly { readonly name: string; readonly port: number }[];
  readonly objects: number;
  /** Why it does not render, where it does not. */
  readonly failure?: string;
}

async function kustomizations(
  tree: FileTree,
  folder: string,
  depth: number,
  found: Map<string, JsonValue>,
): Promise<void> {
  if (depth > MAX_DEPTH || found.size > MAX_FOLDERS) return;
  const names = (await tree.list?.(folder)) ?? [];
  const file = FILES.find((name) => names.includes(name));
  if (file !== undefined) {
    const where = path.posix.join(folder, file);
    const bytes = await tree.readFile(where);
    try {
      found.set(
        folder,
        bytes === undefined ? null : (parseYaml(Buffer.from(bytes).toString('utf8'), where)[0] ?? null),
      );
    } catch {
      // It is shown with its failure when it is rendered.
      found.set(folder, null);
    }
  }
  for (const name of names) {
    const child = path.posix.join(folder, name);
    if (!SKIPPED.has(name) && (await tree.kind(child)) === 'directory')
      await kustomizations(tree, child, depth + 1, found);
  }
}

function referenced(found: ReadonlyMap<string, JsonValue>): ReadonlySet<string> {
  const bases = new Set<string>();
  for (const [folder, content] of found) {
    for (const field of ['resources', 'bases', 'components']) {
      for (const entry of getArray(content, field))
        if (typeof entry === 'string')
          bases.add(path.posix.normalize(path.posix.join(folder, entry)).replace(/\/$/, ''));
    }
  }
  return bases;
}

function environmentOf(folder: string): string {
  const parts = folder.split('/');
  const overlays = parts.lastIndexOf('overlays');
  return (
    parts.findLast((part) => ENVIRONMENTS.includes(part)) ??
    (overlays >= 0 ? (parts[overlays + 1] ?? 'prod') : (parts.at(-1) ?? 'prod'))
  );
}

function nameOnly(reference: string): string {
  const name = reference.split('@')[0] ?? reference;
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? name.slice(0, colon) : name;
}

async function describe(
  tree: FileTree,
  folder: string,
  signal: AbortSignal,
): Promise<
  Omit<FoundOverlay, 'application' | 'environment' | 'path'> & { readonly workload: string | undefined }
> {
  try {
    const { objects } = await render(tree, folder, { signal });
    const values = objects.map((object) => object.value as unknown as KubeObject);
    const namespaces = new Set(values.flatMap((object) => getString(object, 'metadata', 'namespace') ?? []));
    const [namespace] = namespaces;
    return {
      namespace: namespaces.size === 1 ? namespace : undefined,
      images: [
        ...new Set(
          values
            .filter(isWorkload)
            .flatMap((object) => templateContainers(object).map((container) => nameOnly(container.image))),
        ),
      ],
      services: values
        .filter((object) => object.kind === 'Service' && getObject(object, 'spec', 'selector') !== undefined)
        .flatMap((object) => {
          const port = getArray(object, 'spec', 'ports').map(
            (entry) => (entry as { readonly port?: unknown }).port,
          )[0];
          return typeof port === 'number' ? [{ name: object.metadata.name, port }] : [];
        }),
      objects: values.length,
      workload: values.find(isWorkload)?.metadata.name,
    };
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'cancelled' && signal.aborted) throw error;
    return {
      namespace: undefined,
      images: [],
      services: [],
      objects: 0,
      failure: error.message,
      workload: undefined,
    };
  }
}

/** Every overlay of a repository that nothing else builds on, rendered to see what is in it. */
export async function discoverOverlays(root: string, signal: AbortSignal): Promise<readonly FoundOverlay[]> {
  const tree = folderTree(root);
  const found = new Map<string, JsonValue>();
  await kustomizations(tree, '.', 0, found);
  const bases = referenced(found);
  const leaves = [...found]
    .filter(([folder, content]) => !bases.has(folder) && getString(content, 'kind') !== 'Component')
    .map(([folder]) => folder);
  const overlays: FoundOverlay[] = [];
  for (const folder of leaves.toSorted()) {
    const { workload, ...described } = await describe(tree, folder, signal);
    const environment = environmentOf(folder);
    const parts = folder
      .split('/')
      .filter(
        (part) =>
          !['.', 'overlays', 'base', 'k8s', 'apps', 'deploy', 'manifests', environment].includes(part),
      );
    const base = (workload ?? parts.at(-1) ?? path.basename(root))
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, '-');
    overlays.push({ path: folder, environment, application: `${base}-${environment}`, ...described });
  }
  return overlays.toSorted(
    (a, b) => order(a.environment) - order(b.environment) || a.path.localeCompare(b.path),
  );
}

/** Environments in the order in which a change usually reaches them; unknown ones between. */
function order(environment: string): number {
  const at = ENVIRONMENTS.indexOf(environment);
  return at < 0 ? 3.5 : at;
}
