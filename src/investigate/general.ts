import { BOUNDARIES } from '../boundaries/index.ts';
import { ownerName } from '../verdict/index.ts';
import type { Finding, World } from '../verdict/index.ts';
import type { Draft } from './draft.ts';
import { relationDrafts } from './relations.ts';
import { shortened } from './shorten.ts';
import type { FoundTrace } from './trace.ts';
import { claimOf } from './trouble/index.ts';
import type { Trouble } from './trouble/index.ts';

function findingFrom(draft: Draft): Finding {
  return {
    id: draft.id,
    boundary: draft.boundary,
    kind: 'cause',
    title: draft.title,
    confidence: draft.confidence,
    explanation: draft.explanation,
    claims: draft.claims.slice(0, 40),
    misleading: [],
    immediateFix: { text: draft.now, commands: draft.check === '' ? [] : [draft.check] },
    durableFix: { text: 'None is known before the cause is.', commands: [] },
    verify: draft.check === '' ? [] : [draft.check],
  };
}

const CHECKS: Readonly<Record<FoundTrace['attribute'], (subject: string) => string>> = {
  image: (subject) => `kubectl get ${named(subject)} -o yaml`,
  digest: (subject) =>
    `kubectl get pods${space(subject)} -o custom-columns='POD:.metadata.name,CREATED:.metadata.creationTimestamp,IMAGE:.status.containerStatuses[*].imageID'`,
  version: (subject) =>
    `kubectl get pods${space(subject)} -o custom-columns='POD:.metadata.name,IMAGE:.status.containerStatuses[*].imageID'`,
  commit: (subject) =>
    `kubectl get pods${space(subject)} -o custom-columns='POD:.metadata.name,IMAGE:.status.containerStatuses[*].imageID'`,
  replicas: (subject) => `kubectl describe ${named(subject)}`,
  revision: (subject) => `argocd app get ${subject} --refresh`,
};

function named(subject: string): string {
  const parts = subject.split('/');
  return `${(parts[0] ?? '').toLowerCase()} ${parts.at(-1) ?? ''}${space(subject)}`;
}

function space(subject: string): string {
  const parts = subject.split('/');
  return parts.length === 3 ? ` -n ${parts[1] ?? ''}` : '';
}

/** At which boundary a value changed, what agrees on each side, and what to look at next. */
function fromTrace(trace: FoundTrace): Draft | undefined {
  const { subject, attribute, values, changedAt } = trace;
  // Fewer ready replicas than asked for is told by the workload itself.
  if (changedAt === undefined || (attribute === 'replicas' && changedAt !== 'live')) return undefined;
  const at = values.findIndex(({ boundary }) => boundary === changedAt);
  const before = values.slice(0, at).at(-1);
  const after = values[at];
  if (before === undefined || after === undefined) return undefined;
  const side = (list: FoundTrace['values']) =>
    [...new Set(list.map(({ boundary, value }) => `${boundary} ${shortened(value)}`))].join(', ');
  return {
    id: `${attribute}-differs`,
    boundary: changedAt,
    title: `The ${attribute} of ${subject} changes between ${before.boundary} and ${changedAt}: ${shortened(before.value)}, then ${shortened(after.value)}`,
    confidence: attribute === 'replicas' ? 0.45 : 0.55,
    explanation: [
      `Up to ${before.boundary} it is ${side(values.slice(0, at))}; from ${changedAt} on ${side(values.slice(at))}.`,
      'Why it changed there, these artifacts do not say; the next check decides most.',
    ],
    claims: values.map((each) => claimOf(each.boundary, subject, attribute, each.value, each.source)),
    check: CHECKS[attribute](subject),
    now: `Look at what stands between ${before.boundary} and ${changedAt}.`,
  };
}

const SURENESS: Readonly<Record<Trouble['weight'], number>> = { hard: 0.5, soft: 0.3, moving: 0.3 };
/** Pods say more than the workload that waits for them, and both more than the engine that counts them. */
const SPECIFIC: readonly (readonly [RegExp, number])[] = [
  [/^pod-(?!not-ready|pending)/, 0.08],
  [/^(?:event-failed|replicas-refused|command-failed|engine-failed|build-failed)/, 0.06],
  [/^(?:pod-|no-endpoints|rollout-stuck)/, 0.04],
  [/^(?:replicas-missing|engine-degraded|out-of-sync|not-updated)/, -0.04],
  [/^(?:failing-share|amiss)/, 0.05],
];

