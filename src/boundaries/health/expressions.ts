import { createContext, Script } from 'node:vm';
import type { Context } from 'node:vm';
import { Environment } from '@marcbachmann/cel-js';
import type { ParseResult } from '@marcbachmann/cel-js';
import { messageOf } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { registerExtensions } from './cel-functions.ts';

const LONGEST = 4096;
/** Evaluation of one expression, in ms: a regular expression or nested macros may otherwise take for ever. */
const TIMEOUT_MS = 200;

function newEnvironment(): Environment {
  const made = new Environment({
    // An object has fields that no schema here knows.
    unlistedVariablesAreDyn: true,
    enableOptionalTypes: true,
    // `'%s %d'.format(['a', 1])`: Flux only parses, and a list of several types is one to it.
    homogeneousAggregateLiterals: false,
    limits: {
      maxAstNodes: 1000,
      maxDepth: 50,
      maxListElements: 200,
      maxMapEntries: 200,
      maxCallArguments: 16,
    },
  });
  registerExtensions(made);
  return made;
}

let environment: Environment | undefined;

function parse(expression: string): ParseResult {
  environment ??= newEnvironment();
  return environment.parse(expression);
}

function oneLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}

/** What is wrong with a CEL expression that shall give true or false; undefined where nothing is. */
export function expressionProblem(expression: string): string | undefined {
  if (expression.trim() === '') return 'the expression is empty';
  if (expression.length > LONGEST) return `the expression is longer than ${LONGEST} characters`;
  try {
    const { valid, type, error } = parse(expression).check();
    if (!valid) return `this is no CEL expression: ${oneLine(error?.message ?? 'it does not fit its types')}`;
    return type === 'bool' || type === 'dyn'
      ? undefined
      : `the expression gives ${type ?? 'nothing'}, true or false is wanted`;
  } catch (thrown) {
    return `this is no CEL expression: ${oneLine(messageOf(thrown))}`;
  }
}

/** Whole numbers are CEL's int, as they are where Go reads the object. Nothing is inherited from a prototype. */
function celValue(value: JsonValue | undefined): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(celValue);
  if (value === null || value === undefined || typeof value !== 'object') return value;
  const fields: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, part] of Object.entries(value)) fields[key] = celValue(part);
  return fields;
}

export type Evaluation = { readonly value: boolean } | { readonly error: string };

let bounded: { readonly context: Context & { run?: () => unknown }; readonly script: Script } | undefined;

/** Runs `work` for at most TIMEOUT_MS: V8 stops a script, and whatever it calls, when its time is over. */
function withinTime(work: () => unknown): unknown {
  bounded ??= { context: createContext({}), script: new Script('run()') };
  bounded.context.run = work;
  try {
    return bounded.script.runInContext(bounded.context, { timeout: TIMEOUT_MS });
  } finally {
    delete bounded.context.run;
  }
}

/** A compiled CEL expression; the variables are the top-level fields of an object, or whatever else is given. */
export interface Expression {
  readonly text: string;
  evaluate(variables: KubeObject | Readonly<Record<string, KubeObject>>): Evaluation;
}

/** Compiles an expression that `expressionProblem` has nothing against; throws the parser's error otherwise. */
export function compileExpression(text: string): Expression {
  const program = parse(text);
  return {
    text,
    evaluate(variables) {
      try {
        const fields = celValue(variables) as Record<string, unknown>;
        const value = withinTime(() => program(fields) as unknown);
        return typeof value === 'boolean'
          ? { value }
          : { error: `${text} gives ${typeof value}, true or false is wanted` };
      } catch (thrown) {
        return { error: `${text}: ${oneLine(messageOf(thrown))}` };
      }
    },
  };
}
