import { decideSync, read } from '../boundaries/index.ts';
import type { BoundaryReport } from '../boundaries/index.ts';
import type { Registration } from './origin/index.ts';

/**
 * Sync of a release that a Kustomization delivers: while the release in the cluster is not as its file asks, nothing
 * that its own controller says of it is about what Git asks for.
 */
export function registeredSync(
  report: BoundaryReport,
  registration: Registration | undefined,
  now: number,
): BoundaryReport {
  const [first] = registration?.differs ?? [];
  if (registration === undefined || first === undefined) return report;
  const outer = decideSync({
    application: read(registration.kustomization),
    expected: registration.expected,
    ...(registration.since === undefined ? {} : { expectedSince: registration.since }),
    ...(registration.pollMs === undefined ? {} : { pollMs: registration.pollMs }),
    now,
  });
  const place = first.where === undefined ? '' : ` (${first.where})`;
  const what = `${first.field} of the HelmRelease is not what its file asks for${place}`;
  const claims = [...outer.claims, ...report.claims];
  if (outer.state !== 'proven') return { ...outer, detail: `${what}; ${outer.detail}`, claims };
  return {
    boundary: 'sync',
    state: 'broken',
    reason: 'release-changed',
    headline: report.headline,
    detail: `${what}; it was changed after it had been applied`,
    ...(report.where === undefined ? {} : { where: report.where }),
    claims,
  };
}
