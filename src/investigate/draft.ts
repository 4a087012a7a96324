import type { BoundaryName } from '../boundaries/index.ts';
import type { Finding } from '../verdict/index.ts';

/** A finding that no rule of the catalogue made. */
export interface Draft {
  readonly id: string;
  readonly boundary: BoundaryName;
  readonly title: string;
  readonly confidence: number;
  readonly explanation: readonly string[];
  readonly claims: Finding['claims'];
  /** The command to look with next; empty where none is known. */
  readonly check: string;
  /** What to do now, in words. */
  readonly now: string;
}
