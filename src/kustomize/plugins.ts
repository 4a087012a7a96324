import { LandfallError } from '../kernel/index.ts';
import type { YamlNode } from '../kernel/index.ts';
import { readFieldSpec } from './config/transformer-config.ts';
import type { RenderContext } from './context.ts';
import { Fields } from './decode.ts';
import type { FieldSpec } from './field-spec.ts';
import { readGenerator, textAt } from './generate/args.ts';
import { generateMap } from './generate/config-map.ts';
import type { HelmRunner } from './generate/helm.ts';
import { generateIamPolicy } from './generate/iam-policy.ts';
import { idText } from './ids.ts';
import type { ObjectFiles } from './load-objects.ts';
import type { Loader } from './loader.ts';
import { readPatch } from './kustomization.ts';
import type { Resource } from './resource.ts';
import { inlineSource, operationsSource, patchSource } from './patch-source.ts';
import { readSelector } from './selector.ts';
import { hashTransformer } from './transform/hash.ts';
import { imageTransformer, readImage } from './transform/images.ts';
import { annotationTransformer, labelTransformer } from './transform/labels.ts';
import { prefixTransformer, suffixTransformer } from './transform/names.ts';
import { namespaceTransformer } from './transform/namespace.ts';
import type { SubjectMode } from './transform/namespace.ts';
import {
  jsonPatchTransformer,
  mergePatchTransformer,
  parseMergePatches,
  patchTransformer,
} from './transform/patches.ts';
import { readReplica, replicaTransformer } from './transform/replicas.ts';
import { loadReplacements } from './transform/replacement-files.ts';
import { readReplacement } from './transform/replacement-config.ts';
import { replacementTransformer } from './transform/replacements.ts';
import type { Transformer } from './transform/transformer.ts';
import { loadValueAdd, valueAddTransformer } from './transform/value-add.ts';

/** What a plugin's configuration may use. */
export interface PluginHelp {
  readonly loader: Loader;
  readonly context: RenderContext;
  readonly helm: HelmRunner | undefined;
  readonly objects: ObjectFiles;
}

const generatorKinds = [
  'ConfigMapGenerator',
  'SecretGenerator',
  'IAMPolicyGenerator',
  'HelmChartInflationGenerator',
];

/** Only built-in plugins run; programs, Go plugins and functions are refused. */
function refuseForeign(config: Resource): void {
  const { apiVersion, kind } = config;
  if (apiVersion === 'builtin') return;
  const annotations = config.textMap('annotations');
  const isFunction =
    annotations.has('config.kubernetes.io/function') || annotations.has('config.k8s.io/function');
  throw new LandfallError(
    `${config.node.where}: external plugins disabled: ${idText(config.id)} is ${isFunction ? 'a KRM function' : 'an exec or Go plugin'}, and rendering runs nothing. unable to load external plugin '${kind}' because plugins disabled`,
    {
      kind: 'denied',
      code: 'plugin-refused',
      object: config.node.where,
      hint: 'Use a built-in transformer or generator (apiVersion: builtin), or render it beforehand.',
    },
  );
}

function configFields(config: Resource): Fields {
  return new Fields(config.node, `the ${config.kind} ${config.name}`, 'lenient');
}

export async function makeGenerator(config: Resource, help: PluginHelp): Promise<Resource[]> {
  refuseForeign(config);
  const fields = configFields(config);
  switch (config.kind) {
    case 'ConfigMapGenerator':
      return [await generateMap(named('ConfigMap', fields), help.loader, help.context)];
    case 'SecretGenerator':
      return [await generateMap(named('Secret', fields), help.loader, help.context)];
    case 'IAMPolicyGenerator':
      return generateIamPolicy(fields, help.context);
    case 'HelmChartInflationGenerator': {
      const { generateHelm } = await import('./generate/helm.ts');
      return generateHelm(fields, undefined, help);
    }
    default:
      throw unknown(config, 'a generator');
  }
}

