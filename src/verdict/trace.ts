import { BOUNDARIES, shortDigest } from '../boundaries/index.ts';
import type { BoundaryName, BoundaryReport, BoundaryState, Claim } from '../boundaries/index.ts';

/** One attribute at one boundary. */
export interface TraceRow {
  readonly boundary: BoundaryName;
  readonly value: string;
  /** How many subjects say so, `3 pods`; empty for one. */
  readonly count: string;
  /** `agrees` with the release, `differs` from it, or `open` where it cannot decide. */
  readonly verdict: 'agrees' | 'differs' | 'open';
  readonly note: string;
  readonly claims: readonly Claim[];
}

export interface Trace {
  readonly attribute: string;
  readonly rows: readonly TraceRow[];
}

/** Attributes that have a name of their own; any field path of a rendered object works too. */
export const TRACE_ATTRIBUTES = ['image', 'version', 'commit', 'replicas', 'revision'] as const;

function distinct(
  claims: readonly Claim[],
): readonly { readonly value: string; readonly claims: readonly Claim[] }[] {
  const groups = new Map<string, Claim[]>();
  for (const claim of claims) groups.set(claim.value, [...(groups.get(claim.value) ?? []), claim]);
  return [...groups]
    .map(([value, list]) => ({ value, claims: list }))
    .toSorted((a, b) => b.claims.length - a.claims.length);
}

function stateOf(reports: readonly BoundaryReport[], boundary: BoundaryName): BoundaryState {
  return reports.find((report) => report.boundary === boundary)?.state ?? 'unknown';
}

function verdictOf(state: BoundaryState): TraceRow['verdict'] {
  return state === 'broken' ? 'differs' : state === 'proven' ? 'agrees' : 'open';
}

/** Containers that are to run another image, beside those of the one that is traced. */
function othersOf(claims: readonly Claim[], mine: (claim: Claim) => boolean): ReadonlySet<string> {
  const wanted = new Set(
    claims.flatMap((claim) => {
      if (claim.attribute !== 'image' || !mine(claim)) return [];
      const at = claim.value.indexOf('@');
      return at < 0 ? [claim.value] : [claim.value, claim.value.slice(at + 1)];
    }),
  );
  return new Set(
    claims
      .filter(({ attribute, value }) => attribute === 'digest.expected' && !wanted.has(value))
      .map(({ subject }) => subject),
  );
}

/** What comparing each of these containers gave: a digest may be another name of the same bytes. */
function comparedWith(here: readonly Claim[], digests: readonly Claim[]): TraceRow['verdict'] | undefined {
  const subjects = new Set(digests.map(({ subject }) => subject));
  const outcomes = new Set(
    here
      .filter(({ attribute, subject }) => attribute === 'digest.outcome' && subjects.has(subject))
      .map(({ value }) => value),
  );
  if (outcomes.size === 0) return undefined;
  if (outcomes.has('mismatch')) return 'differs';
  return outcomes.has('inconclusive') ? 'open' : 'agrees';
}

/** The image at each boundary: what was built, what Git, the manifests and the cluster name, what pods run, what users meet. */
export function traceImage(reports: readonly BoundaryReport[], repository: string): Trace {
  const claims = reports.flatMap((report) => report.claims);
  const rows: TraceRow[] = [];
  const mine = ({ value }: Claim) =>
    value === repository || value.startsWith(`${repository}:`) || value.startsWith(`${repository}@`);
  const others = othersOf(claims, mine);
  for (const boundary of BOUNDARIES) {
    const here = claims.filter((claim) => claim.boundary === boundary);
    const state = stateOf(reports, boundary);
    if (boundary === 'artifact' || boundary === 'intent' || boundary === 'render' || boundary === 'live') {
      for (const group of distinct(here.filter((claim) => claim.attribute === 'image' && mine(claim)))) {
        const note =
          boundary === 'artifact'
            ? 'the release'
            : boundary === 'intent' && state === 'broken'
              ? 'names no release'
              : '';
        const verdict =
          boundary === 'render' || boundary === 'live'
            ? state === 'broken'
              ? 'differs'
              : 'agrees'
            : verdictOf(state);
        rows.push({ boundary, value: group.value, count: '', verdict, note, claims: group.claims });
      }
    }
    if (boundary === 'rollout') {
      const wanted = claims.find(
        (claim) => claim.boundary === 'artifact' && claim.attribute === 'image' && mine(claim),
      )?.value;
      const digests = here.filter(({ attribute, subject }) => attribute === 'digest' && !others.has(subject));
      for (const group of distinct(digests)) {
        const value = group.value.startsWith('sha256:')
          ? `${repository}@${group.value}`
          : group.value || 'no image yet';
        const agrees = wanted === value || state === 'proven';
        rows.push({
          boundary,
          value,
          count: `${group.claims.length} ${group.claims.length === 1 ? 'pod' : 'pods'}`,
          verdict:
            comparedWith(here, group.claims) ?? (agrees ? 'agrees' : state === 'broken' ? 'differs' : 'open'),
          note: '',
          claims: group.claims,
        });
      }
    }
    if (boundary === 'traffic') {
      const versions = here.filter((claim) => claim.attribute === 'version');
      for (const group of distinct(versions)) {
        const subjects = new Set(group.claims.map((claim) => claim.subject));
        const also = (attribute: string) =>
          here.find((claim) => claim.attribute === attribute && subjects.has(claim.subject))?.value;
        const commit = also('commit');
        const built = also('builtAt');
        const parts = [
          `version ${group.value}`,
          ...(commit === undefined ? [] : [`commit ${shortDigest(commit)}`]),
          ...(built === undefined ? [] : [`built ${built}`]),
        ];
        const release = claims.find(
          (claim) => claim.boundary === 'artifact' && claim.attribute === 'version',
        )?.value;
        rows.push({
          boundary,
          value: parts.join(', '),
          count: `${subjects.size} ${subjects.size === 1 ? 'pod' : 'pods'}`,
          verdict: release === undefined ? 'open' : release === group.value ? 'agrees' : 'differs',
          note: '',
          claims: group.claims,
        });
      }
    }
  }
  return { attribute: 'image', rows };
}

/** Any attribute that claims carry: its values side by side, the boundary's own state beside them. */
export function traceAttribute(reports: readonly BoundaryReport[], attribute: string): Trace {
  const wanted =
    attribute === 'replicas'
      ? new Set(['replicas', 'ready', 'spec.replicas', 'endpoints'])
      : attribute === 'revision'
        ? new Set(['revision', 'rollout.revision'])
        : new Set([attribute]);
  const rows = BOUNDARIES.flatMap((boundary) => {
    const report = reports.find((candidate) => candidate.boundary === boundary);
    return distinct((report?.claims ?? []).filter((claim) => wanted.has(claim.attribute))).map(
      (group): TraceRow => ({
        boundary,
        value: group.value,
        count: group.claims.length > 1 ? `${group.claims.length} subjects` : (group.claims[0]?.subject ?? ''),
        verdict: verdictOf(report?.state ?? 'unknown'),
        note: '',
        claims: group.claims,
      }),
    );
  });
  return { attribute, rows };
}

/** `registry/name@sha256:9c4d8e1a…`, for people. */
export function shownReference(value: string): string {
  const at = value.indexOf('@sha256:');
  return at < 0 ? value : `${value.slice(0, at)}@sha256:${shortDigest(value)}…`;
}
