import { BOUNDARIES } from '../boundaries/index.ts';
import type { BoundaryName, BoundaryReport, BoundaryState, Claim } from '../boundaries/index.ts';
import { getArray, getNumber, getString } from '../kernel/index.ts';
import { decideVerdict } from '../verdict/index.ts';
import type { Finding, Verdict, World } from '../verdict/index.ts';
import { shortened } from './shorten.ts';
import { imagesOf, subjectOf, WORKLOADS } from './trace.ts';
import type { FoundTrace } from './trace.ts';
import { claimOf } from './trouble/index.ts';
import type { Trouble } from './trouble/index.ts';

/** What speaks for a boundary: nothing, or claims that agree with each other. */
type Proof = { readonly headline: string; readonly claims: readonly Claim[] } | undefined;

function traceOf(traces: readonly FoundTrace[], attribute: FoundTrace['attribute']): readonly FoundTrace[] {
  return traces.filter((trace) => trace.attribute === attribute);
}

function agreeing(traces: readonly FoundTrace[], boundary: BoundaryName): FoundTrace | undefined {
  return traces.find(
    (trace) => trace.changedAt === undefined && trace.values.some((value) => value.boundary === boundary),
  );
}

function fromTrace(trace: FoundTrace | undefined, boundary: BoundaryName): Proof {
  const value = trace?.values.find((each) => each.boundary === boundary);
  return trace === undefined || value === undefined
    ? undefined
    : {
        headline: shortened(value.value),
        claims: [claimOf(boundary, trace.subject, trace.attribute, value.value, value.source)],
      };
}

function artifactProof(world: World): Proof {
  const build = world.builds.find(
    (each) => (each.state ?? 'succeeded') === 'succeeded' && each.digest !== undefined,
  );
  if (build?.digest !== undefined)
    return {
      headline: shortened(build.digest),
      claims: [claimOf('artifact', build.image ?? 'build', 'digest', build.digest, build.source)],
    };
  const answer = world.digests.find((each) => each.digest !== undefined && each.answer === 'OK');
  return answer?.digest === undefined
    ? undefined
    : {
        headline: shortened(answer.digest),
        claims: [claimOf('artifact', answer.reference, 'digest', answer.digest, answer.source)],
      };
}

function syncProof(world: World): Proof {
  const engine = world.engines.find(
    (each) =>
      /^(?:Synced|Ready|deployed)$/.test(each.sync ?? '') &&
      (each.operation === undefined || /^Succeeded$/i.test(each.operation.phase)),
  );
  if (engine !== undefined)
    return {
      headline: `${engine.engine}: ${engine.sync ?? ''}`,
      claims: [claimOf('sync', engine.application, 'sync', engine.sync ?? '', engine.source)],
    };
  const applied = world.answers.filter((answer) =>
    / (?:configured|created|unchanged|serverside-applied)$/.test(answer.answer),
  );
  const [first] = applied;
  return first === undefined ||
    world.answers.some((answer) => answer.ok === false && answer.asked === first.asked)
    ? undefined
    : {
        headline: `${applied.length} objects applied`,
        claims: applied
          .slice(0, 5)
          .map((answer) => claimOf('sync', answer.asked, 'answer', answer.answer, answer.source)),
      };
}

function healthProof(world: World): Proof {
  const workloads = world.live.filter(({ kind }) => WORKLOADS.has(kind));
  const claims: Claim[] = [];
  for (const object of workloads) {
    const wanted =
      getNumber(object.value, 'spec', 'replicas') ??
      getNumber(object.value, 'status', 'desiredNumberScheduled');
    const ready =
      getNumber(object.value, 'status', 'readyReplicas') ??
      getNumber(object.value, 'status', 'numberReady') ??
      getNumber(object.value, 'status', 'availableReplicas');
    if (wanted === undefined || ready === undefined || ready < wanted || wanted === 0) continue;
    claims.push(
      claimOf(
        'health',
        subjectOf(object),
        'readyReplicas',
        `${ready} of ${wanted}`,
        object.cite(['status', 'readyReplicas']),
      ),
    );
  }
  const pods = world.live.filter(
    (object) =>
      object.kind === 'Pod' &&
      getArray(object.value, 'status', 'conditions').some(
        (condition) => getString(condition, 'type') === 'Ready' && getString(condition, 'status') === 'True',
      ),
  );
  for (const pod of pods.slice(0, 5))
    claims.push(claimOf('health', subjectOf(pod), 'ready', 'true', pod.cite(['status', 'conditions'])));
  return claims.length === 0
    ? undefined
    : {
        headline:
          claims[0]?.value === 'true' ? `${pods.length} pods ready` : `${claims[0]?.value ?? ''} ready`,
        claims: claims.slice(0, 10),
      };
}

