import { getArray, getString } from '../../kernel/index.ts';
import type { Actor, Decision, Standing } from '../../ledger/index.ts';
import type { PromotionPolicy } from '../landfall-yaml/index.ts';
import { windowsAt } from './windows.ts';

/** One of the things that have to be so before a release goes on. Plain JSON. */
export interface Gate {
  readonly gate: 'landed' | 'soak' | 'approvals' | 'window' | 'check';
  readonly state: 'open' | 'waiting' | 'closed' | 'overridden';
  readonly text: string;
  /** When it will open by itself, ISO 8601; undefined where that is not known. */
  readonly opensAt?: string;
}

/** Kinds of decisions that are about a promotion. */
export const APPROVED = 'promotion-approved';
export const REJECTED = 'promotion-rejected';
export const OVERRIDDEN = 'promotion-overridden';

/** Decisions that name the promotion. */
export function decisionsOn(id: string, decisions: readonly Decision[]): readonly Decision[] {
  return decisions.filter(({ detail }) => getString(detail, 'promotion') === id);
}

export interface SoakFacts {
  readonly soakMs: number;
  readonly release: string;
  readonly standing: Standing | undefined;
  readonly now: number;
}

function minutes(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms / 60_000));
  return whole < 120 ? `${whole} min` : `${Math.floor(whole / 60)} h ${whole % 60} min`;
}

/** How long the release has stood in the source, as far as anybody has looked. */
export function soakGate({ soakMs, release, standing, now }: SoakFacts): Gate {
  const own = standing?.release === release ? standing : undefined;
  const since = own === undefined ? now : Date.parse(own.since);
  const left = since + soakMs - now;
  if (left <= 0)
    return {
      gate: 'soak',
      state: 'open',
      text:
        soakMs === 0
          ? 'no soak is asked for'
          : `has stood without a break since ${new Date(since).toISOString()}`,
    };
  return {
    gate: 'soak',
    state: 'waiting',
    text: `has stood for ${Math.floor((now - since) / 60_000)} of ${minutes(soakMs)}; ${minutes(left)} to go`,
    opensAt: new Date(since + soakMs).toISOString(),
  };
}

export interface ApprovalFacts {
  readonly policy: PromotionPolicy['approvals'];
  readonly author: Actor;
  /** Of this promotion, in any order. */
  readonly decisions: readonly Decision[];
}

type Approvals = NonNullable<PromotionPolicy['approvals']>;

/** Why somebody's word does not count; undefined where it does. */
export function whyNotCounted(
  person: { readonly actor: Actor; readonly groups: readonly string[] },
  policy: Approvals,
  author: Actor,
): string | undefined {
  if (person.actor.attestedBy === 'nobody') return 'the cluster does not say who that is';
  if (policy.notAuthor === true && person.actor.name === author.name)
    return 'whoever asked for the promotion is not counted';
  const { by } = policy;
  if (by === undefined) return undefined;
  const named =
    by.includes(person.actor.name) || person.groups.some((group) => by.includes(`group:${group}`));
  return named ? undefined : `only ${by.join(', ')} may approve`;
}

/** People who have approved and count; each once. One rejection by somebody who counts closes the gate. */
export function approvalsGate({ policy, author, decisions }: ApprovalFacts): Gate {
  if (policy === undefined) return { gate: 'approvals', state: 'open', text: 'no approval is asked for' };
  const counted = decisions.filter(
    (decision) =>
      whyNotCounted({ actor: decision.actor, groups: groupsOf(decision) }, policy, author) === undefined,
  );
  const rejection = counted.find(({ kind }) => kind === REJECTED);
  if (rejection !== undefined)
    return {
      gate: 'approvals',
      state: 'closed',
      text: `rejected by ${rejection.actor.name}${rejection.reason === '' ? '' : `: ${rejection.reason}`}`,
    };
  const names = [
    ...new Set(counted.filter(({ kind }) => kind === APPROVED).map(({ actor }) => actor.name)),
  ].toSorted();
  if (names.length >= policy.count)
    return { gate: 'approvals', state: 'open', text: `approved by ${names.join(', ')}` };
  const who = policy.by === undefined ? '' : ` of ${policy.by.join(', ')}`;
  return {
    gate: 'approvals',
    state: 'waiting',
    text: `${names.length} of ${policy.count} approvals${who}${names.length === 0 ? '' : ` (${names.join(', ')})`}`,
  };
}

/** Groups as the cluster attested them when the person decided. */
function groupsOf(decision: Decision): readonly string[] {
  return getArray(decision.detail, 'groups').filter((group): group is string => typeof group === 'string');
}

export function windowGate(policy: PromotionPolicy, now: number): Gate {
  const answer = windowsAt(policy.windows, now);
  if (answer.open)
    return {
      gate: 'window',
      state: 'open',
      text: (policy.windows ?? []).length === 0 ? 'no window is declared' : 'the window is open',
    };
  const { opensAt } = answer;
  const opens = opensAt === undefined ? undefined : new Date(opensAt).toISOString();
  return {
    gate: 'window',
    state: 'waiting',
    text: `${answer.why}${opens === undefined ? '' : `; opens ${opens}`}`,
    ...(opens === undefined ? {} : { opensAt: opens }),
  };
}

/** What nobody may skip, whatever reason there is. */
const NEVER_OVERRIDDEN: readonly Gate['gate'][] = ['approvals'];

/** The gates as they count once somebody has given a reason to go on. */
export function overriding(gates: readonly Gate[], reason: string | undefined): readonly Gate[] {
  if (reason === undefined) return gates;
  return gates.map((gate) =>
    gate.state === 'open' || NEVER_OVERRIDDEN.includes(gate.gate) ? gate : { ...gate, state: 'overridden' },
  );
}
