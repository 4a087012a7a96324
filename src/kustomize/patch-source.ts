import { LandfallError } from '../kernel/index.ts';
import type { YamlNode, YamlSource } from '../kernel/index.ts';
import type { TextAt } from './decode.ts';
import { sourceOf } from './load-objects.ts';
import type { Loader } from './loader.ts';

/** The text of a patch: a file, or what stands in the kustomization, with the lines it has there. */
export async function patchSource(
  args: { readonly path: TextAt | undefined; readonly patch: TextAt | undefined; readonly node: YamlNode },
  loader: Loader,
): Promise<YamlSource> {
  const patch = args.patch !== undefined && args.patch.text.trim() !== '' ? args.patch : undefined;
  if (args.path !== undefined && patch !== undefined) {
    throw refuse(args.node, "patch and path can't be set at the same time");
  }
  if (args.path !== undefined) {
    const source = await loader.source(args.path.text);
    if (source.text === '') throw refuse(args.node, `the patch file ${source.name} is empty`);
    return source;
  }
  if (patch === undefined) throw refuse(args.node, 'must specify one of patch and path');
  return inlineSource(patch);
}

/** A text inside of a file, as a source whose lines are the file's. */
export function inlineSource(at: TextAt): YamlSource {
  const { node, text } = at;
  const block = node.style === 'literal' || node.style === 'folded';
  return sourceOf(node.source?.name ?? '', text, block ? node.line + 1 : node.line);
}

function refuse(node: YamlNode, problem: string): LandfallError {
  return new LandfallError(`${node.where}: ${problem}`, {
    kind: 'invalid-input',
    code: 'patch-invalid',
    object: node.where,
    hint: 'Give either path or patch.',
  });
}
