import { Optional } from '@marcbachmann/cel-js';
import type { Environment } from '@marcbachmann/cel-js';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { getArray, getString, isJsonObject, jsonEqual, messageOf } from '../../kernel/index.ts';
import { celEnvironment, compile, COST_LIMIT, extentOf } from '../cel/index.ts';
import type { Program } from '../cel/index.ts';
import type { FieldError } from '../machinery/status-errors.ts';
import { RuleTypes } from './rule-types.ts';
import type { RuleType } from './rule-types.ts';
import { itemsOf, type Structural } from './schema.ts';

const VALIDATIONS = 'x-kubernetes-validations';
/** Of one object. Source: RuntimeCELCostBudget of apiserver's pkg/apis/cel. */
const OBJECT_BUDGET = 10_000_000;
const OUT_OF_BUDGET =
  'validation failed due to running out of cost budget, no further validation rules will be run';

const REASONS: Readonly<Record<string, FieldError['type']>> = {
  FieldValueInvalid: 'invalid',
  FieldValueForbidden: 'forbidden',
  FieldValueRequired: 'required',
  FieldValueDuplicate: 'duplicate',
};

interface Rule {
  readonly program: Program;
  readonly message: string;
  readonly messageProgram: Program | undefined;
  readonly type: FieldError['type'];
  /** `.a.b`, below where the rule stands. */
  readonly fieldPath: string;
  readonly optionalOld: boolean;
}

/** The rules of a schema and of what is below it; only where there are some. */
interface RuleNode {
  readonly schemaType: string;
  readonly type: RuleType | undefined;
  readonly rules: readonly Rule[];
  readonly properties: ReadonlyMap<string, RuleNode>;
  readonly items: RuleNode | undefined;
  readonly additional: RuleNode | undefined;
  /** By which items of a list are known again in its older form. */
  readonly listKeys: readonly string[] | undefined;
}

export interface SchemaRules {
  /** What cannot be compiled, as fields of the schema that starts at `path`. */
  readonly problems: readonly FieldError[];
  validate(value: JsonObject, old: JsonObject | undefined): readonly FieldError[];
}

/** The rules in a structural schema, compiled. Source: apiextensions-apiserver's pkg/apiserver/schema/cel. */
export function schemaRules(schema: Structural, path: string): SchemaRules {
  if (!JSON.stringify(schema).includes(`"${VALIDATIONS}"`)) return { problems: [], validate: () => [] };
  const env = celEnvironment();
  const types = new RuleTypes(env);
  const problems: FieldError[] = [];
  // An environment takes no more types once one was made from it.
  declare(schema, types, true);
  const root = build(schema, path, { env, types, problems, correlatable: true, root: true });
  return {
    problems,
    validate(value, old) {
      const errors: FieldError[] = [];
      if (root !== undefined)
        check(root, value, old, '', { errors, budget: OBJECT_BUDGET, update: old !== undefined });
      return errors;
    },
  };
}

function declare(schema: Structural, types: RuleTypes, root: boolean): void {
  if (getArray(schema, VALIDATIONS).length > 0) types.of(schema, root);
  const { properties, additionalProperties } = schema;
  const below = [
    ...Object.values(isJsonObject(properties) ? properties : {}),
    additionalProperties,
    itemsOf(schema),
  ];
  for (const inner of below) if (isJsonObject(inner)) declare(inner, types, false);
}

interface Building {
  readonly env: Environment;
  readonly types: RuleTypes;
  readonly problems: FieldError[];
  readonly correlatable: boolean;
  readonly root: boolean;
}

function listKeysOf(schema: Structural): readonly string[] | undefined {
  if (schema['x-kubernetes-list-type'] !== 'map') return undefined;
  return getArray(schema, 'x-kubernetes-list-map-keys').filter(
    (key): key is string => typeof key === 'string',
  );
}

