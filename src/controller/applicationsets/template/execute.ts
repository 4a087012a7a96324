import { builtins } from './builtins.ts';
import { parseTemplate } from './parse.ts';
import type { Node, Operand, Pipeline } from './parse.ts';
import { sprig } from './sprig.ts';
import { copyOf, isList, isMap, isTrue, show, templateError, typeName } from './value.ts';
import type { Value, ValueMap } from './value.ts';

/** What a map is asked for and does not have: Go's `missingkey` option. */
export type MissingKey = 'default' | 'zero' | 'error';

/** Gets its arguments worked out, but for `and` and `or`, which need not ask for all of them. */
export type TemplateFunction = (...args: readonly Value[]) => Value;

interface State {
  readonly missing: MissingKey;
  readonly variables: { readonly name: string; value: Value }[];
  output: string;
  steps: number;
}

type Jump = 'break' | 'continue' | undefined;

const MAX_STEPS = 100_000;
const MAX_OUTPUT = 4 * 1024 * 1024;

function functionOf(name: string): TemplateFunction | undefined {
  if (Object.hasOwn(sprig, name)) return sprig[name];
  return Object.hasOwn(builtins, name) ? builtins[name] : undefined;
}

const parsed = new Map<string, readonly Node[]>();
const KEPT = 500;

/**
 * The text that Go's text/template with Argo CD's functions makes of a template. Throws `invalid-input`, code
 * `template`, for what does not parse, does not exist here or fails; nothing is ever rendered in part.
 */
export function renderTemplate(text: string, data: ValueMap, missing: MissingKey = 'default'): string {
  if (!text.includes('{{')) return text;
  let nodes = parsed.get(text);
  if (nodes === undefined) {
    nodes = parseTemplate(text, (name) => name === 'and' || name === 'or' || functionOf(name) !== undefined);
    if (parsed.size >= KEPT) parsed.clear();
    parsed.set(text, nodes);
  }
  // Functions such as `set` change the maps that they are given.
  const own = copyOf(data);
  const state: State = { missing, variables: [{ name: '$', value: own }], output: '', steps: 0 };
  walkAll(state, nodes, own);
  return state.output;
}

function walkAll(state: State, nodes: readonly Node[], dot: Value): Jump {
  for (const node of nodes) {
    const jump = walk(state, node, dot);
    if (jump !== undefined) return jump;
  }
  return undefined;
}

function walk(state: State, node: Node, dot: Value): Jump {
  state.steps += 1;
  if (state.steps > MAX_STEPS || state.output.length > MAX_OUTPUT)
    throw templateError('the template does too much');
  switch (node.kind) {
    case 'text':
      state.output += node.text;
      return undefined;
    case 'action': {
      const value = evaluate(state, node.pipeline, dot);
      if (node.pipeline.declares.length === 0) state.output += printed(value);
      return undefined;
    }
    case 'if':
    case 'with': {
      const mark = state.variables.length;
      const value = evaluate(state, node.pipeline, dot);
      const jump = isTrue(value)
        ? walkAll(state, node.body, node.kind === 'with' ? value : dot)
        : walkAll(state, node.otherwise, dot);
      state.variables.length = mark;
      return jump;
    }
    case 'range':
      return walkRange(state, node, dot);
    case 'break':
    case 'continue':
      return node.kind;
    default:
      return node satisfies never;
  }
}

function walkRange(state: State, node: Extract<Node, { kind: 'range' | 'if' | 'with' }>, dot: Value): Jump {
  const mark = state.variables.length;
  const value = evaluate(state, { ...node.pipeline, declares: [] }, dot);
  const items = itemsOf(value);
  if (items.length === 0) {
    const jump = walkAll(state, node.otherwise, dot);
    state.variables.length = mark;
    return jump;
  }
  const { declares, assigns } = node.pipeline;
  for (const [key, item] of items) {
    const inner = state.variables.length;
    const values = declares.length === 2 ? [key, item] : [item];
    for (const [at, name] of declares.entries()) {
      if (assigns) assign(state, name, values[at]);
      else state.variables.push({ name, value: values[at] });
    }
    const jump = walkAll(state, node.body, item);
    state.variables.length = inner;
    if (jump === 'break') break;
  }
  state.variables.length = mark;
  return undefined;
}

