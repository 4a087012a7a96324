import type { ActiveFault, FaultBoard, PodFault } from '../faults/index.ts';
import type { Pod } from '../controllers/index.ts';
import { labelMatcher, parseLabelSelector } from '../machinery/selectors.ts';

/** Whether a fault is for this container of this pod. */
export function isForContainer(fault: PodFault, pod: Pod, container: string): boolean {
  const { namespace, name, selector } = fault;
  return (
    (namespace === undefined || namespace === pod.metadata.namespace) &&
    (name === undefined || name === pod.metadata.name) &&
    (fault.container === undefined || fault.container === container) &&
    (selector === undefined || labelMatcher(parseLabelSelector(selector))(pod.metadata.labels))
  );
}

/** The faults that one run of a container has met: each is asked once whether it hits this run. */
export interface RunFaults {
  /** Those that are on now, were not asked before, and hit. `accepts`: leaves out what cannot happen any more. */
  next(accepts: (fault: PodFault) => boolean): readonly ActiveFault<'pods'>[];
}

export function runFaults(board: FaultBoard, pod: () => Pod, container: string): RunFaults {
  const asked = new Set<string>();
  return {
    next(accepts) {
      return board.active('pods').filter((active) => {
        if (asked.has(active.id) || !isForContainer(active.fault, pod(), container)) return false;
        if (!accepts(active.fault)) return false;
        asked.add(active.id);
        return active.take();
      });
    },
  };
}
