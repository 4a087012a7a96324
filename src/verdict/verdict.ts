import { BOUNDARIES } from '../boundaries/index.ts';
import type { BoundaryName, BoundaryReport } from '../boundaries/index.ts';

export type VerdictState = 'landed' | 'broken' | 'moving' | 'unproven';

export interface Verdict {
  readonly state: VerdictState;
  /** The boundary that has to be mended or waited for; undefined when landed. */
  readonly boundary: BoundaryName | undefined;
  /** `landed`, `stopped at intent`, `moving at rollout`, `unproven at artifact`. */
  readonly summary: string;
  /** Broken boundaries behind the one that is named: they mend themselves with it. */
  readonly consequences: readonly BoundaryName[];
}

/**
 * The answer of all eight boundaries: landed only when each is proven or not applicable; else the first broken one,
 * else the first that moves, else the first that is unknown. Expects one report per boundary.
 */
export function decideVerdict(reports: readonly BoundaryReport[]): Verdict {
  const ordered = inOrder(reports);
  const missing = BOUNDARIES.find((name) => !ordered.some((report) => report.boundary === name));
  const first = (state: BoundaryReport['state']) =>
    ordered.find((report) => report.state === state)?.boundary;
  const broken = first('broken');
  if (broken !== undefined) {
    const consequences = ordered
      .filter((report) => report.state === 'broken' && report.boundary !== broken)
      .map((report) => report.boundary);
    return { state: 'broken', boundary: broken, summary: `stopped at ${broken}`, consequences };
  }
  const moving = first('moving');
  if (moving !== undefined)
    return { state: 'moving', boundary: moving, summary: `moving at ${moving}`, consequences: [] };
  // What was not looked at for want of rendered objects waits for the boundary that gave none.
  const unknown =
    ordered.find((report) => report.state === 'unknown' && report.reason !== 'nothing-rendered')?.boundary ??
    first('unknown') ??
    missing;
  if (unknown !== undefined)
    return { state: 'unproven', boundary: unknown, summary: `unproven at ${unknown}`, consequences: [] };
  return { state: 'landed', boundary: undefined, summary: 'landed', consequences: [] };
}

export function inOrder(reports: readonly BoundaryReport[]): readonly BoundaryReport[] {
  return reports.toSorted((a, b) => BOUNDARIES.indexOf(a.boundary) - BOUNDARIES.indexOf(b.boundary));
}
