import { LandfallError, tags } from '../../kernel/index.ts';
import type { YamlNode } from '../../kernel/index.ts';
import type { RenderContext } from '../context.ts';
import { compareText } from '../ids.ts';
import type { Loader } from '../loader.ts';
import { ensureMap, newMap, newScalar, newString, setField } from '../nodes.ts';
import { Resource } from '../resource.ts';
import type { Behavior } from '../resource.ts';
import { loadPairs } from './pairs.ts';
import type { GeneratorArgs, GeneratorOptions } from './args.ts';

/** The ConfigMap or Secret a generator makes. Source: api/internal/generators. */
export async function generateMap(
  args: GeneratorArgs,
  loader: Loader,
  context: RenderContext,
): Promise<Resource> {
  const { node, options } = args;
  const by = args.kind === 'ConfigMap' ? 'configMapGenerator' : 'secretGenerator';
  if (args.name.text === '') {
    throw new LandfallError(`${node.where}: a configmap must have a name`, {
      kind: 'invalid-input',
      code: 'generator-name',
      object: node.where,
    });
  }
  const object = newMap(node);
  setField(object, 'apiVersion', newScalar('v1', tags.str, node, by));
  setField(object, 'kind', newScalar(args.kind, tags.str, node, by));
  const metadata = ensureMap(object, 'metadata');
  setField(metadata, 'name', newString(args.name.text, args.name.node, by));
  if (args.namespace !== undefined) {
    setField(metadata, 'namespace', newString(args.namespace.text, args.namespace.node, by));
  }
  const pairs = (await loadPairs(args, loader)).toSorted((a, b) => compareText(a.key, b.key));
  if (args.kind === 'Secret') {
    const type = args.type;
    setField(object, 'type', newString(type?.text ?? 'Opaque', type?.node ?? node, by));
    const data = ensureMap(object, 'data');
    for (const pair of pairs) setField(data, pair.key, newString(encodeBase64(pair.value), pair.cause, by));
  } else {
    for (const pair of pairs) {
      const text = utf8(pair.value);
      const value = newString(text ?? encodeBase64(pair.value), pair.cause, by);
      setField(ensureMap(object, text === undefined ? 'binaryData' : 'data'), pair.key, value);
    }
  }
  applyOptions(object, options, by);
  const resource = new Resource(object, context);
  resource.needsHash = options?.disableNameSuffixHash !== true;
  resource.behavior = behaviorOf(args.behavior);
  resource.generated = true;
  resource.cause = node;
  return resource;
}

function behaviorOf(text: string): Behavior {
  return text === 'create' || text === 'replace' || text === 'merge' ? text : 'unspecified';
}

function applyOptions(object: YamlNode, options: GeneratorOptions | undefined, by: string): void {
  if (options === undefined) return;
  for (const field of ['labels', 'annotations'] as const) {
    for (const key of [...options[field].keys()].sort(compareText)) {
      const at = options[field].get(key);
      if (at === undefined) continue;
      setField(ensureMap(object, 'metadata', field), key, newString(at.text, at.node, by));
    }
  }
  if (options.immutable !== undefined) {
    setField(object, 'immutable', newScalar('true', tags.bool, options.immutable, by));
  }
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Base64 in lines of 70 characters, where it is longer than that. */
function encodeBase64(bytes: Uint8Array): string {
  const encoded = Buffer.from(bytes).toString('base64');
  if (encoded.length < 70) return encoded;
  const lines: string[] = [];
  for (let i = 0; i < encoded.length; i += 70) lines.push(encoded.slice(i, i + 70));
  return `${lines.join('\n')}\n`;
}
