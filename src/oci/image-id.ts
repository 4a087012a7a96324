import { LandfallError } from '../kernel/index.ts';
import { isDigest } from './digest.ts';
import type { Platform } from './manifest.ts';
import { parseReference, type ImageReference } from './reference.ts';
import { samePlatform, type PlatformManifest, type Resolution } from './resolve.ts';

/** A pod status' `imageID`, taken apart. It names any reference that the node knows for the running config. */
export interface ObservedImageId {
  /** Undefined where the runtime reported none. */
  readonly digest: string | undefined;
  /** The repository in front of the digest; undefined for a bare digest. Never to be compared as text. */
  readonly repository: ImageReference | undefined;
  /** True for names that `ctr images import` makes up, as kind does: no registry has them. */
  readonly imported: boolean;
}

/**
 * `match`: the digest is one of the expected image's own. `equivalent`: another wrapper around the same config, so the
 * same bytes run (a rebuild of provenance changes only the wrapper). `mismatch`: another image. `inconclusive`: the
 * digest cannot be looked up or is none, which says neither.
 */
export interface ImageComparison {
  readonly outcome: 'match' | 'equivalent' | 'inconclusive' | 'mismatch';
  /** Stable, kebab-case. */
  readonly reason:
    | 'index-digest'
    | 'manifest-digest'
    | 'config-digest'
    | 'same-config'
    | 'other-config'
    | 'other-platform'
    | 'no-image-id'
    | 'no-digest'
    | 'bare-digest'
    | 'imported'
    | 'no-lookup'
    | 'not-resolvable'
    | 'platform-missing';
  /** The digest in the imageID. */
  readonly observed: string | undefined;
  /** Config digests that may run on the node, of the expected image. */
  readonly expectedConfigs: readonly string[];
  /** Config digests that the observed image has for the node's platform, once it was looked up. */
  readonly observedConfigs: readonly string[];
  /** Why the observed digest could not be looked up. */
  readonly failure?: LandfallError;
}

/** Looks up what a node runs: `client.resolve` of a reference by digest. */
export type ImageLookup = (reference: ImageReference) => Promise<Resolution>;

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//;
const IMPORTED = /(?:^|\/)import-\d{4}-\d{2}-\d{2}$/;

/** Reads `docker-pullable://repo@sha256:…`, `docker://sha256:…`, `repo@sha256:…` and a bare `sha256:…`. */
export function parseImageId(imageId: string): ObservedImageId {
  const text = imageId.trim().replace(SCHEME, '');
  const at = text.lastIndexOf('@');
  const digest = text.slice(at + 1);
  const name = at < 0 ? undefined : text.slice(0, at);
  return {
    digest: isDigest(digest) ? digest : undefined,
    repository: name === undefined ? undefined : repositoryOf(name),
    imported: name !== undefined && IMPORTED.test(name),
  };
}

function repositoryOf(name: string): ImageReference | undefined {
  try {
    const { registry, repository } = parseReference(name);
    return { registry, repository };
  } catch {
    // A node may report a name that is none (`<none>@sha256:…`); its digest still counts.
    return undefined;
  }
}

/**
 * Compares what was expected with what a container's status says, by digest only. `expected` is the reference
 * resolved once; `node` is the node's operating system and architecture. Without `lookup` a digest that is not one of
 * the expected image's own stays inconclusive. Rejects only when `lookup` was cancelled or broke.
 *
 * containerd reports the first, in lexical order, of all digests it knows for a config, whatever was asked for, and
 * recomputes it on each status call; so another digest alone is no mismatch, and a pinned digest need not show.
 */
export async function compareImageId(
  expected: Resolution,
  imageId: string,
  node: Platform,
  lookup?: ImageLookup,
): Promise<ImageComparison> {
  const observed = parseImageId(imageId);
  const own = forPlatform(expected, node);
  const base = {
    observed: observed.digest,
    expectedConfigs: own.map(({ configDigest }) => configDigest),
    observedConfigs: [] as readonly string[],
  };
  const { digest } = observed;
  if (digest === undefined) {
    const reason = imageId.trim() === '' ? 'no-image-id' : 'no-digest';
    return { ...base, outcome: 'inconclusive', reason };
  }
  if (digest === expected.digest) {
    const reason = expected.kind === 'index' ? 'index-digest' : 'manifest-digest';
    return { ...base, outcome: 'match', reason };
  }
  if (own.some((manifest) => manifest.digest === digest)) {
    return { ...base, outcome: 'match', reason: 'manifest-digest' };
  }
  if (base.expectedConfigs.includes(digest)) return { ...base, outcome: 'match', reason: 'config-digest' };
  if (own.length === 0) return { ...base, outcome: 'inconclusive', reason: 'platform-missing' };

  const elsewhere = expected.manifests.find((manifest) => manifest.digest === digest);
  if (elsewhere !== undefined) return judge(base, [elsewhere.configDigest], 'other-platform');
  if (observed.repository === undefined && !imageId.includes('@')) {
    return { ...base, outcome: 'inconclusive', reason: 'bare-digest' };
  }
  if (observed.imported) return { ...base, outcome: 'inconclusive', reason: 'imported' };
  if (lookup === undefined) return { ...base, outcome: 'inconclusive', reason: 'no-lookup' };

  const found = await lookUp(digest, observed.repository, expected, lookup);
  if (found instanceof LandfallError) {
    return { ...base, outcome: 'inconclusive', reason: 'not-resolvable', failure: found };
  }
  const configs = forPlatform(found, node).map(({ configDigest }) => configDigest);
  // An image that has nothing for this node cannot be what runs on it; the answer is about something else.
  if (configs.length === 0) return { ...base, outcome: 'inconclusive', reason: 'platform-missing' };
  return judge(base, configs, 'other-config');
}

function judge(
  base: Pick<ImageComparison, 'observed' | 'expectedConfigs'>,
  configs: readonly string[],
  otherwise: 'other-config' | 'other-platform',
): ImageComparison {
  const same = configs.some((config) => base.expectedConfigs.includes(config));
  return same
    ? { ...base, observedConfigs: configs, outcome: 'equivalent', reason: 'same-config' }
    : { ...base, observedConfigs: configs, outcome: 'mismatch', reason: otherwise };
}

/** Without an index there is one image, and a node runs it whatever it says of its platform. */
function forPlatform(resolution: Resolution, node: Platform): readonly PlatformManifest[] {
  if (resolution.kind === 'manifest') return resolution.manifests;
  return resolution.manifests.filter((manifest) => samePlatform(manifest, node));
}

/** In the repository that the node names, then in the expected one; the first failure tells why. */
async function lookUp(
  digest: string,
  named: ImageReference | undefined,
  { registry, repository }: Resolution,
  lookup: ImageLookup,
): Promise<Resolution | LandfallError> {
  const places = named === undefined ? [] : [named];
  if (!places.some((place) => place.registry === registry && place.repository === repository)) {
    places.push({ registry, repository });
  }
  let failure: LandfallError | undefined;
  for (const place of places) {
    try {
      return await lookup({ registry: place.registry, repository: place.repository, digest });
    } catch (error) {
      if (!(error instanceof LandfallError) || error.kind === 'cancelled' || error.kind === 'bug')
        throw error;
      failure ??= error;
    }
  }
  return (
    failure ??
    new LandfallError('There is no place to look up the image.', { kind: 'bug', code: 'no-lookup-place' })
  );
}
