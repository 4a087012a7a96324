import { BOUNDARIES } from '../boundaries/index.ts';
import type { BoundaryName } from '../boundaries/index.ts';
import { getArray, getIn, getObject, jsonEqual, textOf } from '../kernel/index.ts';
import { ownerName } from '../verdict/index.ts';
import type { Finding, World } from '../verdict/index.ts';
import { shortened } from './shorten.ts';
import { subjectOf, WORKLOADS } from './trace.ts';
import type { FoundTrace } from './trace.ts';
import { claimOf } from './trouble/index.ts';
import type { Trouble } from './trouble/index.ts';

interface Draft {
  readonly id: string;
  readonly boundary: BoundaryName;
  readonly title: string;
  readonly confidence: number;
  readonly explanation: readonly string[];
  readonly claims: Finding['claims'];
  readonly check: string;
  readonly now: string;
}

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

/** Selectors and ports that name what is not there; configuration that is another than Git's. */
function relations(world: World): readonly Draft[] {
  const drafts: Draft[] = [];
  const near = (a: string | undefined, b: string | undefined) =>
    a === undefined || b === undefined || a === b;
  for (const [objects, boundary] of [
    [world.live, 'traffic'],
    [world.desired, 'render'],
  ] as const) {
    const workloads = objects.filter(({ kind }) => WORKLOADS.has(kind) || kind === 'Pod');
    for (const service of objects.filter(({ kind }) => kind === 'Service').slice(0, 500)) {
      const selector = getObject(service.value, 'spec', 'selector');
      if (selector === undefined || Object.keys(selector).length === 0) continue;
      const labelled = workloads.flatMap((each) => {
        const labels = getObject(
          each.value,
          ...(each.kind === 'Pod' ? ['metadata', 'labels'] : ['spec', 'template', 'metadata', 'labels']),
        );
        return labels === undefined || !near(each.namespace, service.namespace) ? [] : [{ each, labels }];
      });
      const keys = Object.entries(selector);
      const chosen = labelled.filter(({ labels }) => keys.every(([key, value]) => labels[key] === value));
      const almost = labelled.find(
        ({ each, labels }) =>
          chosen.length === 0 &&
          (keys.some(([key, value]) => labels[key] === value) ||
            each.name.startsWith(service.name) ||
            service.name.startsWith(each.name)),
      );
      const pairs = (map: Readonly<Record<string, unknown>>) =>
        Object.entries(map)
          .map(([key, value]) => `${key}=${String(value)}`)
          .join(',');
      if (almost !== undefined)
        drafts.push({
          id: 'selector-matches-nothing',
          boundary,
          title: `Service ${service.name} selects ${pairs(selector)}, and no pod has these labels: ${almost.each.kind} ${almost.each.name} has ${pairs(almost.labels)}`,
          confidence: 0.6,
          explanation: ['A Service without matching pods has no endpoints, whatever the health of the pods.'],
          claims: [
            claimOf(
              boundary,
              subjectOf(service),
              'selector',
              pairs(selector),
              service.cite(['spec', 'selector']),
            ),
            claimOf(
              boundary,
              subjectOf(almost.each),
              'labels',
              pairs(almost.labels),
              almost.each.cite(['metadata', 'labels']),
            ),
          ],
          check: `kubectl get endpoints ${service.name}${service.namespace === undefined ? '' : ` -n ${service.namespace}`}`,
          now: 'Make the selector and the labels of the pod template agree, in Git.',
        });
      for (const { each } of chosen) {
        const containers = getArray(
          each.value,
          ...(each.kind === 'Pod' ? ['spec', 'containers'] : ['spec', 'template', 'spec', 'containers']),
        );
        const ports = containers.flatMap((container) => getArray(container, 'ports'));
        if (ports.length === 0) continue;
        const wrong = getArray(service.value, 'spec', 'ports').find((port) => {
          const target = getIn(port, 'targetPort') ?? (service.whole ? getIn(port, 'port') : undefined);
          return (
            target !== undefined &&
            !ports.some((own) => getIn(own, 'containerPort') === target || getIn(own, 'name') === target)
          );
        });
        if (wrong === undefined) continue;
        const target = textOf(getIn(wrong, 'targetPort') ?? getIn(wrong, 'port'));
        drafts.push({
          id: 'target-port-differs',
          boundary,
          title: `Service ${service.name} sends to port ${target}; the containers of ${each.kind} ${each.name} declare ${ports.map((own) => textOf(getIn(own, 'containerPort'))).join(', ')}`,
          confidence: 0.5,
          explanation: [
            'A declared port is documentation, so this proves nothing alone; a named port that no container has leaves the Service without endpoints.',
          ],
          claims: [
            claimOf(boundary, subjectOf(service), 'targetPort', target, service.cite(['spec', 'ports'])),
            claimOf(
              boundary,
              subjectOf(each),
              'containerPorts',
              ports.map((own) => textOf(getIn(own, 'containerPort'))).join(', '),
              each.cite(['spec', 'template', 'spec', 'containers']),
            ),
          ],
          check: `kubectl get endpoints ${service.name}${service.namespace === undefined ? '' : ` -n ${service.namespace}`}`,
          now: 'Send to a port on which the container listens.',
        });
        break;
      }
    }
  }
  for (const wanted of world.desired.filter(({ kind }) => kind === 'ConfigMap')) {
    const live = world.live.find(
      (each) =>
        each.kind === 'ConfigMap' && each.name === wanted.name && near(each.namespace, wanted.namespace),
    );
    const [a, b] = [getObject(wanted.value, 'data'), getObject(live?.value, 'data')];
    if (live === undefined || a === undefined || b === undefined || jsonEqual(a, b)) continue;
    const key = Object.keys({ ...a, ...b }).find((each) => a[each] !== b[each]) ?? '';
    drafts.push({
      id: 'configuration-differs',
      boundary: 'live',
      title: `ConfigMap ${wanted.name} differs between Git and the cluster at ${key}`,
      confidence: 0.55,
      explanation: [`Git: ${shortened(textOf(a[key]))}; cluster: ${shortened(textOf(b[key]))}.`],
      claims: [
        claimOf('render', subjectOf(wanted), key, textOf(a[key]), wanted.cite(['data', key])),
        claimOf('live', subjectOf(live), key, textOf(b[key]), live.cite(['data', key])),
      ],
      check: `kubectl get configmap ${live.name}${live.namespace === undefined ? '' : ` -n ${live.namespace}`} -o yaml --show-managed-fields`,
      now: 'Decide which side is meant: accept the live value into Git, or sync.',
    });
  }
  return drafts;
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
    ...relations(world),
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
