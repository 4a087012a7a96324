import { getObject, getString, textOf } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { Release } from '../artifact/index.ts';
import type { BoundaryReport, BoundaryState, Claim } from '../boundary.ts';
import { worst } from '../combine.ts';
import { shortDigest } from '../names.ts';
import { objectSource } from '../source.ts';
import { groupName, percent, shareOf, worstGroup } from './errors.ts';
import type { ErrorBaseline, Observed, ServiceFacts } from './facts.ts';
import { sampleName } from './prometheus.ts';

export const DEFAULT_MINIMUM_SAMPLES = 100;
export const DEFAULT_MAXIMUM_INCREASE = 0.05;

export interface TrafficFacts {
  readonly services: readonly ServiceFacts[];
  /** Pods of the stored templates of this application, ready or not. */
  readonly expectedPods: ReadonlySet<string>;
  /** Pods of earlier templates of this application. */
  readonly oldPods: ReadonlySet<string>;
  readonly observed: readonly Observed[];
  readonly release: Release;
  readonly baseline: ErrorBaseline | undefined;
  /** False for an application without workloads: then its Services lead to pods of somebody else, on purpose. */
  readonly runsPods: boolean;
  /** False when the pods could not be read: then endpoints cannot be told right from wrong. */
  readonly podsKnown: boolean;
}

interface Part {
  readonly state: BoundaryState;
  readonly reason: string;
  readonly text: string;
  readonly headline?: string;
  readonly where?: string;
  /** Ready endpoints, all of them pods of the release. */
  readonly endpoints?: number;
}

function servicePart(service: ServiceFacts, facts: TrafficFacts): Part {
  const name = objectName(service.object);
  if (service.live.state === 'unreadable')
    return { state: 'unknown', reason: 'service-unreadable', text: service.live.why };
  if (service.live.state === 'absent')
    return { state: 'broken', reason: 'service-missing', text: `${name} does not exist` };
  const live = service.live.value;
  if (
    getString(live, 'spec', 'type') === 'ExternalName' ||
    getObject(live, 'spec', 'selector') === undefined
  ) {
    return { state: 'not-applicable', reason: 'no-selector', text: `${name} selects no pods` };
  }
  if (!facts.runsPods) {
    return {
      state: 'not-applicable',
      reason: 'foreign-pods',
      text: `${name} leads to pods of another application`,
    };
  }
  if (service.endpoints.state !== 'read')
    return { state: 'unknown', reason: 'endpoints-unreadable', text: service.endpoints.why };
  const ready = service.endpoints.value.filter((endpoint) => endpoint.ready);
  if (ready.length === 0) {
    const selector = Object.entries(getObject(live, 'spec', 'selector') ?? {})
      .map(([key, value]) => `${key}=${textOf(value)}`)
      .join(',');
    return {
      state: 'broken',
      reason: 'no-endpoints',
      text: `${name} has no ready endpoint (selector ${selector})`,
      headline: 'no endpoints',
    };
  }
  if (!facts.podsKnown)
    return {
      state: 'unknown',
      reason: 'pods-unreadable',
      text: `whose pods stand behind ${name} is not known`,
    };
  const foreign = ready.filter(
    (endpoint) => endpoint.pod === undefined || !facts.expectedPods.has(endpoint.pod),
  );
  const first = foreign[0];
  if (first === undefined) {
    return {
      state: 'proven',
      reason: 'endpoints',
      text: '',
      endpoints: ready.length,
    };
  }
  if (foreign.every((endpoint) => endpoint.pod !== undefined && facts.oldPods.has(endpoint.pod))) {
    return {
      state: 'moving',
      reason: 'old-endpoints',
      text: `${foreign.length} of ${ready.length} endpoints of ${name} are pods of the old revision`,
    };
  }
  return {
    state: 'broken',
    reason: 'foreign-endpoints',
    text: `${name} sends users to ${first.pod ?? first.address}, which is no pod of this release`,
    headline: 'foreign endpoints',
  };
}

