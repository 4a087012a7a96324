import { gunzipSync, gzipSync } from 'node:zlib';
import { asLandfallError, getString, isJsonObject, parseJson } from '../../../kernel/index.ts';
import type { KubeClient, KubeObject, ObjectRef } from '../../../kube/index.ts';
import { FIELD_MANAGER } from '../../../apply/index.ts';
import { HELM_NAMESPACE_LABEL, HELM_NAME_LABEL, releaseName } from '../../../boundaries/render/index.ts';

const TYPE = 'landfall.dev/release-hooks.v1';
const DONE = 'landfall.dev/hooks-done';
const FAILED = 'landfall.dev/hooks-failed';
const LIMIT = 1024 * 1024;
const UNPACKED = 16 * 1024 * 1024;

/** Hooks of deletion and rollback of what is deployed, kept beside it: its chart may be gone when they are due. */
export interface KeptHooks {
  readonly objects: readonly KubeObject[];
  /** Times of a deletion that were run through. */
  readonly done: readonly string[];
  /** Runs of hooks that have failed: the next one is another. */
  readonly failures: number;
}

function refFor(release: KubeObject): ObjectRef & { readonly namespace: string } {
  const { namespace = 'default' } = release.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    namespace: getString(release, 'spec', 'storageNamespace') || namespace,
    name: `landfall.release.${releaseName(release).name}`,
  };
}

/** Undefined: nothing is kept for that release. */
export async function keptHooks(
  client: KubeClient,
  release: KubeObject,
  signal: AbortSignal,
): Promise<KeptHooks | undefined> {
  const secret = await client.get(refFor(release), signal);
  if (secret === undefined || !isOwn(secret, release)) return undefined;
  const { annotations } = secret.metadata;
  return {
    objects: unpacked(getString(secret, 'data', 'hooks') ?? ''),
    done: (annotations?.[DONE] ?? '').split(',').filter((time) => time !== ''),
    failures: Number(annotations?.[FAILED] ?? 0) || 0,
  };
}

/** What is kept of the release that is deployed now, where its chart has such hooks. False: there is no room for them. */
export async function keepHooks(
  client: KubeClient,
  release: KubeObject,
  hooks: readonly KubeObject[],
  signal: AbortSignal,
): Promise<boolean> {
  const ref = refFor(release);
  const before = await client.get(ref, signal);
  if (hooks.length === 0) {
    if (before !== undefined && isOwn(before, release)) await forgetHooks(client, release, signal);
    return true;
  }
  const packed = gzipSync(JSON.stringify(hooks)).toString('base64');
  if (packed.length > LIMIT) return false;
  if (getString(before, 'data', 'hooks') === packed) return true;
  const { apiVersion, kind, namespace, name } = ref;
  await client.apply(
    {
      apiVersion,
      kind,
      metadata: {
        name,
        namespace,
        labels: {
          [HELM_NAME_LABEL]: release.metadata.name,
          [HELM_NAMESPACE_LABEL]: release.metadata.namespace ?? 'default',
        },
      },
      type: TYPE,
      data: { hooks: packed },
    },
    { fieldManager: FIELD_MANAGER, force: true, before: before ?? null },
    signal,
  );
  return true;
}

/** Writes down how far the hooks of a deletion are. */
export async function noteHooks(
  client: KubeClient,
  release: KubeObject,
  { done, failures }: Pick<KeptHooks, 'done' | 'failures'>,
  signal: AbortSignal,
): Promise<void> {
  const annotations = { [DONE]: done.join(','), [FAILED]: String(failures) };
  await client.patch(refFor(release), 'merge', { metadata: { annotations } }, {}, signal);
}

export async function forgetHooks(
  client: KubeClient,
  release: KubeObject,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.delete(refFor(release), {}, signal);
  } catch (thrown) {
    if (asLandfallError(thrown).kind !== 'not-found') throw thrown;
  }
}

function isOwn(secret: KubeObject, release: KubeObject): boolean {
  const { labels } = secret.metadata;
  return (
    getString(secret, 'type') === TYPE &&
    labels?.[HELM_NAME_LABEL] === release.metadata.name &&
    labels[HELM_NAMESPACE_LABEL] === (release.metadata.namespace ?? 'default')
  );
}

/** What somebody else wrote there is nothing that could be run. */
function unpacked(packed: string): readonly KubeObject[] {
  try {
    const text = gunzipSync(Buffer.from(packed, 'base64'), { maxOutputLength: UNPACKED }).toString('utf8');
    const list = parseJson(text, 'kept hooks');
    if (!Array.isArray(list)) return [];
    return list.filter(isJsonObject).map((object) => object as KubeObject);
  } catch {
    return [];
  }
}
