import { parseYamlSource } from '../../kernel/index.ts';
import type { YamlSource } from '../../kernel/index.ts';
import { Fields } from '../decode.ts';
import { mergeSpecs, parseFieldSpec, sortSpecs, splitPath } from '../field-spec.ts';
import type { FieldSpec } from '../field-spec.ts';
import type { Gvk } from '../ids.ts';
import * as defaults from './default-fields.ts';

export interface NameReference extends Gvk {
  readonly fields: readonly FieldSpec[];
}

const listNames = [
  'namePrefix',
  'nameSuffix',
  'namespace',
  'commonLabels',
  'labels',
  'templateLabels',
  'commonAnnotations',
  'varReference',
  'images',
  'replicas',
] as const;
type ListName = (typeof listNames)[number];

/** Which fields each transformer changes. Source: api/internal/plugins/builtinconfig. */
export type TransformerConfig = Readonly<Record<ListName, readonly FieldSpec[]>> & {
  readonly nameReference: readonly NameReference[];
};

export const emptyConfig: TransformerConfig = {
  namePrefix: [],
  nameSuffix: [],
  namespace: [],
  commonLabels: [],
  labels: [],
  templateLabels: [],
  commonAnnotations: [],
  varReference: [],
  images: [],
  replicas: [],
  nameReference: [],
};

function specs(texts: readonly string[]): readonly FieldSpec[] {
  return texts.map(parseFieldSpec);
}

export const defaultConfig: TransformerConfig = {
  ...emptyConfig,
  namePrefix: specs(defaults.namePrefixFields),
  nameSuffix: specs(defaults.nameSuffixFields),
  namespace: specs(defaults.namespaceFields),
  commonLabels: specs(defaults.commonLabelFields),
  templateLabels: specs(defaults.templateLabelFields),
  commonAnnotations: specs(defaults.commonAnnotationFields),
  varReference: specs(defaults.varReferenceFields),
  images: specs(defaults.imageFields),
  replicas: specs(defaults.replicaFields),
  nameReference: defaults.nameReferenceFields.map(([target, fields]) => {
    const { group, version, kind } = parseFieldSpec(`. ${target}`);
    return { group, version, kind, fields: specs(fields) };
  }),
};

export function mergeConfig(
  own: TransformerConfig,
  more: TransformerConfig,
  where: string,
): TransformerConfig {
  if (own === more || more === emptyConfig) return own;
  // Merging drops a field that a narrower one before it covers, so an empty list is no exception; the defaults
  // have no such fields.
  if (own === emptyConfig && more === defaultConfig) return more;
  const merged: Record<ListName, readonly FieldSpec[]> = { ...own };
  for (const name of listNames) {
    if (own[name] === more[name]) continue;
    merged[name] = sortSpecs(mergeSpecs(own[name], more[name], where));
  }
  return { ...merged, nameReference: mergeReferences(own.nameReference, more.nameReference, where) };
}

function mergeReferences(
  own: readonly NameReference[],
  more: readonly NameReference[],
  where: string,
): readonly NameReference[] {
  if (own === more) return own;
  const merged = [...own];
  for (const reference of more) {
    const at = merged.findIndex(
      (each) =>
        each.kind === reference.kind && each.group === reference.group && each.version === reference.version,
    );
    const same = merged[at];
    if (same === undefined) merged.push(reference);
    else if (same.fields !== reference.fields) {
      merged[at] = { ...same, fields: mergeSpecs(same.fields, reference.fields, where) };
    }
  }
  return sortSpecs(merged);
}

/** A file of `configurations:`. Fields that do not exist are refused. */
export function parseConfig(source: YamlSource): TransformerConfig {
  const [document] = parseYamlSource(source, { words: 'yaml-1.1' });
  if (document === undefined) return emptyConfig;
  const fields = new Fields(document, 'the transformer configuration', 'lenient');
  const config: Record<ListName, readonly FieldSpec[]> = { ...emptyConfig };
  for (const name of listNames) config[name] = sortSpecs(fields.list(name).map(readFieldSpec));
  const nameReference = sortSpecs(
    fields.list('nameReference').map((entry) => ({
      group: entry.text('group'),
      version: entry.text('version'),
      kind: entry.text('kind'),
      fields: entry.list('fieldSpecs').map(readFieldSpec),
    })),
  );
  fields.strict(true);
  return { ...config, nameReference };
}

export function readFieldSpec(fields: Fields): FieldSpec {
  const path = fields.text('path');
  return {
    path,
    steps: splitPath(path),
    create: fields.flag('create'),
    group: fields.text('group'),
    version: fields.text('version'),
    kind: fields.text('kind'),
  };
}

/** Adds one field to one list: what a CRD file says. */
export function withField(
  config: TransformerConfig,
  name: ListName,
  spec: FieldSpec,
  where: string,
): TransformerConfig {
  return { ...config, [name]: mergeSpecs(config[name], [spec], where) };
}

export function withReference(
  config: TransformerConfig,
  reference: NameReference,
  where: string,
): TransformerConfig {
  return { ...config, nameReference: mergeReferences(config.nameReference, [reference], where) };
}
