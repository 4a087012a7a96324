import path from 'node:path';
import { asLandfallError, getArray, getNumber, getObject, getString, parseYaml } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { folderTree, render } from '../../kustomize/index.ts';
import type { FileTree } from '../../kustomize/index.ts';
import {
  KUSTOMIZATION_FILES,
  isWorkload,
  podTemplate,
  selects,
  templateContainers,
  withoutTag,
} from '../../boundaries/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { isRegistering, readRegistrations, registrationOf } from './registrations.ts';

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
const MAX_FILE = 1024 * 1024;

export interface FoundService {
  readonly name: string;
  readonly port: number;
  /** Path of the HTTP readiness probe of the pods behind it. */
  readonly probe?: string;
}

/** An overlay that nothing else builds on: something that can be delivered. */
export interface FoundOverlay {
  /** Relative to the repository's root. */
  readonly path: string;
  readonly environment: string;
  readonly application: string;
  /** Namespace of its objects; undefined where they name none or several. */
  readonly namespace: string | undefined;
  readonly images: readonly string[];
  readonly services: readonly FoundService[];
  readonly objects: number;
  /** The file that holds an Application or a Flux Kustomization for it already. */
  readonly registeredIn?: string;
  /** Why it does not render, where it does not. */
  readonly failure?: string;
}

interface Found {
  /** Content of the kustomization, by folder; null where it cannot be read as YAML. */
  readonly kustomizations: Map<string, JsonValue>;
  /** What says who delivers which folder. */
  readonly manifests: { readonly file: string; readonly document: JsonValue }[];
}

async function parsed(tree: FileTree, file: string): Promise<readonly JsonValue[]> {
  const bytes = await tree.readFile(file);
  if (bytes === undefined || bytes.length > MAX_FILE) return [];
  try {
    return parseYaml(Buffer.from(bytes).toString('utf8'), file);
  } catch {
    // A kustomization that is no YAML is shown with its failure when it is rendered; other files are not ours.
    return [];
  }
}

async function walk(tree: FileTree, folder: string, depth: number, found: Found): Promise<void> {
  if (depth > MAX_DEPTH || found.kustomizations.size > MAX_FOLDERS) return;
  const names = (await tree.list?.(folder)) ?? [];
  const file = KUSTOMIZATION_FILES.find((name) => names.includes(name));
  if (file !== undefined) {
    found.kustomizations.set(folder, (await parsed(tree, path.posix.join(folder, file)))[0] ?? null);
  }
  for (const name of names) {
    const child = path.posix.join(folder, name);
    if (!SKIPPED.has(name) && (await tree.kind(child)) === 'directory')
      await walk(tree, child, depth + 1, found);
    else if (/\.ya?ml$/.test(name) && name !== file) {
      for (const document of await parsed(tree, child))
        if (isRegistering(document)) found.manifests.push({ file: child, document });
    }
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

/** For what is laid out without environments. */
const DEFAULT_ENVIRONMENT = 'default';

function environmentOf(folder: string): string {
  const parts = folder.split('/');
  const overlays = parts.lastIndexOf('overlays');
  const named = parts.findLast((part) => ENVIRONMENTS.includes(part));
  return named ?? (overlays >= 0 ? parts[overlays + 1] : undefined) ?? DEFAULT_ENVIRONMENT;
}

/** Services that select pods, and what their pods are probed by: what is asked of a pod can be asked of its Service. */
function servicesOf(objects: readonly KubeObject[]): readonly FoundService[] {
  return objects.flatMap((service) => {
    const selector = getObject(service, 'spec', 'selector');
    const port = getNumber(getArray(service, 'spec', 'ports')[0], 'port');
    if (service.kind !== 'Service' || selector === undefined || port === undefined) return [];
    const template = objects
      .filter(isWorkload)
      .map(podTemplate)
      .find((candidate) =>
        selects(selector, (getObject(candidate, 'metadata', 'labels') ?? {}) as Record<string, string>),
      );
    const containers = getArray(template, 'spec', 'containers');
    const probe = containers
      .map((container) => getString(container, 'readinessProbe', 'httpGet', 'path'))
      .find((path) => path !== undefined);
    return [{ name: service.metadata.name, port, ...(probe === undefined ? {} : { probe }) }];
  });
}

async function describe(
  tree: FileTree,
  folder: string,
  signal: AbortSignal,
): Promise<
  Omit<FoundOverlay, 'application' | 'environment' | 'path'> & { readonly workloads: readonly string[] }
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
            .flatMap((object) => templateContainers(object).map((container) => withoutTag(container.image))),
        ),
      ],
      services: servicesOf(values),
      objects: values.length,
      workloads: values.filter(isWorkload).map(({ metadata }) => metadata.name),
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
      workloads: [],
    };
  }
}

/** Every overlay of a repository that nothing else builds on, rendered to see what is in it. */
export async function discoverOverlays(root: string, signal: AbortSignal): Promise<readonly FoundOverlay[]> {
  const tree = folderTree(root);
  const found: Found = { kustomizations: new Map(), manifests: [] };
  await walk(tree, '.', 0, found);
  const bases = referenced(found.kustomizations);
  const registrations = readRegistrations(found.manifests);
  const leaves = [...found.kustomizations]
    .filter(([folder, content]) => !bases.has(folder) && getString(content, 'kind') !== 'Component')
    .map(([folder]) => folder);
  const overlays: FoundOverlay[] = [];
  const names = new Set<string>();
  for (const folder of leaves.toSorted()) {
    const { workloads, ...described } = await describe(tree, folder, signal);
    // Only comments and empty lists: there is nothing to deliver.
    if (described.objects === 0 && described.failure === undefined) continue;
    const environment = environmentOf(folder);
    const registered = registrationOf(folder, registrations, (at) => found.kustomizations.has(at));
    const [workload, ...more] = workloads;
    const own = workload !== undefined && more.length === 0 ? workload : baseOf(folder, environment, root);
    const short = nameOf(own, environment);
    const name = names.has(short) ? nameOf(folder.replaceAll('/', '-'), DEFAULT_ENVIRONMENT) : short;
    names.add(name);
    overlays.push({
      path: folder,
      environment,
      application: registered?.name ?? name,
      ...described,
      ...(registered === undefined ? {} : { registeredIn: registered.file }),
    });
  }
  return overlays.toSorted(
    (a, b) => order(a.environment) - order(b.environment) || a.path.localeCompare(b.path),
  );
}

/** What a folder is about: `payment-api` of `apps/payment-api/overlays/prod`, `apps` of `apps/prod`. */
function baseOf(folder: string, environment: string, root: string): string {
  const about = folder.split('/').findLast((part) => !['.', 'overlays', 'base', environment].includes(part));
  return about ?? path.basename(root);
}

function nameOf(base: string, environment: string): string {
  const name = base
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return environment === DEFAULT_ENVIRONMENT ? name : `${name}-${environment}`;
}

/** Environments in the order in which a change usually reaches them; unknown ones between. */
function order(environment: string): number {
  const at = ENVIRONMENTS.indexOf(environment);
  return at < 0 ? 3.5 : at;
}
