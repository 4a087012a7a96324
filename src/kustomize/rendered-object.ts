import { stringifyYaml, yamlToExact, yamlToJson } from '../kernel/index.ts';
import type { JsonObject, YamlNode } from '../kernel/index.ts';
import { nodeAt, originsOf } from './provenance.ts';
import type { FieldOrigin } from './provenance.ts';

/** One object of a render. Its value is converted when it is asked for, and then kept. */
export interface RenderedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** Empty where the object says none. */
  readonly namespace: string;
  /** Plain JSON. Integers beyond 2^53 lose their last digits; the YAML has them. */
  readonly value: JsonObject;
  /** The object's own document. */
  readonly yaml: string;
  /** Who set a field, newest first: file and line, then what it overrode. Empty where there is no such field. */
  why(path: readonly (string | number)[]): readonly FieldOrigin[];
  /** Every scalar of the object with who set it, in the order of the document. */
  fields(): Iterable<RenderedField>;
}

export interface RenderedField {
  readonly path: readonly (string | number)[];
  readonly origins: readonly FieldOrigin[];
}

export class RenderedNode implements RenderedObject {
  readonly node: YamlNode;
  private json: JsonObject | undefined;
  private text: string | undefined;

  constructor(node: YamlNode) {
    this.node = node;
  }

  get apiVersion(): string {
    return this.node.get('apiVersion')?.value ?? '';
  }

  get kind(): string {
    return this.node.get('kind')?.value ?? '';
  }

  get name(): string {
    return this.node.get('metadata')?.get('name')?.value ?? '';
  }

  get namespace(): string {
    return this.node.get('metadata')?.get('namespace')?.value ?? '';
  }

  get value(): JsonObject {
    this.json ??= yamlToJson(this.node) as JsonObject;
    return this.json;
  }

  get yaml(): string {
    this.text ??= stringifyYaml(yamlToExact(this.node));
    return this.text;
  }

  why(path: readonly (string | number)[]): readonly FieldOrigin[] {
    const node = nodeAt(this.node, path);
    return node === undefined ? [] : originsOf(node);
  }

  *fields(): Generator<RenderedField> {
    yield* scalars(this.node, []);
  }
}

function* scalars(node: YamlNode, path: readonly (string | number)[]): Generator<RenderedField> {
  if (node.kind === 'scalar' || node.content.length === 0) {
    yield { path, origins: originsOf(node) };
    return;
  }
  if (node.kind === 'seq') {
    for (const [index, item] of node.content.entries()) yield* scalars(item, [...path, index]);
    return;
  }
  for (let i = 0; i < node.content.length; i += 2) {
    const [key, value] = [node.content[i], node.content[i + 1]];
    if (key !== undefined && value !== undefined) yield* scalars(value, [...path, key.value]);
  }
}
