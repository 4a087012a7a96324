import type { BoundaryName, Claim } from '../../../boundaries/index.ts';
import type { Finding, Fix } from '../finding.ts';
import type { View } from './view.ts';

/** A small pure rule over everything that is known; empty when nothing in it is the rule's own. Never throws. */
export type WorldRule = (view: View) => readonly Draft[];

/** What a rule says of one cause; the rest of a finding follows from it. */
export interface Draft {
  /** Its number in the failure catalogue; none for what the catalogue does not have. */
  readonly failure?: string;
  readonly id: string;
  readonly boundary: BoundaryName;
  readonly kind?: 'cause' | 'risk';
  readonly title: string;
  readonly confidence: number;
  /** How it came about, sentence by sentence. */
  readonly why: readonly string[];
  readonly claims: readonly Claim[];
  /** Signal, and why it does not mean that all is well. */
  readonly misleading?: readonly (readonly [signal: string, truth: string])[];
  /** What to do now, then its commands. */
  readonly now: readonly [text: string, ...commands: string[]];
  readonly lasting: readonly [text: string, ...commands: string[]];
  readonly verify: readonly string[];
  readonly can?: 'commit' | 'sync' | 'rollback';
  /** Namespace that it is about, where it is about one and that is known. */
  readonly space?: string | undefined;
  /** What other causes bring about: left out where one of them is known in the same namespace. */
  readonly symptom?: boolean;
}

function fix([text, ...commands]: Draft['now']): Fix {
  return { text, commands };
}

/** More evidence than this is counted, not listed: a namespace may have thousands of pods. */
const MOST_CLAIMS = 40;

export function finding(draft: Draft): Finding {
  return {
    id: draft.id,
    ...(draft.failure === undefined ? {} : { failure: draft.failure }),
    boundary: draft.boundary,
    kind: draft.kind ?? 'cause',
    title: draft.title,
    confidence: draft.confidence,
    explanation: draft.why,
    claims: draft.claims.slice(0, MOST_CLAIMS),
    misleading: (draft.misleading ?? []).map(([signal, truth]) => ({ signal, truth })),
    immediateFix: fix(draft.now),
    durableFix: fix(draft.lasting),
    verify: draft.verify,
    ...(draft.can === undefined ? {} : { landfallCan: draft.can }),
  };
}

/** Items by a name that they share, in the order of their first; items without one are left out. */
export function groupBy<T>(
  items: readonly T[],
  key: (item: T) => string | undefined,
): ReadonlyMap<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    if (name === undefined) continue;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  }
  return groups;
}

/** `1 pod`, `3 pods`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

const QUOTED = 300;

/** One line of what a system said, short enough to be quoted. */
export function quote(message: string): string {
  const line = message.trim().replaceAll(/\s+/g, ' ');
  return line.length > QUOTED ? `${line.slice(0, QUOTED)}…` : line;
}
