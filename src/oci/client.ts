import { LandfallError, systemClock, type Clock } from '../kernel/index.ts';
import { pushBlob, readBlob, blobExists, type BlobPush } from './blob-client.ts';
import { anonymous, type CredentialSource } from './credentials.ts';
import { newEndpoints, type Mirror } from './endpoints.ts';
import { newHttpExchanger } from './http-exchange.ts';
import type { Descriptor, Manifest, Platform } from './manifest.ts';
import {
  deleteManifest,
  headManifest,
  readManifest,
  writeManifest,
  type ManifestHead,
  type WrittenManifest,
} from './manifest-client.ts';
import { formatReference, parseReference, type ImageReference, type PinnedReference } from './reference.ts';
import { attachReferrer, listReferrers } from './referrers-client.ts';
import { newPace, type Pace } from './pace.ts';
import { resolveReference, type Resolution } from './resolve.ts';
import { newPageCache } from './page-cache.ts';
import { listTags } from './tags-client.ts';
import type { Session } from './session.ts';
import { newTransport } from './transport.ts';

export interface RegistryClientOptions {
  /** By registry host, `docker.io` for Docker Hub. */
  readonly mirrors?: Readonly<Record<string, Mirror | readonly Mirror[]>>;
  /** Default: anonymous. `dockerCredentials` reads what `docker login` wrote. */
  readonly credentials?: CredentialSource;
  readonly clock?: Clock;
  /** Milliseconds without progress until a request is given up. Default 15,000. */
  readonly fetchTimeoutMs?: number;
  /** Hosts beside this machine that may be spoken to without TLS: `registry.lan:5000`. */
  readonly allowHttp?: readonly string[];
  /** Certificates (PEM) of authorities that are trusted beside the usual ones. */
  readonly ca?: readonly string[];
  /** Further attempts after 429, 502, 503, 504 and a cut connection. Default 3. */
  readonly retries?: number;
  /** The longest wait that Retry-After may ask for, in milliseconds. Default 10,000. */
  readonly maxWaitMs?: number;
  /** Connections to one origin at a time. Default 8. */
  readonly maxSockets?: number;
  /** Shared by clients of several credentials: together they ask no registry faster. Default: as fast as asked. */
  readonly pace?: Pace;
}

/** An image, as text or taken apart. */
export type ImageName = string | ImageReference;

/**
 * Reads and writes registries by the distribution specification 1.1. What is missing is `not-found`, what may not be
 * read is `denied` with the code `registry-unauthorized`, and a registry that does not answer as it should is
 * `unavailable`: nothing is known then. Bytes that come by digest have that digest.
 */
export interface RegistryClient {
  /**
   * What a reference is now: one answer for the reference, then everything under it by digest. `platforms` leaves
   * others out (and their requests); all by default.
   */
  resolve(
    image: ImageName,
    signal: AbortSignal,
    options?: { readonly platforms?: readonly Platform[] },
  ): Promise<Resolution>;
  /** The digest of a tag or whether a digest is there, in one request. */
  head(image: ImageName, signal: AbortSignal): Promise<ManifestHead>;
  getManifest(image: ImageName, signal: AbortSignal): Promise<Manifest>;
  /** The digest is the one that the registry answered, checked against the bytes. */
  putManifest(
    image: ImageName,
    manifest: { readonly mediaType: string; readonly bytes: Uint8Array },
    signal: AbortSignal,
  ): Promise<WrittenManifest>;
  deleteManifest(image: ImageName, signal: AbortSignal): Promise<void>;
  hasBlob(repository: ImageName, digest: string, signal: AbortSignal): Promise<boolean>;
  /** At most `maxBytes`, default 64 MiB. */
  getBlob(
    repository: ImageName,
    digest: string,
    signal: AbortSignal,
    options?: { readonly maxBytes?: number },
  ): Promise<Buffer>;
  /** Uploads only what is not there. `mountFrom` names a repository of the same registry that may have it. */
  pushBlob(
    repository: ImageName,
    bytes: Uint8Array,
    signal: AbortSignal,
    options?: { readonly mountFrom?: string },
  ): Promise<BlobPush>;
  /**
   * All tags, in the registry's order, over all pages. Mirrors are not asked: theirs may be incomplete. Pages that the
   * registry marks with an ETag are asked for only if they changed.
   */
  tags(repository: ImageName, signal: AbortSignal): Promise<readonly string[]>;
  /** What refers to the digest of `image`; by the tag schema where the registry has no referrers API. */
  referrers(
    image: ImageName,
    signal: AbortSignal,
    options?: { readonly artifactType?: string },
  ): Promise<readonly Descriptor[]>;
  /**
   * Pushes a manifest that has the digest of `image` as its subject, and keeps the tag schema where the registry has
   * no referrers API. Answers with the manifest's digest.
   */
  attach(
    image: ImageName,
    manifest: { readonly mediaType: string; readonly bytes: Uint8Array; readonly artifactType: string },
    signal: AbortSignal,
  ): Promise<string>;
  /** Closes idle connections. The client may be used again. */
  close(): void;
}