/** True where the workloads that are shown are all there and ready. */
export function worksAlready(world: World): boolean {
  return healthProof(world) !== undefined;
}

function isMutable(reference: string): boolean {
  return (
    !reference.includes('@') &&
    /(?::(?:latest|main|master|dev|develop|stable|edge|nightly|prod|production|staging))$|^[^:]*$|\/[^:]*$/.test(
      reference,
    )
  );
}

function rolloutProof(world: World, traces: readonly FoundTrace[]): Proof {
  const digest = fromTrace(agreeing(traceOf(traces, 'digest'), 'rollout'), 'rollout');
  if (digest !== undefined) return digest;
  const done = world.answers.find((answer) => /successfully rolled out/.test(answer.answer));
  const complete = world.live.find((object) => {
    const wanted = getNumber(object.value, 'spec', 'replicas');
    const images = imagesOf(object);
    return (
      WORKLOADS.has(object.kind) &&
      wanted !== undefined &&
      wanted > 0 &&
      getNumber(object.value, 'status', 'updatedReplicas') === wanted &&
      (getNumber(object.value, 'status', 'readyReplicas') ??
        getNumber(object.value, 'status', 'availableReplicas')) === wanted &&
      images.length > 0 &&
      !images.some(({ image }) => isMutable(image))
    );
  });
  if (complete !== undefined)
    return {
      headline: 'all replicas updated',
      claims: [
        claimOf(
          'rollout',
          subjectOf(complete),
          'updatedReplicas',
          'all',
          complete.cite(['status', 'updatedReplicas']),
        ),
      ],
    };
  const latest = world.live.some(
    (object) => WORKLOADS.has(object.kind) && imagesOf(object).some(({ image }) => isMutable(image)),
  );
  return done === undefined || latest
    ? undefined
    : {
        headline: 'rolled out',
        claims: [claimOf('rollout', done.asked, 'answer', done.answer, done.source)],
      };
}

function trafficProof(world: World, traces: readonly FoundTrace[]): Proof {
  const version = fromTrace(agreeing(traceOf(traces, 'version'), 'traffic'), 'traffic');
  if (version !== undefined) return version;
  const http = world.answers.find((answer) => answer.ok === true && /^HTTP [23]/.test(answer.answer));
  if (http !== undefined)
    return {
      headline: http.answer,
      claims: [claimOf('traffic', http.asked, 'answer', http.answer, http.source)],
    };
  const ends = world.live.find(
    (object) =>
      (object.kind === 'Endpoints' &&
        getArray(object.value, 'subsets').some((subset) => getArray(subset, 'addresses').length > 0)) ||
      (object.kind === 'EndpointSlice' && getArray(object.value, 'endpoints').length > 0),
  );
  return ends === undefined
    ? undefined
    : {
        headline: 'endpoints are ready',
        claims: [claimOf('traffic', subjectOf(ends), 'endpoints', 'ready', ends.cite(['subsets']))],
      };
}

