import { createHash } from 'node:crypto';
import type { JsonObject } from '../../kernel/index.ts';
import { getArray, getIn, getObject, getString, isJsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { asJson } from '../kinds/json-access.ts';
import {
  ALL_VERBS,
  type CustomKind,
  type KindRules,
  type ResourceKind,
  type ScalePaths,
} from '../kinds/kind.ts';
import { customMergeType } from './merge-type.ts';
import { customColumns } from './printer.ts';
import { schemaRules, type SchemaRules } from './rules.ts';
import { applyDefaults, prune, type Structural } from './schema.ts';
import { validateStructural } from './validate.ts';

const TOP = new Set(['apiVersion', 'kind', 'metadata']);

function customKind(schema: Structural, version: JsonObject): CustomKind {
  const printer = customColumns(version);
  let rules: SchemaRules | undefined;
  return {
    identity: createHash('sha256').update(JSON.stringify(version)).digest('hex'),
    mergeType: customMergeType(schema),
    normalize(object) {
      const problems: string[] = [];
      const json = asJson(object);
      prune(json, schema, '', problems, TOP);
      applyDefaults(json, schema);
      return { object, problems };
    },
    validate(object, old) {
      const { apiVersion: _a, kind: _k, metadata: _m, ...rest } = asJson(object);
      const errors = validateStructural(rest, withoutTop(schema), '');
      if (errors.length > 0) return errors;
      // Compiled for the first object: many kinds are defined and never used.
      rules ??= schemaRules(schema, '');
      return rules.validate(asJson(object), old === undefined ? undefined : asJson(old));
    },
    openApi: (meta) => ({
      ...openApiSchema(schema),
      properties: {
        apiVersion: { type: 'string' },
        kind: { type: 'string' },
        metadata: { allOf: [{ $ref: meta }] },
        ...openApiProperties(schema),
      },
    }),
    ...(printer === undefined ? {} : { printer }),
  };
}

/** Metadata was decoded before; the schema may at most narrow its name. */
function withoutTop(schema: Structural): Structural {
  const properties = getObject(schema, 'properties');
  if (properties === undefined) return schema;
  const { apiVersion: _a, kind: _k, metadata: _m, ...rest } = properties;
  const required = getArray(schema, 'required').filter((name) => typeof name === 'string' && !TOP.has(name));
  return { ...schema, properties: rest, required };
}

function openApiSchema(schema: Structural): JsonObject {
  const { nullable: _nullable, ...rest } = schema;
  return { ...rest, type: 'object' };
}

function openApiProperties(schema: Structural): JsonObject {
  const { apiVersion: _a, kind: _k, metadata: _m, ...rest } = getObject(schema, 'properties') ?? {};
  return rest;
}

function pathOf(text: string | undefined): readonly string[] | undefined {
  return text === undefined || text === '' ? undefined : text.replace(/^\./, '').split('.');
}

function scaleOf(version: JsonObject): ScalePaths | undefined {
  const scale = getObject(version, 'subresources', 'scale');
  const specReplicas = pathOf(getString(scale, 'specReplicasPath'));
  const statusReplicas = pathOf(getString(scale, 'statusReplicasPath'));
  if (specReplicas === undefined || statusReplicas === undefined) return undefined;
  return { specReplicas, statusReplicas, selector: pathOf(getString(scale, 'labelSelectorPath')) };
}

/** The fields of a version that field selectors may name, beside its name and namespace. */
function selectableRules(version: JsonObject): KindRules {
  const names = getArray(version, 'selectableFields')
    .filter(isJsonObject)
    .map((field) => (getString(field, 'jsonPath') ?? '').replace(/^\./, ''))
    .filter((name) => name !== '');
  if (names.length === 0) return {};
  return {
    selectableFields: names,
    selectField(object, field) {
      const found = getIn(asJson(object), ...field.split('.'));
      if (found === undefined || found === null) return '';
      return typeof found === 'string' ? found : JSON.stringify(found);
    },
  };
}

/** `v2` before `v1`, `v1` before `v1beta1`: the order in which versions are preferred. */
export function compareVersions(a: string, b: string): number {
  const parse = (text: string) => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(text);
    if (match === null) return undefined;
    const stability = match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0;
    return [stability, Number(match[1]), Number(match[3] ?? 0)] as const;
  };
  const left = parse(a);
  const right = parse(b);
  if (left === undefined || right === undefined) {
    if (left !== right) return left === undefined ? 1 : -1;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  return right[0] - left[0] || right[1] - left[1] || right[2] - left[2];
}

/** The kinds that a CustomResourceDefinition serves, one per served version, the preferred one first. */
export function kindsOf(definition: KubeObject): ResourceKind[] {
  const json = asJson(definition);
  const group = getString(json, 'spec', 'group') ?? '';
  const names = getObject(json, 'spec', 'names') ?? {};
  const resource = getString(names, 'plural') ?? '';
  const kind = getString(names, 'kind') ?? '';
  const versions = getArray(json, 'spec', 'versions').filter(isJsonObject);
  const storage = getString(
    versions.find((version) => version.storage === true),
    'name',
  );
  const strings = (field: string) =>
    getArray(names, field).filter((name): name is string => typeof name === 'string');
  return versions
    .filter((version) => version.served === true)
    .map((version): ResourceKind => {
      const name = getString(version, 'name') ?? '';
      const schema = getObject(version, 'schema', 'openAPIV3Schema') ?? {
        type: 'object',
        'x-kubernetes-preserve-unknown-fields': true,
      };
      const storedVersion = `${group}/${storage ?? name}`;
      const apiVersion = `${group}/${name}`;
      return {
        group,
        version: name,
        kind,
        resource,
        singular: getString(names, 'singular') ?? kind.toLowerCase(),
        shortNames: strings('shortNames'),
        categories: strings('categories'),
        namespaced: getString(json, 'spec', 'scope') === 'Namespaced',
        verbs: ALL_VERBS,
        typeId: undefined,
        table: `${group}/${resource}`,
        status: getObject(version, 'subresources', 'status') !== undefined,
        scale: scaleOf(version),
        generation: true,
        rules: selectableRules(version),
        ...(name === storage
          ? {}
          : {
              convert: {
                fromStored: (object: KubeObject) => ({ ...object, apiVersion }),
                toStored: (object: KubeObject) => ({ ...object, apiVersion: storedVersion }),
              },
            }),
        custom: customKind(schema, version),
      };
    })
    .sort((a, b) => compareVersions(a.version, b.version));
}
