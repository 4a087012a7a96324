import { createHash } from 'node:crypto';
import { LandfallError, isJsonObject, jsonEqual, parseYaml } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { FileTree } from '../../git/index.ts';
import type { FieldSource } from '../rendered.ts';
import { KUSTOMIZATION_FILES } from './source-type.ts';

/** A tree in which one kustomization reads differently than it is committed. */
export interface EditedTree {
  readonly tree: FileTree;
  /** Says of a source in the edited part that the edit put it there, and leaves the rest as it is. */
  readonly sourceOf: (source: FieldSource) => FieldSource;
}

/**
 * The tree with the kustomization of `folder` changed, or made where there is none. What is not changed keeps its
 * lines, so that fields are still traced to the line somebody wrote. `origin` names where the change comes from.
 */
export async function withKustomization(
  tree: FileTree,
  folder: string,
  origin: string,
  edit: (kustomization: JsonObject) => JsonObject,
): Promise<EditedTree> {
  const file = (await kustomizationFile(tree, folder)) ?? joined(folder, KUSTOMIZATION_FILES[0]);
  const bytes = await tree.readFile(file);
  const text = bytes === undefined ? '' : Buffer.from(bytes).toString('utf8');
  const [root = null] = parseYaml(text, file);
  if (root !== null && !isJsonObject(root)) {
    throw new LandfallError(`${file} is no map, so it is no kustomization.`, {
      kind: 'invalid-input',
      code: 'kustomization',
      object: file,
    });
  }
  const before = root ?? {};
  const after = edit(before);
  const { edited, lines } = rewritten(text, before, after);
  const content = Buffer.from(edited, 'utf8');
  return {
    tree: overlay(tree, file, content),
    sourceOf: (source) =>
      source.file === file && source.line > lines ? { ...source, file: origin, line: 1 } : source,
  };
}

/** The kustomization of a folder, by the names that Kustomize knows. */
export async function kustomizationFile(tree: FileTree, folder: string): Promise<string | undefined> {
  for (const name of KUSTOMIZATION_FILES) {
    if ((await tree.kind(joined(folder, name))) === 'file') return joined(folder, name);
  }
  return undefined;
}

export function joined(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/**
 * The text with the changed fields blanked where they stood and written again at its end. Where that does not read as
 * what is wanted (flow style, anchors), the whole is written anew and no line of it is known.
 */
function rewritten(
  text: string,
  before: JsonObject,
  after: JsonObject,
): { readonly edited: string; readonly lines: number } {
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (key) => !jsonEqual(before[key], after[key]),
  );
  if (changed.length === 0) return { edited: text, lines: Number.POSITIVE_INFINITY };
  const lines = text.split('\n');
  let inside = false;
  const kept = lines.map((line) => {
    const key = /^(?:"([^"]+)"|'([^']+)'|([A-Za-z][A-Za-z0-9_-]*))[ \t]*:/.exec(line);
    if (key !== null) inside = changed.includes(key[1] ?? key[2] ?? key[3] ?? '');
    else if (/^---/.test(line)) inside = false;
    return inside ? '' : line;
  });
  const added = changed.flatMap((key) => {
    const value = after[key];
    return value === undefined ? [] : [`${key}: ${JSON.stringify(value)}`];
  });
  const edited = `${kept.join('\n').replace(/\n*$/, '')}${'\n'.repeat(trailing(kept) + 1)}${added.join('\n')}\n`;
  if (readsAs(edited, after)) return { edited, lines: lines.length };
  return { edited: `${JSON.stringify(after)}\n`, lines: 0 };
}

function trailing(lines: readonly string[]): number {
  let count = 0;
  for (let at = lines.length - 1; at >= 0 && lines[at] === ''; at -= 1) count += 1;
  return count;
}

function readsAs(text: string, wanted: JsonValue): boolean {
  try {
    const documents = parseYaml(text, 'kustomization').filter((document) => document !== null);
    return documents.length === 1 && jsonEqual(documents[0], wanted);
  } catch {
    return false;
  }
}

function overlay(tree: FileTree, file: string, content: Uint8Array): FileTree {
  const folder = file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : '';
  const name = file.slice(folder === '' ? 0 : folder.length + 1);
  const identity = createHash('sha256').update(content).digest('hex');
  /** The same file by whichever way it is named. */
  const isFile = async (path: string) =>
    path === file || (path.endsWith(name) && ((await tree.resolve(path)) ?? path) === file);
  return {
    readFile: async (path) => ((await isFile(path)) ? content : tree.readFile(path)),
    kind: async (path) => ((await isFile(path)) ? 'file' : tree.kind(path)),
    identity: async (path) => ((await isFile(path)) ? identity : tree.identity(path)),
    resolve: async (path) => ((await isFile(path)) ? file : tree.resolve(path)),
    async list(path) {
      const names = await tree.list(path);
      if (names === undefined || names.includes(name)) return names;
      const real = (await tree.resolve(path)) ?? path;
      return real === folder ? [...names, name].toSorted() : names;
    },
  };
}
