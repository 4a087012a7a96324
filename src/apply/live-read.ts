import { asLandfallError, mapBounded } from '../kernel/index.ts';
import { refOf } from '../kube/index.ts';
import type { KubeClient, KubeObject, ObjectRef } from '../kube/index.ts';
import { objectKey } from '../boundaries/index.ts';

/** From so many objects of one kind in one namespace on, one list is cheaper than a read of each. */
const WORTH_A_LIST = 5;
const AT_ONCE = 16;

/**
 * The stored objects, by `objectKey`; those that are not there are left out, and so are those that this identity may
 * not read: permissions are asked for on their own. Throws what could not be read otherwise.
 */
export async function readObjects(
  client: KubeClient,
  objects: readonly KubeObject[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, KubeObject>> {
  const groups = new Map<string, KubeObject[]>();
  for (const object of objects) {
    const key = `${object.apiVersion} ${object.kind} ${object.metadata.namespace ?? ''}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [object]);
    else group.push(object);
  }
  const found = new Map<string, KubeObject>();
  const single: KubeObject[] = [];
  await mapBounded([...groups.values()], AT_ONCE, async (group) => {
    const listed = group.length < WORTH_A_LIST ? undefined : await listOf(client, group, signal);
    if (listed === undefined) single.push(...group);
    else for (const object of listed) found.set(objectKey(object), object);
  });
  await mapBounded(single, AT_ONCE, async (object) => {
    const live = await readAllowed(client, object, signal);
    if (live !== undefined) found.set(objectKey(object), live);
  });
  return found;
}

/** Undefined where this identity may not list them: each is read then. */
async function listOf(
  client: KubeClient,
  group: readonly KubeObject[],
  signal: AbortSignal,
): Promise<readonly KubeObject[] | undefined> {
  const [first] = group;
  if (first === undefined) return [];
  const { namespace } = first.metadata;
  try {
    const { items } = await client.list(first, namespace === undefined ? {} : { namespace }, signal);
    return items;
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'denied' || error.code === 'kind-unknown') return undefined;
    throw error;
  }
}

async function readAllowed(
  client: KubeClient,
  object: KubeObject,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  try {
    return await readObject(client, refOf(object), signal);
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.code === 'kube-forbidden') return undefined;
    throw error;
  }
}

/** Undefined where there is none, or where its kind is not served. */
export async function readObject(
  client: KubeClient,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  try {
    return await client.get(ref, signal);
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.code === 'kind-unknown') return undefined;
    throw error;
  }
}