function probePart(observed: Observed): Part | undefined {
  const { probe, observation } = observed;
  if (probe === undefined) return undefined;
  const path = observation.probe ?? '/';
  if (probe.state !== 'read')
    return {
      state: 'unknown',
      reason: 'probe-unanswered',
      text: `${path}: ${probe.why}`,
      where: observed.url,
    };
  return probe.value.status < 400
    ? { state: 'proven', reason: 'probe', text: `${path} ${probe.value.status}` }
    : {
        state: 'broken',
        reason: 'probe-failing',
        text: `${path} answers ${probe.value.status}`,
        where: observed.url,
      };
}

function buildInfoPart(observed: Observed, release: Release): Part | undefined {
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
      state: 'not-applicable',
      reason: 'release-unnamed',
      text: `${metric} ${headline}; the image names neither version nor commit to compare with`,
      headline,
      where,
    };
  const wrong = readings.filter(
    (reading) =>
      (release.version !== undefined &&
        reading.version !== undefined &&
        reading.version !== release.version) ||
      (release.commit !== undefined &&
        reading.commit !== undefined &&
        !sameCommit(reading.commit, release.commit)),
  );
  if (wrong.length > 0) {
    const first = wrong[0];
    const version = first?.version !== undefined && first.version !== release.version;
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
  };
}

/** Abbreviated commits are compared by what both have, never by fewer than seven characters. */
function sameCommit(a: string, b: string): boolean {
  const length = Math.min(a.length, b.length);
  return length >= 7 && a.slice(0, length).toLowerCase() === b.slice(0, length).toLowerCase();
}

function errorsPart(observed: Observed, baseline: ErrorBaseline | undefined): Part | undefined {
  const { errors, observation } = observed;
  if (errors === undefined || observation.errors === undefined) return undefined;
  const { metric } = observation.errors;
  const minimum = observation.errors.minimumSamples ?? DEFAULT_MINIMUM_SAMPLES;
  const maximum = observation.errors.maximumIncrease ?? DEFAULT_MAXIMUM_INCREASE;
  if (errors.state !== 'read')
    return {
      state: 'unknown',
      reason: 'errors-unreadable',
      text: `${metric}: ${errors.why}`,
      where: observed.url,
    };
  const bad = worstGroup(errors.value, minimum);
  const told = bad === undefined ? 'no failures' : `${groupName(bad.group)} ${percent(shareOf(bad))} failing`;
  if (baseline === undefined)
    return {
      state: 'not-applicable',
      reason: 'no-baseline',
      text: `${told}; no release before to compare with`,
    };
  const before = new Map(baseline.shares.map((share) => [share.group, share]));
  const compared = errors.value.flatMap((share) => {
    const earlier = before.get(share.group);
    return earlier === undefined || earlier.total < minimum ? [] : [{ share, earlier }];
  });
  const thin = compared.find(({ share }) => share.total < minimum);
  const worse = compared.find(
    ({ share, earlier }) => share.total >= minimum && shareOf(share) - shareOf(earlier) > maximum,
  );
  if (worse !== undefined) {
    return {
      state: 'broken',
      reason: 'more-errors',
      text: `${groupName(worse.share.group)} ${percent(shareOf(worse.share))} failing, ${percent(shareOf(worse.earlier))} under ${baseline.release}`,
      where: observed.url,
    };
  }
  if (thin !== undefined)
    return {
      state: 'unknown',
      reason: 'few-samples',
      text: `${groupName(thin.share.group)}: ${thin.share.total} of ${minimum} samples needed to compare failures`,
    };
  return { state: 'proven', reason: 'errors', text: `failures no worse than under ${baseline.release}` };
}

