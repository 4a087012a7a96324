import type { Operation } from './route.ts';

/**
 * What goes wrong on purpose. `hang`: no answer until the client or the registry goes away. `reset`: the connection
 * is cut before an answer. `truncate`: the headers are sent, then the connection is cut in the middle of the body.
 * `corrupt`: a manifest or blob is answered with its last byte changed and the right digest in its header.
 * `slow`: the answer comes after so many milliseconds of the registry's clock.
 */
export type FaultEffect =
  | { readonly type: 'status'; readonly status: number; readonly retryAfterSeconds?: number }
  | { readonly type: 'slow'; readonly ms: number }
  | { readonly type: 'hang' }
  | { readonly type: 'reset' }
  | { readonly type: 'truncate' }
  | { readonly type: 'corrupt' };

export interface Fault {
  readonly effect: FaultEffect;
  /** Requests it hits before it is used up. Default 1; Infinity until it is lifted. */
  readonly times?: number;
  readonly method?: string;
  readonly operation?: Operation;
  readonly repository?: string;
  /** A tag or digest. */
  readonly reference?: string;
}

export interface FaultTarget {
  readonly method: string;
  readonly operation: Operation | undefined;
  readonly repository: string | undefined;
  readonly reference: string | undefined;
}

export interface Faults {
  /** Returns how to lift it. */
  add(fault: Fault): () => void;
  /** The first fault that matches, counted as used. */
  take(target: FaultTarget): FaultEffect | undefined;
}

export function newFaults(initial: readonly Fault[]): Faults {
  let active: { fault: Fault; left: number }[] = [];
  const add = (fault: Fault): (() => void) => {
    const entry = { fault, left: fault.times ?? 1 };
    active.push(entry);
    return () => {
      active = active.filter((other) => other !== entry);
    };
  };
  for (const fault of initial) add(fault);
  return {
    add,
    take(target) {
      const entry = active.find(({ fault, left }) => left > 0 && isFor(fault, target));
      if (entry === undefined) return undefined;
      entry.left -= 1;
      if (entry.left <= 0) active = active.filter((other) => other !== entry);
      return entry.fault.effect;
    },
  };
}

/** Whether a request is one of those that a fault is for. */
export function isFor(fault: Omit<Fault, 'times' | 'effect'>, target: FaultTarget): boolean {
  return (
    (fault.method === undefined || fault.method === target.method) &&
    (fault.operation === undefined || fault.operation === target.operation) &&
    (fault.repository === undefined || fault.repository === target.repository) &&
    (fault.reference === undefined || fault.reference === target.reference)
  );
}
