import { copyJson } from '../../kinds/json-access.ts';
import { messageOf } from '../../../kernel/index.ts';
import type { Logger } from '../../../kernel/index.ts';
import type { InProcessApi, KubeObject, ResourceName } from '../../api/contract.ts';
import type { Cache } from '../cache.ts';
import { keyOf } from '../cache.ts';
import { findCondition } from '../conditions.ts';
import { eventRecorder } from '../events.ts';
import { DEPLOYMENTS, REPLICA_SETS } from '../objects.ts';
import type { Condition, IntOrString, LabelSelector, Pod } from '../objects.ts';
import { isPodActive, isPodReady } from '../pods.ts';
import { workQueue } from '../queue.ts';
import type { Again } from '../queue.ts';
import { quantity } from '../scheduler/resources.ts';
import { matchesSelector } from '../selectors.ts';
import { STATEFUL_SETS } from '../statefulset/statefulset-controller.ts';
import { timestamp } from '../time.ts';
import { isConflict, sameJson } from '../writes.ts';
import { limitedGrowth, recommend } from './recommendation.ts';
import type { PodUsage, Recommendation } from './recommendation.ts';

/** What a pod uses now: cores and bytes. Undefined when nothing is known of it. */
export type MetricsSource = (
  namespace: string,
  pod: string,
) => { readonly cpu?: number; readonly memory?: number } | undefined;

export interface Autoscaler extends KubeObject {
  spec: {
    scaleTargetRef: { apiVersion?: string; kind: string; name: string };
    minReplicas?: number;
    maxReplicas: number;
    metrics?: {
      type: string;
      resource?: {
        name: string;
        target: { type: string; averageUtilization?: number; averageValue?: IntOrString };
      };
    }[];
    behavior?: { scaleDown?: { stabilizationWindowSeconds?: number } };
  };
  status?: { lastScaleTime?: string; conditions?: Condition[]; [field: string]: unknown };
}

interface Scalable extends KubeObject {
  spec: { replicas?: number; selector?: LabelSelector };
  status?: { replicas?: number };
}

export const AUTOSCALERS: ResourceName = {
  group: 'autoscaling',
  version: 'v2',
  resource: 'horizontalpodautoscalers',
};

const MANAGER = { fieldManager: 'horizontal-pod-autoscaler' };
const EVERY_MS = 15_000;
const CALM_SECONDS = 300;
const TARGETS: Readonly<Record<string, ResourceName>> = {
  Deployment: DEPLOYMENTS,
  ReplicaSet: REPLICA_SETS,
  StatefulSet: STATEFUL_SETS,
};

export interface AutoscalerOptions {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly autoscalers: Cache<Autoscaler>;
  readonly pods: Cache<Pod>;
  readonly metrics: MetricsSource;
}

interface Outcome {
  readonly recommendation: Recommendation;
  readonly name: string;
  readonly byRequest: boolean;
}

