import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { Field, ScalarName, TypeShape } from '../schema/notation.ts';
import { openApiName, structType } from '../schema/types.ts';

const PACKAGE_META = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** Types that OpenAPI has and the tables write as scalars. */
const SCALAR_REFERENCES: Readonly<Partial<Record<ScalarName, string>>> = {
  time: `${PACKAGE_META}.Time`,
  micro: `${PACKAGE_META}.MicroTime`,
  quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  intstr: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
};

const SCALAR_SCHEMAS: Readonly<Record<string, JsonObject>> = {
  [`${PACKAGE_META}.Time`]: { type: 'string', format: 'date-time' },
  [`${PACKAGE_META}.MicroTime`]: { type: 'string', format: 'date-time' },
  'io.k8s.apimachinery.pkg.api.resource.Quantity': { oneOf: [{ type: 'string' }, { type: 'number' }] },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': {
    format: 'int-or-string',
    oneOf: [{ type: 'integer' }, { type: 'string' }],
  },
};

const SCALARS: Readonly<Record<ScalarName, JsonObject>> = {
  str: { type: 'string' },
  i32: { type: 'integer', format: 'int32' },
  i64: { type: 'integer', format: 'int64' },
  f64: { type: 'number', format: 'double' },
  bool: { type: 'boolean' },
  bytes: { type: 'string', format: 'byte' },
  time: {},
  micro: {},
  quantity: {},
  intstr: {},
  dur: { type: 'string' },
  any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
};

/** Collects every type that a document needs, as `components.schemas` of OpenAPI 3. */
export class SchemaCollector {
  readonly schemas: JsonObject = {};

  /** The name under which the type stands in the document. */
  add(typeId: string, kinds: readonly JsonObject[] = []): string {
    const name = openApiName(typeId);
    if (!Object.hasOwn(this.schemas, name)) {
      this.schemas[name] = {};
      this.schemas[name] = this.#struct(typeId, kinds.length > 0);
    }
    const schema = this.schemas[name];
    if (kinds.length > 0 && typeof schema === 'object' && schema !== null && !Array.isArray(schema)) {
      schema['x-kubernetes-group-version-kind'] = [...kinds];
    }
    return name;
  }

  #struct(typeId: string, isKind: boolean): JsonObject {
    const type = structType(typeId);
    const properties: JsonObject = {};
    const required: string[] = [];
    if (isKind) {
      properties.apiVersion = { type: 'string' };
      properties.kind = { type: 'string' };
    }
    for (const field of type.fields.values()) {
      properties[field.name] = this.#property(field);
      if (field.required) required.push(field.name);
    }
    return {
      type: 'object',
      ...(required.length === 0 ? {} : { required: required.sort() }),
      properties,
      ...(type.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    };
  }

  #property(field: Field): JsonObject {
    const schema = this.#shape(field.shape);
    if (field.patchStrategies.length > 0)
      schema['x-kubernetes-patch-strategy'] = field.patchStrategies.join(',');
    if (field.mergeKey !== undefined) schema['x-kubernetes-patch-merge-key'] = field.mergeKey;
    if (field.shape.shape === 'list') {
      schema['x-kubernetes-list-type'] = field.topology ?? 'atomic';
      if (field.topology === 'map') schema['x-kubernetes-list-map-keys'] = [...field.mapKeys];
    } else if (field.topology === 'atomic') {
      schema['x-kubernetes-map-type'] = 'atomic';
    }
    if (field.defaultJson !== undefined) schema.default = JSON.parse(field.defaultJson) as JsonValue;
    return schema;
  }

  #shape(shape: TypeShape): JsonObject {
    switch (shape.shape) {
      case 'scalar': {
        const reference = SCALAR_REFERENCES[shape.scalar];
        if (reference === undefined) return { ...SCALARS[shape.scalar] };
        this.schemas[reference] ??= { ...SCALAR_SCHEMAS[reference] };
        return { allOf: [{ $ref: `#/components/schemas/${reference}` }] };
      }
      case 'struct':
        return { allOf: [{ $ref: `#/components/schemas/${this.add(shape.type)}` }] };
      case 'list':
        return { type: 'array', items: this.#shape(shape.element) };
      case 'map':
        return { type: 'object', additionalProperties: this.#shape(shape.element) };
      default:
        return shape satisfies never;
    }
  }
}