function build(schema: Structural, path: string, building: Building): RuleNode | undefined {
  const below = { ...building, root: false };
  const properties = new Map<string, RuleNode>();
  for (const [name, property] of Object.entries(isJsonObject(schema.properties) ? schema.properties : {})) {
    if (!isJsonObject(property)) continue;
    const node = build(property, `${path}.properties[${name}]`, below);
    if (node !== undefined) properties.set(name, node);
  }
  const listKeys = listKeysOf(schema);
  const itemSchema = itemsOf(schema);
  const items =
    itemSchema === undefined
      ? undefined
      : build(itemSchema, `${path}.items`, {
          ...below,
          correlatable: building.correlatable && listKeys !== undefined,
        });
  const additional = isJsonObject(schema.additionalProperties)
    ? build(schema.additionalProperties, `${path}.additionalProperties`, below)
    : undefined;
  const given = getArray(schema, VALIDATIONS).filter(isJsonObject);
  if (given.length === 0 && properties.size === 0 && items === undefined && additional === undefined) {
    return undefined;
  }
  const type = given.length === 0 ? undefined : building.types.of(schema, building.root);
  const rules =
    type === undefined
      ? []
      : given.flatMap(
          (rule, index) => readRule(rule, type, `${path}.${VALIDATIONS}[${index}]`, building) ?? [],
        );
  return {
    schemaType: typeof schema.type === 'string' ? schema.type : '',
    type,
    rules,
    properties,
    items,
    additional,
    listKeys,
  };
}

function readRule(rule: JsonObject, type: RuleType, path: string, building: Building): Rule | undefined {
  const { problems } = building;
  const text = (getString(rule, 'rule') ?? '').trim();
  const optionalOld = rule.optionalOldSelf === true;
  if (text === '') {
    problems.push({ type: 'required', field: `${path}.rule`, detail: 'rule is not specified' });
    return undefined;
  }
  const message = (getString(rule, 'message') ?? '').trim();
  if (message.includes('\n')) {
    problems.push({
      type: 'invalid',
      field: `${path}.message`,
      value: message,
      detail: 'message must not contain line breaks',
    });
  }
  if (text.includes('\n') && message === '') {
    problems.push({
      type: 'required',
      field: `${path}.message`,
      detail: 'message must be specified if rule contains line breaks',
    });
  }
  const reason = getString(rule, 'reason') ?? 'FieldValueInvalid';
  const known = Object.hasOwn(REASONS, reason) ? REASONS[reason] : undefined;
  if (known === undefined) {
    problems.push({
      type: 'unsupported',
      field: `${path}.reason`,
      value: reason,
      detail: `supported values: ${Object.keys(REASONS)
        .toSorted()
        .map((name) => JSON.stringify(name))
        .join(', ')}`,
    });
  }
  const env = building.env
    .clone()
    .registerVariable('self', type.name)
    .registerVariable('oldSelf', optionalOld ? `optional<${type.name}>` : type.name);
  const compiled = compile(env, text, ['bool']);
  if (compiled.problem !== undefined) {
    problems.push({ type: 'invalid', field: `${path}.rule`, value: text, detail: compiled.problem });
    return undefined;
  }
  if (compiled.program.usesOldSelf && !building.correlatable) {
    problems.push({
      type: 'invalid',
      field: `${path}.rule`,
      value: text,
      detail: 'oldSelf cannot be used on the uncorrelatable portion of the schema',
    });
  }
  const expression = getString(rule, 'messageExpression');
  const messageCompiled = expression === undefined ? undefined : compile(env, expression, ['string']);
  if (messageCompiled?.problem !== undefined) {
    problems.push({
      type: 'invalid',
      field: `${path}.messageExpression`,
      value: expression,
      detail: `messageExpression ${messageCompiled.problem}`,
    });
  }
  return {
    program: compiled.program,
    message: message === '' ? `failed rule: ${text}` : message,
    messageProgram: messageCompiled?.problem === undefined ? messageCompiled?.program : undefined,
    type: known ?? 'invalid',
    fieldPath: getString(rule, 'fieldPath') ?? '',
    optionalOld,
  };
}

