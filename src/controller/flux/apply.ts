import { asLandfallError, mapBounded } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import { refOf, statusBehind } from '../../kube/index.ts';
import type { DeleteOptions, KubeClient, KubeObject } from '../../kube/index.ts';
import { FIELD_MANAGER, applyGroups, kindRank } from '../../apply/index.ts';
import { NOT_SERVED, unservedDefinitions } from '../established.ts';
import { broughtBySet } from '../order.ts';
import { isPassing } from '../outcome.ts';
import { fluxManner, fluxPrunes } from '../../boundaries/sync/index.ts';
import { CLIENT_SIDE_MANAGERS } from '../sync/index.ts';
import type { OpenSet, PlannedWrite, SyncSet, TakenBack } from '../sync/index.ts';

const GROUP = 'kustomize.toolkit.fluxcd.io';
const AT_ONCE = 6;

export const NAME_LABEL = `${GROUP}/name`;
export const NAMESPACE_LABEL = `${GROUP}/namespace`;

/** One object that was written, or why it was not. */
export interface Change {
  readonly object: KubeObject;
  readonly action: 'created' | 'configured' | 'unchanged' | 'deleted' | 'skipped' | 'failed';
  readonly message: string;
  /** It failed for a reason of the moment. */
  readonly passing?: boolean;
}

/** `Deployment/shop/web`, as Flux names objects in its messages. */
export function fluxName(object: KubeObject): string {
  const { name, namespace } = object.metadata;
  return namespace === undefined ? `${object.kind}/${name}` : `${object.kind}/${namespace}/${name}`;
}

/** What somebody told Flux to leave alone, or to make once. */
export function isSkipped(desired: KubeObject, live: KubeObject | undefined): boolean {
  return !fluxManner(desired, live, false).apply;
}

/** Managers whose fields Flux takes over: those of kubectl, whatever it was asked to do. */
const TAKEN_OVER = [
  ...CLIENT_SIDE_MANAGERS,
  'before-first-apply',
  ...['annotate', 'create', 'edit', 'label', 'patch', 'replace', 'set'].map((verb) => `kubectl-${verb}`),
];

export interface FluxSet {
  readonly pairs: readonly { readonly desired: KubeObject; readonly live: KubeObject | undefined }[];
  /** What left Git, and is to go once everything else is there. */
  readonly toPrune: readonly KubeObject[];
  readonly owner: KubeObject;
  readonly force: boolean;
}

export interface Applied {
  readonly changes: readonly Change[];
  readonly pruned: readonly Change[];
  /** What became of it, where it was taken back. */
  readonly back: TakenBack | undefined;
}

/**
 * Everything is tried by a server-side dry run before the first write, then applied in the order of its dependencies,
 * and what left Git goes; the first group that fails ends it, and everything goes back. Throws where the server did
 * not answer: nothing is known then, and what was written goes back too, now or at the next look.
 */
export async function applySet(
  client: KubeClient,
  clock: Clock,
  openSet: OpenSet,
  { pairs, toPrune, owner, force }: FluxSet,
  signal: AbortSignal,
): Promise<Applied> {
  const skipped = pairs.filter(({ desired, live }) => isSkipped(desired, live));
  const wanted = pairs.filter((pair) => !skipped.includes(pair));
  const set = wanted.map(({ desired }) => desired);
  const changes: Change[] = skipped.map(({ desired: object }) => ({
    object,
    action: 'skipped',
    message: 'skipped',
  }));
  const tried = await mapBounded(wanted, AT_ONCE, async (pair) => ({
    ...pair,
    kind: pair.desired.kind,
    ...(await tryOne(client, pair, fluxManner(pair.desired, pair.live, force).force, set, signal)),
  }));
  const refused = tried.filter(({ action }) => action === 'failed');
  if (refused.length > 0) return { changes: refused.map(changeOf), pruned: [], back: undefined };
  const writes = tried.filter(({ action }) => action !== 'unchanged');
  changes.push(...tried.filter(({ action }) => action === 'unchanged').map(changeOf));
  const doomed = toPrune.filter((object) => mayDelete(object, owner));
  const pruned: Change[] = toPrune
    .filter((object) => !doomed.includes(object))
    .map((object) => ({ object, action: 'skipped', message: 'skipped' }));
  const writing = await openSet(
    [
      ...applyGroups(writes)
        .flat()
        .map(({ desired, live, recreated }): PlannedWrite => ({
          action: live === undefined ? 'create' : recreated ? 'recreate' : 'change',
          desired,
          before: live,
          validation: 'Strict',
        })),
      ...doomed.map((before): PlannedWrite => ({
        action: 'prune',
        desired: undefined,
        before,
        validation: 'Strict',
      })),
    ],
    false,
  );
  try {
    for (const group of applyGroups(writes)) {
      const done = await mapBounded(group, AT_ONCE, (each) => writeOne(writing, each, force, signal));
      changes.push(...done);
      if (done.some(({ action }) => action === 'failed'))
        return { changes, pruned, back: await writing.restore(arePassing(done)) };
      const unserved = await unservedDefinitions(
        client,
        clock,
        group.map(({ desired }) => desired),
        signal,
      );
      if (unserved.length > 0) {
        changes.push(
          ...unserved.map((object): Change => ({
            object,
            action: 'failed',
            message: `${fluxName(object)} ${NOT_SERVED}`,
          })),
        );
        return { changes, pruned, back: await writing.restore(false) };
      }
    }
    for (const object of doomed.toSorted((a, b) => kindRank(b) - kindRank(a))) {
      const change = await deleteOne(object, (options) => writing.prune(object, options, signal));
      pruned.push(change);
      if (change.action === 'failed')
        return { changes, pruned, back: await writing.restore(change.passing === true) };
    }
    await writing.commit();
  } catch (thrown) {
    await writing.restore(true);
    throw thrown;
  }
  return { changes, pruned, back: undefined };
}