/** What the artifacts say for each boundary; one without evidence has none. */
function proofs(world: World, traces: readonly FoundTrace[]): Readonly<Record<BoundaryName, Proof>> {
  const images = traceOf(traces, 'image');
  const sync = syncProof(world);
  const [desired] = world.desired.filter(({ whole }) => whole);
  const revision = fromTrace(agreeing(traceOf(traces, 'revision'), 'intent'), 'intent');
  const [live] = world.live.filter(({ kind }) => WORKLOADS.has(kind));
  return {
    artifact: artifactProof(world),
    intent: fromTrace(agreeing(images, 'intent'), 'intent') ?? revision,
    render:
      desired === undefined
        ? undefined
        : {
            headline: `${world.desired.length} objects`,
            claims: [claimOf('render', subjectOf(desired), 'kind', desired.kind, desired.cite([]))],
          },
    sync,
    live:
      fromTrace(agreeing(images, 'live'), 'live') ??
      (live === undefined || sync === undefined
        ? undefined
        : {
            headline: 'stored',
            claims: [claimOf('live', subjectOf(live), 'kind', live.kind, live.cite([]))],
          }),
    health: healthProof(world),
    rollout: rolloutProof(world, traces),
    traffic: trafficProof(world, traces),
  };
}

/** A finding this sure says that something is broken; what is less sure is said, and changes no verdict. */
const DECIDES = 0.45;
const WAITING = /awaiting|waiting-for|waits-for|paused|approval|in-progress/;

export function isDecisive(finding: Finding): boolean {
  return finding.kind === 'cause' && finding.confidence >= DECIDES;
}

export interface Decision {
  readonly verdict: Verdict;
  readonly reports: readonly BoundaryReport[];
}

/**
 * The state of each boundary and the verdict over them, in the order of the boundaries: the cause names where it
 * stopped, what is broken behind it is its consequence. Without evidence a boundary is unknown, never proven.
 */
export function decide(
  world: World,
  traces: readonly FoundTrace[],
  troubles: readonly Trouble[],
  findings: readonly Finding[],
): Decision {
  const proven = proofs(world, traces);
  const decisive = findings.filter(isDecisive);
  const [cause] = decisive;
  const reports = BOUNDARIES.map((boundary): BoundaryReport => {
    const own = decisive.find((finding) => finding.boundary === boundary);
    const hard = troubles.find((trouble) => trouble.boundary === boundary && trouble.weight === 'hard');
    const changed = traces.find((trace) => trace.changedAt === boundary && trace.attribute !== 'replicas');
    const moving = troubles.find((trouble) => trouble.boundary === boundary && trouble.weight === 'moving');
    const proof = proven[boundary];
    const wrong = cause !== undefined && (own !== undefined || hard !== undefined || changed !== undefined);
    const state: BoundaryState = wrong
      ? 'broken'
      : moving !== undefined
        ? 'moving'
        : proof === undefined
          ? 'unknown'
          : 'proven';
    const headline = wrong
      ? (own?.title ??
        hard?.title ??
        (changed === undefined
          ? ''
          : `${changed.attribute} ${shortened(changed.values.find((value) => value.boundary === boundary)?.value ?? '')}`))
      : (moving?.title ?? proof?.headline ?? 'no evidence');
    return {
      boundary,
      state,
      reason:
        own?.id ??
        hard?.reason ??
        (changed === undefined ? undefined : `${changed.attribute}-differs`) ??
        moving?.reason ??
        (proof === undefined ? 'no-evidence' : 'agrees'),
      headline,
      detail: '',
      claims: wrong ? (own?.claims ?? hard?.claims ?? []) : (moving?.claims ?? proof?.claims ?? []),
    };
  });
  if (cause === undefined) return { verdict: decideVerdict(reports), reports };
  const consequences = reports.flatMap(({ boundary, state }) =>
    state === 'broken' && boundary !== cause.boundary ? [boundary] : [],
  );
  const waits =
    WAITING.test(cause.id) &&
    decisive.every((finding) => WAITING.test(finding.id) || finding.boundary === cause.boundary);
  return {
    verdict: waits
      ? {
          state: 'moving',
          boundary: cause.boundary,
          summary: `moving at ${cause.boundary}`,
          consequences: [],
        }
      : { state: 'broken', boundary: cause.boundary, summary: `stopped at ${cause.boundary}`, consequences },
    reports,
  };
}
