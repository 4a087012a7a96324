import { createHash } from 'node:crypto';
import path from 'node:path';
import { LandfallError, messageOf, sleep } from '../../kernel/index.ts';
import type { Container, Pod } from '../controllers/index.ts';
import { backOff } from './back-off.ts';
import { imageStore } from './image-store.ts';
import type { ImageStore, StoredImage } from './image-store.ts';
import { sufferPull } from './pull-faults.ts';
import type { PullFaultOptions } from './pull-faults.ts';
import { pullImage } from './pull.ts';
import { parseReference } from './reference.ts';
import type { ImageReference } from './reference.ts';
import { registryClient } from './registry-client.ts';
import type { Credentials } from './registry-client.ts';

/** Where an image comes from: a registry that is reached, or none that this node knows. */
export type ImageSource = { readonly kind: 'registry'; readonly url: string } | { readonly kind: 'unknown' };

export interface NodeImagesOptions extends PullFaultOptions {
  /** Where images are unpacked to. */
  readonly folder: string;
  /** Whether the folder outlives this process, and what is in it should be known again. */
  readonly keep: boolean;
  readonly architecture: string;
  readonly sourceOf: (registry: string) => ImageSource;
  /** Images of unknown registries are an error instead of being simulated. */
  readonly strict: boolean;
  readonly isExecutable: (digests: readonly string[]) => boolean;
  readonly onChange: () => void;
}

export type Ensured =
  | { readonly image: StoredImage; readonly reference: string }
  | {
      readonly waiting: { readonly reason: string; readonly message: string };
      readonly retryAfterMs: number;
    };

export type ImageEvent = (type: 'Normal' | 'Warning', reason: string, message: string) => void;

export interface NodeImages {
  readonly store: ImageStore;
  /** Has the image on the node by the rules of the container's pull policy, or says why not and when to try again. */
  ensure(
    pod: Pod,
    container: Container,
    credentials: (registry: string) => Credentials | undefined,
    event: ImageEvent,
    signal: AbortSignal,
  ): Promise<Ensured>;
}

const SIMULATED_PULL_MS = 50;
const LOOK_AGAIN_MS = 1000;
const NEVER_AGAIN_MS = 10_000;

