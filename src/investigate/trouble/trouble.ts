import type { BoundaryName, Claim, ClaimSource } from '../../boundaries/index.ts';
import type { WorldObject } from '../../verdict/index.ts';

/** Something that is not as it should be, in the words of whoever said it; no cause yet. */
export interface Trouble {
  readonly boundary: BoundaryName;
  readonly subject: string;
  /** Stable, kebab-case. */
  readonly reason: string;
  readonly title: string;
  readonly claims: readonly Claim[];
  /** `hard`: the state as it is now contradicts a working system. `soft`: a sign that may be past or harmless. */
  readonly weight: 'hard' | 'soft' | 'moving';
  readonly check: string;
}

const LONG = 240;

export function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > LONG ? `${line.slice(0, LONG)}…` : line;
}

export function claimOf(
  boundary: BoundaryName,
  subject: string,
  attribute: string,
  value: string,
  source: ClaimSource,
): Claim {
  return { boundary, subject, attribute, value: oneLine(value), source, at: '' };
}

/** So young when somebody looked that nothing can be told of it yet. */
export function isFresh({ ageMs }: Pick<WorldObject, 'ageMs'>): boolean {
  return ageMs !== undefined && ageMs < 60_000;
}

export function inSpace(namespace: string | undefined): string {
  return namespace === undefined ? '' : ` -n ${namespace}`;
}