function itemsOf(value: Value): readonly (readonly [Value, Value])[] {
  if (value === undefined || value === null) return [];
  if (isList(value)) return value.map((item, at) => [BigInt(at), item] as const);
  if (isMap(value)) {
    return Object.keys(value)
      .toSorted()
      .map((key) => [key, value[key]] as const);
  }
  if (typeof value === 'bigint') {
    if (value > BigInt(MAX_STEPS)) throw templateError('the template does too much');
    return Array.from({ length: Math.max(0, Number(value)) }, (_, at) => [BigInt(at), BigInt(at)] as const);
  }
  throw templateError(`range can't iterate over ${show(value)}`);
}

function printed(value: Value): string {
  return value === undefined || value === null ? '<no value>' : show(value);
}

function assign(state: State, name: string, value: Value): void {
  const variable = state.variables.findLast((item) => item.name === name);
  if (variable === undefined) throw templateError(`undefined variable: ${name}`);
  variable.value = value;
}

function evaluate(state: State, pipeline: Pipeline, dot: Value): Value {
  let value: Value;
  for (const [at, command] of pipeline.commands.entries()) {
    value = runCommand(state, command, dot, at === 0 ? [] : [value]);
  }
  for (const name of pipeline.declares) {
    if (pipeline.assigns) assign(state, name, value);
    else state.variables.push({ name, value });
  }
  return value;
}

function runCommand(state: State, command: readonly Operand[], dot: Value, piped: readonly Value[]): Value {
  const [first, ...rest] = command;
  if (first === undefined) return undefined;
  if (first.kind !== 'function') {
    if (rest.length > 0 || piped.length > 0) {
      throw templateError("can't give argument to non-function");
    }
    return operandValue(state, first, dot);
  }
  const { name } = first;
  if (name === 'and' || name === 'or') return shortCircuit(state, name, rest, dot, piped);
  const call = functionOf(name);
  if (call === undefined) throw templateError(`function "${name}" not defined`);
  const args = [...rest.map((operand) => operandValue(state, operand, dot)), ...piped];
  try {
    return call(...args);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw templateError(`error calling ${name}: ${reason}`);
  }
}

function shortCircuit(
  state: State,
  name: 'and' | 'or',
  operands: readonly Operand[],
  dot: Value,
  piped: readonly Value[],
): Value {
  const rest = [
    ...operands.map((operand) => () => operandValue(state, operand, dot)),
    ...piped.map((value) => () => value),
  ];
  if (rest.length === 0) throw templateError(`wrong number of args for ${name}: want at least 1 got 0`);
  let value: Value;
  for (const next of rest) {
    value = next();
    if (isTrue(value) === (name === 'or')) return value;
  }
  return value;
}

function operandValue(state: State, operand: Operand, dot: Value): Value {
  switch (operand.kind) {
    case 'dot':
      return fieldsOf(state, dot, operand.fields);
    case 'variable': {
      const variable = state.variables.findLast((item) => item.name === operand.name);
      if (variable === undefined) throw templateError(`undefined variable: ${operand.name}`);
      return fieldsOf(state, variable.value, operand.fields);
    }
    case 'pipeline': {
      const mark = state.variables.length;
      const value = evaluate(state, operand.pipeline, dot);
      state.variables.length = mark;
      return fieldsOf(state, value, operand.fields);
    }
    case 'function':
      return runCommand(state, [operand], dot, []);
    case 'nil':
      return null;
    case 'text':
    case 'int':
    case 'float':
    case 'bool':
      return operand.value;
    default:
      return operand satisfies never;
  }
}

function fieldsOf(state: State, start: Value, fields: readonly string[]): Value {
  let value = start;
  for (const field of fields) {
    if (value === undefined) {
      if (state.missing === 'error') throw templateError(`nil data; no entry for key "${field}"`);
      return undefined;
    }
    if (value === null) throw templateError(`nil pointer evaluating interface {}.${field}`);
    if (!isMap(value)) throw templateError(`can't evaluate field ${field} in type ${typeName(value)}`);
    const found: Value = Object.hasOwn(value, field) ? value[field] : undefined;
    if (found === undefined && state.missing === 'error') {
      throw templateError(`map has no entry for key "${field}"`);
    }
    value = found;
  }
  return value;
}
