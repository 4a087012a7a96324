/** What pods and nodes use now, for `kubectl top` and autoscalers. Amounts are quantities: `250m`, `64Mi`. */
export interface MetricsSource {
  nodes(): readonly NodeMetrics[];
  pods(): readonly PodMetrics[];
}

export interface NodeMetrics {
  readonly name: string;
  readonly cpu: string;
  readonly memory: string;
}

export interface PodMetrics {
  readonly namespace: string;
  readonly name: string;
  readonly containers: readonly { readonly name: string; readonly cpu: string; readonly memory: string }[];
}
