import { LandfallError, systemClock, type Clock } from '../kernel/index.ts';
import type { BuiltImage } from './build-image.ts';
import type { ImageName, RegistryClient } from './client.ts';
import { platformText } from './manifest.ts';
import { formatReference, parseReference, pulledReference } from './reference.ts';

/** What a registry holds after a push; the index digest is from its answer to the PUT. */
export interface PushedImage {
  /** `registry.corp.io/app:2.5.0` */
  readonly reference: string;
  readonly index: string;
  /** Platform (`linux/amd64`) to manifest digest. */
  readonly manifests: Readonly<Record<string, string>>;
  /** Platform to config digest. */
  readonly configs: Readonly<Record<string, string>>;
  /** ISO 8601, after the registry had answered. */
  readonly pushedAt: string;
  /** Bytes of layers and configs that had to be sent. */
  readonly uploadedBytes: number;
}

/**
 * Pushes parts first and the index under its tag last, so that the tag never names something incomplete. Throws
 * `invalid-input` for a reference with a digest: what is pushed decides the digest.
 */
export async function pushImage(
  client: RegistryClient,
  image: BuiltImage,
  to: ImageName,
  signal: AbortSignal,
  options: { readonly clock?: Clock; readonly mountFrom?: string } = {},
): Promise<PushedImage> {
  const given = typeof to === 'string' ? parseReference(to) : to;
  if (given.digest !== undefined) {
    throw new LandfallError(`An image cannot be pushed to ${formatReference(given)}: it names a digest.`, {
      kind: 'invalid-input',
      code: 'push-to-digest',
      object: formatReference(given),
      hint: 'Push to a tag; the registry answers with the digest.',
    });
  }
  const reference = pulledReference(given);
  const { registry, repository } = reference;
  let uploadedBytes = 0;
  const { clock = systemClock, mountFrom } = options;
  for (const { bytes } of [...image.layers, ...image.platforms.map(({ config }) => config)]) {
    const { outcome } = await client.pushBlob(
      reference,
      bytes,
      signal,
      mountFrom === undefined ? {} : { mountFrom },
    );
    if (outcome === 'uploaded') uploadedBytes += bytes.length;
  }
  const manifests: Record<string, string> = {};
  const configs: Record<string, string> = {};
  for (const { platform, manifest, config } of image.platforms) {
    const name = platformText(platform);
    const written = await client.putManifest(
      { registry, repository, digest: manifest.digest },
      manifest,
      signal,
    );
    manifests[name] = written.digest;
    configs[name] = config.digest;
  }
  const { digest } = await client.putManifest(reference, image.index, signal);
  return {
    reference: formatReference(reference),
    index: digest,
    manifests,
    configs,
    pushedAt: new Date(clock.now()).toISOString(),
    uploadedBytes,
  };
}
