export interface PodUsage {
  /** Undefined while no metrics of the pod are there. */
  readonly used: number | undefined;
  /** What its containers request of the resource; 0 when they request nothing. */
  readonly requested: number;
  readonly ready: boolean;
}

export interface MetricTarget {
  readonly type: string;
  readonly averageUtilization?: number;
  /** In the unit of `used`. */
  readonly averageValue?: number;
}

export interface Recommendation {
  readonly replicas: number;
  /** Percent of the request; only for a target of utilization. */
  readonly utilization: number | undefined;
  readonly averageValue: number;
}

const TOLERANCE = 0.1;

/**
 * The replicas that a resource metric asks for (pkg/controller/podautoscaler/replica_calculator.go, 1.32). Pods that
 * are not ready or have no metrics count as idle when it would grow and as on target when it would shrink. Undefined
 * when no pod has metrics; throws a sentence when a pod requests nothing of what is compared with its request.
 */
export function recommend(
  current: number,
  target: MetricTarget,
  pods: readonly PodUsage[],
): Recommendation | undefined {
  const measured = pods.filter((pod) => pod.ready && pod.used !== undefined);
  if (measured.length === 0) return undefined;
  const byRequest = target.type === 'Utilization';
  if (byRequest && pods.some(({ requested }) => requested === 0)) {
    throw new Error('missing request for the resource in a container of a pod');
  }
  const used = total(measured.map((pod) => pod.used ?? 0));
  const requested = total(measured.map((pod) => pod.requested));
  const averageValue = used / measured.length;
  const utilization = byRequest ? Math.trunc((used * 100) / requested) : undefined;
  const ratioOf = (usage: number, request: number, count: number) =>
    byRequest
      ? (usage * 100) / request / (target.averageUtilization ?? 80)
      : usage / count / (target.averageValue ?? 1);
  const ratio = ratioOf(used, requested, measured.length);
  const answer = (replicas: number): Recommendation => ({ replicas, utilization, averageValue });
  const others = pods.filter((pod) => !measured.includes(pod));
  if (others.length === 0) {
    return answer(Math.abs(1 - ratio) <= TOLERANCE ? current : Math.ceil(ratio * measured.length));
  }
  const onTarget = (pod: PodUsage) =>
    byRequest ? (pod.requested * (target.averageUtilization ?? 80)) / 100 : (target.averageValue ?? 0);
  const assumed = ratio < 1 ? total(others.map(onTarget)) : 0;
  const all = ratioOf(used + assumed, requested + total(others.map((pod) => pod.requested)), pods.length);
  // An assumption that turns the direction decides nothing.
  if (Math.abs(1 - all) <= TOLERANCE || (ratio < 1 && all > 1) || (ratio > 1 && all < 1))
    return answer(current);
  return answer(Math.ceil(all * pods.length));
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** The default behaviour of growth: at most double, or 4 more, in one step. */
export function limitedGrowth(current: number, wanted: number): number {
  return Math.min(wanted, Math.max(current * 2, current + 4));
}
