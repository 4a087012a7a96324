import type { Change, ChangeState } from '../../ledger/index.ts';
import { changeLine } from './plan.ts';
import type { ChangePlan, Refusal } from './plan.ts';
import type { Gate } from './gates.ts';
import { detailOf } from './record.ts';
import type { ChangeDetail, End, Style } from './record.ts';
import { releaseName } from './release.ts';
import type { FoundRelease } from './release.ts';

/** What came of a promotion or a rollback, or how far it is. Plain JSON. */
export interface ChangeReport {
  /** Undefined where nothing was begun. */
  readonly id: string | undefined;
  readonly kind: Change['kind'];
  /** `already`: there was nothing to do. `planned`: it was only asked what would be done. */
  readonly state: ChangeState | 'already' | 'planned';
  readonly message: string;
  /** Whether the release was proven in the target. */
  readonly landed: boolean;
  readonly family: string;
  readonly from: End | undefined;
  readonly to: End;
  readonly release: FoundRelease & { readonly name: string };
  readonly replaced: (FoundRelease & { readonly name: string }) | undefined;
  readonly style: Style;
  readonly branch: string;
  readonly gates: readonly Gate[];
  /** The rendered difference of the target, a line each with file and line. */
  readonly changes: readonly string[];
  /** Environments whose render was proven to stay as it is. */
  readonly unchanged: readonly string[];
  readonly refusals: readonly Refusal[];
  readonly override: string | undefined;
  readonly commit: string | undefined;
  readonly delivery: string | undefined;
  readonly pullRequest: string | undefined;
  /** Of a rollback: holds that it has put. */
  readonly holds: readonly string[];
  /** What somebody should know before or after it. */
  readonly warnings: readonly string[];
  /** Commands to paste. */
  readonly next: readonly string[];
}

function named(release: FoundRelease): FoundRelease & { readonly name: string } {
  return { ...release, name: releaseName(release) };
}

export interface ReportParts {
  readonly plan?: ChangePlan | undefined;
  readonly refusals?: readonly Refusal[];
  readonly warnings?: readonly string[];
  readonly state?: ChangeReport['state'];
  readonly message?: string;
  readonly gates?: readonly Gate[];
  readonly landed?: boolean;
}

function nextOf(
  state: ChangeReport['state'],
  kind: Change['kind'],
  id: string | undefined,
  detail: ChangeDetail,
) {
  const { to, gates } = detail;
  const place = `${to.application} -n ${to.namespace}`;
  const approvals = gates.some(({ gate, state: its }) => gate === 'approvals' && its === 'waiting');
  if (state === 'waiting' && id !== undefined)
    return [
      ...(approvals ? [`landfall promote approve ${id}`] : []),
      `landfall promote resume ${id} --wait 30m`,
      `landfall promote cancel ${id}`,
    ];
  if (state === 'following' && id !== undefined) return [`landfall promote resume ${id} --wait 5m`];
  if (state === 'stopped')
    return [`landfall explain ${place}`, ...(kind === 'promotion' ? [`landfall rollback ${place}`] : [])];
  if (kind === 'rollback' && state === 'landed')
    return [`landfall note ${place}`, ...detail.holds.map((hold) => `landfall holds lift ${hold}`)];
  return state === 'landed' ? [`landfall note ${place}`] : [];
}

/** The report of a change that the ledger keeps. */
export function reportOf(change: Change, parts: ReportParts = {}): ChangeReport {
  return reportFrom(change.kind, change.id, detailOf(change), {
    ...parts,
    state: parts.state ?? change.state,
    message: parts.message ?? change.message,
  });
}

/** A report of what is not in the ledger, or not yet. */
export function reportFrom(
  kind: Change['kind'],
  id: string | undefined,
  detail: ChangeDetail,
  {
    plan,
    refusals = [],
    warnings = [],
    state = 'planned',
    message = '',
    gates = detail.gates,
    landed = state === 'landed',
  }: ReportParts,
): ChangeReport {
  return {
    id,
    kind,
    state,
    message,
    landed,
    family: detail.family,
    from: detail.from,
    to: detail.to,
    release: named(detail.release),
    replaced: detail.replaced === undefined ? undefined : named(detail.replaced),
    style: detail.style,
    branch: detail.branch,
    gates,
    changes: plan === undefined ? detail.changes : plan.changes.map(changeLine),
    unchanged: plan?.unchanged ?? [],
    refusals,
    override: detail.override,
    commit: detail.commit,
    delivery: detail.delivery,
    pullRequest: detail.pullRequest,
    holds: detail.holds,
    warnings,
    next: nextOf(state, kind, id, { ...detail, gates }),
  };
}
