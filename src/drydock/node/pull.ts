import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { ImageStore, StoredImage } from './image-store.ts';
import { platformDigest, readConfig, readManifest } from './manifest.ts';
import type { Descriptor } from './manifest.ts';
import type { ImageReference } from './reference.ts';
import type { Manifest, RegistryClient } from './registry-client.ts';
import { applyLayer, decompressLayer } from './unpack.ts';

const MAX_LAYER = 512 * 1024 * 1024;
const MAX_CONFIG = 4 * 1024 * 1024;

export interface PullOptions {
  readonly client: RegistryClient;
  readonly store: ImageStore;
  /** Where the node keeps what it unpacked. */
  readonly folder: string;
  readonly architecture: string;
  /** Whether the content of this image may be unpacked and run; what may not be is known by its digests only. */
  readonly isExecutable: (digests: readonly string[]) => boolean;
}

/** Pulls a reference into a node's store: resolve, manifest for the node's platform, config, layers; all verified. */
export async function pullImage(
  options: PullOptions,
  reference: ImageReference,
  signal: AbortSignal,
): Promise<StoredImage> {
  const { client, store } = options;
  const resolved = await client.resolve(reference, signal);
  const tag = reference.digest === undefined ? reference.text : undefined;
  const repoDigest = `${reference.name}@${resolved}`;
  const known = store.find(repoDigest);
  // Content that may be executed only since then was not unpacked.
  if (known !== undefined && (known.root !== undefined || !options.isExecutable(known.digests))) {
    return store.add(known, tag, repoDigest);
  }

  const top = await client.manifest(reference, resolved, signal);
  const manifest = await platformManifest(options, reference, top, signal);
  const body = readManifest(manifest.bytes, `the manifest ${manifest.digest}`);
  const configBytes = await client.blob(reference, body.config.digest, MAX_CONFIG, signal);
  const config = readConfig(configBytes, `the image config ${body.config.digest}`);
  const digests = [...new Set([top.digest, manifest.digest, body.config.digest])];
  const present = store.byConfig(body.config.digest);
  const root =
    present?.root ??
    (options.isExecutable(digests)
      ? await unpack(options, reference, body.config.digest, body.layers, signal)
      : undefined);
  const sizeBytes = body.layers.reduce((sum, layer) => sum + layer.size, body.config.size);
  return store.add(
    { configDigest: body.config.digest, config, root, sizeBytes, digests, simulated: false },
    tag,
    repoDigest,
  );
}

async function platformManifest(
  options: PullOptions,
  reference: ImageReference,
  top: Manifest,
  signal: AbortSignal,
): Promise<Manifest> {
  const digest = platformDigest(top.bytes, options.architecture, reference.text);
  return digest === undefined ? top : await options.client.manifest(reference, digest, signal);
}

async function unpack(
  options: PullOptions,
  reference: ImageReference,
  configDigest: string,
  layers: readonly Descriptor[],
  signal: AbortSignal,
): Promise<string> {
  const images = path.join(options.folder, 'images');
  mkdirSync(images, { recursive: true });
  const unfinished = mkdtempSync(path.join(images, 'pull-'));
  try {
    for (const layer of layers) {
      const blob = await options.client.blob(
        reference,
        layer.digest,
        Math.min(MAX_LAYER, layer.size),
        signal,
      );
      applyLayer(unfinished, decompressLayer(blob, layer.mediaType));
    }
    const root = path.join(images, configDigest.replace(':', '-'));
    // Two pods may have pulled the same image at once: what stands already is the same content.
    if (existsSync(root)) rmSync(unfinished, { recursive: true, force: true });
    else renameSync(unfinished, root);
    return root;
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw error;
  }
}
