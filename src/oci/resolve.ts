import { getObject, getString, isJsonObject, LandfallError, mapBounded, parseJson } from '../kernel/index.ts';
import { readBlob } from './blob-client.ts';
import type { Session } from './session.ts';
import {
  configDescriptor,
  imageDescriptors,
  readPlatform,
  stringMap,
  type Manifest,
  type Platform,
} from './manifest.ts';
import { attestationDescriptors } from './attestations.ts';
import { readManifest } from './manifest-client.ts';
import { isImageConfigType, isIndexType } from './media-types.ts';
import { formatReference, pulledReference, type ImageReference } from './reference.ts';

/** One platform's image. */
export interface PlatformManifest extends Platform {
  readonly digest: string;
  readonly configDigest: string;
  /** Of the image config: claims of who built it, bound to the config digest. */
  readonly labels: Readonly<Record<string, string>>;
  /** When the config says that it was built. */
  readonly created?: string;
}

/** What a reference was at one moment. Plain JSON. */
export interface Resolution {
  /** In full, as it is pulled: with a digest, or with a tag. */
  readonly reference: string;
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  /** What the registry answered for the reference: the index, or the manifest where there is no index. */
  readonly digest: string;
  readonly mediaType: string;
  readonly kind: 'index' | 'manifest';
  /** In the order of the index; one where there is no index. */
  readonly manifests: readonly PlatformManifest[];
  /** Attestations that BuildKit put into the index: their digests, and what each is about. Left out where there are none. */
  readonly attestations?: readonly { readonly digest: string; readonly subject: string }[];
  /** When it was asked, ISO 8601. */
  readonly resolvedAt: string;
  /** The registry's Last-Modified for the reference, ISO 8601; few registries send it. */
  readonly lastModified?: string;
  /** The origin that answered: the registry or one of its mirrors. */
  readonly answeredBy: string;
}

const CONFIG_LIMIT = 8 * 1024 * 1024;
const AT_ONCE = 4;
const DEPTH = 3;

/** The reference is asked for once; everything else is asked for by digest. */
export async function resolveReference(
  session: Session,
  asked: ImageReference,
  platforms: readonly Platform[] | undefined,
  signal: AbortSignal,
): Promise<Resolution> {
  const reference = pulledReference(asked);
  const resolvedAt = new Date(session.clock.now()).toISOString();
  const top = await readManifest(session, reference, signal);
  const manifests = await expand(session, reference, top, undefined, platforms, 0, signal);
  if (manifests.length === 0) {
    throw new LandfallError(
      `${formatReference(reference)} holds no image${platforms === undefined ? '' : ' for the platforms asked for'}.`,
      {
        kind: 'not-found',
        code: 'platform-not-found',
        object: formatReference(reference),
        hint: 'Build it for the platform of the nodes.',
      },
    );
  }
  const attestations = attestationDescriptors(top.json, formatReference(reference)).map(
    ({ descriptor, subject }) => ({ digest: descriptor.digest, subject }),
  );
  return {
    reference: formatReference(reference),
    registry: reference.registry,
    repository: reference.repository,
    ...(reference.tag === undefined ? {} : { tag: reference.tag }),
    digest: top.digest,
    mediaType: top.mediaType,
    kind: isIndexType(top.mediaType) ? 'index' : 'manifest',
    manifests,
    ...(attestations.length === 0 ? {} : { attestations }),
    resolvedAt,
    ...(top.lastModified === undefined ? {} : { lastModified: top.lastModified }),
    answeredBy: top.answeredBy,
  };
}

async function expand(
  session: Session,
  reference: ImageReference,
  manifest: Manifest,
  platform: Platform | undefined,
  platforms: readonly Platform[] | undefined,
  depth: number,
  signal: AbortSignal,
): Promise<readonly PlatformManifest[]> {
  if (!isIndexType(manifest.mediaType)) {
    return [await expandImage(session, reference, manifest, platform, signal)];
  }
  const where = byDigest(reference, manifest.digest);
  if (depth >= DEPTH) {
    throw new LandfallError(`${formatReference(where)} is an index in an index, more than ${DEPTH} deep.`, {
      kind: 'invalid-input',
      code: 'manifest-invalid',
      object: formatReference(where),
      hint: 'Build and push the image again with a current tool.',
    });
  }
  const wanted = imageDescriptors(manifest.json, formatReference(where)).filter(
    (descriptor) =>
      platforms === undefined ||
      descriptor.platform === undefined ||
      platforms.some((one) => samePlatform(one, descriptor.platform)),
  );
  const found = await mapBounded(wanted, AT_ONCE, async (descriptor) => {
    const child = await readManifest(session, byDigest(reference, descriptor.digest), signal);
    return expand(session, reference, child, descriptor.platform, platforms, depth + 1, signal);
  });
  return found.flat();
}

function byDigest({ registry, repository }: ImageReference, digest: string): ImageReference {
  return { registry, repository, digest };
}

/** Nodes say no variant; without one on either side, operating system and architecture decide. */
export function samePlatform(a: Platform, b: Platform | undefined): boolean {
  return (
    b !== undefined &&
    a.os === b.os &&
    a.architecture === b.architecture &&
    (a.variant === undefined || b.variant === undefined || a.variant === b.variant)
  );
}

async function expandImage(
  session: Session,
  reference: ImageReference,
  manifest: Manifest,
  platform: Platform | undefined,
  signal: AbortSignal,
): Promise<PlatformManifest> {
  const object = formatReference(byDigest(reference, manifest.digest));
  const config = configDescriptor(manifest.json, object);
  if (!isImageConfigType(config.mediaType)) {
    throw new LandfallError(`${object} is an artifact of the type ${config.mediaType}, not an image.`, {
      kind: 'invalid-input',
      code: 'not-an-image',
      object,
      hint: 'Name the image itself; this may be a chart, a signature or a build record.',
    });
  }
  const limit = Math.min(CONFIG_LIMIT, config.size + 1);
  const bytes = await readBlob(session, reference, config.digest, limit, signal);
  const json = parseJson(bytes.toString('utf8'), `The config of ${object}`);
  const own = isJsonObject(json) ? readPlatform(json) : undefined;
  const known = platform ?? own;
  if (known === undefined) {
    throw new LandfallError(`${object} does not say for which platform it is.`, {
      kind: 'invalid-input',
      code: 'manifest-invalid',
      object,
      hint: 'Build and push the image again with a current tool.',
    });
  }
  const created = getString(json, 'created');
  return {
    ...known,
    digest: manifest.digest,
    configDigest: config.digest,
    labels: stringMap(getObject(json, 'config', 'Labels')),
    ...(created === undefined ? {} : { created }),
  };
}