interface Checking {
  readonly errors: FieldError[];
  readonly update: boolean;
  budget: number;
}

function check(
  node: RuleNode,
  value: JsonValue,
  old: JsonValue | undefined,
  path: string,
  checking: Checking,
): void {
  if (checking.budget <= 0 || value === null) return;
  if (node.type !== undefined) evaluate(node, node.type, value, old, path, checking);
  if (Array.isArray(value)) {
    if (node.items === undefined) return;
    for (const [index, item] of value.entries()) {
      check(node.items, item, counterpart(item, old, node.listKeys), `${path}[${index}]`, checking);
    }
    return;
  }
  if (!isJsonObject(value)) return;
  const before = isJsonObject(old) ? old : undefined;
  for (const [name, inner] of Object.entries(value)) {
    const child = node.properties.get(name) ?? node.additional;
    if (child === undefined || inner === undefined) continue;
    const was = before !== undefined && Object.hasOwn(before, name) ? before[name] : undefined;
    const at = node.properties.has(name) ? `${path}.${name}` : `${path}[${name}]`;
    check(child, inner, was, at.replace(/^\./, ''), checking);
  }
}

/** The item of the older list with the same keys. */
function counterpart(
  item: JsonValue,
  old: JsonValue | undefined,
  keys: readonly string[] | undefined,
): JsonValue | undefined {
  if (keys === undefined || !Array.isArray(old) || !isJsonObject(item)) return undefined;
  return old.find(
    (other) => isJsonObject(other) && keys.every((key) => jsonEqual(other[key] ?? null, item[key] ?? null)),
  );
}

function evaluate(
  node: RuleNode,
  type: RuleType,
  value: JsonValue,
  old: JsonValue | undefined,
  path: string,
  checking: Checking,
): void {
  const extent = extentOf(value);
  const unchanged = old !== undefined && jsonEqual(value, old);
  const self = type.value(value);
  const oldSelf = old === undefined ? undefined : type.value(old);
  for (const rule of node.rules) {
    if (rule.program.usesOldSelf && oldSelf === undefined && !rule.optionalOld) continue;
    // What was stored before is not held against a write that leaves it as it is.
    if (unchanged && !rule.program.usesOldSelf) continue;
    const cost = rule.program.cost(extent);
    const where = path === '' ? '<nil>' : path;
    if (cost > COST_LIMIT || cost > checking.budget) {
      checking.budget = 0;
      checking.errors.push({ type: 'invalid', field: where, value: node.schemaType, detail: OUT_OF_BUDGET });
      return;
    }
    checking.budget -= cost;
    const variables = {
      self,
      oldSelf: rule.optionalOld ? (oldSelf === undefined ? Optional.none() : Optional.of(oldSelf)) : oldSelf,
    };
    let passed: unknown;
    try {
      passed = rule.program.run(variables);
    } catch (error) {
      const detail = `${messageOf(error)} evaluating rule: ${rule.message}`;
      checking.errors.push({ type: 'invalid', field: where, value: node.schemaType, detail });
      continue;
    }
    if (passed === true) continue;
    const field = `${path}${rule.fieldPath}`.replace(/^\./, '') || '<nil>';
    const detail = messageFor(rule, variables);
    checking.errors.push({
      type: rule.type,
      field,
      detail: rule.type === 'duplicate' ? '' : detail,
      ...(rule.type === 'invalid' || rule.type === 'duplicate' ? { value: node.schemaType } : {}),
    });
  }
}

/** One line of text from the rule's messageExpression, or else its message. */
function messageFor(rule: Rule, variables: Readonly<Record<string, unknown>>): string {
  if (rule.messageProgram === undefined) return rule.message;
  try {
    const text = rule.messageProgram.run(variables);
    const trimmed = typeof text === 'string' ? text.trim() : '';
    return trimmed === '' || trimmed.includes('\n') || trimmed.length > 5 * 1024 ? rule.message : trimmed;
  } catch {
    return rule.message;
  }
}
