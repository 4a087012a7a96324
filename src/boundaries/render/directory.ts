import {
  LandfallError,
  getArray,
  getIn,
  getString,
  isJsonObject,
  parseYamlDocuments,
  yamlToJson,
} from '../../kernel/index.ts';
import type { JsonObject, JsonValue, YamlNode } from '../../kernel/index.ts';
import type { FileTree } from '../../git/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { FieldSource, RenderedFacts } from '../rendered.ts';
import { isHook } from '../hooks.ts';

export interface DirectoryOptions {
  /** Folders below as well. Default false, as in Argo CD. */
  readonly recurse: boolean;
  /** Glob of file names to take; empty for all. */
  readonly include: string;
  /** Glob of file names to leave out. */
  readonly exclude: string;
  /** Files are manifests whatever they are called. Default false. */
  readonly anyExtension?: boolean;
}

const MANIFEST = /\.(?:ya?ml|json)$/i;
const MAX_FILES = 5000;
const SKIP = '+argocd:skip-file-rendering';

/** The manifests of a folder as they are, by Argo CD's rules for plain directories. */
export async function renderDirectory(
  tree: FileTree,
  path: string,
  options: DirectoryOptions,
  signal?: AbortSignal,
): Promise<readonly RenderedFacts[]> {
  const files: string[] = [];
  await findFiles(tree, path, path, options, files, signal);
  const objects: RenderedFacts[] = [];
  for (const file of files.toSorted()) {
    const bytes = await tree.readFile(file);
    if (bytes !== undefined) objects.push(...objectsIn(Buffer.from(bytes).toString('utf8'), file));
  }
  return objects;
}

async function findFiles(
  tree: FileTree,
  root: string,
  folder: string,
  options: DirectoryOptions,
  found: string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const name of (await tree.list(folder)) ?? []) {
    if (signal?.aborted)
      throw new LandfallError('Rendering was cancelled.', { kind: 'cancelled', code: 'cancelled' });
    const file = folder === '.' || folder === '' ? name : `${folder}/${name}`;
    const kind = await tree.kind(file);
    if (kind === 'directory') {
      if (options.recurse && name !== '.git') await findFiles(tree, root, file, options, found, signal);
      continue;
    }
    const relative = root === '.' || root === '' ? file : file.slice(root.length + 1);
    if (kind !== 'file' || !wanted(relative, options)) continue;
    if (/\.jsonnet$/i.test(name)) {
      throw new LandfallError(`${file}: Jsonnet is not rendered.`, {
        kind: 'invalid-input',
        code: 'jsonnet-unsupported',
        object: file,
        hint: 'Commit the JSON or YAML that it makes, or leave the file out with spec.source.directory.exclude.',
      });
    }
    if (!MANIFEST.test(name) && options.anyExtension !== true) continue;
    found.push(file);
    if (found.length > MAX_FILES) {
      throw new LandfallError(`${root} holds more than ${MAX_FILES} manifests.`, {
        kind: 'invalid-input',
        code: 'too-many-files',
        object: root,
      });
    }
  }
}

function wanted(file: string, options: DirectoryOptions): boolean {
  // Argo CD matches without separators here: `*` goes down into folders.
  const fits = (glob: string) => globPattern(glob.replaceAll(/\*+/g, '**')).test(file);
  return (
    (options.include === '' || fits(options.include)) && (options.exclude === '' || !fits(options.exclude))
  );
}

/** `*`, `?` and `{a,b}` of a glob, where `*` crosses no folder and `**` does. */
export function globPattern(glob: string): RegExp {
  let pattern = '';
  let depth = 0;
  for (let at = 0; at < glob.length; at += 1) {
    const char = glob[at] ?? '';
    if (char === '*') {
      const double = glob[at + 1] === '*';
      pattern += double ? '.*' : '[^/]*';
      if (double) at += 1;
    } else if (char === '?') {
      pattern += '[^/]';
    } else if (char === '{') {
      depth += 1;
      pattern += '(?:';
    } else if (char === '}' && depth > 0) {
      depth -= 1;
      pattern += ')';
    } else if (char === ',' && depth > 0) {
      pattern += '|';
    } else {
      pattern += char.replaceAll(/[.+^$()|[\]\\{}]/g, String.raw`\$&`);
    }
  }
  return new RegExp(`^${pattern}${')'.repeat(depth)}$`);
}

