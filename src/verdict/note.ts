import { shortDigest } from '../boundaries/index.ts';
import type { BoundaryName } from '../boundaries/index.ts';
import type { Finding } from './findings/index.ts';
import type { Material, Proof } from './judge.ts';
import { pictureSystem } from './system.ts';
import type { SystemPicture } from './system.ts';

/** What one source of evidence showed, and how it would have misled somebody who read only it. */
export interface SourceLine {
  readonly source: string;
  readonly revealed: string;
  readonly misleading: string;
}

/** The delivery note: reconstruct, diagnose, propose, verify. Plain JSON. */
export interface DeliveryNote {
  readonly application: string;
  readonly environment: string;
  readonly verdict: string;
  readonly release: string;
  readonly at: string;
  /** Who delivers it, from where: `Application argocd/shop, overlays/prod of https://… at main`. */
  readonly deliveredBy: string;
  readonly system: SystemPicture;
  readonly states: readonly {
    readonly boundary: BoundaryName;
    readonly state: string;
    readonly evidence: string;
  }[];
  readonly findings: readonly Finding[];
  readonly sources: readonly SourceLine[];
}

const SOURCES = {
  git: 'Git',
  artifact: 'artifact',
  chart: 'chart',
  release: 'chart and values',
  unread: 'source',
} as const;

function evidenceOf(proof: Proof, boundary: BoundaryName): string {
  const report = proof.boundaries.find((candidate) => candidate.boundary === boundary);
  if (report === undefined) return '';
  return [report.headline, report.detail].filter((text) => text !== '').join(', ');
}

function sourceLines(proof: Proof): readonly SourceLine[] {
  const cause = proof.findings.find((finding) => finding.kind === 'cause');
  const signals = cause?.misleading ?? [];
  const misled = (pattern: RegExp) =>
    signals
      .filter((item) => pattern.test(item.signal))
      .map((item) => `${item.signal}: ${item.truth}`)
      .join('; ');
  const engine = proof.engine;
  const lines: SourceLine[] = [
    { source: 'registry', revealed: evidenceOf(proof, 'artifact'), misleading: '' },
    {
      source: SOURCES[proof.subject.from ?? 'git'],
      revealed: evidenceOf(proof, 'intent'),
      misleading:
        cause?.id === 'mutable-reference-moved'
          ? 'the overlay looks simple and correct; nothing in it has changed'
          : '',
    },
  ];
  if (engine !== undefined) {
    const operation =
      engine.operation === undefined
        ? ''
        : `, last sync ${engine.operation.phase}: ${engine.operation.changed} updated, ${engine.operation.unchanged} unchanged`;
    lines.push({
      source: engine.engine,
      revealed: `${engine.sync ?? 'Unknown'}, ${engine.health ?? 'Unknown'} at ${shortDigest(engine.revision ?? '')}${operation}`,
      misleading: misled(/Synced|Healthy|updated/),
    });
  }
  lines.push(
    { source: 'live objects', revealed: evidenceOf(proof, 'live'), misleading: '' },
    {
      source: 'pods',
      revealed: [evidenceOf(proof, 'health'), evidenceOf(proof, 'rollout')]
        .filter((text) => text !== '')
        .join('; '),
      misleading: misled(/ready$/),
    },
    { source: 'metrics', revealed: evidenceOf(proof, 'traffic'), misleading: misled(/requests fail/) },
  );
  return lines;
}

/** Writes the note of one proof. */
export function writeNote(proof: Proof, material: Pick<Material, 'rendered' | 'observed'>): DeliveryNote {
  const { version, commit, digest } = proof.release;
  const parts = [
    version,
    commit === undefined ? undefined : `commit ${shortDigest(commit)}`,
    digest === undefined ? undefined : `image ${shortDigest(digest)}`,
  ];
  return {
    application: proof.subject.name,
    environment: proof.subject.environment ?? proof.subject.destination,
    verdict: proof.verdict.summary,
    release: parts.filter((part) => part !== undefined).join(', '),
    at: proof.at,
    deliveredBy: `${proof.subject.kind ?? 'Application'} ${proof.subject.namespace}/${proof.subject.name}, ${proof.subject.path} of ${proof.subject.repository} at ${proof.subject.revision}`,
    system: pictureSystem(material.rendered, material.observed),
    states: proof.boundaries.map((report) => ({
      boundary: report.boundary,
      state: report.state,
      evidence: evidenceOf(proof, report.boundary),
    })),
    findings: proof.findings,
    sources: sourceLines(proof),
  };
}