export function nodeImages(options: NodeImagesOptions): NodeImages {
  const { clock } = options;
  const store = imageStore(options.keep ? path.join(options.folder, 'images.json') : undefined);
  const pulls = backOff();
  const lastFailure = new Map<string, { message: string; at: number }>();
  const underWay = new Map<string, Promise<StoredImage>>();

  async function ensure(
    pod: Pod,
    container: Container,
    credentials: (registry: string) => Credentials | undefined,
    event: ImageEvent,
    signal: AbortSignal,
  ): Promise<Ensured> {
    const policy = container.imagePullPolicy ?? 'IfNotPresent';
    let reference: ImageReference;
    try {
      reference = parseReference(container.image);
    } catch (error) {
      const message = `Failed to apply default image tag "${container.image}": ${messageOf(error)}`;
      event('Warning', 'InspectFailed', message);
      event('Warning', 'Failed', 'Error: InvalidImageName');
      return { waiting: { reason: 'InvalidImageName', message }, retryAfterMs: NEVER_AGAIN_MS };
    }
    const stored = store.find(reference.text);
    const present = usable(stored);
    // What was pulled before stays what the name means here, also when its content has to be fetched again.
    const [pulledBefore] = stored?.digests ?? [];
    const wanted =
      policy === 'Always' || pulledBefore === undefined
        ? reference
        : parseReference(`${reference.name}@${pulledBefore}`);
    if (policy !== 'Always' && present !== undefined) {
      event('Normal', 'Pulled', `Container image "${container.image}" already present on machine`);
      return { image: present, reference: reference.text };
    }
    if (policy === 'Never') {
      const message = `Container image "${container.image}" is not present with pull policy of Never`;
      event('Warning', 'ErrImageNeverPull', message);
      event('Warning', 'Failed', 'Error: ErrImageNeverPull');
      return { waiting: { reason: 'ErrImageNeverPull', message }, retryAfterMs: NEVER_AGAIN_MS };
    }

    const key = `${pod.metadata.uid ?? ''}_${container.image}`;
    const failed = lastFailure.get(key);
    const left = failed === undefined ? 0 : pulls.left(key, failed.at, clock.now());
    if (failed !== undefined && left > 0) {
      const message = `Back-off pulling image "${container.image}"`;
      event('Normal', 'BackOff', message);
      event('Warning', 'Failed', 'Error: ImagePullBackOff');
      return {
        waiting: { reason: 'ImagePullBackOff', message: `${message}: ErrImagePull: ${failed.message}` },
        retryAfterMs: left,
      };
    }
    event('Normal', 'Pulling', `Pulling image "${container.image}"`);
    const began = clock.now();
    try {
      await sufferPull(options, container.image, reference, signal);
      const image = await fetched(wanted, credentials, signal);
      const took = elapsed(clock.now() - began);
      event(
        'Normal',
        'Pulled',
        image.simulated
          ? `Simulated the pull of image "${container.image}": its registry ${reference.registry} is not configured, nothing was fetched`
          : `Successfully pulled image "${container.image}" in ${took} (${took} including waiting). Image size: ${image.sizeBytes} bytes.`,
      );
      lastFailure.delete(key);
      pulls.forget(key);
      options.onChange();
      return { image, reference: reference.text };
    } catch (error) {
      if (signal.aborted) throw error;
      const text = messageOf(error);
      const message = `rpc error: code = ${text.endsWith('not found') ? 'NotFound' : 'Unknown'} desc = ${text}`;
      event('Warning', 'Failed', `Failed to pull image "${container.image}": ${message}`);
      event('Warning', 'Failed', 'Error: ErrImagePull');
      const now = clock.now();
      pulls.next(key, now, now);
      lastFailure.set(key, { message, at: now });
      return { waiting: { reason: 'ErrImagePull', message }, retryAfterMs: LOOK_AGAIN_MS };
    }
  }

  /** An image whose content may be executed only since it was pulled has to be pulled again to have it. */
  function usable(image: StoredImage | undefined): StoredImage | undefined {
    if (image === undefined || image.simulated || image.root !== undefined) return image;
    return options.isExecutable(image.digests) ? undefined : image;
  }

  /** Pods that want the same reference at the same time share one pull. */
  async function fetched(
    reference: ImageReference,
    credentials: (registry: string) => Credentials | undefined,
    signal: AbortSignal,
  ): Promise<StoredImage> {
    const running = underWay.get(reference.text);
    if (running !== undefined) {
      const shared = await running.catch(() => undefined);
      if (shared !== undefined) return shared;
    }
    const pull = fetchImage(reference, credentials, signal);
    underWay.set(reference.text, pull);
    try {
      return await pull;
    } finally {
      if (underWay.get(reference.text) === pull) underWay.delete(reference.text);
    }
  }

  async function fetchImage(
    reference: ImageReference,
    credentials: (registry: string) => Credentials | undefined,
    signal: AbortSignal,
  ): Promise<StoredImage> {
    const source = options.sourceOf(reference.registry);
    if (source.kind === 'registry') {
      const client = registryClient(() => source.url, credentials, clock);
      const { folder, architecture, isExecutable } = options;
      return await pullImage({ client, store, folder, architecture, isExecutable }, reference, signal);
    }
    if (options.strict) {
      throw new LandfallError(
        `failed to pull and unpack image "${reference.text}": failed to resolve reference "${reference.text}": the registry ${reference.registry} is not configured on this node, and images are not simulated (strict images)`,
        { kind: 'unavailable', code: 'registry-not-configured', object: reference.text },
      );
    }
    await sleep(clock, SIMULATED_PULL_MS, signal);
    return simulated(reference);
  }

  function simulated(reference: ImageReference): StoredImage {
    const digest = reference.digest ?? derivedDigest(`manifest ${reference.text}`);
    const image: StoredImage = {
      configDigest: derivedDigest(`config ${reference.text}`),
      config: { entrypoint: [], cmd: [], env: [], workingDir: '/', stopSignal: undefined },
      root: undefined,
      sizeBytes: 0,
      digests: [digest],
      simulated: true,
    };
    const tag = reference.digest === undefined ? reference.text : undefined;
    return store.add(image, tag, `${reference.name}@${digest}`);
  }

  return { store, ensure };
}

function derivedDigest(text: string): string {
  return `sha256:${createHash('sha256').update(`drydock simulated ${text}`).digest('hex')}`;
}

function elapsed(ms: number): string {
  return ms < 1000 ? `${ms}ms` : `${Number((ms / 1000).toFixed(3))}s`;
}