/** A generator's name may stand beside its data, or be that of the configuration itself. */
function named(kind: 'ConfigMap' | 'Secret', fields: Fields) {
  const args = readGenerator(kind, fields);
  const metadata = fields.fields('metadata');
  const name = metadata === undefined ? undefined : textAt(metadata, 'name');
  const namespace = metadata === undefined ? undefined : textAt(metadata, 'namespace');
  return {
    ...args,
    name: args.name.text === '' && name !== undefined ? name : args.name,
    namespace: args.namespace ?? namespace,
  };
}

export async function makeTransformers(config: Resource, help: PluginHelp): Promise<Transformer[]> {
  refuseForeign(config);
  const fields = configFields(config);
  const { loader, context } = help;
  const specs = (): readonly FieldSpec[] => fields.list('fieldSpecs').map(readFieldSpec);
  switch (config.kind) {
    case 'AnnotationsTransformer':
      return [annotationTransformer(fields.textMap('annotations'), specs())];
    case 'LabelTransformer':
      return [labelTransformer(fields.textMap('labels'), specs())];
    case 'HashTransformer':
      return [await hashTransformer()];
    case 'ImageTagTransformer': {
      const image = fields.fields('imageTag');
      return image === undefined ? [] : [imageTransformer(readImage(image), specs(), context)];
    }
    case 'NamespaceTransformer':
      return [namespacePlugin(fields, specs())];
    case 'PrefixTransformer':
      return [prefixTransformer(affix(fields, 'prefix'), requireSpecs(config, specs()))];
    case 'SuffixTransformer':
      return [suffixTransformer(affix(fields, 'suffix'), requireSpecs(config, specs()))];
    case 'PrefixSuffixTransformer': {
      const fieldSpecs = requireSpecs(config, specs());
      const prefix = prefixTransformer(affix(fields, 'prefix'), fieldSpecs);
      const suffix = suffixTransformer(affix(fields, 'suffix'), fieldSpecs);
      // One step, which is noted once where transformations are noted.
      return [
        {
          type: config.kind,
          transform(map) {
            prefix.transform(map);
            suffix.transform(map);
          },
        },
      ];
    }
    case 'PatchTransformer': {
      const args = readPatchConfig(fields);
      return [patchTransformer({ ...args, source: await patchSource(args, loader) }, context)];
    }
    case 'PatchJson6902Transformer':
      return [await jsonPlugin(config, fields, help)];
    case 'PatchStrategicMergeTransformer':
      return [await mergePlugin(config, fields, help)];
    case 'ReplacementTransformer':
      return [
        replacementTransformer(
          await loadReplacements(fields.list('replacements').map(readReplacement), loader),
          context,
        ),
      ];
    case 'ReplicaCountTransformer': {
      const replica = fields.fields('replica');
      return replica === undefined ? [] : [replicaTransformer(readReplica(replica), specs())];
    }
    case 'ValueAddTransformer':
      return [valueAddTransformer(await loadValueAdd(fields, loader))];
    default:
      throw unknown(config, 'a transformer');
  }
}

function readPatchConfig(fields: Fields) {
  const inner = new Fields(
    onlyKeys(fields, ['path', 'patch', 'target', 'options']),
    'the PatchTransformer',
    'lenient',
  );
  return readPatch(inner);
}

/** A view of a map that has only some of its keys. */
function onlyKeys(fields: Fields, keys: readonly string[]): YamlNode {
  const copy = fields.node.clone();
  const kept: YamlNode[] = [];
  for (let i = 0; i < fields.node.content.length; i += 2) {
    const [key, value] = [fields.node.content[i], fields.node.content[i + 1]];
    if (key !== undefined && value !== undefined && keys.includes(key.value.toLowerCase()))
      kept.push(key, value);
  }
  copy.content = kept;
  return copy;
}

function affix(fields: Fields, name: 'prefix' | 'suffix') {
  return textAt(fields, name) ?? { text: '', node: fields.node };
}