/** Sizes Deployments, ReplicaSets and StatefulSets by the resources their pods use (autoscaling/v2, 1.32). */
export function startAutoscaler(options: AutoscalerOptions): { close(): Promise<void> } {
  const { api, logger, autoscalers, pods, metrics } = options;
  const { clock } = api;
  const recorder = eventRecorder(api, clock, { component: 'horizontal-pod-autoscaler' });
  const history = new Map<string, { at: number; replicas: number }[]>();
  const queue = workQueue({
    clock,
    reconcile,
    onError: (key, error) => {
      if (!isConflict(error)) logger.debug('autoscaler not reconciled', { key, error: messageOf(error) });
    },
  });
  autoscalers.onChange((autoscaler, old, gone) => {
    if (gone) history.delete(autoscaler.metadata.uid ?? '');
    else if (old === undefined || !sameJson(old.spec, autoscaler.spec)) queue.add(keyOf(autoscaler));
  });

  async function reconcile(key: string): Promise<Again | undefined> {
    const autoscaler = autoscalers.get(key);
    if (autoscaler === undefined || autoscaler.metadata.deletionTimestamp !== undefined) return undefined;
    await evaluate(autoscaler);
    return { againAfterMs: EVERY_MS };
  }

  async function evaluate(autoscaler: Autoscaler): Promise<void> {
    const { kind, name } = autoscaler.spec.scaleTargetRef;
    const resource = TARGETS[kind];
    const target =
      resource === undefined
        ? undefined
        : (api.get(resource, autoscaler.metadata.namespace, name) as Scalable | undefined);
    if (resource === undefined || target === undefined) {
      const message = `the HPA controller was unable to get the target's current scale: ${kind} "${name}" not found`;
      recorder.event(autoscaler, 'Warning', 'FailedGetScale', message);
      await write(autoscaler, [['AbleToScale', 'False', 'FailedGetScale', message]], {});
      return;
    }
    const current = target.spec.replicas ?? 1;
    const counts = { currentReplicas: target.status?.replicas ?? 0 };
    const able: Told = ['AbleToScale', 'True', 'ReadyForNewScale', 'recommended size matches current size'];
    if (current === 0) {
      const message = 'scaling is disabled since the replica count of the target is zero';
      await write(autoscaler, [able, ['ScalingActive', 'False', 'ScalingDisabled', message]], {
        ...counts,
        desiredReplicas: 0,
      });
      return;
    }
    let outcomes: readonly Outcome[];
    try {
      outcomes = measure(autoscaler, target, current);
    } catch (error) {
      const message = `the HPA was unable to compute the replica count: ${messageOf(error)}`;
      recorder.event(autoscaler, 'Warning', 'FailedGetResourceMetric', messageOf(error));
      recorder.event(autoscaler, 'Warning', 'FailedComputeMetricsReplicas', message);
      const got: Told = [
        'AbleToScale',
        'True',
        'SucceededGetScale',
        "the HPA controller was able to get the target's current scale",
      ];
      await write(autoscaler, [got, ['ScalingActive', 'False', 'FailedGetResourceMetric', message]], {
        ...counts,
        desiredReplicas: 0,
      });
      return;
    }
    const proposal = Math.max(...outcomes.map(({ recommendation }) => recommendation.replicas));
    const leading =
      outcomes.find(({ recommendation }) => recommendation.replicas === proposal) ?? outcomes[0];
    const what = `${leading?.name ?? ''} resource${leading?.byRequest === true ? ' utilization (percentage of request)' : ''}`;
    const calm = stabilized(autoscaler, proposal);
    const { replicas, limit } = within(autoscaler, limitedGrowth(current, calm));
    const told: Told[] = [];
    if (replicas !== current) {
      await resize(resource, target, replicas);
      const reason = replicas > current ? `${what} above target` : 'All metrics below target';
      recorder.event(autoscaler, 'Normal', 'SuccessfulRescale', `New size: ${replicas}; reason: ${reason}`);
      told.push([
        'AbleToScale',
        'True',
        'SucceededRescale',
        `the HPA controller was able to update the target scale to ${replicas}`,
      ]);
    } else if (calm !== proposal) {
      told.push([
        'AbleToScale',
        'True',
        'ScaleDownStabilized',
        'recent recommendations were higher than current one, applying the highest recent recommendation',
      ]);
    } else {
      told.push(able);
    }
    told.push([
      'ScalingActive',
      'True',
      'ValidMetricFound',
      `the HPA was able to successfully calculate a replica count from ${what}`,
    ]);
    told.push(limit);
    await write(autoscaler, told, {
      ...counts,
      desiredReplicas: replicas,
      currentMetrics: outcomes.map(shownMetric),
      ...(replicas === current ? {} : { lastScaleTime: timestamp(clock.now()) }),
    });
  }

  /** One outcome per metric. Throws the sentence that the condition shows when one cannot be told. */
  function measure(autoscaler: Autoscaler, target: Scalable, current: number): readonly Outcome[] {
    const namespace = autoscaler.metadata.namespace ?? '';
    const selected = pods
      .inNamespace(namespace)
      .filter((pod) => isPodActive(pod) && matchesSelector(target.spec.selector, pod.metadata.labels));
    const wanted = autoscaler.spec.metrics ?? [
      {
        type: 'Resource',
        resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
      },
    ];
    return wanted.map(({ type, resource }) => {
      if (type !== 'Resource' || resource === undefined || !['cpu', 'memory'].includes(resource.name)) {
        throw new Error(`metrics of the type ${type} are not supported by this cluster`);
      }
      const { name } = resource;
      const { type: kind, averageUtilization, averageValue } = resource.target;
      const usage = selected.map((pod): PodUsage => {
        const used = metrics(namespace, pod.metadata.name)?.[name === 'cpu' ? 'cpu' : 'memory'];
        const requests = pod.spec.containers.map((container) => container.resources?.requests?.[name]);
        // One container that requests nothing makes the percentage of a pod meaningless.
        const requested = requests.includes(undefined)
          ? 0
          : requests.reduce<number>((sum, value) => sum + quantity(value), 0);
        return { used, requested, ready: isPodReady(pod) };
      });
      const recommendation = recommend(
        current,
        {
          type: kind,
          ...(averageUtilization === undefined ? {} : { averageUtilization }),
          ...(averageValue === undefined ? {} : { averageValue: quantity(averageValue) }),
        },
        usage,
      );
      if (recommendation === undefined) {
        const what = kind === 'Utilization' ? `${name} utilization` : `${name} usage`;
        throw new Error(
          `failed to get ${what}: unable to get metrics for resource ${name}: no metrics returned from resource metrics API`,
        );
      }
      return { recommendation, name, byRequest: kind === 'Utilization' };
    });
  }

  /** Shrinks only to the highest that was recommended within the window, five minutes by default. */
  function stabilized(autoscaler: Autoscaler, proposal: number): number {
    const uid = autoscaler.metadata.uid ?? '';
    const seconds = autoscaler.spec.behavior?.scaleDown?.stabilizationWindowSeconds ?? CALM_SECONDS;
    const now = clock.now();
    const recent = (history.get(uid) ?? []).filter(({ at }) => at > now - seconds * 1000);
    recent.push({ at: now, replicas: proposal });
    history.set(uid, recent);
    const current = targetReplicas(autoscaler);
    const highest = Math.max(...recent.map(({ replicas }) => replicas));
    return proposal < current ? Math.min(current, Math.max(highest, proposal)) : proposal;
  }

  function targetReplicas(autoscaler: Autoscaler): number {
    const { kind, name } = autoscaler.spec.scaleTargetRef;
    const resource = TARGETS[kind];
    if (resource === undefined) return 0;
    return (
      (api.get(resource, autoscaler.metadata.namespace, name) as Scalable | undefined)?.spec.replicas ?? 1
    );
  }

  async function resize(resource: ResourceName, target: Scalable, replicas: number): Promise<void> {
    const { namespace, name } = target.metadata;
    await api.patch(resource, namespace, name, 'merge', { spec: { replicas } }, MANAGER);
  }

  async function write(autoscaler: Autoscaler, told: readonly Told[], counts: object): Promise<void> {
    const before = autoscaler.status ?? {};
    const now = timestamp(clock.now());
    const kept = (before.conditions ?? []).filter(({ type }) => !told.some(([name]) => name === type));
    const conditions = told.map(([type, status, reason, message]): Condition => {
      const known = findCondition(before.conditions, type);
      const since = known?.status === status ? (known.lastTransitionTime ?? now) : now;
      return { type, status, lastTransitionTime: since, reason, message };
    });
    const status = {
      ...before,
      ...counts,
      ...(autoscaler.metadata.generation === undefined
        ? {}
        : { observedGeneration: autoscaler.metadata.generation }),
      conditions: [...conditions, ...kept],
    };
    if (sameJson(before, status)) return;
    const next = { ...copyJson(autoscaler), status };
    autoscalers.observe(await api.update(AUTOSCALERS, next, { ...MANAGER, subresource: 'status' }));
  }

  return { close: () => queue.close() };
}

type Told = readonly [type: string, status: Condition['status'], reason: string, message: string];

function within(autoscaler: Autoscaler, wanted: number): { replicas: number; limit: Told } {
  const { minReplicas = 1, maxReplicas } = autoscaler.spec;
  if (wanted < minReplicas) {
    const message = 'the desired replica count is less than the minimum replica count';
    return { replicas: minReplicas, limit: ['ScalingLimited', 'True', 'TooFewReplicas', message] };
  }
  if (wanted > maxReplicas) {
    const message = 'the desired replica count is more than the maximum replica count';
    return { replicas: maxReplicas, limit: ['ScalingLimited', 'True', 'TooManyReplicas', message] };
  }
  const message = 'the desired count is within the acceptable range';
  return { replicas: wanted, limit: ['ScalingLimited', 'False', 'DesiredWithinRange', message] };
}

function shownMetric({ recommendation, name }: Outcome): object {
  const { utilization, averageValue } = recommendation;
  const value = name === 'cpu' ? `${Math.round(averageValue * 1000)}m` : String(Math.round(averageValue));
  return {
    type: 'Resource',
    resource: {
      name,
      current: {
        ...(utilization === undefined ? {} : { averageUtilization: utilization }),
        averageValue: value,
      },
    },
  };
}
