import type { BoundaryName, BoundaryState, ClaimSource } from '../boundaries/index.ts';
import { redactValue } from '../kernel/index.ts';
import { findingsOf } from '../verdict/index.ts';
import type { Finding, Fix, Misleading, VerdictState, World } from '../verdict/index.ts';
import type { Artifact } from './block.ts';
import { decide, isDecisive, worksAlready } from './decide.ts';
import { decode } from './decoder.ts';
import type { Decoded } from './decoder.ts';
import { generalFindings } from './general.ts';
import { missingOf } from './missing.ts';
import type { Missing } from './missing.ts';
import type { UnreadArtifact } from './open.ts';
import { systemOf } from './system.ts';
import type { FoundSystem } from './system.ts';
import { timelineOf } from './timeline.ts';
import { tracesOf } from './trace.ts';
import { troublesOf } from './trouble/index.ts';
import { worldOf } from './world-of.ts';
import type { Unread } from './world-of.ts';

export interface CitedSource {
  readonly artifact: string;
  /** 1-based. */
  readonly line: number;
}

export interface AnswerClaim {
  readonly subject: string;
  readonly attribute: string;
  readonly value: string;
  readonly source: CitedSource;
}

export interface AnswerFinding {
  readonly id: string;
  readonly boundary: BoundaryName;
  readonly kind: 'cause' | 'risk';
  readonly title: string;
  readonly confidence: number;
  readonly explanation: readonly string[];
  readonly claims: readonly AnswerClaim[];
  readonly misleading: readonly Misleading[];
  readonly immediateFix: Fix;
  readonly durableFix: Fix;
  readonly verify: readonly string[];
}

/** Lines that told nothing, grouped by artifact; or a file that was not read, and why. */
export interface AnswerUnread {
  readonly artifact: string;
  readonly why: string;
  /** First lines of runs, with how many lines each run has. */
  readonly lines: readonly { readonly line: number; readonly count: number; readonly text: string }[];
}

/** What artifacts tell of a delivery. Plain JSON, described in docs/investigate.schema.json. */
export interface Investigation {
  readonly verdict: {
    readonly state: VerdictState;
    /** Null when landed. */
    readonly boundary: BoundaryName | null;
    /** `stopped at intent`. */
    readonly summary: string;
    readonly consequences: readonly BoundaryName[];
  };
  readonly findings: readonly AnswerFinding[];
  readonly system: FoundSystem;
  readonly trace: readonly {
    readonly subject: string;
    readonly attribute: string;
    readonly changedAt: BoundaryName | null;
    readonly values: readonly {
      readonly boundary: BoundaryName;
      readonly value: string;
      readonly source: CitedSource;
    }[];
  }[];
  readonly boundaries: readonly {
    readonly boundary: BoundaryName;
    readonly state: BoundaryState;
    readonly evidence: string;
  }[];
  readonly decoder: readonly Decoded[];
  readonly missing: readonly Missing[];
  readonly unread: readonly AnswerUnread[];
}

function cited(source: ClaimSource): CitedSource {
  return source.type === 'artifact'
    ? { artifact: source.artifact, line: source.line }
    : { artifact: source.type, line: 1 };
}

const CLAIMS = 40;
const VALUE = 2_000;

function answerFinding(finding: Finding): AnswerFinding {
  return {
    id: finding.id,
    boundary: finding.boundary,
    kind: finding.kind,
    title: finding.title,
    confidence: Math.max(0, Math.min(1, finding.confidence)),
    explanation: finding.explanation,
    claims: finding.claims.slice(0, CLAIMS).map(({ subject, attribute, value, source }) => ({
      subject,
      attribute,
      value: value.slice(0, VALUE),
      source: cited(source),
    })),
    misleading: finding.misleading,
    immediateFix: finding.immediateFix,
    durableFix: finding.durableFix,
    verify: finding.verify,
  };
}

const UNREAD_ARTIFACTS = 200;
const UNREAD_RUNS = 5;

/** Neighbouring lines as one run; as many as a reader may want to see. */
function unreadOf(lines: readonly Unread[], files: readonly UnreadArtifact[]): readonly AnswerUnread[] {
  const groups = new Map<string, { line: number; count: number; text: string }[]>();
  const totals = new Map<string, number>();
  for (const { artifact, line, text } of lines) {
    totals.set(artifact, (totals.get(artifact) ?? 0) + 1);
    const runs = groups.get(artifact) ?? [];
    groups.set(artifact, runs);
    const last = runs.at(-1);
    if (last !== undefined && last.line + last.count >= line - 1) last.count += 1;
    else if (runs.length < UNREAD_RUNS) runs.push({ line, count: 1, text: text.trim().slice(0, 120) });
  }
  const all = [
    ...files.map(({ artifact, why }) => ({ artifact, why, lines: [] })),
    ...[...groups].map(([artifact, runs]) => ({
      artifact,
      why: `${totals.get(artifact) ?? 0} lines in no known format`,
      lines: runs,
    })),
  ];
  return all.length <= UNREAD_ARTIFACTS
    ? all
    : [
        ...all.slice(0, UNREAD_ARTIFACTS),
        { artifact: '…', why: `${all.length - UNREAD_ARTIFACTS} more`, lines: [] },
      ];
}

/** Causes before risks, the surest first; a general finding never stands before a known one that is as sure. */
function ranked(known: readonly Finding[], general: readonly Finding[]): readonly Finding[] {
  return [...known, ...general].toSorted((a, b) =>
    a.kind === b.kind ? b.confidence - a.confidence : a.kind === 'cause' ? -1 : 1,
  );
}

const MOST_FINDINGS = 12;

function withTimeline(world: World, findings: readonly Finding[]): readonly Finding[] {
  const lines = timelineOf(world);
  return findings.map((finding) =>
    finding.id === 'mutable-reference-moved'
      ? { ...finding, explanation: [...finding.explanation, ...lines] }
      : finding,
  );
}

/** Reads artifacts and says what they tell: where it stopped, why, what misled, what to do, what to ask next. */
export function investigate(
  artifacts: readonly Artifact[],
  unopened: readonly UnreadArtifact[] = [],
): Investigation {
  const { world, unread, sections } = worldOf(artifacts);
  const traces = tracesOf(world);
  const troubles = troublesOf(world);
  const known = withTimeline(world, findingsOf(world));
  const findings = ranked(known, generalFindings(world, traces, troubles, known, worksAlready(world)));
  const { verdict, reports } = decide(world, traces, troubles, findings);
  const shown = [...findings.filter(isDecisive), ...findings.filter((finding) => !isDecisive(finding))].slice(
    0,
    MOST_FINDINGS,
  );
  return redactValue({
    verdict: {
      state: verdict.state,
      boundary: verdict.boundary ?? null,
      summary: verdict.summary,
      consequences: verdict.consequences,
    },
    findings: shown.map(answerFinding),
    system: systemOf(world),
    trace: traces
      .toSorted((a, b) => Number(a.changedAt === undefined) - Number(b.changedAt === undefined))
      .slice(0, 50)
      .map(({ subject, attribute, changedAt, values }) => ({
        subject,
        attribute,
        changedAt: changedAt ?? null,
        values: values.map(({ boundary, value, source }) => ({ boundary, value, source: cited(source) })),
      })),
    boundaries: reports.map(({ boundary, state, headline }) => ({ boundary, state, evidence: headline })),
    decoder: decode(world, sections, shown, traces, troubles),
    missing: missingOf(world, reports, shown),
    unread: unreadOf(unread, unopened),
  });
}
