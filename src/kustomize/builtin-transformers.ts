import { LandfallError } from '../kernel/index.ts';
import type { TransformerConfig } from './config/transformer-config.ts';
import { mergeSpecs, parseFieldSpec } from './field-spec.ts';
import type { Kustomization, PatchArgs } from './kustomization.ts';
import { operationsSource, patchSource } from './patch-source.ts';
import { mergePatchesOf } from './plugins.ts';
import type { PluginHelp } from './plugins.ts';
import type { Resource } from './resource.ts';
import { imageTransformer } from './transform/images.ts';
import { annotationTransformer, labelTransformer } from './transform/labels.ts';
import { prefixTransformer, suffixTransformer } from './transform/names.ts';
import { namespaceTransformer } from './transform/namespace.ts';
import { jsonPatchTransformer, mergePatchTransformer, patchTransformer } from './transform/patches.ts';
import { replicaTransformer } from './transform/replicas.ts';
import { loadReplacements } from './transform/replacement-files.ts';
import { replacementTransformer } from './transform/replacements.ts';
import type { Transformer } from './transform/transformer.ts';

const metadataLabels = parseFieldSpec('+metadata/labels');

/** The steps that the fields of a kustomization ask for, in the original's order. */
export async function builtinTransformers(
  k: Kustomization,
  config: TransformerConfig,
  help: PluginHelp,
): Promise<Transformer[]> {
  const { context, loader } = help;
  const steps: Transformer[] = [];
  if (k.patchesStrategicMerge.length > 0) {
    const patches: Resource[] = [];
    for (const entry of k.patchesStrategicMerge) patches.push(...(await mergePatchesOf(entry, help)));
    if (patches.length === 0) throw refuse(k.source.name, 'patch appears to be empty');
    steps.push(mergePatchTransformer(patches, context));
  }
  for (const args of k.patches) {
    steps.push(patchTransformer({ ...args, source: await patchSource(args, loader) }, context));
  }
  if (k.namespace !== undefined) {
    steps.push(namespaceTransformer({ namespace: k.namespace, fields: config.namespace }));
  }
  if (k.namePrefix !== undefined) steps.push(prefixTransformer(k.namePrefix, config.namePrefix));
  if (k.nameSuffix !== undefined) steps.push(suffixTransformer(k.nameSuffix, config.nameSuffix));
  steps.push(...labelSteps(k, config));
  if (k.commonAnnotations.size > 0) {
    steps.push(annotationTransformer(k.commonAnnotations, config.commonAnnotations));
  }
  for (const args of k.patchesJson6902) steps.push(await jsonPatch(args, help));
  for (const replica of k.replicas) steps.push(replicaTransformer(replica, config.replicas));
  for (const image of k.images) steps.push(imageTransformer(image, config.images, context));
  if (k.replacements.length > 0) {
    steps.push(replacementTransformer(await loadReplacements(k.replacements, loader), context));
  }
  return steps;
}

function labelSteps(k: Kustomization, config: TransformerConfig): Transformer[] {
  const where = k.source.name;
  if (k.labels.length === 0 && (k.commonLabels?.size ?? 0) === 0) return [];
  const steps = k.labels.map((label) => {
    let fields = mergeSpecs(label.fields, config.labels, where);
    if (label.includeSelectors) fields = mergeSpecs(fields, config.commonLabels, where);
    else {
      if (label.includeTemplates) fields = mergeSpecs(fields, config.templateLabels, where);
      fields = mergeSpecs(fields, [metadataLabels], where);
    }
    return labelTransformer(label.pairs, fields);
  });
  steps.push(labelTransformer(k.commonLabels ?? new Map(), config.commonLabels));
  return steps;
}

async function jsonPatch(args: PatchArgs, help: PluginHelp): Promise<Transformer> {
  const { target } = args;
  if (target === undefined || target.name === '')
    throw refuse(args.node.where, 'must specify the target name');
  const source = await operationsSource(args, help.loader);
  return jsonPatchTransformer({ ...args, target, source }, help.context);
}

function refuse(where: string, problem: string): LandfallError {
  return new LandfallError(`${where}: ${problem}`, {
    kind: 'invalid-input',
    code: 'kustomization-invalid',
    object: where,
  });
}
