import { LandfallError, getArray } from '../kernel/index.ts';
import type { RegistryClient } from './client.ts';
import { readDescriptor } from './manifest.ts';
import { isIndexType } from './media-types.ts';
import { formatReference } from './reference.ts';
import type { ImageReference } from './reference.ts';
import { untar } from './untar.ts';

/** What an artifact of a registry holds, as files. */
export interface Artifact {
  /** Of its manifest. */
  readonly digest: string;
  readonly mediaType: string;
  readonly files: ReadonlyMap<string, Buffer>;
}

export interface PullArtifactOptions {
  /** The first layer of this type; left out: the first one. */
  readonly layer?: string;
  /** The layer as one file of that name, instead of unpacked. */
  readonly copyAs?: string;
  /** Of the layer, packed. Default 64 MiB. */
  readonly maxBytes?: number;
}

const MAX_BYTES = 64 * 1024 * 1024;
const LIMITS = { maxBytes: 256 * 1024 * 1024, maxFiles: 20_000 };

/**
 * Pulls one layer of an artifact, checked by its digests, and unpacks it. Throws what the registry says, `not-found`,
 * code `artifact-layer`, where it has no such layer, and `invalid-input` for what cannot be unpacked.
 */
export async function pullArtifact(
  registry: RegistryClient,
  reference: ImageReference,
  signal: AbortSignal,
  options: PullArtifactOptions = {},
): Promise<Artifact> {
  const manifest = await registry.getManifest(reference, signal);
  const where = `${formatReference(reference)} (${manifest.digest})`;
  if (isIndexType(manifest.mediaType)) {
    throw new LandfallError(`${where} is an index of images, not an artifact with layers.`, {
      kind: 'invalid-input',
      code: 'artifact-index',
      object: where,
      hint: 'Name the artifact itself, by its digest.',
    });
  }
  const layers = getArray(manifest.json, 'layers').map((entry) => readDescriptor(entry, where));
  const layer = layers.find(({ mediaType }) => options.layer === undefined || mediaType === options.layer);
  if (layer === undefined) {
    const wanted = options.layer === undefined ? 'any layer' : `a layer of the type ${options.layer}`;
    throw new LandfallError(
      `${where} has no ${wanted.replace(/^an? |^any /, '')}; it has ${layers.map(({ mediaType }) => mediaType).join(', ') || 'none'}.`,
      { kind: 'not-found', code: 'artifact-layer', object: where, hint: 'Mend spec.layerSelector.' },
    );
  }
  const maxBytes = options.maxBytes ?? MAX_BYTES;
  const { registry: host, repository } = reference;
  const bytes = await registry.getBlob({ registry: host, repository }, layer.digest, signal, { maxBytes });
  const files =
    options.copyAs === undefined ? await untar(bytes, LIMITS, where) : new Map([[options.copyAs, bytes]]);
  return { digest: manifest.digest, mediaType: layer.mediaType, files };
}
