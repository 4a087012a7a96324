import type { BoundaryName, BoundaryReport } from '../../boundaries/index.ts';
import { getArray, getObject, getString } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { stoppedAt } from '../../ledger/index.ts';
import type { Actor, Delivery } from '../../ledger/index.ts';
import type { Proof } from '../../verdict/index.ts';
import { objectName } from './history-text.ts';
import { reasonOf } from './remember.ts';

/** What people call the state that a boundary proves. */
const WORDS: Readonly<Record<BoundaryName, string>> = {
  artifact: 'built',
  intent: 'desired',
  render: 'rendered',
  sync: 'sync',
  live: 'live',
  health: 'health',
  rollout: 'rollout',
  traffic: 'traffic',
};

/** States that say less than the proof does. */
const BY_PROOF: readonly Delivery['state'][] = ['running', 'stopped', 'unproven'];

/** One of the states that a delivery is told apart by, with its evidence. */
export interface NoteState {
  /** `desired`, `rendered`, `sync`, `live`, `health`, `rollout`. */
  readonly name: string;
  readonly boundary: BoundaryName;
  readonly state: BoundaryReport['state'];
  readonly value: string;
  readonly evidence: string;
  readonly where: string | null;
}

/** What one goes back to. */
export interface NoteRollback {
  readonly revision: string;
  readonly digest: string | null;
  readonly delivery: string;
  readonly landedAt: string;
}

/** The record of one delivery: what was asked for, how far it came and what proves it. Plain JSON. */
export interface RecordNote {
  readonly application: string;
  readonly namespace: string;
  readonly cluster: string;
  readonly environment: string | null;
  /** `cluster`: as it stands now. `ledger`: as it was kept. */
  readonly from: 'cluster' | 'ledger';
  readonly at: string;
  /** `landed`, `stopped at intent`; of a delivery without a proof its state: `refused`. */
  readonly verdict: string;
  readonly landed: boolean;
  readonly boundary: string | null;
  readonly reason: string;
  /** Commit of the deployment repository that was asked for; null when it could not be read. */
  readonly revision: string | null;
  readonly digest: string | null;
  readonly delivery: {
    readonly id: string;
    readonly state: Delivery['state'];
    readonly trigger: Delivery['trigger'];
    readonly actor: Actor;
    readonly startedAt: string;
    readonly finishedAt: string | null;
  } | null;
  readonly states: readonly NoteState[];
  /** What was done to each object, where a sync of ours kept it. */
  readonly objects: readonly {
    readonly object: string;
    readonly action: string;
    readonly state: string;
    readonly message: string;
    readonly where: string | null;
  }[];
  readonly causes: readonly {
    readonly title: string;
    readonly now: string;
    readonly commands: readonly string[];
  }[];
  readonly rollback: NoteRollback | null;
  readonly next: readonly string[];
}

function noteStates(boundaries: readonly BoundaryReport[]): readonly NoteState[] {
  return boundaries.map((report) => ({
    name: WORDS[report.boundary],
    boundary: report.boundary,
    state: report.state,
    value: report.headline,
    evidence: report.detail,
    where: report.where ?? null,
  }));
}

/** A proof that the ledger kept: it was ours when it was written, and only its contents may have been left out since. */
export function keptProof(json: JsonObject | undefined): Proof | undefined {
  const whole =
    getString(json, 'verdict', 'summary') !== undefined &&
    getObject(json, 'subject') !== undefined &&
    getArray(json, 'boundaries').length > 0 &&
    Array.isArray(json?.['findings']);
  return whole ? (json as unknown as Proof) : undefined;
}

function rollbackOf(before: Delivery | undefined): NoteRollback | null {
  if (before === undefined) return null;
  return {
    revision: before.revision,
    digest: before.digest ?? null,
    delivery: before.id,
    landedAt: before.finishedAt ?? before.startedAt,
  };
}

function isCommit(text: string | null | undefined): boolean {
  return text !== null && text !== undefined && /^[0-9a-f]{40}$/.test(text);
}

export interface NoteMaterial {
  readonly from: RecordNote['from'];
  readonly subject: Pick<RecordNote, 'application' | 'namespace' | 'cluster'>;
  readonly environment: string | undefined;
  readonly at: string;
  readonly revision: string | undefined;
  readonly proof: Proof | undefined;
  readonly delivery: Delivery | undefined;
  /** The last delivery that landed before this one. */
  readonly before: Delivery | undefined;
}

/** One way to the note, from what is seen now and from what was kept. */
export function recordNote(material: NoteMaterial): RecordNote {
  const { from, subject, proof, delivery, before, revision } = material;
  // What a sync decided outweighs a look at the same revision later.
  const decided = from === 'ledger' && delivery !== undefined ? delivery : undefined;
  const landed = decided === undefined ? proof?.verdict.state === 'landed' : decided.state === 'landed';
  const summary = proof?.verdict.summary;
  const own = decided !== undefined && !BY_PROOF.includes(decided.state);
  const verdict = own ? decided.state : (summary ?? decided?.state ?? 'unproven');
  const rollback = rollbackOf(before);
  const { application, namespace } = subject;
  const back =
    rollback !== null && isCommit(rollback.revision) && isCommit(revision)
      ? [`git diff ${revision?.slice(0, 12)} ${rollback.revision.slice(0, 12)}   # what going back changes`]
      : [];
  return {
    ...subject,
    environment: material.environment ?? null,
    from,
    at: material.at,
    verdict,
    landed,
    boundary: (decided === undefined ? proof?.verdict.boundary : stoppedAt(decided)) ?? null,
    reason: decided?.message ?? (proof === undefined ? '' : reasonOf(proof)),
    revision: revision ?? null,
    digest: proof?.release.digest ?? delivery?.digest ?? null,
    delivery:
      delivery === undefined
        ? null
        : {
            id: delivery.id,
            state: delivery.state,
            trigger: delivery.trigger,
            actor: delivery.actor,
            startedAt: delivery.startedAt,
            finishedAt: delivery.finishedAt ?? null,
          },
    states: noteStates(proof?.boundaries ?? []),
    objects: (delivery?.results ?? []).map((result) => ({
      object: objectName(result),
      action: getString(result, 'action') ?? '',
      state: getString(result, 'state') ?? '',
      message: getString(result, 'message') ?? '',
      where: getString(result, 'where') ?? null,
    })),
    causes: (proof?.findings ?? [])
      .filter((finding) => finding.kind === 'cause')
      .map(({ title, immediateFix }) => ({
        title,
        now: immediateFix.text,
        commands: immediateFix.commands,
      })),
    rollback,
    next: [
      ...(landed || application.includes('/') ? [] : [`landfall explain ${application} -n ${namespace}`]),
      ...back,
    ],
  };
}
