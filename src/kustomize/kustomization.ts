import { LandfallError, parseYamlSource, tags } from '../kernel/index.ts';
import type { YamlNode, YamlSource } from '../kernel/index.ts';
import { readFieldSpec } from './config/transformer-config.ts';
import { Fields } from './decode.ts';
import type { TextAt } from './decode.ts';
import type { FieldSpec } from './field-spec.ts';
import { readGenerator, readOptions, textAt } from './generate/args.ts';
import type { GeneratorArgs, GeneratorOptions } from './generate/args.ts';
import type { Loader } from './loader.ts';
import { readSelector } from './selector.ts';
import type { Selector } from './selector.ts';
import { readImage } from './transform/images.ts';
import type { ImageEntry } from './transform/images.ts';
import { readReplica } from './transform/replicas.ts';
import type { ReplicaEntry } from './transform/replicas.ts';
import { readReplacement } from './transform/replacement-config.ts';
import type { ReplacementEntry } from './transform/replacement-config.ts';
import { readSort } from './transform/sort.ts';
import type { SortOptions } from './transform/sort.ts';
import { readVar } from './vars.ts';
import type { Var } from './vars.ts';

export interface PatchArgs {
  readonly path: TextAt | undefined;
  readonly patch: TextAt | undefined;
  readonly target: Selector | undefined;
  readonly allowNameChange: boolean;
  readonly allowKindChange: boolean;
  readonly node: YamlNode;
}

interface LabelEntry {
  readonly pairs: ReadonlyMap<string, TextAt>;
  readonly includeSelectors: boolean;
  readonly includeTemplates: boolean;
  readonly fields: readonly FieldSpec[];
}

/** A kustomization.yaml, v1beta1 or Component. Source: api/types/kustomization.go. */
export interface Kustomization {
  readonly kind: 'Kustomization' | 'Component';
  readonly file: string;
  readonly source: YamlSource;
  readonly openapi: ReadonlyMap<string, TextAt>;
  readonly namePrefix: TextAt | undefined;
  readonly nameSuffix: TextAt | undefined;
  readonly namespace: TextAt | undefined;
  readonly commonLabels: ReadonlyMap<string, TextAt> | undefined;
  readonly labels: readonly LabelEntry[];
  readonly commonAnnotations: ReadonlyMap<string, TextAt>;
  readonly patchesStrategicMerge: readonly TextAt[];
  readonly patchesJson6902: readonly PatchArgs[];
  readonly patches: readonly PatchArgs[];
  readonly images: readonly ImageEntry[];
  readonly replacements: readonly ReplacementEntry[];
  readonly replicas: readonly ReplicaEntry[];
  readonly vars: readonly Var[];
  readonly sort: SortOptions | undefined;
  readonly resources: readonly TextAt[];
  readonly components: readonly TextAt[];
  readonly crds: readonly TextAt[];
  readonly configMaps: readonly GeneratorArgs[];
  readonly secrets: readonly GeneratorArgs[];
  readonly helmGlobals: Fields | undefined;
  readonly helmCharts: readonly Fields[];
  readonly generatorOptions: GeneratorOptions | undefined;
  readonly configurations: readonly TextAt[];
  readonly generators: readonly TextAt[];
  readonly transformers: readonly TextAt[];
  readonly validators: readonly TextAt[];
  readonly buildMetadata: readonly string[];
  readonly warnings: readonly string[];
}

const fileNames = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'] as const;

/** The one kustomization file of a folder. */
export async function loadKustomization(loader: Loader): Promise<Kustomization> {
  const found: (typeof fileNames)[number][] = [];
  for (const name of fileNames) {
    if ((await loader.tryBytes(name)) !== undefined) found.push(name);
  }
  const [name, another] = found;
  const where = loader.show(loader.root);
  if (name === undefined) {
    throw new LandfallError(
      `unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '${where}'`,
      {
        kind: 'not-found',
        code: 'no-kustomization',
        object: where,
        hint: 'Name the folder that holds the kustomization, or list its files under resources.',
      },
    );
  }
  if (another !== undefined) {
    throw new LandfallError(`Found multiple kustomization files under: ${where}: ${found.join(', ')}`, {
      kind: 'invalid-input',
      code: 'several-kustomizations',
      object: where,
      hint: 'Keep one of them.',
    });
  }
  return parseKustomization(await loader.source(name), name);
}

function parseKustomization(source: YamlSource, file: string): Kustomization {
  const documents = parseYamlSource(source, { words: 'yaml-1.1', firstOnly: true, duplicateKeys: 'last' });
  const [document] = documents;
  if (document === undefined || document.tag === tags.null) throw empty(source);
  const fields = new Fields(document, 'the Kustomization');
  const meta = readMeta(fields, source);
  const warnings = deprecations(fields);
  const kustomization: Kustomization = {
    ...meta,
    file,
    source,
    openapi: fields.textMap('openapi'),
    namePrefix: textAt(fields, 'namePrefix'),
    nameSuffix: textAt(fields, 'nameSuffix'),
    namespace: textAt(fields, 'namespace'),
    commonLabels: fields.at('commonLabels') === undefined ? undefined : fields.textMap('commonLabels'),
    labels: fields.list('labels').map(readLabel),
    commonAnnotations: fields.textMap('commonAnnotations'),
    patchesStrategicMerge: fields.texts('patchesStrategicMerge'),
    patchesJson6902: fields.list('patchesJson6902').map(readPatch),
    patches: fields.list('patches').map(readPatch),
    images: strictly([...fields.list('images'), ...fields.list('imageTags')], readImage),
    replacements: strictly(fields.list('replacements'), readReplacement),
    replicas: strictly(fields.list('replicas'), readReplica),
    vars: strictly(fields.list('vars'), readVar),
    sort: readSort(fields.fields('sortOptions')),
    resources: [...fields.texts('resources'), ...fields.texts('bases')],
    components: fields.texts('components'),
    crds: fields.texts('crds'),
    configMaps: strictly(fields.list('configMapGenerator'), (each) => readGenerator('ConfigMap', each)),
    secrets: strictly(fields.list('secretGenerator'), (each) => readGenerator('Secret', each)),
    helmGlobals: fields.fields('helmGlobals'),
    helmCharts: [
      ...strictly(fields.list('helmCharts'), knownChart),
      ...fields.list('helmChartInflationGenerator').map(currentChart),
    ],
    generatorOptions: readOptions(fields.fields('generatorOptions')),
    configurations: fields.texts('configurations'),
    generators: fields.texts('generators'),
    transformers: fields.texts('transformers'),
    validators: fields.texts('validators'),
    buildMetadata: fields.texts('buildMetadata').map((each) => each.text),
    warnings,
  };
  fields.at('metadata');
  fields.strict();
  refuseEmpty(document, source);
  return kustomization;
}

