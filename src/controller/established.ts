import { getArray, getObject, getString, sleep } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import { refOf } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';

const WAIT = 30_000;
const PAUSE = 200;

/** What a definition says that is not served in time. */
export const NOT_SERVED = `applied, and not served after ${WAIT / 1000} s`;

/**
 * Waits until the API server serves the definitions among objects that were just applied, so that objects of their
 * kinds can follow. Gives those that it does not serve in time.
 */
export async function unservedDefinitions(
  client: KubeClient,
  clock: Clock,
  objects: readonly KubeObject[],
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const definitions = objects.filter(({ kind }) => kind === 'CustomResourceDefinition');
  if (definitions.length === 0) return [];
  const end = clock.now() + WAIT;
  for (const definition of definitions) {
    while (!(await isEstablished(client, definition, signal))) {
      if (clock.now() >= end) return [definition];
      await sleep(clock, PAUSE, signal);
    }
  }
  client.forgetKinds();
  return [];
}

async function isEstablished(
  client: KubeClient,
  definition: KubeObject,
  signal: AbortSignal,
): Promise<boolean> {
  const live = await client.get(refOf(definition), signal);
  return getArray(getObject(live, 'status'), 'conditions').some(
    (item) => getString(item, 'type') === 'Established' && getString(item, 'status') === 'True',
  );
}
