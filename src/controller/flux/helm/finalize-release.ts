import { getIn } from '../../../kernel/index.ts';
import { refOf } from '../../../kube/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { kindRank } from '../../../apply/index.ts';
import type { Turn } from '../../queue.ts';
import { HEALTH_LOOK } from '../failure.ts';
import type { Next } from '../failure.ts';
import { inventoryOf } from '../inventory.ts';
import { FINALIZER } from '../kinds.ts';
import { dropChart } from './chart-template.ts';
import { isReleased } from './compare-release.ts';
import type { ReleaseOptions } from './release-options.ts';

/** Takes the release's objects along, unless it is suspended, and lets the HelmRelease go. */
export async function finalizeRelease(
  options: ReleaseOptions,
  release: KubeObject,
  turn: Turn,
): Promise<Next> {
  const { client, journals } = options;
  if (release.metadata.finalizers?.includes(FINALIZER) !== true) return undefined;
  const target = await options.target(release, turn.signal);
  const { name, namespace = 'default' } = release.metadata;
  const subject = { cluster: target.client.server, namespace, application: `HelmRelease/${name}` };
  await journals?.firstLook(target.client, subject, turn.signal);
  await journals?.proving(target.client, subject);
  await journals?.stand(subject, 'it was deleted before it was known to be healthy');
  if (getIn(release, 'spec', 'suspend') !== true) {
    await dropChart(client, release, turn.signal);
    const found = await target.live.read(inventoryOf(release), 'fresh', turn.signal);
    const own = found.filter(
      (object): object is KubeObject => object !== undefined && isReleased(object, release),
    );
    for (const object of own.toSorted((a, b) => kindRank(b) - kindRank(a))) {
      if (object.metadata.deletionTimestamp !== undefined) continue;
      const { uid } = object.metadata;
      const preconditions = uid === undefined ? {} : { preconditions: { uid } };
      await target.client.delete(
        refOf(object),
        { propagationPolicy: 'Background', ...preconditions },
        turn.signal,
      );
    }
    // Helm waits until they are gone, unless it is told not to.
    if (own.length > 0 && getIn(release, 'spec', 'uninstall', 'disableWait') !== true)
      return { again: HEALTH_LOOK };
  }
  const finalizers = (release.metadata.finalizers ?? []).filter((each) => each !== FINALIZER);
  await client.patch(refOf(release), 'merge', { metadata: { finalizers } }, {}, turn.signal);
  return undefined;
}
