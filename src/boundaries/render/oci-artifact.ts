import { LandfallError, getIn, getObject, getString } from '../../kernel/index.ts';
import { treeOfFiles } from '../../git/index.ts';
import type { FileTree } from '../../git/index.ts';
import { secretValue } from '../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import {
  createRegistryClient,
  parseReference,
  pullArtifact,
  pullSecretCredentials,
} from '../../oci/index.ts';
import type { ImageReference, RegistryClient } from '../../oci/index.ts';
import { highestTag } from './versions.ts';

const KEPT = 16;

/**
 * Artifacts by the digest of their manifest and what was taken of them: the same digest is the same files. `given` is
 * asked where a source says nothing of how its registry is reached.
 */
export function createArtifacts(
  client: KubeClient,
  given?: RegistryClient,
): {
  readonly tree: (source: KubeObject, digest: string, signal: AbortSignal) => Promise<FileTree>;
} {
  const kept = new Map<string, FileTree>();
  return {
    async tree(source, digest, signal) {
      const { registry, repository } = repositoryOf(source);
      const selector = getObject(source, 'spec', 'layerSelector');
      const layer = getString(selector, 'mediaType') || undefined;
      const copies = getString(selector, 'operation') === 'copy';
      const key = JSON.stringify([registry, repository, digest, layer ?? '', copies]);
      const known = kept.get(key);
      if (known !== undefined) return known;
      const pull = (from: RegistryClient) =>
        pullArtifact(from, { registry, repository, digest }, signal, {
          ...(layer === undefined ? {} : { layer }),
          ...(copies ? { copyAs: 'artifact' } : {}),
        });
      const artifact = await withRegistry({ client, source, given }, signal, pull);
      const tree = treeOfFiles(artifact.files);
      kept.set(key, tree);
      for (const oldest of kept.keys()) {
        if (kept.size <= KEPT) break;
        kept.delete(oldest);
      }
      return tree;
    },
  };
}

/** Throws `invalid-input`, code `oci-url`, for what is no `oci://` address. */
function repositoryOf(source: KubeObject): Pick<ImageReference, 'registry' | 'repository'> {
  const url = getString(source, 'spec', 'url') ?? '';
  if (url.startsWith('oci://')) {
    const { registry, repository, tag, digest } = parseReference(url.slice('oci://'.length));
    if (tag === undefined && digest === undefined) return { registry, repository };
  }
  throw new LandfallError(`URL '${url}' is not oci://HOST/REPOSITORY.`, {
    kind: 'invalid-input',
    code: 'oci-url',
    object: url,
    hint: 'Mend spec.url; the tag belongs into spec.ref.',
  });
}

async function secretOf(
  client: KubeClient,
  source: KubeObject,
  field: 'secretRef' | 'certSecretRef',
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const name = getString(source, 'spec', field, 'name') ?? '';
  if (name === '') return undefined;
  const { namespace = 'default' } = source.metadata;
  const secret = await client.get({ apiVersion: 'v1', kind: 'Secret', namespace, name }, signal);
  if (secret !== undefined) return secret;
  throw new LandfallError(`failed to get secret '${namespace}/${name}': secrets "${name}" not found`, {
    kind: 'not-found',
    code: 'secret-missing',
    object: `${namespace}/${name}`,
    hint: `Create the Secret, or mend spec.${field}.`,
  });
}

/** The registry of a source, as who its Secret says, for one question. */
async function withRegistry<T>(
  {
    client,
    source,
    given,
  }: {
    readonly client: KubeClient;
    readonly source: KubeObject;
    readonly given: RegistryClient | undefined;
  },
  signal: AbortSignal,
  ask: (registry: RegistryClient) => Promise<T>,
): Promise<T> {
  const own = ['secretRef', 'certSecretRef', 'insecure'].some(
    (field) => getIn(source, 'spec', field) !== undefined,
  );
  if (!own && given !== undefined) return ask(given);
  const secret = await secretOf(client, source, 'secretRef', signal);
  const certificates = await secretOf(client, source, 'certSecretRef', signal);
  const ca = certificates === undefined ? undefined : secretValue(certificates, 'ca.crt');
  const data = Object.entries(getObject(secret, 'data') ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  const registry = createRegistryClient({
    ...(secret === undefined
      ? {}
      : {
          credentials: pullSecretCredentials([
            {
              type: getString(secret, 'type') ?? '',
              name: secret.metadata.name,
              data: Object.fromEntries(data),
            },
          ]),
        }),
    ...(getIn(source, 'spec', 'insecure') === true ? { allowHttp: [repositoryOf(source).registry] } : {}),
    ...(ca === undefined ? {} : { ca: [ca] }),
  });
  try {
    return await ask(registry);
  } finally {
    registry.close();
  }
}

/** What an OCIRepository names now, asked of its registry as who its Secret says. Throws what the registry says. */
export async function ociArtifactNow(
  client: KubeClient,
  source: KubeObject,
  signal: AbortSignal,
  given?: RegistryClient,
): Promise<{ readonly tag: string | undefined; readonly digest: string }> {
  return withRegistry({ client, source, given }, signal, (registry) => found(registry, source, signal));
}

/** What who pushed an artifact has written on it: the revision that it was made from, and when. */
export async function ociArtifactFacts(
  client: KubeClient,
  source: KubeObject,
  digest: string,
  signal: AbortSignal,
  given?: RegistryClient,
): Promise<{ readonly revision: string | undefined; readonly created: number | undefined }> {
  const place = { ...repositoryOf(source), digest };
  const manifest = await withRegistry({ client, source, given }, signal, (registry) =>
    registry.getManifest(place, signal),
  );
  const text = (name: string) => getString(manifest.json, 'annotations', `org.opencontainers.image.${name}`);
  const created = Date.parse(text('created') ?? '');
  return { revision: text('revision') || undefined, created: Number.isNaN(created) ? undefined : created };
}

/** digest, semver, tag: in that order, as Flux takes them; without any, the tag latest. Gives tag and digest. */
async function found(
  registry: RegistryClient,
  source: KubeObject,
  signal: AbortSignal,
): Promise<{ readonly tag: string | undefined; readonly digest: string }> {
  const ref = getObject(source, 'spec', 'ref');
  const place = repositoryOf(source);
  const digest = getString(ref, 'digest') || undefined;
  if (digest !== undefined) {
    return { tag: undefined, digest: (await registry.head({ ...place, digest }, signal)).digest };
  }
  const range = getString(ref, 'semver') || undefined;
  const tag =
    range === undefined
      ? getString(ref, 'tag') || 'latest'
      : highestTag(
          matching(await registry.tags(place, signal), getString(ref, 'semverFilter')),
          range,
          'oci-semver',
        );
  return { tag, digest: (await registry.head({ ...place, tag }, signal)).digest };
}

/** `spec.ref.semverFilter` leaves tags out before their versions are compared. */
function matching(tags: readonly string[], filter: string | undefined): readonly string[] {
  try {
    const pattern = new RegExp(filter ?? '');
    return tags.filter((tag) => pattern.test(tag));
  } catch {
    throw new LandfallError(`spec.ref.semverFilter '${filter ?? ''}' is no regular expression`, {
      kind: 'invalid-input',
      code: 'oci-semver',
      hint: 'Mend spec.ref.semverFilter.',
    });
  }
}

/** `v1.2.0@sha256:…`; of a bare digest, itself. As Flux writes it. */
export function ociDigest(revision: string): string | undefined {
  return /(?:^|@)(sha256:[0-9a-f]{64})$/.exec(revision)?.[1];
}
