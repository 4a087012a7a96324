import { getIn, getString } from '../../../kernel/index.ts';
import { objectName, refOf } from '../../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../../kube/index.ts';
import { kindRank } from '../../../apply/index.ts';
import type { Turn } from '../../queue.ts';
import type { FluxTarget } from '../failure.ts';
import { inventoryOf } from '../inventory.ts';
import { isReleased } from './compare-release.ts';
import { hooksAt, stepHooks } from './hooks.ts';
import { forgetHooks, keptHooks, noteHooks } from './kept-hooks.ts';
import type { KeptHooks } from './kept-hooks.ts';
import type { ReleaseOptions } from './release-options.ts';
import { actionTimeout } from './remediation.ts';

export interface UninstallStep {
  readonly state: 'running' | 'failed' | 'done';
  readonly message: string;
}

const DONE: UninstallStep = { state: 'done', message: '' };
const PROPAGATION = { background: 'Background', foreground: 'Foreground', orphan: 'Orphan' } as const;

/**
 * Goes on with the end of a release as helm uninstall has it: hooks before, its objects, hooks after. What was begun is
 * found again by the cluster itself, so that any turn and any process can go on.
 */
export async function uninstall(
  options: ReleaseOptions,
  release: KubeObject,
  target: FluxTarget,
  turn: Turn,
): Promise<UninstallStep> {
  const { client } = target;
  const kept = await keptHooks(client, release, turn.signal);
  const before = await hooks(options, release, client, kept, 'pre-delete', turn);
  if (before.state !== 'done') return before;
  const objects = await deleteObjects(options, release, target, turn);
  if (objects.state !== 'done') return objects;
  const again = kept === undefined ? undefined : await keptHooks(client, release, turn.signal);
  const after = await hooks(options, release, client, again, 'post-delete', turn);
  if (after.state !== 'done') return after;
  if (kept !== undefined) await forgetHooks(client, release, turn.signal);
  return DONE;
}

async function hooks(
  { clock }: ReleaseOptions,
  release: KubeObject,
  client: KubeClient,
  kept: KeptHooks | undefined,
  time: 'pre-delete' | 'post-delete',
  { signal }: Turn,
): Promise<UninstallStep> {
  if (kept === undefined || kept.done.includes(time)) return DONE;
  if (getIn(release, 'spec', 'uninstall', 'disableHooks') === true) return DONE;
  const { failures } = kept;
  const report = await stepHooks({
    client,
    clock,
    hooks: hooksAt(kept.objects, time),
    id: `${release.metadata.uid ?? ''}.${time}.${failures}`,
    timeoutMs: actionTimeout(release, 'uninstall'),
    signal,
  });
  if (report.state === 'running') return { state: 'running', message: `waiting for ${report.message}` };
  if (report.state === 'failed') {
    await noteHooks(client, release, { done: kept.done, failures: failures + 1 }, signal);
    return { state: 'failed', message: `${time} hooks failed: ${report.message}` };
  }
  await noteHooks(client, release, { done: [...kept.done, time], failures }, signal);
  return DONE;
}

async function deleteObjects(
  { clock }: ReleaseOptions,
  release: KubeObject,
  { client, live }: FluxTarget,
  { signal }: Turn,
): Promise<UninstallStep> {
  const found = await live.read(inventoryOf(release), 'fresh', signal);
  const own = found.filter(
    (object): object is KubeObject => object !== undefined && isReleased(object, release),
  );
  const wanted = getString(release, 'spec', 'uninstall', 'deletionPropagation') || 'background';
  const propagationPolicy = PROPAGATION[wanted as keyof typeof PROPAGATION] ?? 'Background';
  for (const object of own.toSorted((a, b) => kindRank(b) - kindRank(a))) {
    if (object.metadata.deletionTimestamp !== undefined) continue;
    const { uid } = object.metadata;
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    await client.delete(refOf(object), { propagationPolicy, ...preconditions }, signal);
  }
  // Helm waits until they are gone, unless it is told not to.
  if (own.length === 0 || getIn(release, 'spec', 'uninstall', 'disableWait') === true) return DONE;
  const late = own.filter(({ metadata }) => {
    const since = Date.parse(metadata.deletionTimestamp ?? '');
    return clock.now() - since > actionTimeout(release, 'uninstall');
  });
  if (late.length === 0)
    return { state: 'running', message: `waiting for ${own.map(objectName).join(', ')}` };
  const held = late.map((object) => {
    const finalizers = (object.metadata.finalizers ?? []).join(', ');
    return finalizers === '' ? objectName(object) : `${objectName(object)} (held by ${finalizers})`;
  });
  return { state: 'failed', message: `timed out waiting for the deletion of ${held.join('; ')}` };
}
