import { fluxPrunes } from '../../boundaries/sync/index.ts';
import { asLandfallError, getIn, getString } from '../../kernel/index.ts';
import { refOf } from '../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import type { Turn } from '../queue.ts';
import { deleteObjects, isOwnedBy } from './apply.ts';
import { DEPENDENCY_WAIT, HEALTH_LOOK } from './failure.ts';
import type { KustomizationOptions, Next } from './failure.ts';
import { inventoryOf } from './inventory.ts';
import { announce } from './kustomization-apply.ts';
import { FINALIZER } from './kinds.ts';

/** What is still watched stands as it is: there is nobody any more who would want it back. */
async function abandon(options: KustomizationOptions, object: KubeObject, turn: Turn): Promise<void> {
  const { journals } = options;
  if (journals === undefined) return;
  let client: KubeClient;
  try {
    ({ client } = await options.target(object, turn.signal));
  } catch (thrown) {
    // A cluster that cannot be named any more has nothing that could be taken back either.
    if (asLandfallError(thrown).kind === 'cancelled') throw thrown;
    return;
  }
  const { name: application, namespace = 'default' } = object.metadata;
  const subject = { cluster: client.server, namespace, application };
  await journals.proving(client, subject);
  await journals.stand(subject, 'it was deleted before it was known to be healthy');
}

/** Takes along what the deletion policy says, and lets the Kustomization go. */
export async function finalize(options: KustomizationOptions, object: KubeObject, turn: Turn): Promise<Next> {
  const { client, events } = options;
  if (object.metadata.finalizers?.includes(FINALIZER) !== true) return undefined;
  await abandon(options, object, turn);
  const policy = getString(object, 'spec', 'deletionPolicy') || 'MirrorPrune';
  const deletes = policy === 'MirrorPrune' ? getIn(object, 'spec', 'prune') === true : policy !== 'Orphan';
  if (deletes && getIn(object, 'spec', 'suspend') !== true) {
    const target = await options.target(object, turn.signal);
    const found = await target.live.read(inventoryOf(object), 'fresh', turn.signal);
    const objects = found.filter((item): item is KubeObject => item !== undefined);
    const changes = await deleteObjects(
      target.client,
      objects.filter((item) => item.metadata.deletionTimestamp === undefined),
      object,
      turn.signal,
    );
    await announce(events, object, changes, turn.signal);
    const broken = changes.filter(({ action }) => action === 'failed');
    if (broken.length > 0) {
      await events.record(
        object,
        'Warning',
        'PruneFailed',
        'pruning for deleted resource failed',
        turn.signal,
      );
      return { again: DEPENDENCY_WAIT };
    }
    const left = objects.filter((item) => isOwnedBy(item, object) && fluxPrunes(item));
    if (policy === 'WaitForTermination' && left.length > 0) return { again: HEALTH_LOOK };
  }
  const finalizers = (object.metadata.finalizers ?? []).filter((name) => name !== FINALIZER);
  await client.patch(refOf(object), 'merge', { metadata: { finalizers } }, {}, turn.signal);
  return undefined;
}
