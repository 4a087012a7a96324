import { asLandfallError, mapBounded } from '../kernel/index.ts';
import { splitApiVersion } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { trackedBy } from '../boundaries/sync/index.ts';
import type { Subject } from './look.ts';
import type { Project } from './projects/index.ts';
import type { Level, Turn } from './queue.ts';
import type { Condition } from './status.ts';

const AT_ONCE = 8;
const MOST_KINDS = 300;
/** Kinds that Argo CD does not look at, by `group/Kind`. */
const UNSEEN = new Set([
  '/Event',
  'events.k8s.io/Event',
  '/Endpoints',
  'discovery.k8s.io/EndpointSlice',
  'coordination.k8s.io/Lease',
]);

export interface OrphanWatch {
  /** Looked for when Git is; in between what was found then counts. */
  conditions(subject: Subject, level: Level, turn: Turn): Promise<readonly Condition[]>;
  forget(key: string): void;
}

/** `isApplication`: whether there is an application of that name. */
export function createOrphanWatch(isApplication: (instance: string) => boolean): OrphanWatch {
  const known = new Map<string, readonly Condition[]>();
  return {
    async conditions({ key, project, cluster, spec, settings }, level, turn) {
      const { namespace } = spec.destination;
      if (project.orphans?.warn !== true) {
        known.delete(key);
        return [];
      }
      const before = known.get(key);
      if (level === 'live' && before !== undefined) return before;
      const owned = (object: KubeObject) => {
        const instance = trackedBy(object, settings.tracking);
        return instance !== undefined && isApplication(instance);
      };
      const found = await orphanWarning(cluster.client, namespace, project, owned, turn.signal);
      const conditions = found === undefined ? [] : [found];
      known.set(key, conditions);
      return conditions;
    },
    forget: (key) => {
      known.delete(key);
    },
  };
}

/**
 * Argo CD's warning about what stands in an application's namespace and is no application's: undefined where the
 * project does not ask for it. Kinds that may not be listed are passed over, as nobody can be warned of them.
 */
async function orphanWarning(
  client: KubeClient,
  namespace: string,
  project: Project,
  isOwned: (object: KubeObject) => boolean,
  signal: AbortSignal,
): Promise<Condition | undefined> {
  if (project.orphans?.warn !== true || namespace === '') return undefined;
  const objects = await everythingIn(client, namespace, signal);
  const orphans = orphansAmong(objects, project, isOwned);
  if (orphans.length === 0) return undefined;
  return { type: 'OrphanedResourceWarning', message: `Application has ${orphans.length} orphaned resources` };
}

/** What no application owns, and what such objects own in their turn. Pure. */
function orphansAmong(
  objects: readonly KubeObject[],
  project: Pick<Project, 'orphans'>,
  isOwned: (object: KubeObject) => boolean,
): readonly KubeObject[] {
  const byUid = new Map(objects.map((object) => [object.metadata.uid ?? '', object]));
  const isOrphan = (object: KubeObject, depth = 0): boolean => {
    if (isOwned(object)) return false;
    const owner = object.metadata.ownerReferences?.map(({ uid }) => byUid.get(uid)).find((found) => found);
    if (owner !== undefined && depth < 20) return isOrphan(owner, depth + 1);
    // Owned by something of another place: it is looked after there.
    if ((object.metadata.ownerReferences?.length ?? 0) > 0) return false;
    return !isKnown(object) && project.orphans?.ignores(object) !== true;
  };
  return objects.filter((object) => isOrphan(object));
}

/** There in every namespace. */
function isKnown({ kind, metadata, apiVersion }: KubeObject): boolean {
  const { name, namespace } = metadata;
  if (splitApiVersion(apiVersion).group !== '') return false;
  return (
    (kind === 'Service' && namespace === 'default' && name === 'kubernetes') ||
    (kind === 'ServiceAccount' && name === 'default') ||
    (kind === 'ConfigMap' && name === 'kube-root-ca.crt')
  );
}

async function everythingIn(
  client: KubeClient,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const kinds = new Map<string, { readonly apiVersion: string; readonly kind: string }>();
  for (const text of await client.apiVersions(signal)) {
    const parts = text.split('/');
    const kind = parts.pop() ?? '';
    const apiVersion = parts.join('/');
    if (!/^[A-Z]/.test(kind) || apiVersion === '') continue;
    const name = `${splitApiVersion(apiVersion).group}/${kind}`;
    // One version of a kind is enough: the objects are the same.
    if (!UNSEEN.has(name)) kinds.set(name, { apiVersion, kind });
  }
  const listed = await mapBounded([...kinds.values()].slice(0, MOST_KINDS), AT_ONCE, async (kind) => {
    try {
      const { namespaced, verbs } = await client.resource(kind, signal);
      if (!namespaced || !verbs.includes('list')) return [];
      const { items } = await client.list(kind, { namespace }, signal);
      return items.map((item) => ({ ...item, apiVersion: kind.apiVersion, kind: kind.kind }));
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (['denied', 'not-found', 'invalid-input'].includes(error.kind)) return [];
      throw error;
    }
  });
  return listed.flat();
}