/** An object's own name, and those of the ReplicaSet and workload above it. */
function namesIn(subject: string): readonly string[] {
  const [kind = '', ...rest] = subject.split('/');
  const name = rest.at(-1);
  if (name === undefined) return [];
  const above = ownerName(kind, name);
  return above === undefined ? [name] : [name, above];
}

function grouped(troubles: readonly Trouble[]): readonly (readonly Trouble[])[] {
  const groups = new Map<string, Trouble[]>();
  for (const trouble of troubles) {
    const key = `${trouble.reason} ${trouble.title.replaceAll(/Pod\/\S+/g, 'Pod').replaceAll(/[0-9a-f]{6,}|\d+/g, '#')}`;
    groups.set(key, [...(groups.get(key) ?? []), trouble]);
  }
  return [...groups.values()];
}

function fromTroubles(group: readonly Trouble[]): Draft | undefined {
  const [first] = group;
  if (first === undefined) return undefined;
  const more = SPECIFIC.find(([pattern]) => pattern.test(first.reason))?.[1] ?? 0;
  const objects = [...new Set(group.map(({ subject }) => subject))];
  return {
    id: first.reason,
    boundary: first.boundary,
    title: objects.length > 1 ? `${first.title} (and ${objects.length - 1} more)` : first.title,
    confidence: SURENESS[first.weight] + more,
    explanation: [
      `${objects.slice(0, 5).join(', ')}${objects.length > 5 ? ` and ${objects.length - 5} more` : ''}: this is what the artifacts show; no known cause fits all of it.`,
      first.check === ''
        ? 'Why it is so, they do not say.'
        : 'Why it is so, they do not say; the next check decides most.',
    ],
    claims: group.flatMap(({ claims }) => claims),
    check: first.check,
    now:
      first.boundary === 'health'
        ? 'Look at what the workload says about itself.'
        : `Look at ${first.boundary}.`,
  };
}

/**
 * The general rule behind the catalogue: facts about one thing disagree between two boundaries or two sources, or a
 * source says that something does not work, and no finding explains it. It says where, and what to look at next.
 */
export function generalFindings(
  world: World,
  traces: readonly FoundTrace[],
  troubles: readonly Trouble[],
  known: readonly Finding[],
  works: boolean,
): readonly Finding[] {
  const explained = new Set(
    known
      .filter(({ kind }) => kind === 'cause')
      .flatMap(({ claims }) => claims.map(({ source }) => JSON.stringify(source))),
  );
  const names = new Set(
    known
      .filter(({ kind, confidence }) => kind === 'cause' && confidence >= 0.6)
      .flatMap(({ claims }) => claims.flatMap(({ subject }) => namesIn(subject))),
  );
  // What a known cause says of a workload also explains that its pods are missing or not ready.
  const isExplained = (draft: Draft) =>
    draft.claims.length > 0 &&
    (draft.claims.every(({ source }) => explained.has(JSON.stringify(source))) ||
      (/^(?:pod-not-ready|pod-pending|replicas-missing|rollout-stuck|not-updated|engine-degraded)/.test(
        draft.id,
      ) &&
        draft.claims.every(({ subject }) => namesIn(subject).some((name) => names.has(name)))));
  // Errors in the log of a system that works are its daily life; where something is wrong they may be why.
  const amiss =
    known.some(({ kind }) => kind === 'cause') || troubles.some(({ weight }) => weight === 'hard');
  const drafts = [
    ...traces.flatMap((trace) => fromTrace(trace) ?? []),
    ...relationDrafts(world),
    ...grouped(
      troubles.filter(({ weight }) => weight === 'hard' || (weight === 'soft' && (amiss || !works))),
    ).flatMap((group) => fromTroubles(group) ?? []),
  ];
  const best = known.some(({ kind, confidence }) => kind === 'cause' && confidence >= 0.6);
  const mutable = known.some(({ id }) => id === 'mutable-reference-moved');
  return drafts
    .filter(
      (draft) => !isExplained(draft) && !(mutable && /^(?:digest|version|commit)-differs$/.test(draft.id)),
    )
    .map((draft) => findingFrom(best ? { ...draft, confidence: Math.min(draft.confidence, 0.4) } : draft))
    .toSorted(
      (a, b) =>
        b.confidence - a.confidence || BOUNDARIES.indexOf(a.boundary) - BOUNDARIES.indexOf(b.boundary),
    )
    .slice(0, 8);
}
