import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { LandfallError, parseJson } from '../../kernel/index.ts';
import type { ImageConfig, ImageStore, StoredImage } from './image-store.ts';
import type { ImageReference } from './reference.ts';
import type { Manifest, RegistryClient } from './registry-client.ts';
import { applyLayer, decompressLayer } from './unpack.ts';

const MAX_LAYER = 512 * 1024 * 1024;
const MAX_CONFIG = 4 * 1024 * 1024;
const MAX_LAYERS = 128;

const Digest = z.string().regex(/^sha256:[a-f0-9]{64}$/);
const Descriptor = z.object({
  mediaType: z.string().default(''),
  digest: Digest,
  size: z.number().int().min(0),
});
const Index = z.object({
  manifests: z.array(
    Descriptor.extend({
      platform: z
        .object({ os: z.string(), architecture: z.string(), variant: z.string().optional() })
        .optional(),
    }),
  ),
});
const ManifestBody = z.object({ config: Descriptor, layers: z.array(Descriptor).max(MAX_LAYERS) });
const ConfigBody = z.object({
  config: z
    .object({
      Entrypoint: z.array(z.string()).nullish(),
      Cmd: z.array(z.string()).nullish(),
      Env: z.array(z.string()).nullish(),
      WorkingDir: z.string().nullish(),
      StopSignal: z.string().nullish(),
    })
    .nullish(),
});

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
  const body = read(ManifestBody, manifest.bytes, `the manifest ${manifest.digest}`);
  const configBytes = await client.blob(reference, body.config.digest, MAX_CONFIG, signal);
  const parsed = read(ConfigBody, configBytes, `the image config ${body.config.digest}`).config ?? {};
  const config: ImageConfig = {
    entrypoint: parsed.Entrypoint ?? [],
    cmd: parsed.Cmd ?? [],
    env: parsed.Env ?? [],
    workingDir: (parsed.WorkingDir ?? '') || '/',
    stopSignal: parsed.StopSignal ?? undefined,
  };
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
  const index = Index.safeParse(parseJson(top.bytes.toString('utf8'), `the manifest ${top.digest}`));
  if (!index.success) return top;
  const match = index.data.manifests.find(
    ({ platform }) => platform?.os === 'linux' && platform.architecture === options.architecture,
  );
  if (match === undefined) {
    throw new LandfallError(
      `failed to pull and unpack image "${reference.text}": no match for platform in manifest: not found`,
      { kind: 'not-found', code: 'image-platform', object: reference.text },
    );
  }
  return await options.client.manifest(reference, match.digest, signal);
}

async function unpack(
  options: PullOptions,
  reference: ImageReference,
  configDigest: string,
  layers: readonly z.infer<typeof Descriptor>[],
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

function read<S extends z.ZodType>(schema: S, bytes: Buffer, what: string): z.infer<S> {
  const parsed = schema.safeParse(parseJson(bytes.toString('utf8'), what));
  if (parsed.success) return parsed.data;
  throw new LandfallError(
    `${what} is not what the image specification asks for: ${z.prettifyError(parsed.error)}`,
    {
      kind: 'invalid-input',
      code: 'image-manifest',
    },
  );
}
