import type { Insertable, Selectable } from 'kysely';
import { isJsonObject, LandfallError } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';
import type { Build, BuildReview, BuildState, BuildStep, CommitPeople, NewBuild } from './builds-contract.ts';
import { redact, redactText } from './redact.ts';
import { actorOf, objectOf } from './rows.ts';
import type { Tables } from './schema.ts';

export type BuildRow = Selectable<Tables['landfall_build']>;

/** Characters of one output, of a comment, of a message. More is cut: whoever writes here is bounded already. */
export const LONGEST_TEXT = 64 * 1024;
const MOST_NOTES = 50;

/** A build in one of these has ended. */
export const ENDED: readonly BuildState[] = [
  'SUCCESS',
  'FAILURE',
  'CANCELLED',
  'TIMEOUT',
  'SUPERSEDED',
  'REJECTED',
  'EXPIRED',
];

/** A holder that does not live. */
export const NOBODY = {
  owner: '',
  holder: '',
  machine: '',
  pid: 0,
  process_start: '',
  lease_until: 0,
} as const;

export function hasEnded(state: BuildState): boolean {
  return ENDED.includes(state);
}

function texts(json: string): readonly string[] {
  const value = JSON.parse(json) as JsonValue;
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}

/** What was written by `peopleColumn`. */
function peopleOf(json: string | null): CommitPeople | undefined {
  if (json === null) return undefined;
  const value = JSON.parse(json) as JsonValue;
  return isJsonObject(value) ? (value as unknown as CommitPeople) : undefined;
}

export function buildOf(row: BuildRow): Build {
  return {
    id: row.id,
    declaredIn: row.declared_in,
    trigger: row.trigger,
    ref: row.ref,
    commit: row.commit_id,
    attempt: row.attempt,
    origin: row.origin as Build['origin'],
    repository: row.repository,
    definition: objectOf(row.definition),
    definitionDigest: row.definition_digest,
    declaredAt: row.declared_at,
    people: peopleOf(row.people),
    image: row.image,
    state: row.state as BuildState,
    message: row.message,
    notes: texts(row.notes),
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
    runs: row.runs,
    pushing: row.pushing ?? undefined,
    record: row.record === null ? undefined : objectOf(row.record),
    url: row.url ?? undefined,
    holder: row.holder,
    cancel: row.cancel ?? undefined,
  };
}

export function newRow(
  build: NewBuild,
  id: string,
  attempt: number,
  now: string,
): Insertable<Tables['landfall_build']> {
  return {
    id,
    declared_in: build.declaredIn,
    trigger: build.trigger,
    ref: build.ref,
    commit_id: build.commit,
    attempt,
    origin: build.origin,
    repository: build.repository,
    definition: JSON.stringify(build.definition),
    definition_digest: build.definitionDigest,
    declared_at: build.declaredAt,
    people: build.people === undefined ? null : redactText(JSON.stringify(build.people)),
    image: build.image,
    state: build.state,
    message: redactText(build.message),
    notes: notesColumn([], build.notes),
    created_at: now,
    started_at: null,
    finished_at: hasEnded(build.state) ? now : null,
    runs: 0,
    pushing: null,
    record: build.record === undefined ? null : recordColumn(build.record),
    url: build.url ?? null,
    cancel: null,
    told: '',
    ...NOBODY,
  };
}

export function recordColumn(record: JsonObject): string {
  return JSON.stringify(redact(record));
}

export function notesColumn(before: readonly string[], added: readonly string[]): string {
  const notes = [...new Set([...before, ...added.map(redactText)])];
  return JSON.stringify(notes.slice(-MOST_NOTES));
}

export function reviewOf(row: Selectable<Tables['landfall_build_review']>): BuildReview {
  return {
    id: row.id,
    build: row.build,
    kind: row.kind as BuildReview['kind'],
    actor: actorOf(row),
    groups: texts(row.groups),
    permitted: row.permitted === 1,
    cluster: row.cluster,
    comment: row.comment,
    url: row.url ?? undefined,
    at: row.at,
    commit: row.commit_id,
    definitionDigest: row.definition_digest,
  };
}

export function stepOf(row: Selectable<Tables['landfall_build_step']>): BuildStep {
  return {
    seq: row.seq,
    name: row.name,
    state: row.state as BuildStep['state'],
    exitCode: row.exit_code ?? undefined,
    startedAt: row.started_at,
    finishedAt: row.finished_at ?? undefined,
    head: row.head,
    tail: row.tail,
    written: row.written,
  };
}

export function lostBuild(id: string): LandfallError {
  return new LandfallError(
    `The build ${id} is not this process's: it has ended, or another process has taken it up.`,
    {
      kind: 'conflict',
      code: 'build-lost',
      object: id,
      hint: 'Stop; landfall builds show says who goes on with it.',
    },
  );
}

export function unknownBuild(id: string): LandfallError {
  return new LandfallError(`The ledger holds no build ${id}.`, {
    kind: 'not-found',
    code: 'build-unknown',
    object: id,
    hint: 'landfall builds lists what it holds.',
  });
}

export function endedBuild(build: Build): LandfallError {
  return new LandfallError(`The build ${build.id} is ${build.state} already: ${build.message}.`, {
    kind: 'conflict',
    code: 'build-ended',
    object: build.id,
    hint: `landfall builds run ${build.trigger} builds the same commit again.`,
  });
}
