import { getIn, getNumber } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';

const PAUSE_PATHS: readonly (readonly string[])[] = [
  ['spec', 'suspend'],
  ['spec', 'suspended'],
  ['spec', 'paused'],
  ['spec', 'pause'],
  ['spec', 'updateStrategy', 'rollingUpdate', 'paused'],
  ['spec', 'updateStrategy', 'paused'],
  ['spec', 'strategy', 'paused'],
];
const PAUSE_ANNOTATION = /(?:^|[/.-])(?:paused?|suspend(?:ed)?|hibernation)$/i;

/** A partition keeps a part of the replicas as they were until somebody lowers it. */
function isHeldByPartition(object: KubeObject): boolean {
  const partition = getNumber(object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition') ?? 0;
  const wanted =
    getNumber(object, 'spec', 'replicas') ?? getNumber(object, 'status', 'desiredNumberScheduled') ?? 0;
  const updated =
    getNumber(object, 'status', 'updatedReplicas') ?? getNumber(object, 'status', 'updatedNumberScheduled');
  return partition > 0 && updated !== undefined && updated < wanted && updated >= wanted - partition;
}

/** Whether somebody keeps the object from being acted on: suspended, paused, switched off, held by a partition. */
export function isHeld(object: KubeObject): boolean {
  if (getIn(object, 'spec', 'enabled') === false || isHeldByPartition(object)) return true;
  if (PAUSE_PATHS.some((path) => getIn(object, ...path) === true)) return true;
  return Object.entries(object.metadata.annotations ?? {}).some(
    ([key, value]) =>
      (PAUSE_ANNOTATION.test(key) && /^(?:true|on|yes)$/i.test(value)) ||
      (/reconcil/i.test(key) && /^disabled$/i.test(value)),
  );
}
