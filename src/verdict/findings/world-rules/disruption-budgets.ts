import { textOf } from '../../../kernel/index.ts';
import type { JsonValue } from '../../../kernel/index.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { Thing } from './thing.ts';
import type { View } from './view.ts';

/** Of a whole: a number, or a percentage that is rounded as the caller says. */
function share(
  value: JsonValue | undefined,
  whole: number,
  round: (part: number) => number,
): number | undefined {
  if (typeof value === 'number') return value;
  const percent = typeof value === 'string' ? /^(\d{1,3})%$/.exec(value)?.[1] : undefined;
  return percent === undefined ? undefined : round((Number(percent) * whole) / 100);
}

/** Where all of it is known: an expression may leave out pods that the labels name. */
function selects(budget: Thing, workload: Thing): boolean {
  const labels = Object.entries(budget.map('spec', 'selector', 'matchLabels') ?? {});
  const own = workload.map('spec', 'template', 'metadata', 'labels') ?? {};
  return (
    labels.length > 0 &&
    budget.list('spec', 'selector', 'matchExpressions').length === 0 &&
    labels.every(([key, value]) => own[key] === value) &&
    (workload.namespace === undefined ||
      budget.namespace === undefined ||
      workload.namespace === budget.namespace)
  );
}

/** How many pods there are to be: what an autoscaler may go down to, else what the manifest says. */
function replicasOf(view: View, workload: Thing): number | undefined {
  const scaler = view
    .declared('HorizontalPodAutoscaler')
    .find(
      (thing) =>
        thing.text('spec', 'scaleTargetRef', 'kind') === workload.kind &&
        thing.text('spec', 'scaleTargetRef', 'name') === workload.name &&
        thing.namespace === workload.namespace,
    );
  if (scaler !== undefined) return scaler.number('spec', 'minReplicas') ?? (scaler.whole ? 1 : undefined);
  return workload.number('spec', 'replicas') ?? (workload.whole ? 1 : undefined);
}

/**
 * What a rolling update does with so many pods, as the Deployment controller counts it: what may be unavailable rounds
 * down, what may be too many rounds up, and where both are none one may be unavailable (deployment/util, 1.32).
 */
function rollingWords(workload: Thing, replicas: number): readonly string[] {
  if (!workload.whole) return [];
  if (workload.kind === 'StatefulSet')
    return ['A rolling update takes each pod away before it makes the new one; the budget does not stop it.'];
  const type = workload.text('spec', 'strategy', 'type') ?? 'RollingUpdate';
  if (type !== 'RollingUpdate')
    return ['An update takes all pods away before it makes new ones; the budget does not stop it.'];
  const asked = workload.get('spec', 'strategy', 'rollingUpdate', 'maxUnavailable') ?? '25%';
  const surge = share(
    workload.get('spec', 'strategy', 'rollingUpdate', 'maxSurge') ?? '25%',
    replicas,
    Math.ceil,
  );
  const unavailable = share(asked, replicas, Math.floor);
  if (unavailable === undefined || surge === undefined) return [];
  if (unavailable > 0 || surge === 0)
    return [
      `A rolling update takes ${Math.max(1, unavailable)} of ${replicas} away before a new one is ready; the budget does not stop it.`,
    ];
  return [
    `In a rolling update it has no part: the Deployment keeps the old pods until new ones are ready, because maxUnavailable ${textOf(asked)} of ${replicas} is none.`,
  ];
}

/** ROL-20: budgets that let no pod go. */
export const disruptionBudgetsRule: WorldRule = (view) =>
  view.declared('PodDisruptionBudget').flatMap((budget): Draft[] => {
    const workloads = view.declared('Deployment', 'StatefulSet').filter((thing) => selects(budget, thing));
    const counts = workloads.map((thing) => replicasOf(view, thing));
    const [workload] = workloads;
    if (workload === undefined || counts.includes(undefined)) return [];
    const replicas = counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
    const most = budget.get('spec', 'maxUnavailable');
    const field = most === undefined ? 'minAvailable' : 'maxUnavailable';
    const value = most ?? budget.get('spec', 'minAvailable');
    // Percentages of a budget round up, whichever it is.
    const part = share(value, replicas, Math.ceil);
    const allowed = part === undefined ? undefined : field === 'minAvailable' ? replicas - part : part;
    if (replicas === 0 || allowed === undefined || allowed > 0) return [];

    const names = workloads.map(({ name }) => name).join(' and ');
    const enough = field === 'minAvailable' && typeof value === 'number' ? value + 1 : undefined;
    const pdb = `kubectl get pdb ${budget.name}${budget.n}`;
    return [
      {
        failure: 'ROL-20',
        id: 'budget-allows-no-disruption',
        boundary: 'rollout',
        kind: 'risk',
        title: `${budget.id} never lets a pod of ${names} go: ${field} ${textOf(value)} of ${replicas}`,
        confidence: 0.95,
        why: [
          'No node with such a pod can be drained, by a person or by an autoscaler of nodes: each eviction is refused (429).',
          ...(workloads.length === 1 ? rollingWords(workload, replicas) : []),
        ],
        claims: [
          view.about('rollout', budget, field, textOf(value), 'spec', field),
          ...workloads.map((thing, index) =>
            view.about('rollout', thing, 'replicas', String(counts[index] ?? ''), 'spec', 'replicas'),
          ),
        ],
        misleading: [['the budget is there', 'it refuses every drain, the wanted ones too']],
        now:
          enough === undefined
            ? [`Let one pod go, in Git: maxUnavailable 1${replicas === 1 ? ', and two replicas' : ''}.`, pdb]
            : [
                `Before maintenance of a node scale to ${enough} in Git, and drain when that has landed.`,
                pdb,
              ],
        lasting: [
          enough === undefined
            ? 'A budget that lets one pod go, and more replicas than must stay.'
            : `${enough} replicas for good, or a budget below the number of replicas (landfall check).`,
        ],
        verify: [`${pdb} -o jsonpath='{.status.disruptionsAllowed}'`],
        can: 'commit',
        space: budget.namespace,
      },
    ];
  });
