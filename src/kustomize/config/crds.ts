import { parseYamlSource } from '../../kernel/index.ts';
import type { YamlNode, YamlSource } from '../../kernel/index.ts';
import { splitPath } from '../field-spec.ts';
import type { FieldSpec } from '../field-spec.ts';
import { emptyConfig, mergeConfig, withField, withReference } from './transformer-config.ts';
import type { TransformerConfig } from './transformer-config.ts';

/**
 * What the extensions of an OpenAPI definition say about the fields of a custom resource: which hold names,
 * labels and annotations. Source: api/internal/accumulator/loadconfigfromcrds.go.
 */
export function crdConfig(source: YamlSource): TransformerConfig {
  const [document] = parseYamlSource(source, { words: 'yaml-1.1' });
  const definitions = new Map<string, YamlNode>();
  for (const [name, definition] of entries(document)) {
    const schema = child(definition, 'schema');
    if (schema !== undefined) definitions.set(name, schema);
  }
  let config = emptyConfig;
  for (const [name, schema] of definitions) {
    const properties = child(schema, 'properties');
    const isKind = ['kind', 'apiVersion', 'metadata'].every((field) => properties?.get(field) !== undefined);
    if (!isKind) continue;
    const kind = name.split('.').at(-1) ?? name;
    config = mergeConfig(
      config,
      walk(emptyConfig, kind, definitions, name, [], source.name, new Set()),
      source.name,
    );
  }
  return config;
}

function walk(
  start: TransformerConfig,
  kind: string,
  definitions: ReadonlyMap<string, YamlNode>,
  name: string,
  path: readonly string[],
  where: string,
  open: ReadonlySet<string>,
): TransformerConfig {
  let config = start;
  if (open.has(name)) return config;
  for (const [property, schema] of entries(child(definitions.get(name), 'properties'))) {
    const at = [...path, property];
    const spec = (more: readonly string[] = []): FieldSpec => {
      const full = [...at, ...more].join('/');
      return { path: full, steps: splitPath(full), create: false, group: '', version: '', kind };
    };
    if (has(schema, 'x-kubernetes-annotation'))
      config = withField(config, 'commonAnnotations', spec(), where);
    if (has(schema, 'x-kubernetes-label-selector')) config = withField(config, 'commonLabels', spec(), where);
    if (has(schema, 'x-kubernetes-identity')) config = withField(config, 'namePrefix', spec(), where);
    const version = child(schema, 'x-kubernetes-object-ref-api-version')?.value;
    const target = child(schema, 'x-kubernetes-object-ref-kind')?.value;
    if (version !== undefined && target !== undefined) {
      const key = child(schema, 'x-kubernetes-object-ref-name-key')?.value ?? 'name';
      const reference = { group: '', version, kind: target, fields: [spec([key])] };
      config = withReference(config, reference, where);
    }
    const inner = child(schema, '$ref')?.value;
    if (inner !== undefined) {
      config = walk(config, kind, definitions, inner, at, where, new Set([...open, name]));
    }
  }
  return config;
}

function has(node: YamlNode, name: string): boolean {
  return child(node, name) !== undefined;
}

/** Names are compared as Go's JSON decoder does it: without regard to case. */
function child(node: YamlNode | undefined, name: string): YamlNode | undefined {
  if (node?.kind !== 'map') return undefined;
  const exact = node.get(name);
  if (exact !== undefined) return exact;
  for (const [key, value] of entries(node)) if (key.toLowerCase() === name.toLowerCase()) return value;
  return undefined;
}

function* entries(map: YamlNode | undefined): Generator<readonly [string, YamlNode]> {
  if (map?.kind !== 'map') return;
  for (let i = 0; i < map.content.length; i += 2) {
    const [key, value] = [map.content[i], map.content[i + 1]];
    if (key !== undefined && value !== undefined) yield [key.value, value];
  }
}
