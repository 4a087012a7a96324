import type { Release } from '../artifact/index.ts';
import { shortDigest } from '../names.ts';
import type { Observed } from './facts.ts';
import type { Part } from './service-part.ts';

/** What the pods say that they are, held against the release; undefined where that was not asked. */
export function buildInfoPart(observed: Observed, release: Release): Part | undefined {
  const { buildInfo, observation } = observed;
  if (buildInfo === undefined || observation.buildInfo === undefined) return undefined;
  const { metric } = observation.buildInfo;
  const where = observed.url;
  if (buildInfo.state !== 'read' && observation.discovered === true) return undefined;
  if (buildInfo.state !== 'read')
    return { state: 'unknown', reason: 'build-info-unreadable', text: `${metric}: ${buildInfo.why}`, where };
  const readings = buildInfo.value;
  const described = [
    ...new Set(
      readings.map(
        (reading) => reading.version ?? (reading.commit === undefined ? '?' : shortDigest(reading.commit)),
      ),
    ),
  ];
  const headline = described.join(', ');
  const wanted = release.version ?? (release.commit === undefined ? undefined : shortDigest(release.commit));
  if (wanted === undefined)
    return {
      // Who declared it wants it compared.
      state: observation.discovered === true ? 'not-applicable' : 'unknown',
      reason: 'release-unnamed',
      text: `${metric} ${headline}; the image names neither version nor commit to compare with`,
      headline,
      where,
    };
  const wrong = readings.filter(
    (reading) =>
      (release.version !== undefined &&
        reading.version !== undefined &&
        !sameVersion(reading.version, release.version)) ||
      (release.commit !== undefined &&
        reading.commit !== undefined &&
        !sameCommit(reading.commit, release.commit)),
  );
  if (wrong.length > 0) {
    const first = wrong[0];
    const version =
      first?.version !== undefined &&
      release.version !== undefined &&
      !sameVersion(first.version, release.version);
    const told = version
      ? `wanted ${wanted}`
      : `commit ${shortDigest(first?.commit ?? '')}, wanted ${shortDigest(release.commit ?? '')}`;
    const some = wrong.length < readings.length ? ` on ${wrong.length} of ${readings.length} pods` : '';
    return { state: 'broken', reason: 'wrong-version', text: `${metric}; ${told}${some}`, headline, where };
  }
  const silent = readings.find(
    (reading) =>
      (reading.version === undefined || release.version === undefined) &&
      (reading.commit === undefined || release.commit === undefined),
  );
  if (observed.buildInfoMissing !== undefined && observation.discovered !== true)
    return {
      state: 'unknown',
      reason: 'build-info-unreadable',
      text: `${metric}: ${observed.buildInfoMissing}`,
      headline,
      where,
    };
  if (silent !== undefined)
    return {
      state: 'unknown',
      reason: 'build-info-silent',
      text: `${metric} of ${silent.pod} carries neither version nor commit`,
      headline,
      where,
    };
  return {
    state: 'proven',
    reason: 'build-info',
    text: `${metric} on ${readings.length} of ${readings.length} pods`,
    headline,
    where,
    told: { metric, pods: readings.length },
  };
}

/** A tag may be spelt with a v in front. */
function sameVersion(a: string, b: string): boolean {
  const bare = (version: string) => version.replace(/^v(?=\d)/, '');
  return bare(a) === bare(b);
}

/** Abbreviated commits are compared by what both have, never by fewer than seven characters. */
function sameCommit(a: string, b: string): boolean {
  const length = Math.min(a.length, b.length);
  return length >= 7 && a.slice(0, length).toLowerCase() === b.slice(0, length).toLowerCase();
}
