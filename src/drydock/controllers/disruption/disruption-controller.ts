import { copyJson } from '../../kinds/json-access.ts';
import { messageOf } from '../../../kernel/index.ts';
import type { Logger } from '../../../kernel/index.ts';
import type { InProcessApi, KubeObject, ResourceName } from '../../api/contract.ts';
import type { Cache } from '../cache.ts';
import { controllerOf, keyOf } from '../cache.ts';
import type { Condition, IntOrString, LabelSelector, Pod } from '../objects.ts';
import { isPodActive, isPodReady } from '../pods.ts';
import { workQueue } from '../queue.ts';
import type { Again } from '../queue.ts';
import { matchesSelector } from '../selectors.ts';
import { timeOf, timestamp } from '../time.ts';
import { isConflict, sameJson } from '../writes.ts';

export const BUDGETS: ResourceName = { group: 'policy', version: 'v1', resource: 'poddisruptionbudgets' };
const MANAGER = { fieldManager: 'kube-controller-manager' };
const FORGET_EVICTED_MS = 120_000;

export interface DisruptionBudget extends KubeObject {
  spec: { minAvailable?: IntOrString; maxUnavailable?: IntOrString; selector?: LabelSelector };
  status?: {
    observedGeneration?: number;
    disruptedPods?: Record<string, string>;
    disruptionsAllowed?: number;
    currentHealthy?: number;
    desiredHealthy?: number;
    expectedPods?: number;
    conditions?: Condition[];
  };
}

export interface DisruptionControllerOptions {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly budgets: Cache<DisruptionBudget>;
  readonly pods: Cache<Pod>;
  /** `spec.replicas` of what controls a pod, as its scale subresource would say; undefined when nothing is known. */
  readonly scaleOf: (pod: Pod) => { readonly uid: string; readonly replicas: number } | undefined;
}

/** Counts how many pods of a budget may be evicted now (pkg/controller/disruption, 1.32). */
export function startDisruptionController(options: DisruptionControllerOptions): { close(): Promise<void> } {
  const { api, logger, budgets, pods, scaleOf } = options;
  const { clock } = api;
  const queue = workQueue({
    clock,
    reconcile,
    onError: (key, error) => {
      if (!isConflict(error)) logger.debug('budget not reconciled', { key, error: messageOf(error) });
    },
  });

  budgets.onChange((budget, _old, gone) => {
    if (!gone) queue.add(keyOf(budget));
  });
  pods.onChange((pod) => {
    for (const budget of budgets.inNamespace(pod.metadata.namespace ?? '')) {
      if (selects(budget, pod)) queue.add(keyOf(budget));
    }
  });

  /** An empty selector means every pod of the namespace, none means no pod. */
  function selects(budget: DisruptionBudget, pod: Pod): boolean {
    return matchesSelector(budget.spec.selector, pod.metadata.labels);
  }

  async function reconcile(key: string): Promise<Again | undefined> {
    const budget = budgets.get(key);
    if (budget === undefined || budget.metadata.deletionTimestamp !== undefined) return undefined;
    const now = clock.now();
    const selected = pods
      .inNamespace(budget.metadata.namespace ?? '')
      .filter((pod) => selects(budget, pod) && isPodActive(pod));
    const disrupted = stillDisrupted(budget, selected, now);
    const { expected, desired } = expectation(budget, selected);
    const healthy = selected.filter((pod) => isPodReady(pod) && !(pod.metadata.name in disrupted)).length;
    const allowed = expected === 0 ? 0 : Math.max(0, healthy - desired);
    const status = {
      conditions: [condition(budget, allowed, now)],
      currentHealthy: healthy,
      desiredHealthy: desired,
      disruptionsAllowed: allowed,
      expectedPods: expected,
      ...(budget.metadata.generation === undefined ? {} : { observedGeneration: budget.metadata.generation }),
      ...(Object.keys(disrupted).length === 0 ? {} : { disruptedPods: disrupted }),
    };
    if (!sameJson(budget.status ?? {}, status)) {
      const next = { ...copyJson(budget), status };
      budgets.observe(await api.update(BUDGETS, next, { ...MANAGER, subresource: 'status' }));
    }
    return Object.keys(disrupted).length === 0 ? undefined : { againAfterMs: FORGET_EVICTED_MS };
  }

  /** An evicted pod counts as gone until its deletion is seen, for two minutes at most. */
  function stillDisrupted(
    budget: DisruptionBudget,
    selected: readonly Pod[],
    now: number,
  ): Record<string, string> {
    const alive = new Set(selected.map((pod) => pod.metadata.name));
    return Object.fromEntries(
      Object.entries(budget.status?.disruptedPods ?? {}).filter(
        ([name, at]) => alive.has(name) && (timeOf(at) ?? 0) + FORGET_EVICTED_MS > now,
      ),
    );
  }

  function expectation(
    budget: DisruptionBudget,
    selected: readonly Pod[],
  ): { expected: number; desired: number } {
    const { minAvailable, maxUnavailable } = budget.spec;
    if (maxUnavailable !== undefined) {
      const expected = expectedPods(selected);
      return { expected, desired: Math.max(0, expected - share(maxUnavailable, expected)) };
    }
    if (typeof minAvailable === 'string') {
      const expected = expectedPods(selected);
      return { expected, desired: share(minAvailable, expected) };
    }
    return { expected: selected.length, desired: minAvailable ?? 1 };
  }

  /** By the scale of the controllers, not by the pods that happen to be there. */
  function expectedPods(selected: readonly Pod[]): number {
    const scales = new Map<string, number>();
    for (const pod of selected) {
      const scale = scaleOf(pod) ?? { uid: controllerOf(pod)?.uid ?? pod.metadata.uid ?? '', replicas: 1 };
      scales.set(scale.uid, scale.replicas);
    }
    return [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
  }

  return { close: () => queue.close() };
}

/** Percentages of a budget round up. */
function share(value: IntOrString, of: number): number {
  return typeof value === 'number' ? value : Math.ceil((Number.parseInt(value, 10) * of) / 100);
}

function condition(budget: DisruptionBudget, allowed: number, now: number): Condition {
  const before = budget.status?.conditions?.find(({ type }) => type === 'DisruptionAllowed');
  const status = allowed > 0 ? 'True' : 'False';
  const same = before?.status === status;
  return {
    type: 'DisruptionAllowed',
    status,
    reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    lastTransitionTime: same ? (before.lastTransitionTime ?? null) : timestamp(now),
    ...(budget.metadata.generation === undefined ? {} : { observedGeneration: budget.metadata.generation }),
  };
}
