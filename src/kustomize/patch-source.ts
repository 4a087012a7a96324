import { LandfallError } from '../kernel/index.ts';
import type { YamlNode, YamlSource } from '../kernel/index.ts';
import type { TextAt } from './decode.ts';
import { sourceOf } from './load-objects.ts';
import type { Loader } from './loader.ts';

/** Where a patch stands: in a file, or in the kustomization itself. */
interface PatchPlace {
  readonly path: TextAt | undefined;
  readonly patch: TextAt | undefined;
  readonly node: YamlNode;
}

/**
 * The text of an entry of `patches`, with the lines it has in its file. What stands in the kustomization loses
 * the white space around it before it is parsed, so that a block scalar at its end loses its last line break;
 * a file is taken as it is. Source: PatchTransformerPlugin.Config.
 */
export async function patchSource(args: PatchPlace, loader: Loader): Promise<YamlSource> {
  const patch = args.patch === undefined ? undefined : trimmed(args.patch);
  if (args.path !== undefined && patch !== undefined) {
    throw refuse(args.node, "patch and path can't be set at the same time");
  }
  if (patch !== undefined) return patch;
  if (args.path === undefined) throw refuse(args.node, 'must specify one of patch and path');
  return fileSource(args.path, args.node, loader);
}

/**
 * The text of an entry of `patchesJson6902`, which keeps its white space wherever it stands.
 * Source: PatchJson6902TransformerPlugin.Config.
 */
export async function operationsSource(args: PatchPlace, loader: Loader): Promise<YamlSource> {
  const patch = args.patch?.text === '' ? undefined : args.patch;
  const path = args.path?.text === '' ? undefined : args.path;
  if (path !== undefined && patch !== undefined) {
    throw refuse(args.node, 'must specify a file path or jsonOp, not both');
  }
  if (patch !== undefined) return inlineSource(patch);
  if (path === undefined) throw refuse(args.node, 'empty file path and empty jsonOp');
  return fileSource(path, args.node, loader);
}

async function fileSource(path: TextAt, node: YamlNode, loader: Loader): Promise<YamlSource> {
  const source = await loader.source(path.text);
  if (source.text === '') throw refuse(node, `the patch file ${source.name} is empty`);
  return source;
}

/** A text inside of a file, as a source whose lines are the file's. */
export function inlineSource(at: TextAt): YamlSource {
  return sourceOf(at.node.source?.name ?? '', at.text, firstLine(at.node));
}

function firstLine(node: YamlNode): number {
  return node.style === 'literal' || node.style === 'folded' ? node.line + 1 : node.line;
}

/** What Go's strings.TrimSpace takes away: other characters than JavaScript's trim does. */
const leading = /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;
const trailing = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/;

/** Undefined: nothing but white space. */
function trimmed(at: TextAt): YamlSource | undefined {
  const rest = at.text.replace(leading, '');
  if (rest === '') return undefined;
  const before = at.text.slice(0, at.text.length - rest.length).split('\n').length - 1;
  return sourceOf(at.node.source?.name ?? '', rest.replace(trailing, ''), firstLine(at.node) + before);
}

function refuse(node: YamlNode, problem: string): LandfallError {
  return new LandfallError(`${node.where}: ${problem}`, {
    kind: 'invalid-input',
    code: 'patch-invalid',
    object: node.where,
    hint: 'Give either path or patch.',
  });
}
