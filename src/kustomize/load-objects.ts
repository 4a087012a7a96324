import { LandfallError, YamlSource, parseYamlSource, tags } from '../kernel/index.ts';
import type { YamlNode } from '../kernel/index.ts';
import { isEmpty } from './nodes.ts';
import { readAsJson } from './normalize.ts';
import { validate } from './resource.ts';

/** Where the objects of a file come from: the file, or an earlier render. */
export interface ObjectFiles {
  /** `reused`: the nodes are only what names and selectors need. */
  load(source: YamlSource): { readonly nodes: readonly YamlNode[]; readonly reused: boolean };
}

export const parsedFiles: ObjectFiles = {
  load: (source) => ({ nodes: loadObjects(source), reused: false }),
};

/** Bytes as text. What is not UTF-8 is refused with the line it is in. */
export function decodeText(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const valid = new TextDecoder('utf-8').decode(bytes);
    const at = valid.indexOf('\uFFFD');
    const line = valid.slice(0, Math.max(0, at)).split('\n').length;
    throw new LandfallError(`${name}:${line}: this is not UTF-8 text.`, {
      kind: 'invalid-input',
      code: 'not-utf8',
      object: `${name}:${line}`,
      cause,
    });
  }
}

/** A text as the original reads it: Windows line ends are line ends. */
export function sourceOf(name: string, text: string, firstLine = 1): YamlSource {
  const plain = text.startsWith('\uFEFF') ? text.slice(1) : text;
  return new YamlSource(name, plain.includes('\r') ? plain.replaceAll('\r\n', '\n') : plain, firstLine);
}

/**
 * All objects of a text: documents, with lists taken apart. Source: kio.FromBytes and resource.Factory.
 */
export function loadObjects(source: YamlSource): YamlNode[] {
  checkSeparators(source);
  checkVersion(source);
  const documents = parseYamlSource(source, { words: 'yaml-1.2', duplicateKeys: 'keep', firstOnly: true });
  const [only] = documents;
  let nodes = documents.filter((node) => node.tag !== tags.null);
  if (documents.length === 1 && only !== undefined) {
    const kind = only.get('kind')?.value;
    const items = only.get('items');
    if (
      (kind === 'List' || kind === 'ResourceList') &&
      (items !== undefined || only.get('functionConfig') !== undefined)
    ) {
      nodes = items?.content ?? [];
    }
  }
  return flattenLists(nodes.filter(isObject));
}

function isObject(node: YamlNode): boolean {
  if (isEmpty(node)) return false;
  validate(node);
  return true;
}

/** `FooList` objects with items are replaced by their items, which go to the end. */
function flattenLists(nodes: readonly YamlNode[]): YamlNode[] {
  const result: YamlNode[] = [];
  const queue = [...nodes];
  for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
    const kind = node.get('kind')?.value ?? '';
    const items = kind.endsWith('List') ? node.get('items') : undefined;
    if (items === undefined) {
      result.push(node);
      continue;
    }
    if (items.tag === tags.null) continue;
    if (items.kind !== 'seq') {
      throw new LandfallError(`${items.where}: expected array in ${kind}/items, but found ${items.tag}`, {
        kind: 'invalid-input',
        code: 'list-items',
        object: items.where,
      });
    }
    for (const item of items.content.filter(isObject)) {
      readAsJson(item);
      queue.push(item);
    }
  }
  return result;
}

/** Go's parser takes YAML 1.1 only where a file says a version. */
function checkVersion(source: YamlSource): void {
  if (!source.text.includes('%YAML')) return;
  const found = /^%YAML[ \t]+(\S+)/m.exec(source.text);
  if (found === null || found[1] === '1.1') return;
  const { line } = source.locate(found.index);
  throw new LandfallError(
    `${source.name}:${line}: found incompatible YAML document: version ${found[1]}, and 1.1 is read.`,
    {
      kind: 'invalid-input',
      code: 'yaml-version',
      object: `${source.name}:${line}`,
      hint: 'Leave the %YAML line out.',
    },
  );
}

const separator = /\n---.*\n/g;

function checkSeparators(source: YamlSource): void {
  for (const found of source.text.matchAll(separator)) {
    const rest = found[0].slice(4).trim();
    if (rest === '' || rest.startsWith('#')) continue;
    const { line } = source.locate(found.index + 1);
    throw new LandfallError(`${source.name}:${line}: invalid document separator: ${found[0].trim()}`, {
      kind: 'invalid-input',
      code: 'document-separator',
      object: `${source.name}:${line}`,
    });
  }
}