/** The manifests in what a renderer printed: everything in it has to be one. */
export function manifestsOf(text: string, name: string): readonly RenderedFacts[] {
  return parseYamlDocuments(text, { source: name }).flatMap((node) => {
    const value = yamlToJson(node);
    if (value === null) return [];
    if (!isManifest(value)) throw notAManifest(node);
    return expand(value, node);
  });
}

/** A file that holds no manifest at all (values, a CI file) is left alone; one broken manifest is an error. */
function objectsIn(text: string, file: string): readonly RenderedFacts[] {
  if (text.includes(SKIP)) return [];
  const looksLikeManifest = ['apiVersion:', 'kind:', 'metadata:'].every(
    (word) => text.includes(word) || text.includes(`"${word.slice(0, -1)}"`),
  );
  let values: readonly { readonly node: YamlNode; readonly value: JsonValue }[];
  try {
    const nodes = parseYamlDocuments(text, { source: file });
    values = nodes.map((node) => ({ node, value: yamlToJson(node) })).filter(({ value }) => value !== null);
  } catch (error) {
    if (looksLikeManifest) throw error;
    return [];
  }
  if (!looksLikeManifest && values.every(({ value }) => !isManifest(value) && !isHalfAManifest(value)))
    return [];
  return values.flatMap(({ node, value }) => {
    if (!isManifest(value)) throw notAManifest(node);
    return expand(value, node);
  });
}

function isManifest(value: unknown): value is JsonObject {
  return isJsonObject(value) && typeof value['apiVersion'] === 'string' && typeof value['kind'] === 'string';
}

/** An object with a name that forgot what it is: left alone, it would silently be missing from what is applied. */
function isHalfAManifest(value: JsonValue): boolean {
  if (!isJsonObject(value) || (value['apiVersion'] === undefined && value['kind'] === undefined))
    return false;
  return typeof getIn(value, 'metadata', 'name') === 'string';
}

function notAManifest(node: YamlNode): LandfallError {
  return new LandfallError(`${node.where}: this is no Kubernetes object; apiVersion and kind are wanted.`, {
    kind: 'invalid-input',
    code: 'not-a-manifest',
    object: node.where,
    hint: 'Complete it, or move the file out of the folder that is delivered.',
  });
}

function expand(value: JsonObject, node: YamlNode): readonly RenderedFacts[] {
  const kind = getString(value, 'kind') ?? '';
  const items = kind.endsWith('List') && Array.isArray(value['items']) ? getArray(value, 'items') : undefined;
  if (items !== undefined) {
    const nodes = node.get('items')?.content ?? [];
    return items.flatMap((item, index) => {
      const at = nodes[index] ?? node;
      if (!isManifest(item)) throw notAManifest(at);
      return expand(item, at);
    });
  }
  const metadata = value['metadata'];
  if (!isJsonObject(metadata) || typeof metadata['name'] !== 'string' || metadata['name'] === '') {
    const generated = isJsonObject(metadata) && typeof metadata['generateName'] === 'string';
    // A hook is made anew for each sync, which gives it a name.
    if (generated && isHook(value as KubeObject)) {
      return [{ object: value as KubeObject, why: (path) => sourceOf(node, path) }];
    }
    throw new LandfallError(
      `${node.where}: the ${kind} has no metadata.name${generated ? ', and generateName cannot be applied twice' : ''}.`,
      { kind: 'invalid-input', code: 'name-missing', object: node.where, hint: 'Give it a name.' },
    );
  }
  return [{ object: value as KubeObject, why: (path) => sourceOf(node, path) }];
}

/** The line that a field is written in: one source, since nothing overrides a plain manifest. */
function sourceOf(node: YamlNode, path: readonly (string | number)[]): readonly FieldSource[] {
  let at: YamlNode | undefined = node;
  for (const step of path) {
    at = typeof step === 'string' ? at?.get(step) : at?.kind === 'seq' ? at.content[step] : undefined;
    if (at === undefined) return [];
  }
  const file = at?.source?.name;
  return at === undefined || file === undefined ? [] : [{ file, line: at.line, value: yamlToJson(at) }];
}