export function createRegistryClient(options: RegistryClientOptions = {}): RegistryClient {
  const { clock = systemClock } = options;
  const http = newHttpExchanger({
    clock,
    timeoutMs: options.fetchTimeoutMs ?? 15_000,
    ca: options.ca ?? [],
    maxSockets: options.maxSockets ?? 8,
  });
  const endpoints = newEndpoints({
    http,
    clock,
    credentials: options.credentials ?? anonymous,
    mirrors: options.mirrors ?? {},
    allowHttp: options.allowHttp ?? [],
  });
  const send = newTransport({
    http,
    clock,
    retries: options.retries ?? 3,
    maxWaitMs: options.maxWaitMs ?? 10_000,
    pace: options.pace ?? newPace({ clock }),
  });
  const pages = newPageCache();
  const session: Session = {
    clock,
    send,
    async read(registry, signal, ask) {
      let failure: unknown;
      for (const endpoint of await endpoints.of(registry, 'read', signal)) {
        try {
          return await ask(endpoint);
        } catch (error) {
          failure = error;
          if (!(error instanceof LandfallError) || error.kind === 'cancelled' || error.kind === 'bug') break;
        }
      }
      throw failure;
    },
    async authority(registry, signal) {
      const [endpoint] = await endpoints.of(registry, 'authority', signal);
      if (endpoint !== undefined) return endpoint;
      throw new LandfallError(`No endpoint for ${registry}.`, { kind: 'bug', code: 'no-endpoint' });
    },
  };
  const parsed = (image: ImageName): ImageReference =>
    typeof image === 'string' ? parseReference(image) : image;

  const pinned = (image: ImageName): PinnedReference => {
    const reference = parsed(image);
    const { digest } = reference;
    if (digest !== undefined) return { ...reference, digest };
    throw new LandfallError(`What refers to ${formatReference(reference)} can only be asked by digest.`, {
      kind: 'invalid-input',
      code: 'digest-required',
      object: formatReference(reference),
      hint: 'Resolve it first and ask with its digest.',
    });
  };

  return {
    resolve: async (image, signal, { platforms } = {}) =>
      resolveReference(session, parsed(image), platforms, signal),
    head: async (image, signal) => headManifest(session, parsed(image), signal),
    getManifest: async (image, signal) => readManifest(session, parsed(image), signal),
    putManifest: async (image, manifest, signal) => writeManifest(session, parsed(image), manifest, signal),
    deleteManifest: async (image, signal) => deleteManifest(session, parsed(image), signal),
    hasBlob: async (repository, digest, signal) => blobExists(session, parsed(repository), digest, signal),
    getBlob: async (repository, digest, signal, { maxBytes = 64 * 1024 * 1024 } = {}) =>
      readBlob(session, parsed(repository), digest, maxBytes, signal),
    pushBlob: async (repository, bytes, signal, { mountFrom } = {}) =>
      pushBlob(session, parsed(repository), bytes, mountFrom, signal),
    tags: async (repository, signal) => listTags(session, parsed(repository), pages, signal),
    referrers: async (image, signal, { artifactType } = {}) =>
      listReferrers(session, pinned(image), artifactType, signal),
    attach: async (image, manifest, signal) => attachReferrer(session, pinned(image), manifest, signal),
    close: () => http.close(),
  };
}
