import type { BoundaryReport, BoundaryState, Claim } from '../boundary.ts';
import { shortDigest } from '../names.ts';
import type { CommitBuild } from './facts.ts';

const STATES: Readonly<Record<CommitBuild['state'], readonly [BoundaryState, string]>> = {
  waiting: ['moving', 'build-waiting'],
  running: ['moving', 'build-running'],
  failed: ['broken', 'build-failed'],
  done: ['proven', 'built'],
};

/**
 * What a build says of a commit that was asked for and that no rendered image is of: it waits, runs or failed, or it is
 * done, and what is missing comes behind this boundary. The newest build counts, but for a failure after one that is
 * done: the image is there.
 */
export function decideByBuild(report: BoundaryReport, builds: readonly CommitBuild[]): BoundaryReport {
  const [newest] = builds.toSorted((a, b) => (a.at < b.at ? 1 : -1));
  const build = builds.find(({ state, digest }) => state === 'done' && digest !== undefined) ?? newest;
  if (build === undefined || (build.state === 'done' && build.digest === undefined)) return report;
  const { id, commit, message, lastLines, digest, next, reference, at } = build;
  const [state, reason] = STATES[build.state];
  const last = lastLines.length === 0 ? '' : `; its last lines: ${lastLines.join(' / ')}`;
  const claim = (attribute: string, value: string): Claim => ({
    boundary: 'artifact',
    subject: reference,
    attribute,
    value,
    source: { type: 'build', build: id },
    at,
  });
  return {
    ...report,
    state,
    reason,
    headline: digest === undefined ? `build ${id}` : shortDigest(digest),
    detail:
      build.state === 'done'
        ? `built from ${shortDigest(commit)} by build ${id}; ${message}`
        : `build ${id} of ${shortDigest(commit)}: ${message}${last}`,
    ...(next === undefined ? {} : { hint: next }),
    claims: [
      ...report.claims,
      claim('build', `${build.state}: ${message}`),
      claim('commit', commit),
      ...(digest === undefined ? [] : [claim('digest', digest)]),
    ],
  };
}
