import type { Environment } from '@marcbachmann/cel-js';
import type { JsonValue } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import { celClass, celEqual, celValue } from '../cel/index.ts';
import { itemsOf, type Structural } from './schema.ts';

/** A schema as the expression language sees it: the name of its type, and how values become ones of it. */
export interface RuleType {
  readonly name: string;
  value(json: JsonValue): unknown;
}

const DYNAMIC: RuleType = { name: 'dyn', value: celValue };
const TIMESTAMP = 'google.protobuf.Timestamp';
const STRING_FORMATS: Readonly<Record<string, RuleType>> = {
  'date-time': { name: TIMESTAMP, value: (json) => (typeof json === 'string' ? new Date(json) : json) },
  date: { name: TIMESTAMP, value: (json) => (typeof json === 'string' ? new Date(json) : json) },
  byte: {
    name: 'bytes',
    value: (json) => (typeof json === 'string' ? new Uint8Array(Buffer.from(json, 'base64')) : json),
  },
};

const KEYWORDS: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

/**
 * A property's name as expressions write it; undefined where they cannot. Source: Kubernetes' documentation of
 * x-kubernetes-validations, "Accessible property names".
 */
function escaped(name: string): string | undefined {
  if (KEYWORDS.has(name)) return `__${name}__`;
  const text = name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) ? text : undefined;
}

const META: Structural = {
  type: 'object',
  properties: { name: { type: 'string' }, generateName: { type: 'string' } },
};
const EMBEDDED: Readonly<Record<string, Structural>> = {
  apiVersion: { type: 'string' },
  kind: { type: 'string' },
  metadata: META,
};

/** Declares the types of a schema in an environment, each once. */
export class RuleTypes {
  readonly #env: Environment;
  readonly #known = new Map<Structural, RuleType>();
  #count = 0;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** `root`: the schema of a whole object, which has its name besides what the schema says. */
  of(schema: Structural, root = false): RuleType {
    const known = this.#known.get(schema);
    if (known !== undefined) return known;
    const made = this.#make(schema, root);
    this.#known.set(schema, made);
    return made;
  }

  #make(schema: Structural, root: boolean): RuleType {
    if (schema['x-kubernetes-int-or-string'] === true || schema.nullable === true) return DYNAMIC;
    switch (typeof schema.type === 'string' ? schema.type : '') {
      case 'string':
        return typeof schema.format === 'string' && Object.hasOwn(STRING_FORMATS, schema.format)
          ? (STRING_FORMATS[schema.format] ?? DYNAMIC)
          : { name: 'string', value: (json) => json };
      case 'integer':
        return { name: 'int', value: (json) => (typeof json === 'number' ? BigInt(Math.trunc(json)) : json) };
      case 'number':
        return { name: 'double', value: (json) => json };
      case 'boolean':
        return { name: 'bool', value: (json) => json };
      case 'array':
        return this.#list(itemsOf(schema));
      case 'object':
        return this.#object(schema, root);
      default:
        return DYNAMIC;
    }
  }

  #list(items: Structural | undefined): RuleType {
    if (items === undefined) return DYNAMIC;
    const element = this.of(items);
    return {
      name: `list<${element.name}>`,
      value: (json) => (Array.isArray(json) ? json.map((item) => element.value(item)) : json),
    };
  }

  #object(schema: Structural, root: boolean): RuleType {
    const { properties, additionalProperties } = schema;
    if (isJsonObject(additionalProperties)) {
      const element = this.of(additionalProperties);
      return {
        name: `map<string, ${element.name}>`,
        value: (json) =>
          isJsonObject(json)
            ? new Map(Object.entries(json).map(([key, inner]) => [key, element.value(inner ?? null)]))
            : json,
      };
    }
    const embedded = root || schema['x-kubernetes-embedded-resource'] === true;
    const named = { ...(isJsonObject(properties) ? properties : {}), ...(embedded ? EMBEDDED : {}) };
    const fields = new Map<string, { readonly as: string; readonly type: RuleType }>();
    const declared: Record<string, string> = {};
    for (const [name, property] of Object.entries(named)) {
      const as = escaped(name);
      if (as === undefined || !isJsonObject(property)) continue;
      const type = this.of(property);
      fields.set(name, { as, type });
      declared[as] = type.name;
    }
    const name = `object_${++this.#count}`;
    const Made = celClass();
    this.#env.registerType(name, { ctor: Made, fields: declared });
    this.#env.registerOperator(`${name} == ${name}`, celEqual);
    return {
      name,
      value(json) {
        if (!isJsonObject(json)) return json;
        const made = new Made();
        for (const [key, { as, type }] of fields) {
          const inner = Object.hasOwn(json, key) ? json[key] : undefined;
          // A null that may not be there is as good as absent.
          if (inner !== undefined && inner !== null) Object.assign(made, { [as]: type.value(inner) });
        }
        return made;
      },
    };
  }
}
