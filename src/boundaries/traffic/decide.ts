import { objectName } from '../../kube/index.ts';
import type { BoundaryReport, Claim } from '../boundary.ts';
import { worst } from '../combine.ts';
import { objectSource } from '../source.ts';
import { besideParts } from './beside.ts';
import { buildInfoPart } from './build-info.ts';
import { groupName, measuredOf, percent, shareOf, worstGroup } from './errors.ts';
import type { ErrorBaseline, Observed, TrafficFacts } from './facts.ts';
import { sampleName } from './prometheus.ts';
import { routePart } from './routes.ts';
import { servedParts } from './served.ts';
import { endpointsText, servicePart } from './service-part.ts';
import type { Part } from './service-part.ts';

export const DEFAULT_MINIMUM_SAMPLES = 100;
export const DEFAULT_MAXIMUM_INCREASE = 0.05;

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

function errorsPart(observed: Observed, known: TrafficFacts['baseline']): Part | undefined {
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
  if (known !== undefined && known.state !== 'read')
    return {
      state: 'unknown',
      reason: 'baseline-unreadable',
      text: `${told}; what was measured before cannot be read: ${known.why}`,
    };
  const baseline: ErrorBaseline | undefined = known?.value;
  if (baseline === undefined)
    return {
      state: 'not-applicable',
      reason: 'no-baseline',
      text: `${told}; no release before to compare with`,
    };
  const before = new Map(
    baseline.shares
      .filter((share) => share.of === undefined || share.of === measuredOf(observed))
      .map((share) => [share.group, share]),
  );
  const now = new Map(errors.value.map((share) => [share.group, share]));
  // A group that was served before and is not counted now was served nothing yet: that is no sign of health.
  const compared = [...before.values()]
    .filter((earlier) => earlier.total >= minimum)
    .map((earlier) => ({
      earlier,
      share: now.get(earlier.group) ?? { group: earlier.group, failed: 0, total: 0 },
    }));
  if (compared.length === 0)
    return {
      state: 'not-applicable',
      reason: 'no-baseline',
      text: `${told}; ${baseline.release} was measured too little to compare with`,
    };
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

function claimBy({ by }: Part, at: string): Claim | undefined {
  if (by === undefined) return undefined;
  const { object, attribute, value } = by;
  return {
    boundary: 'traffic',
    subject: objectName(object),
    attribute,
    value,
    source: objectSource(object),
    at,
  };
}

/** Boundary 8: do users get it? Every ready endpoint must be a pod of the release; what is observed must agree. */
export function decideTraffic(facts: TrafficFacts, at: string): BoundaryReport {
  const services = facts.services.map((service) => servicePart(service, facts));
  const looked = facts.observed.flatMap((observed) => {
    const parts = [
      probePart(observed),
      buildInfoPart(observed, facts.releases?.get(observed.observation.service) ?? facts.release),
      errorsPart(observed, facts.baseline),
    ];
    return parts.filter((part) => part !== undefined);
  });
  const own = new Set(
    facts.services.map(({ object }) => `${object.metadata.namespace ?? ''}/${object.metadata.name}`),
  );
  const routes = (facts.routes ?? []).flatMap((route) => routePart(route, own) ?? []);
  const parts = [...services, ...routes, ...servedParts(facts), ...besideParts(facts), ...looked];
  const claims = [...claimsOf(facts, at), ...parts.flatMap((part) => claimBy(part, at) ?? [])];
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
    ...(leading?.hint === undefined ? {} : { hint: leading.hint }),
    claims,
  };
}

function provenDetail(version: Part | undefined, parts: readonly Part[], services: readonly Part[]): string {
  const proven = parts.filter((part) => part.state === 'proven');
  // Several Services may lead to one release: their pods are counted together.
  const pods = new Map<string, number>();
  for (const { told } of proven)
    if (told !== undefined) pods.set(told.metric, (pods.get(told.metric) ?? 0) + told.pods);
  const texts = [
    ...[...pods].map(([metric, count]) => `${metric} on ${count} of ${count} pods`),
    ...proven.flatMap(({ told, text }) => (told === undefined ? [text] : [])),
  ];
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
