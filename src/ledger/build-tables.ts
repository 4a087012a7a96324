/** Tables of builds. */
export interface BuildTable {
  readonly id: string;
  readonly declared_in: string;
  readonly trigger: string;
  readonly ref: string;
  readonly commit_id: string;
  readonly attempt: number;
  readonly origin: string;
  readonly repository: string;
  /** JSON. */
  readonly definition: string;
  readonly definition_digest: string;
  readonly declared_at: string;
  /** JSON. */
  readonly people: string | null;
  readonly image: string;
  readonly state: string;
  readonly message: string;
  /** JSON. */
  readonly notes: string;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly runs: number;
  readonly pushing: string | null;
  /** JSON. */
  readonly record: string | null;
  readonly url: string | null;
  readonly cancel: string | null;
  readonly told: string;
  readonly owner: string;
  readonly holder: string;
  readonly machine: string;
  readonly pid: number;
  readonly process_start: string;
  readonly lease_until: number;
}

export interface BuildReviewTable {
  readonly id: string;
  readonly build: string;
  readonly kind: string;
  readonly actor: string;
  readonly attested_by: string;
  /** JSON. */
  readonly groups: string;
  readonly permitted: number;
  readonly cluster: string;
  readonly comment: string;
  readonly url: string | null;
  readonly at: string;
  readonly commit_id: string;
  readonly definition_digest: string;
}

export interface BuildStepTable {
  readonly build: string;
  readonly seq: number;
  readonly name: string;
  readonly state: string;
  readonly exit_code: number | null;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly head: string;
  readonly tail: string;
  readonly written: number;
}

export interface BuildTriggerTable {
  readonly declared_in: string;
  readonly trigger: string;
  readonly since: string;
}

export interface BuildRefTable {
  readonly declared_in: string;
  readonly trigger: string;
  readonly ref: string;
  readonly commit_id: string;
  readonly at: string;
}

export interface BuildTables {
  readonly landfall_build: BuildTable;
  readonly landfall_build_review: BuildReviewTable;
  readonly landfall_build_step: BuildStepTable;
  readonly landfall_build_trigger: BuildTriggerTable;
  readonly landfall_build_ref: BuildRefTable;
}

/** What makes them. */
export function buildTables({ text }: { readonly text: string }): readonly string[] {
  return [
    `create table landfall_build (id ${text} primary key, declared_in ${text} not null, trigger ${text} not null, ref ${text} not null, commit_id ${text} not null, attempt integer not null, origin ${text} not null, repository ${text} not null, definition ${text} not null, definition_digest ${text} not null, declared_at ${text} not null, people ${text}, image ${text} not null, state ${text} not null, message ${text} not null, notes ${text} not null, created_at ${text} not null, started_at ${text}, finished_at ${text}, runs integer not null, pushing ${text}, record ${text}, url ${text}, cancel ${text}, told ${text} not null, owner ${text} not null, holder ${text} not null, machine ${text} not null, pid integer not null, process_start ${text} not null, lease_until double precision not null, unique (declared_in, trigger, ref, commit_id, attempt))`,
    'create index landfall_build_state on landfall_build (state, id)',
    'create index landfall_build_commit on landfall_build (commit_id)',
    `create table landfall_build_review (id ${text} primary key, build ${text} not null references landfall_build (id) on delete cascade, kind ${text} not null, actor ${text} not null, attested_by ${text} not null, groups ${text} not null, permitted integer not null, cluster ${text} not null, comment ${text} not null, url ${text}, at ${text} not null, commit_id ${text} not null, definition_digest ${text} not null, unique (build, kind, actor, cluster, definition_digest))`,
    `create table landfall_build_step (build ${text} not null references landfall_build (id) on delete cascade, seq integer not null, name ${text} not null, state ${text} not null, exit_code integer, started_at ${text} not null, finished_at ${text}, head ${text} not null, tail ${text} not null, written double precision not null, primary key (build, seq))`,
    `create table landfall_build_trigger (declared_in ${text} not null, trigger ${text} not null, since ${text} not null, primary key (declared_in, trigger))`,
    `create table landfall_build_ref (declared_in ${text} not null, trigger ${text} not null, ref ${text} not null, commit_id ${text} not null, at ${text} not null, primary key (declared_in, trigger, ref))`,
  ];
}
