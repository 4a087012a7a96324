import { compileProgram, type Step } from './program.ts';
import { isWord, parsePattern, type Assertion } from './syntax.ts';

/** What matched: group 0 is the whole, a group that took no part is undefined. */
export interface Match {
  readonly groups: readonly (string | undefined)[];
  readonly names: ReadonlyMap<string, readonly number[]>;
}

/**
 * A regular expression in the syntax of RE2 and with its promise: the time of a match is bounded by the length of the
 * text times the size of the pattern, whatever somebody wrote into a policy. Nothing backtracks.
 */
export interface Pattern {
  readonly source: string;
  test(text: string): boolean;
  /** The leftmost match, with the preferences of Perl and Go. */
  match(text: string): Match | undefined;
}

/** Throws `invalid-input` (`pattern-invalid`); `where` says in whose configuration it is. */
export function compilePattern(source: string, where: string): Pattern {
  const syntax = parsePattern(source, where);
  const steps = compileProgram(syntax, source, where);
  return {
    source,
    test: (text) => run(steps, text, 0) !== undefined,
    match(text) {
      const slots = run(steps, text, syntax.groups);
      if (slots === undefined) return undefined;
      const points = Array.from(text);
      const groups = Array.from({ length: syntax.groups }, (_, index) => {
        const [from, to] = [slots[index * 2], slots[index * 2 + 1]];
        return from === undefined || to === undefined ? undefined : points.slice(from, to).join('');
      });
      return { groups, names: syntax.names };
    },
  };
}

type Slots = readonly (number | undefined)[];

interface Threads {
  readonly at: number[];
  readonly slots: Slots[];
}

const NO_SLOTS: Slots = [];

/**
 * Pike's machine: all ways through the pattern at once, in the order of their preference. Without groups it stops at
 * the first match it sees.
 */
function run(steps: readonly Step[], text: string, groups: number): Slots | undefined {
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const seen = new Int32Array(steps.length).fill(-1);
  let now: Threads = { at: [], slots: [] };
  let then: Threads = { at: [], slots: [] };
  let found: Slots | undefined;

  function follow(threads: Threads, from: number, position: number, slots: Slots): void {
    let at = from;
    let own = slots;
    for (;;) {
      if (seen[at] === position) return;
      seen[at] = position;
      const step = steps[at];
      if (step === undefined) return;
      if (step.op === 'jump') at = step.to;
      else if (step.op === 'fork') {
        follow(threads, step.first, position, own);
        at = step.second;
      } else if (step.op === 'save') {
        if (groups > 0) own = own.with(step.slot, position);
        at += 1;
      } else if (step.op === 'assert') {
        if (!holds(step.what, codes, position)) return;
        at += 1;
      } else {
        threads.at.push(at);
        threads.slots.push(own);
        return;
      }
    }
  }

  const empty: Slots = groups === 0 ? NO_SLOTS : Array.from({ length: groups * 2 }, () => undefined);
  for (let position = 0; position <= codes.length; position += 1) {
    // A match further left is preferred to every one that begins here.
    if (found === undefined) {
      follow(now, 0, position, groups === 0 ? empty : empty.with(0, position));
    }
    if (now.at.length === 0 && found !== undefined) return found;
    const code = codes[position];
    for (const [index, at] of now.at.entries()) {
      const step = steps[at];
      const slots = now.slots[index] ?? empty;
      if (step?.op === 'match') {
        if (groups === 0) return NO_SLOTS;
        found = slots.with(1, position);
        // Whatever comes after it is less preferred.
        break;
      }
      if (step?.op === 'one' && code !== undefined && step.test(code))
        follow(then, at + 1, position + 1, slots);
    }
    [now, then] = [then, { at: [], slots: [] }];
  }
  return found;
}

function holds(what: Assertion, codes: readonly number[], position: number): boolean {
  const before = codes[position - 1];
  const after = codes[position];
  switch (what) {
    case 'start':
      return position === 0;
    case 'end':
      return position === codes.length;
    case 'line-start':
      return before === undefined || before === 10;
    case 'line-end':
      return after === undefined || after === 10;
    case 'word':
    case 'no-word': {
      const edge = (before !== undefined && isWord(before)) !== (after !== undefined && isWord(after));
      return edge === (what === 'word');
    }
    default:
      what satisfies never;
      return false;
  }
}

/**
 * The text that a template makes of a match: `$1`, `${1}`, `$name`, `${name}`, `$$`. As in Go a name is as long as
 * it can be, and one that is not there is nothing.
 */
export function expandTemplate(template: string, match: Match): string {
  return template.replace(
    /\$(?:\$|\{(\w+)\}|(\w+))/g,
    (whole, braced: string | undefined, bare: string | undefined) => {
      const name = braced ?? bare;
      if (name === undefined) return whole === '$$' ? '$' : whole;
      const groups = /^\d+$/.test(name) ? [Number(name)] : (match.names.get(name) ?? []);
      return groups.map((group) => match.groups[group]).find((text) => text !== undefined) ?? '';
    },
  );
}
