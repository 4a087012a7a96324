import type { Action, Backend } from './rule.ts';

interface State {
  readonly weights: string;
  readonly current: number[];
}

/** Who decides which backend answers next. */
export interface Shares {
  /** Undefined where no backend has a weight. */
  next(action: Action): Backend | undefined;
  /** Forgets rules that are gone. */
  keepOnly(ids: ReadonlySet<string>): void;
}

/**
 * Smooth weighted round robin: of any run of requests each backend gets its weight's share, exact to one request, and
 * never in bursts. What is measured over a hundred requests is what was declared. Source: nginx, upstream round robin.
 */
export function weightedShares(): Shares {
  const states = new Map<string, State>();
  return {
    next({ id, backends }) {
      const weights = backends.map(({ weight }) => weight);
      const text = weights.join();
      let state = states.get(id);
      if (state?.weights !== text) {
        state = { weights: text, current: weights.map(() => 0) };
        states.set(id, state);
      }
      let total = 0;
      let best = -1;
      for (const [index, weight] of weights.entries()) {
        if (weight <= 0) continue;
        total += weight;
        state.current[index] = (state.current[index] ?? 0) + weight;
        if (best < 0 || (state.current[index] ?? 0) > (state.current[best] ?? 0)) best = index;
      }
      if (best < 0) return undefined;
      state.current[best] = (state.current[best] ?? 0) - total;
      return backends[best];
    },
    keepOnly(ids) {
      for (const id of states.keys()) if (!ids.has(id)) states.delete(id);
    },
  };
}
