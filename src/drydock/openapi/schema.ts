import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { Field, ScalarName, TypeShape } from '../schema/notation.ts';
import { openApiName, structType } from '../schema/types.ts';
import type { ApiTexts, FieldText } from './texts/index.ts';

const MACHINERY = 'io.k8s.apimachinery.pkg';
const META = `${MACHINERY}.apis.meta.v1`;
const EXTENSIONS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';

/** Types that OpenAPI has and the tables write as scalars. */
const SCALAR_REFERENCES: Readonly<Partial<Record<ScalarName, string>>> = {
  time: `${META}.Time`,
  micro: `${META}.MicroTime`,
  quantity: `${MACHINERY}.api.resource.Quantity`,
  intstr: `${MACHINERY}.util.intstr.IntOrString`,
};

/** What stands in a field that takes any value. */
const ANY_REFERENCES: Readonly<Record<string, string>> = {
  'meta.ManagedFieldsEntry.fieldsV1': `${META}.FieldsV1`,
  'apps.ControllerRevision.data': `${MACHINERY}.runtime.RawExtension`,
  'apiextensions.CustomResourceSubresources.status': `${EXTENSIONS}.CustomResourceSubresourceStatus`,
  'apiextensions.JSONSchemaProps.default': `${EXTENSIONS}.JSON`,
  'apiextensions.JSONSchemaProps.enum': `${EXTENSIONS}.JSON`,
  'apiextensions.JSONSchemaProps.example': `${EXTENSIONS}.JSON`,
  'apiextensions.JSONSchemaProps.items': `${EXTENSIONS}.JSONSchemaPropsOrArray`,
  'apiextensions.JSONSchemaProps.additionalItems': `${EXTENSIONS}.JSONSchemaPropsOrBool`,
  'apiextensions.JSONSchemaProps.additionalProperties': `${EXTENSIONS}.JSONSchemaPropsOrBool`,
  'apiextensions.JSONSchemaProps.dependencies': `${EXTENSIONS}.JSONSchemaPropsOrStringArray`,
};

const SCALAR_SCHEMAS: Readonly<Record<string, JsonObject>> = {
  [`${META}.Time`]: { type: 'string', format: 'date-time' },
  [`${META}.MicroTime`]: { type: 'string', format: 'date-time' },
  [`${META}.FieldsV1`]: { type: 'object' },
  [`${MACHINERY}.api.resource.Quantity`]: { oneOf: [{ type: 'string' }, { type: 'number' }] },
  [`${MACHINERY}.util.intstr.IntOrString`]: {
    format: 'int-or-string',
    oneOf: [{ type: 'integer' }, { type: 'string' }],
  },
  [`${MACHINERY}.runtime.RawExtension`]: { type: 'object' },
  [`${EXTENSIONS}.CustomResourceSubresourceStatus`]: { type: 'object' },
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

/** What a field holds that is written even when nothing was set. */
const ZERO_VALUES: Readonly<Partial<Record<ScalarName, JsonValue>>> = {
  str: '',
  i32: 0,
  i64: 0,
  f64: 0,
  bool: false,
};

/** Collects every type that a document needs, as `components.schemas` of OpenAPI 3. */
export class SchemaCollector {
  readonly schemas: JsonObject = {};
  readonly #texts: ApiTexts;

  constructor(texts: ApiTexts) {
    this.#texts = texts;
  }

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
    const own = this.#texts[openApiName(typeId)];
    const properties: JsonObject = {};
    const required: string[] = [];
    if (isKind) {
      for (const name of ['apiVersion', 'kind']) {
        properties[name] = { ...described(own?.fields[name]), type: 'string' };
      }
    }
    for (const field of type.fields.values()) {
      properties[field.name] = this.#property(`${typeId}.${field.name}`, field, own?.fields[field.name]);
      if (field.required) required.push(field.name);
    }
    return {
      ...described(own),
      type: 'object',
      ...(required.length === 0 ? {} : { required: required.sort() }),
      properties,
      ...(type.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    };
  }

  #property(place: string, field: Field, text: FieldText | undefined): JsonObject {
    const value = defaultOf(field);
    const schema: JsonObject = {
      ...described(text),
      ...this.#shape(field.shape, place, text?.values),
      ...(value === undefined ? {} : { default: value }),
    };
    // A reference stands alone: what is said of the field beside it needs a list of one.
    const reference = schema.$ref;
    if (reference !== undefined && Object.keys(schema).length > 1) {
      delete schema.$ref;
      schema.allOf = [{ $ref: reference }];
    }
    if (field.patchStrategies.length > 0)
      schema['x-kubernetes-patch-strategy'] = field.patchStrategies.join(',');
    if (field.mergeKey !== undefined) schema['x-kubernetes-patch-merge-key'] = field.mergeKey;
    if (field.shape.shape === 'list') {
      schema['x-kubernetes-list-type'] = field.topology ?? 'atomic';
      if (field.topology === 'map') schema['x-kubernetes-list-map-keys'] = [...field.mapKeys];
    } else if (field.topology === 'atomic') {
      schema['x-kubernetes-map-type'] = 'atomic';
    }
    return schema;
  }

  #shape(shape: TypeShape, place: string, values: readonly string[] = []): JsonObject {
    switch (shape.shape) {
      case 'scalar': {
        const reference = shape.scalar === 'any' ? ANY_REFERENCES[place] : SCALAR_REFERENCES[shape.scalar];
        if (reference === undefined) {
          return { ...SCALARS[shape.scalar], ...(values.length === 0 ? {} : { enum: [...values] }) };
        }
        this.schemas[reference] ??= { ...described(this.#texts[reference]), ...SCALAR_SCHEMAS[reference] };
        return { $ref: `#/components/schemas/${reference}` };
      }
      case 'struct':
        return { $ref: `#/components/schemas/${this.add(shape.type)}` };
      case 'list':
        return { type: 'array', items: this.#element(shape.element, place, values) };
      case 'map':
        return { type: 'object', additionalProperties: this.#element(shape.element, place) };
      default:
        return shape satisfies never;
    }
  }

  #element(shape: TypeShape, place: string, values: readonly string[] = []): JsonObject {
    const schema = this.#shape(shape, place, values);
    if (shape.shape === 'struct') return { allOf: [schema], default: {} };
    const zero = shape.shape === 'scalar' ? ZERO_VALUES[shape.scalar] : undefined;
    return zero === undefined ? schema : { ...schema, default: zero };
  }
}

function described(text: { readonly text: string } | undefined): JsonObject {
  return text === undefined || text.text === '' ? {} : { description: text.text };
}

function defaultOf({ defaultJson, pointer, shape, alwaysWritten }: Field): JsonValue | undefined {
  if (defaultJson !== undefined) return JSON.parse(defaultJson) as JsonValue;
  if (pointer) return undefined;
  if (shape.shape === 'struct') return {};
  return alwaysWritten && shape.shape === 'scalar' ? ZERO_VALUES[shape.scalar] : undefined;
}
