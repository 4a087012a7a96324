import type { ASTNode, Environment } from '@marcbachmann/cel-js';

/** As long as the name it stands for, so that places in the text stay the same. */
const OWN_NAME = 'hAs';

const LITERAL_OR_HAS =
  /\/\/[^\n]*|r?"""[\s\S]*?"""|r?'''[\s\S]*?'''|r"[^"]*"|r'[^']*'|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?<![\w.])has(?=\s*\()/gi;

/** The text with our own `has` in place of the library's, outside of literals and comments. */
export function withOwnHas(text: string): string {
  return text.replaceAll(LITERAL_OR_HAS, (found) => (found === 'has' ? OWN_NAME : found));
}

/** What the library hands to macros, as far as this one needs it. */
interface Checker {
  check(node: ASTNode, context: unknown): unknown;
  getType(name: string): unknown;
}
interface Evaluator {
  eval(node: ASTNode, context: unknown): unknown;
  debugType(value: unknown): {
    fieldLazy(value: unknown, name: string, node: ASTNode, evaluator: Evaluator): unknown;
  };
}
interface Macro {
  readonly field: Extract<ASTNode, { op: '.' }>;
}

/**
 * `has(e.f)` for any expression `e`, whose fields have to be known. The library's own takes only names before the dot
 * (`has(self.list[0].f)` is refused), and any field.
 */
export function registerHas(env: Environment): void {
  env.registerFunction(`${OWN_NAME}(ast): bool`, ({ args }: { readonly args: readonly ASTNode[] }) => {
    const [field] = args;
    if (field?.op !== '.') throw new Error('invalid argument to has() macro');
    return {
      field,
      typeCheck(checker: Checker, macro: Macro, context: unknown) {
        checker.check(macro.field, context);
        return checker.getType('bool');
      },
      evaluate(evaluator: Evaluator, macro: Macro, context: unknown) {
        const [receiver, name] = macro.field.args;
        const value = evaluator.eval(receiver, context);
        return evaluator.debugType(value).fieldLazy(value, name, macro.field, evaluator) !== undefined;
      },
    };
  });
}
