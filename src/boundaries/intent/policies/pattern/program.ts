import { LandfallError } from '../../../../kernel/index.ts';
import type { Assertion, Node, Syntax, Test } from './syntax.ts';

/** One step of a machine that looks at every character of a text once. */
export type Step =
  | { readonly op: 'one'; readonly test: Test }
  | { readonly op: 'assert'; readonly what: Assertion }
  | { readonly op: 'save'; readonly slot: number }
  /** Goes on at both places; what `first` finds is preferred. */
  | { readonly op: 'fork'; readonly first: number; readonly second: number }
  | { readonly op: 'jump'; readonly to: number }
  | { readonly op: 'match' };

/** The time of a match is bounded by the length of the text times this. */
const MOST_STEPS = 4000;

/** The steps of a pattern (Thompson's construction). Throws `invalid-input` where repetitions make too many. */
export function compileProgram({ node }: Syntax, pattern: string, where: string): readonly Step[] {
  const steps: Step[] = [];

  function add(step: Step): number {
    if (steps.length >= MOST_STEPS) {
      throw new LandfallError(
        `${where}: '${pattern.slice(0, 80)}' needs more than ${MOST_STEPS} steps to match.`,
        {
          kind: 'invalid-input',
          code: 'pattern-invalid',
          object: where,
          hint: 'Use smaller counts of repetitions.',
        },
      );
    }
    return steps.push(step) - 1;
  }

  /** A fork whose places are known later; `greedy` prefers what follows it. */
  function fork(): { readonly at: number; set(inside: number, outside: number, greedy: boolean): void } {
    const at = add({ op: 'fork', first: 0, second: 0 });
    return {
      at,
      set(inside, outside, greedy) {
        steps[at] = greedy
          ? { op: 'fork', first: inside, second: outside }
          : { op: 'fork', first: outside, second: inside };
      },
    };
  }

  function emit(part: Node): void {
    switch (part.kind) {
      case 'empty':
        return;
      case 'one':
        add({ op: 'one', test: part.test });
        return;
      case 'assert':
        add({ op: 'assert', what: part.what });
        return;
      case 'group':
        add({ op: 'save', slot: part.index * 2 });
        emit(part.node);
        add({ op: 'save', slot: part.index * 2 + 1 });
        return;
      case 'all':
        for (const each of part.nodes) emit(each);
        return;
      case 'any':
        emitAny(part.nodes);
        return;
      case 'repeat':
        emitRepeat(part);
        return;
      default:
        part satisfies never;
    }
  }

  function emitAny(nodes: readonly Node[]): void {
    const ends: number[] = [];
    for (const [index, each] of nodes.entries()) {
      if (index === nodes.length - 1) {
        emit(each);
        break;
      }
      const choice = fork();
      emit(each);
      ends.push(add({ op: 'jump', to: 0 }));
      choice.set(choice.at + 1, steps.length, true);
    }
    for (const end of ends) steps[end] = { op: 'jump', to: steps.length };
  }

  function emitRepeat({ node: inner, min, max, greedy }: Extract<Node, { kind: 'repeat' }>): void {
    for (let count = 0; count < min; count += 1) emit(inner);
    if (max === Infinity) {
      const loop = fork();
      emit(inner);
      add({ op: 'jump', to: loop.at });
      loop.set(loop.at + 1, steps.length, greedy);
      return;
    }
    const forks = [];
    for (let count = min; count < max; count += 1) {
      forks.push(fork());
      emit(inner);
    }
    for (const each of forks) each.set(each.at + 1, steps.length, greedy);
  }

  emit(node);
  add({ op: 'match' });
  return steps;
}
