export type EngineHealthStatus = 'Healthy' | 'Suspended' | 'Progressing' | 'Missing' | 'Degraded' | 'Unknown';

/** Health as Argo CD says it, for its `status` and for comparison; Landfall's own judgement is boundary 6. */
export interface EngineHealth {
  readonly status: EngineHealthStatus;
  readonly message?: string;
}

/** From best to worst, as Argo CD orders them. */
const ORDER: readonly EngineHealthStatus[] = [
  'Healthy',
  'Suspended',
  'Progressing',
  'Missing',
  'Degraded',
  'Unknown',
];

export function isWorseHealth(than: EngineHealthStatus, candidate: EngineHealthStatus): boolean {
  return ORDER.indexOf(candidate) > ORDER.indexOf(than);
}

/** One thing that the status says, and what it means. */
export interface Sign {
  readonly status: EngineHealthStatus;
  readonly message: string;
  /** Nothing but a missing reason for anything better says it: it gives way to a sign of work. */
  readonly weak?: true;
}