function claimsOf(facts: TrafficFacts, at: string): Claim[] {
  const claims: Claim[] = [];
  for (const service of facts.services) {
    const live = service.live.state === 'read' ? service.live.value : service.object;
    if (service.endpoints.state !== 'read') continue;
    const ready = service.endpoints.value.filter((endpoint) => endpoint.ready).length;
    claims.push({
      boundary: 'traffic',
      subject: objectName(live),
      attribute: 'endpoints',
      value: String(ready),
      source: objectSource(live),
      at,
    });
  }
  for (const { url, probe, buildInfo, errors, observation, samples } of facts.observed) {
    const source = { type: 'http' as const, url };
    for (const sample of samples) {
      claims.push({
        boundary: 'traffic',
        subject: observation.service,
        attribute: sampleName(sample),
        value: String(sample.value),
        source,
        at,
      });
    }
    if (probe?.state === 'read')
      claims.push({
        boundary: 'traffic',
        subject: observation.service,
        attribute: 'probe',
        value: String(probe.value.status),
        source,
        at,
      });
    if (buildInfo?.state === 'read') {
      for (const reading of buildInfo.value) {
        const subject = `Pod/${reading.pod}`;
        if (reading.version !== undefined)
          claims.push({
            boundary: 'traffic',
            subject,
            attribute: 'version',
            value: reading.version,
            source,
            at,
          });
        if (reading.commit !== undefined)
          claims.push({
            boundary: 'traffic',
            subject,
            attribute: 'commit',
            value: reading.commit,
            source,
            at,
          });
        const built = reading.labels['build_date'] ?? reading.labels['builddate'] ?? reading.labels['date'];
        if (built !== undefined)
          claims.push({ boundary: 'traffic', subject, attribute: 'builtAt', value: built, source, at });
      }
    }
    if (errors?.state === 'read') {
      for (const share of errors.value) {
        claims.push({
          boundary: 'traffic',
          subject: share.group === '' ? observation.service : `${observation.service}/${share.group}`,
          attribute: 'errors',
          value: `${share.failed}/${share.total}`,
          source,
          at,
        });
      }
    }
  }
  return claims;
}

/** Boundary 8: do users get it? Every ready endpoint must be a pod of the release; what is observed must agree. */
export function decideTraffic(facts: TrafficFacts, at: string): BoundaryReport {
  const claims = claimsOf(facts, at);
  const services = facts.services.map((service) => servicePart(service, facts));
  const looked = facts.observed.flatMap((observed) => {
    const parts = [
      probePart(observed),
      buildInfoPart(observed, facts.release),
      errorsPart(observed, facts.baseline),
    ];
    return parts.filter((part) => part !== undefined);
  });
  const parts = [...services, ...looked];
  if (parts.length === 0) {
    return {
      boundary: 'traffic',
      state: 'not-applicable',
      reason: 'no-service',
      headline: 'no Service',
      detail: 'nothing was rendered that brings users to pods',
      claims,
    };
  }
  const state = worst(parts.map((part) => part.state));
  const leading = parts.find((part) => part.state === state);
  const version =
    looked.find((part) => part.reason === 'wrong-version') ??
    looked.find((part) => part.headline !== undefined);
  const where = leading?.where ?? version?.where;
  return {
    boundary: 'traffic',
    state,
    reason: leading?.reason ?? 'endpoints',
    headline:
      (state === 'proven' ? version?.headline : leading?.headline) ??
      version?.headline ??
      endpointsText(services),
    detail: state === 'proven' ? provenDetail(version, parts, services) : brokenDetail(leading, facts),
    ...(where === undefined ? {} : { where }),
    claims,
  };
}

/** `3 endpoints`, `5 endpoints behind 2 Services`. */
function endpointsText(services: readonly Part[]): string {
  const counted = services.filter((part) => part.endpoints !== undefined);
  const total = counted.reduce((sum, part) => sum + (part.endpoints ?? 0), 0);
  const text = `${total} endpoint${total === 1 ? '' : 's'}`;
  return counted.length > 1 ? `${text} behind ${counted.length} Services` : text;
}

function provenDetail(version: Part | undefined, parts: readonly Part[], services: readonly Part[]): string {
  const texts = [version, ...parts].flatMap((part) => (part?.state === 'proven' ? [part.text] : []));
  // Without build information the endpoints are the headline already.
  return [...new Set([...texts, version === undefined ? '' : endpointsText(services)])]
    .filter((text) => text !== '')
    .join(', ');
}

/** What decided, and the group of requests that fails most, which may be why somebody came to look. */
function brokenDetail(leading: Part | undefined, facts: TrafficFacts): string {
  const failing = facts.observed.flatMap(({ observation, errors }) => {
    if (observation.errors === undefined || errors?.state !== 'read') return [];
    const bad = worstGroup(errors.value, observation.errors.minimumSamples ?? DEFAULT_MINIMUM_SAMPLES);
    return bad === undefined ? [] : [`${groupName(bad.group)} ${percent(shareOf(bad))} failing`];
  });
  const text = leading?.text ?? '';
  return [text, ...failing.filter((line) => !text.includes(line))].filter((line) => line !== '').join('; ');
}
