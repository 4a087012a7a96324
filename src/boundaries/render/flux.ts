import {
  LandfallError,
  asLandfallError,
  getArray,
  getIn,
  getObject,
  getString,
  isJsonObject,
  parseYaml,
  stringifyYaml,
  textOf,
} from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { FileTree } from '../../git/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { RenderedFacts } from '../rendered.ts';
import { joined, kustomizationFile, withKustomization } from './kustomization-edit.ts';
import { opened, openedTree } from './sops.ts';
import type { Decryptor } from './sops.ts';
import { withoutIgnored } from './source-ignore.ts';
import { renderApplication } from './render-application.ts';
import { substituteVariables } from './envsubst.ts';

const SUBSTITUTE = 'kustomize.toolkit.fluxcd.io/substitute';
const MAX_FILES = 5000;

export interface FluxBuild {
  readonly tree: FileTree;
  /** The Flux Kustomization. */
  readonly object: KubeObject;
  /** Patterns of spec.ignore of the source; undefined: it has none. */
  readonly ignore: readonly string[] | undefined;
  /** Of ConfigMaps and Secrets, then the inline ones; undefined: nothing is substituted. */
  readonly variables: Readonly<Record<string, string>> | undefined;
  readonly strict: boolean;
  /** Of spec.decryption; undefined: what is encrypted is refused. */
  readonly decryptor?: Decryptor | undefined;
  readonly signal: AbortSignal;
}

/** Refusals of a build: what Flux calls BuildFailed, and ArtifactFailed for a path that is not there. */
function refuse(message: string, code = 'flux-build'): LandfallError {
  return new LandfallError(message, {
    kind: 'invalid-input',
    code,
    hint: 'Mend the Kustomization, or the files that it names.',
  });
}

/**
 * The objects that a Flux Kustomization asks for: a kustomization.yaml is made where there is none, the fields of the
 * object are put into it, and variables are substituted in what comes out. Source: fluxcd/pkg/kustomize.
 */
export async function renderFlux(request: FluxBuild): Promise<readonly RenderedFacts[]> {
  const { object, signal } = request;
  const tree = openedTree(withoutIgnored(request.tree, request.ignore), request.decryptor);
  const folder = folderOf(getString(object, 'spec', 'path') ?? '');
  if ((await tree.kind(folder)) !== 'directory') {
    throw refuse(
      `kustomization path not found: ${getString(object, 'spec', 'path') ?? './'} does not exist`,
      'flux-path',
    );
  }
  const present = await kustomizationFile(tree, folder);
  const made = present === undefined ? await generated(tree, folder) : undefined;
  const components = await componentsOf(tree, folder, object);
  const edited = await withKustomization(tree, folder, `Kustomization/${object.metadata.name}`, (root) =>
    overlaid(made ?? root, object, components),
  );
  const set = await renderApplication(edited.tree, folder, { signal });
  if (set.failure !== undefined) throw refuse(`kustomize build failed: ${set.failure.message}`);
  const objects: RenderedFacts[] = [];
  for (const { object: rendered, why } of set.objects) {
    const plain = await opened(rendered, request.decryptor);
    objects.push({
      object: withCommonMetadata(withVariables(plain, request), object),
      why: (field) => why(field).map(edited.sourceOf),
    });
  }
  return objects;
}

function folderOf(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    // As securejoin: a path never leaves its root.
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return parts.join('/');
}

/** Every manifest below the folder; a folder with a kustomization of its own stands for itself. */
async function generated(tree: FileTree, folder: string): Promise<JsonObject> {
  const resources: string[] = [];
  const walk = async (at: string): Promise<void> => {
    for (const name of (await tree.list(joined(folder, at))) ?? []) {
      const relative = joined(at, name);
      const path = joined(folder, relative);
      if (resources.length > MAX_FILES) throw refuse(`more than ${MAX_FILES} manifests below ${folder}`);
      if ((await tree.kind(path)) === 'directory') {
        if ((await kustomizationFile(tree, path)) !== undefined) resources.push(`./${relative}`);
        else await walk(relative);
      } else if (/\.ya?ml$/.test(name)) resources.push(`./${relative}`);
    }
  };
  await walk('');
  const head = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' };
  return resources.length === 0 ? { ...head, namespace: '_placeholder' } : { ...head, resources };
}

async function componentsOf(tree: FileTree, folder: string, object: KubeObject): Promise<readonly string[]> {
  const ignoreMissing = getIn(object, 'spec', 'ignoreMissingComponents') === true;
  const found: string[] = [];
  for (const component of getArray(object, 'spec', 'components')) {
    if (typeof component !== 'string' || component.startsWith('/') || component.includes('://')) {
      throw refuse(`component path '${textOf(component)}' must be local and relative`);
    }
    const missing = ignoreMissing && (await tree.kind(folderOf(joined(folder, component)))) === undefined;
    if (!missing) found.push(component);
  }
  return found;
}