function arePassing(changes: readonly Change[]): boolean {
  return changes.every(({ action, passing }) => action !== 'failed' || passing === true);
}

interface Tried {
  readonly desired: KubeObject;
  readonly live: KubeObject | undefined;
  readonly action: Change['action'];
  readonly message: string;
  /** The server does not change it: it is deleted and made again. */
  readonly recreated: boolean;
}

function changeOf({ desired: object, action, message }: Tried): Change {
  return { object, action, message };
}

/** What the server says against an object; throws where it says nothing. */
function reasonBehind(thrown: unknown): string {
  const error = asLandfallError(thrown);
  const answer = statusBehind(error);
  if (error.kind === 'cancelled' || error.kind === 'bug' || error.code === 'kube-unauthorized') throw error;
  if (error.kind === 'unavailable' && answer?.code !== 500) throw error;
  return answer?.message ?? error.message;
}

async function tryOne(
  client: KubeClient,
  { desired, live }: FluxSet['pairs'][number],
  mayRecreate: boolean,
  set: readonly KubeObject[],
  signal: AbortSignal,
): Promise<Pick<Tried, 'action' | 'message' | 'recreated'>> {
  try {
    const { outcome } = await client.apply(
      desired,
      {
        fieldManager: FIELD_MANAGER,
        force: true,
        dryRun: true,
        before: live ?? null,
        fieldValidation: 'Strict',
      },
      signal,
    );
    return {
      action: outcome === 'changed' ? 'configured' : outcome,
      message: outcome,
      recreated: false,
    };
  } catch (thrown) {
    const reason = reasonBehind(thrown);
    const error = asLandfallError(thrown);
    const isComing =
      (error.code === 'kind-unknown' && broughtBySet(desired, set)) ||
      (error.kind === 'not-found' &&
        set.some(
          ({ kind, metadata }) => kind === 'Namespace' && metadata.name === desired.metadata.namespace,
        ));
    if (isComing) {
      return { action: 'created', message: 'its namespace or kind is part of the set', recreated: false };
    }
    if (live !== undefined && mayRecreate && isImmutable(reason)) {
      return { action: 'configured', message: 'is made anew', recreated: true };
    }
    return { action: 'failed', message: `${fluxName(desired)} dry-run failed: ${reason}`, recreated: false };
  }
}

async function writeOne(
  set: SyncSet,
  { desired: object, live, recreated }: Tried,
  forced: boolean,
  signal: AbortSignal,
): Promise<Change> {
  const { takeOver } = fluxManner(object, live, forced);
  try {
    const { outcome } = await set.apply(
      object,
      {
        how: 'apply',
        force: recreated,
        validation: 'Strict',
        before: live ?? null,
        takeOver: takeOver ? TAKEN_OVER : [],
        hook: false,
      },
      signal,
    );
    return { object, action: outcome === 'changed' ? 'configured' : outcome, message: outcome };
  } catch (thrown) {
    return {
      object,
      action: 'failed',
      message: `${fluxName(object)} apply failed: ${reasonBehind(thrown)}`,
      passing: isPassing(thrown),
    };
  }
}

function isImmutable(message: string): boolean {
  return /immutable|may not be changed|cannot be changed|Forbidden: updates to/i.test(message);
}

/** Still this Kustomization's own, and not marked to be kept. */
function mayDelete(object: KubeObject, owner: KubeObject): boolean {
  return fluxPrunes(object) && isOwnedBy(object, owner);
}

/** Deletes, last things first, what is still this Kustomization's own. */
export async function deleteObjects(
  client: KubeClient,
  objects: readonly KubeObject[],
  owner: KubeObject,
  signal: AbortSignal,
): Promise<readonly Change[]> {
  const changes: Change[] = [];
  for (const object of objects.toSorted((a, b) => kindRank(b) - kindRank(a))) {
    const { uid } = object.metadata;
    const insisting = uid === undefined ? {} : { preconditions: { uid } };
    changes.push(
      mayDelete(object, owner)
        ? await deleteOne(object, (options) =>
            client.delete(refOf(object), { ...options, ...insisting }, signal),
          )
        : { object, action: 'skipped', message: 'skipped' },
    );
  }
  return changes;
}

async function deleteOne(
  object: KubeObject,
  remove: (options: DeleteOptions) => Promise<unknown>,
): Promise<Change> {
  try {
    await remove({ propagationPolicy: 'Background' });
    return { object, action: 'deleted', message: 'deleted' };
  } catch (thrown) {
    const message = `${fluxName(object)} delete failed: ${reasonBehind(thrown)}`;
    return { object, action: 'failed', message, passing: isPassing(thrown) };
  }
}

export function isOwnedBy(object: KubeObject, owner: KubeObject): boolean {
  const { labels } = object.metadata;
  return (
    labels?.[NAME_LABEL] === owner.metadata.name &&
    labels[NAMESPACE_LABEL] === (owner.metadata.namespace ?? 'default')
  );
}