function readMeta(fields: Fields, source: YamlSource): Pick<Kustomization, 'kind'> {
  const kind = fields.text('kind') || 'Kustomization';
  const apiVersion = fields.text('apiVersion');
  if (kind !== 'Kustomization' && kind !== 'Component') {
    throw misread(source, fields.at('kind'), `kind should be Kustomization or Component, and it is ${kind}`);
  }
  const wanted =
    kind === 'Component' ? 'kustomize.config.k8s.io/v1alpha1' : 'kustomize.config.k8s.io/v1beta1';
  if (apiVersion !== '' && apiVersion !== wanted) {
    throw misread(
      source,
      fields.at('apiVersion'),
      `apiVersion for ${kind} should be ${wanted}, and it is ${apiVersion}`,
    );
  }
  return { kind };
}

function misread(source: YamlSource, node: YamlNode | undefined, problem: string): LandfallError {
  const where = node?.where ?? source.name;
  return new LandfallError(`${where}: Failed to read kustomization file: ${problem}`, {
    kind: 'invalid-input',
    code: 'kustomization-invalid',
    object: where,
  });
}

function refuseEmpty(document: YamlNode, source: YamlSource): void {
  for (let i = 0; i < document.content.length; i += 2) {
    const [key, value] = [document.content[i], document.content[i + 1]];
    if (key === undefined || value === undefined || value.tag === tags.null) continue;
    if (key.value === 'kind' || key.value === 'apiVersion') continue;
    if (value.kind === 'scalar' && value.value === '') continue;
    return;
  }
  throw empty(source);
}

function empty(source: YamlSource): LandfallError {
  return new LandfallError(`${source.name}: kustomization.yaml is empty`, {
    kind: 'invalid-input',
    code: 'kustomization-empty',
    object: source.name,
    hint: 'List something under resources.',
  });
}

function strictly<T>(list: readonly Fields[], read: (fields: Fields) => T): T[] {
  return list.map((fields) => {
    const value = read(fields);
    fields.strict();
    return value;
  });
}

const chartFields = [
  'name version repo releaseName namespace additionalValuesFiles valuesFile valuesInline valuesMerge includeCRDs',
  'skipHooks apiVersions kubeVersion nameTemplate skipTests debug',
]
  .join(' ')
  .split(' ');

function knownChart(fields: Fields): Fields {
  for (const name of chartFields) fields.at(name);
  return fields;
}

/** A chart in the deprecated spelling, with the names of today. */
function currentChart(fields: Fields): Fields {
  const names: Readonly<Record<string, string>> = {
    chartName: 'name',
    chartVersion: 'version',
    chartRepoUrl: 'repo',
    values: 'valuesFile',
    valuesLocal: 'valuesInline',
  };
  const node = fields.node.clone();
  for (const [index, key] of node.content.entries()) {
    if (index % 2 === 0) key.value = names[key.value] ?? key.value;
  }
  return new Fields(node, 'the Kustomization.helmChartInflationGenerator');
}

function readLabel(fields: Fields): LabelEntry {
  const entry = {
    pairs: fields.textMap('pairs'),
    includeSelectors: fields.flag('includeSelectors'),
    includeTemplates: fields.flag('includeTemplates'),
    fields: fields.list('fields').map(readFieldSpec),
  };
  fields.strict();
  return entry;
}

export function readPatch(fields: Fields): PatchArgs {
  const target = fields.fields('target');
  const options = fields.fields('options');
  const selector = target === undefined ? undefined : readSelector(target);
  target?.strict();
  const entry = {
    path: textAt(fields, 'path'),
    patch: textAt(fields, 'patch'),
    target: selector,
    allowNameChange: options?.flag('allowNameChange') ?? false,
    allowKindChange: options?.flag('allowKindChange') ?? false,
    node: fields.node,
  };
  fields.strict();
  return entry;
}

const editFix = "Run 'kustomize edit fix' to update your Kustomization automatically.";

/** The original's warnings, word for word, because people search for them. */
function deprecations(fields: Fields): string[] {
  const old = [
    ['bases', 'resources', editFix],
    ['commonLabels', 'labels', editFix],
    ['imageTags', 'images', editFix],
    ['patchesJson6902', 'patches', editFix],
    ['patchesStrategicMerge', 'patches', editFix],
    ['vars', 'replacements', `[EXPERIMENTAL] ${editFix}`],
  ] as const;
  return old
    .filter(([name]) => fields.at(name) !== undefined)
    .map(
      ([name, better, fix]) => `# Warning: '${name}' is deprecated. Please use '${better}' instead. ${fix}`,
    );
}