function requireSpecs(config: Resource, specs: readonly FieldSpec[]): readonly FieldSpec[] {
  if (specs.length > 0) return specs;
  throw new LandfallError(`${config.node.where}: fieldSpecs is not expected to be nil`, {
    kind: 'invalid-input',
    code: 'plugin-config',
    object: config.node.where,
    hint: 'Name the fields to change, for instance fieldSpecs: [{path: metadata/name}].',
  });
}

function namespacePlugin(fields: Fields, specs: readonly FieldSpec[]): Transformer {
  const metadata = fields.fields('metadata');
  const namespace = metadata === undefined ? undefined : textAt(metadata, 'namespace');
  const mode = fields.text('setRoleBindingSubjects');
  if (mode !== '' && mode !== 'defaultOnly' && mode !== 'allServiceAccounts' && mode !== 'none') {
    throw new LandfallError(
      `${fields.node.where}: invalid value "${mode}" for setRoleBindingSubjects: must be one of "defaultOnly", "none" or "allServiceAccounts"`,
      { kind: 'invalid-input', code: 'plugin-config', object: fields.node.where },
    );
  }
  const subjects: SubjectMode = mode === '' ? 'defaultOnly' : mode;
  return namespaceTransformer({
    namespace: namespace ?? { text: '', node: fields.node },
    fields: specs,
    unsetOnly: fields.flag('unsetOnly'),
    subjects,
  });
}

async function jsonPlugin(config: Resource, fields: Fields, help: PluginHelp): Promise<Transformer> {
  const target = fields.fields('target');
  const selector = target === undefined ? undefined : readSelector(target);
  if (selector === undefined || selector.name === '')
    throw incomplete(config, 'must specify the target name');
  const args = {
    path: textAt(fields, 'path'),
    patch: textAt(fields, 'jsonOp'),
    target: selector,
    allowNameChange: false,
    allowKindChange: false,
    node: fields.node,
  };
  return jsonPatchTransformer({ ...args, source: await operationsSource(args, help.loader) }, help.context);
}

async function mergePlugin(config: Resource, fields: Fields, help: PluginHelp): Promise<Transformer> {
  const patches: Resource[] = [];
  const paths = fields.texts('paths');
  const inline = textAt(fields, 'patches');
  if (paths.length === 0 && inline === undefined)
    throw incomplete(config, 'empty file path and empty patch content');
  for (const path of paths) patches.push(...(await mergePatchesOf(path, help)));
  if (inline !== undefined) patches.push(...parseMergePatches(inlineSource(inline), help.context));
  if (patches.length === 0) throw incomplete(config, 'patch appears to be empty');
  return mergePatchTransformer(patches, help.context);
}

/** A text that is an object is the patch itself, anything else names a file. */
export async function mergePatchesOf(
  at: { readonly text: string; readonly node: YamlNode },
  help: PluginHelp,
): Promise<Resource[]> {
  try {
    return parseMergePatches(inlineSource(at), help.context);
  } catch (error) {
    if (!(error instanceof LandfallError)) throw error;
    if (at.text.includes('\n')) throw error;
  }
  return parseMergePatches(await help.loader.source(at.text), help.context);
}

function incomplete(config: Resource, problem: string): LandfallError {
  return new LandfallError(
    `${config.node.where}: plugin ${idText(config.id)} fails configuration: ${problem}`,
    {
      kind: 'invalid-input',
      code: 'plugin-config',
      object: config.node.where,
    },
  );
}

function unknown(config: Resource, wanted: string): LandfallError {
  const isGenerator = generatorKinds.includes(config.kind);
  return new LandfallError(
    `${config.node.where}: unable to load builtin ${idText(config.id)}: ${isGenerator ? 'it is a generator' : 'there is no built-in of that kind'}, and ${wanted} is wanted.`,
    { kind: 'invalid-input', code: 'plugin-unknown', object: config.node.where },
  );
}
