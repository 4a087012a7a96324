import { asLandfallError, mapBounded } from '../../kernel/index.ts';
import { refOf, statusBehind } from '../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import { FIELD_MANAGER, applyGroups, kindRank } from '../../apply/index.ts';
import { broughtBySet } from '../order.ts';

const GROUP = 'kustomize.toolkit.fluxcd.io';
const AT_ONCE = 6;

export const NAME_LABEL = `${GROUP}/name`;
export const NAMESPACE_LABEL = `${GROUP}/namespace`;

/** One object that was written, or why it was not. */
export interface Change {
  readonly object: KubeObject;
  readonly action: 'created' | 'configured' | 'unchanged' | 'deleted' | 'skipped' | 'failed';
  readonly message: string;
}

/** `Deployment/shop/web`, as Flux names objects in its messages. */
export function fluxName(object: KubeObject): string {
  const { name, namespace } = object.metadata;
  return namespace === undefined ? `${object.kind}/${name}` : `${object.kind}/${namespace}/${name}`;
}

/** An annotation or label of Flux on an object, in the manifest or stored. */
export function policyOf(object: KubeObject | undefined, name: string): string | undefined {
  const key = `${GROUP}/${name}`;
  return object?.metadata.annotations?.[key] ?? object?.metadata.labels?.[key];
}

/** What somebody told Flux to leave alone, or to make once. */
export function isSkipped(desired: KubeObject, live: KubeObject | undefined): boolean {
  const told = (name: string, value: string) =>
    policyOf(desired, name)?.toLowerCase() === value || policyOf(live, name)?.toLowerCase() === value;
  if (told('reconcile', 'disabled') || told('ssa', 'ignore')) return true;
  return live !== undefined && told('ssa', 'ifnotpresent');
}

/**
 * Everything is tried by a server-side dry run before the first write, then applied in the order of its dependencies;
 * the first group that fails ends it. Throws where the server did not answer: nothing is known then.
 */
export async function applySet(
  client: KubeClient,
  pairs: readonly { readonly desired: KubeObject; readonly live: KubeObject | undefined }[],
  force: boolean,
  signal: AbortSignal,
): Promise<readonly Change[]> {
  const before = new Map(pairs.map(({ desired, live }) => [desired, live ?? null]));
  const skipped = pairs.filter(({ desired, live }) => isSkipped(desired, live)).map(({ desired }) => desired);
  const wanted = pairs.map(({ desired }) => desired).filter((object) => !skipped.includes(object));
  const left: Change[] = skipped.map((object) => ({ object, action: 'skipped', message: 'skipped' }));
  const tried = await mapBounded(wanted, AT_ONCE, (object) =>
    write(client, object, before.get(object) ?? null, { dryRun: true, force, set: wanted }, signal),
  );
  const refused = tried.filter(({ action }) => action === 'failed');
  if (refused.length > 0) return refused;
  const unchanged = new Set(tried.filter(({ action }) => action === 'unchanged').map(({ object }) => object));
  const changes: Change[] = [...left];
  for (const group of applyGroups(wanted)) {
    const done = await mapBounded(group, AT_ONCE, (object): Promise<Change> =>
      unchanged.has(object)
        ? Promise.resolve({ object, action: 'unchanged', message: 'unchanged' })
        : write(client, object, before.get(object) ?? null, { dryRun: false, force, set: wanted }, signal),
    );
    changes.push(...done);
    if (done.some(({ action }) => action === 'failed')) return changes;
    if (group.some(({ kind }) => kind === 'CustomResourceDefinition')) client.forgetKinds();
  }
  return changes;
}

interface Writing {
  readonly dryRun: boolean;
  readonly force: boolean;
  readonly set: readonly KubeObject[];
}

async function write(
  client: KubeClient,
  object: KubeObject,
  before: KubeObject | null,
  { dryRun, force, set }: Writing,
  signal: AbortSignal,
): Promise<Change> {
  try {
    const { outcome } = await client.apply(
      object,
      { fieldManager: FIELD_MANAGER, force: true, dryRun, before, fieldValidation: 'Strict' },
      signal,
    );
    return { object, action: outcome === 'changed' ? 'configured' : outcome, message: outcome };
  } catch (thrown) {
    const error = asLandfallError(thrown);
    const answer = statusBehind(error);
    if (error.kind === 'cancelled' || error.kind === 'bug' || error.code === 'kube-unauthorized') throw error;
    if (error.kind === 'unavailable' && answer?.code !== 500) throw error;
    const isComing =
      dryRun &&
      ((error.code === 'kind-unknown' && broughtBySet(object, set)) ||
        (error.kind === 'not-found' &&
          set.some(
            ({ kind, metadata }) => kind === 'Namespace' && metadata.name === object.metadata.namespace,
          )));
    if (isComing) return { object, action: 'created', message: 'its namespace or kind is part of the set' };
    const mayReplace = force || policyOf(object, 'force')?.toLowerCase() === 'enabled';
    if (before !== null && mayReplace && isImmutable(answer?.message ?? error.message)) {
      if (dryRun) return { object, action: 'configured', message: 'is made anew' };
      await client.delete(refOf(before), { propagationPolicy: 'Background' }, signal);
      return write(client, object, null, { dryRun, force: false, set }, signal);
    }
    const message = answer?.message ?? error.message;
    const what = dryRun ? `dry-run failed: ${message}` : `apply failed: ${message}`;
    return { object, action: 'failed', message: `${fluxName(object)} ${what}` };
  }
}

function isImmutable(message: string): boolean {
  return /immutable|may not be changed|cannot be changed|Forbidden: updates to/i.test(message);
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
    const kept =
      policyOf(object, 'prune')?.toLowerCase() === 'disabled' ||
      policyOf(object, 'reconcile')?.toLowerCase() === 'disabled' ||
      !isOwnedBy(object, owner);
    if (kept) {
      changes.push({ object, action: 'skipped', message: 'skipped' });
      continue;
    }
    const { uid } = object.metadata;
    try {
      await client.delete(
        refOf(object),
        { propagationPolicy: 'Background', ...(uid === undefined ? {} : { preconditions: { uid } }) },
        signal,
      );
      changes.push({ object, action: 'deleted', message: 'deleted' });
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (error.kind === 'cancelled' || error.kind === 'bug' || error.kind === 'unavailable') throw error;
      changes.push({
        object,
        action: 'failed',
        message: `${fluxName(object)} delete failed: ${statusBehind(error)?.message ?? error.message}`,
      });
    }
  }
  return changes;
}

export function isOwnedBy(object: KubeObject, owner: KubeObject): boolean {
  const { labels } = object.metadata;
  return (
    labels?.[NAME_LABEL] === owner.metadata.name &&
    labels[NAMESPACE_LABEL] === (owner.metadata.namespace ?? 'default')
  );
}