function overlaid(root: JsonObject, object: KubeObject, components: readonly string[]): JsonObject {
  const spec = getObject(object, 'spec') ?? {};
  const next: JsonObject = { ...root };
  const resources = getArray(root, 'resources');
  if (
    resources.length === 0 &&
    getArray(next, 'buildMetadata').length === 0 &&
    next['namespace'] !== '_placeholder'
  ) {
    next['buildMetadata'] = ['originAnnotations'];
  }
  for (const [from, to] of [
    ['targetNamespace', 'namespace'],
    ['namePrefix', 'namePrefix'],
    ['nameSuffix', 'nameSuffix'],
  ] as const) {
    const value = getString(spec, from);
    if (value !== undefined) next[to] = value;
  }
  const patches = getArray(spec, 'patches');
  if (patches.length > 0) next['patches'] = [...getArray(root, 'patches'), ...patches];
  if (components.length > 0) next['components'] = [...getArray(root, 'components'), ...components];
  const images = getArray(spec, 'images');
  if (images.length > 0) next['images'] = withImages(getArray(root, 'images'), images);
  const metadata = getArray(spec, 'buildMetadata');
  if (metadata.length > 0) next['buildMetadata'] = [...metadata];
  return next;
}

/** Fields of an entry that is there already are replaced; a tag and a digest only together. */
function withImages(before: readonly JsonValue[], images: readonly JsonValue[]): JsonValue[] {
  const result = [...before];
  for (const image of images) {
    const name = getString(image, 'name');
    const at = result.findIndex((item) => getString(item, 'name') === name);
    const had = result[at];
    if (!isJsonObject(image)) continue;
    if (!isJsonObject(had)) {
      result.push(image);
      continue;
    }
    const entry: JsonObject = { ...had };
    if (getString(image, 'newName')) entry['newName'] = image['newName'] ?? '';
    if (getString(image, 'newTag') || getString(image, 'digest')) {
      delete entry['newTag'];
      delete entry['digest'];
      if (getString(image, 'newTag')) entry['newTag'] = image['newTag'] ?? '';
      if (getString(image, 'digest')) entry['digest'] = image['digest'] ?? '';
    }
    result[at] = entry;
  }
  return result;
}

function withVariables(object: KubeObject, { variables, strict }: FluxBuild): KubeObject {
  const { labels, annotations } = object.metadata;
  if (
    variables === undefined ||
    labels?.[SUBSTITUTE] === 'disabled' ||
    annotations?.[SUBSTITUTE] === 'disabled'
  ) {
    return object;
  }
  const where = `${object.kind}/${object.metadata.name}`;
  const invalid = Object.keys(variables).find((name) => !/^[_A-Za-z][_A-Za-z0-9]*$/.test(name));
  if (invalid !== undefined) {
    throw refuse(
      `post build failed for '${where}': envsubst error: '${invalid}' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'`,
    );
  }
  try {
    const text = substituteVariables(
      stringifyYaml(object),
      (name) => (Object.hasOwn(variables, name) ? variables[name] : undefined),
      strict,
    );
    const [document] = parseYaml(text, where);
    if (isJsonObject(document)) return document as KubeObject;
  } catch (thrown) {
    const error = asLandfallError(thrown);
    // What does not parse would be quoted with the values that were put in, which may be secret.
    const reason = error.code === 'substitution' ? error.message : 'what comes out is no YAML';
    throw refuse(`post build failed for '${where}': envsubst error: ${reason}`);
  }
  throw refuse(`post build failed for '${where}': envsubst error: what comes out is no object`);
}

function withCommonMetadata(object: KubeObject, of: KubeObject): KubeObject {
  const common = (field: 'labels' | 'annotations') =>
    Object.fromEntries(
      Object.entries(getObject(of, 'spec', 'commonMetadata', field) ?? {}).map(([key, value]) => [
        key,
        textOf(value),
      ]),
    );
  const [labels, annotations] = [common('labels'), common('annotations')];
  if (Object.keys(labels).length + Object.keys(annotations).length === 0) return object;
  return {
    ...object,
    metadata: {
      ...object.metadata,
      ...(Object.keys(labels).length === 0 ? {} : { labels: { ...object.metadata.labels, ...labels } }),
      ...(Object.keys(annotations).length === 0
        ? {}
        : { annotations: { ...object.metadata.annotations, ...annotations } }),
    },
  };
}

/**
 * The variables of spec.postBuild: substituteFrom in its order, then the inline ones, line ends taken out of every
 * value. Undefined: nothing is substituted. Throws what `read` throws, and `not-found`, code `flux-variables`, for what
 * is missing and not optional.
 */
export async function fluxVariables(
  object: KubeObject,
  read: (kind: 'ConfigMap' | 'Secret', name: string) => Promise<KubeObject | undefined>,
): Promise<Readonly<Record<string, string>> | undefined> {
  const postBuild = getObject(object, 'spec', 'postBuild');
  if (postBuild === undefined) return undefined;
  const variables: Record<string, string> = {};
  for (const from of getArray(postBuild, 'substituteFrom')) {
    const kind = getString(from, 'kind') ?? '';
    const name = getString(from, 'name') ?? '';
    if (kind !== 'ConfigMap' && kind !== 'Secret') continue;
    const holder = await read(kind, name);
    if (holder === undefined) {
      if (getIn(from, 'optional') === true) continue;
      throw refuse(
        `substitute from '${kind}/${name}' error: ${kind.toLowerCase()}s "${name}" not found`,
        'flux-variables',
      );
    }
    for (const key of Object.keys(getObject(holder, 'data') ?? {})) {
      const value = getString(holder, 'data', key) ?? '';
      const text = kind === 'Secret' ? Buffer.from(value, 'base64').toString('utf8') : value;
      variables[key] = text.replaceAll('\n', '');
    }
  }
  for (const [key, value] of Object.entries(getObject(postBuild, 'substitute') ?? {})) {
    variables[key] = textOf(value).replaceAll('\n', '');
  }
  const always = getString(postBuild, 'substituteStrategy') === 'Always';
  return Object.keys(variables).length > 0 || always ? variables : undefined;
}
