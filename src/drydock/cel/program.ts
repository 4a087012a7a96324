import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import { withOwnHas } from './has.ts';
import { expressionOf } from './strings.ts';

export interface Extent {
  readonly items: number;
  readonly text: number;
}

/** An expression that was understood. */
export interface Program {
  readonly text: string;
  /** The type of its result as the language names it. */
  readonly type: string;
  readonly usesOldSelf: boolean;
  /** At most so many steps for values of that extent. */
  cost(extent: Extent): number;
  /** Throws an Error that says what went wrong. */
  run(variables: Readonly<Record<string, unknown>>): unknown;
}

export type Compiled =
  | { readonly program: Program; readonly problem?: undefined }
  | { readonly program?: undefined; readonly problem: string };

/** Steps that one expression may take. Source: PerCallLimit of apiserver's pkg/apis/cel. */
export const COST_LIMIT = 1_000_000;

const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'existsOne', 'map', 'filter']);
const TEXT_TO_LIST: ReadonlySet<string> = new Set(['split', 'findAll']);
const PATTERNS: ReadonlySet<string> = new Set(['matches', 'find', 'findAll']);

interface Shape {
  /** How deep loops are nested. */
  readonly depth: number;
  readonly nodes: number;
  readonly makesLists: boolean;
  readonly names: ReadonlySet<string>;
  readonly badPattern: string | undefined;
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}

function shapeOf(root: ASTNode): Shape {
  let depth = 0;
  let nodes = 0;
  let makesLists = false;
  let badPattern: string | undefined;
  const names = new Set<string>();
  const walk = (value: unknown, level: number): void => {
    if (Array.isArray(value)) {
      for (const item of value) walk(item, level);
      return;
    }
    if (!isNode(value)) return;
    nodes++;
    depth = Math.max(depth, level);
    if (value.op === 'id') names.add(value.args);
    if (value.op !== 'rcall') {
      walk(value.args, level);
      return;
    }
    const [method, receiver, args] = value.args;
    makesLists ||= TEXT_TO_LIST.has(method);
    const [pattern] = args;
    if (PATTERNS.has(method) && pattern?.op === 'value' && typeof pattern.args === 'string') {
      badPattern ??= patternProblem(pattern.args, method);
    }
    walk(receiver, level);
    walk(args, LOOPS.has(method) ? level + 1 : level);
  };
  walk(root, 0);
  return { depth, nodes, makesLists, names, badPattern };
}

function patternProblem(pattern: string, method: string): string | undefined {
  try {
    // `matches` is the library's own, which knows no flags in the pattern.
    const read = method === 'matches' ? (text: string) => new RegExp(text) : expressionOf;
    read(pattern);
    return undefined;
  } catch {
    return `the regular expression ${JSON.stringify(pattern)} has no form in this server`;
  }
}

/** Where in the text an error of the library is. */
function startOf(error: unknown): number {
  const range = error instanceof Error && 'range' in error ? error.range : undefined;
  const start = typeof range === 'object' && range !== null && 'start' in range ? range.start : 0;
  return typeof start === 'number' ? start : 0;
}

/** What went wrong, in cel-go's words where they are known. */
function summaryOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const summary = 'summary' in error ? error.summary : undefined;
  const text = typeof summary === 'string' ? summary : (error.message.split('\n', 1)[0] ?? '');
  return text.replace(/^No such key/, 'no such key');
}

/** Source: cel-go's common/error.go: the place, and the line with a mark below it. */
function compileProblem(error: unknown, text: string): string {
  const words = summaryOf(error)
    .replace(/^no such key: (.*)$/, "undefined field '$1'")
    .replace(/^Unknown variable: (.*)$/, "undeclared reference to '$1' (in container '')");
  const start = Math.min(startOf(error), text.length);
  const before = text.slice(0, start).split('\n');
  const column = before.at(-1)?.length ?? 0;
  const line = text.split('\n')[before.length - 1] ?? '';
  return `compilation failed: ERROR: <input>:${before.length}:${column + 1}: ${words}\n | ${line}\n | ${'.'.repeat(column)}^`;
}

/** Compiles an expression whose result has one of the types `wanted`; any type where none is named. */
export function compile(env: Environment, text: string, wanted: readonly string[]): Compiled {
  let parsed: ReturnType<Environment['parse']>;
  try {
    parsed = env.parse(withOwnHas(text));
  } catch (error) {
    return { problem: compileProblem(error, text) };
  }
  const { valid, type = 'dyn', error } = parsed.check();
  if (!valid) return { problem: compileProblem(error, text) };
  if (wanted.length > 0 && !wanted.includes(type) && !type.startsWith('dyn')) {
    return { problem: `must evaluate to ${wanted.join(' or ')}` };
  }
  const shape = shapeOf(parsed.ast);
  if (shape.badPattern !== undefined) return { problem: `compilation failed: ERROR: ${shape.badPattern}` };
  return {
    program: {
      text,
      type,
      usesOldSelf: shape.names.has('oldSelf'),
      cost({ items, text: length }) {
        const widest = shape.makesLists ? Math.max(items, length) : items;
        return shape.nodes * Math.max(1, widest ** shape.depth);
      },
      run(variables) {
        try {
          return parsed(variables) as unknown;
        } catch (thrown) {
          throw new Error(summaryOf(thrown), { cause: thrown });
        }
      },
    },
  };
}
