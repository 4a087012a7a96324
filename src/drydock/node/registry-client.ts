import { createHash } from 'node:crypto';
import { LandfallError, messageOf } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import type { ImageReference } from './reference.ts';

export const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const;

export interface Manifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface RegistryClient {
  /** What the reference names now, without fetching it. */
  resolve(reference: ImageReference, signal: AbortSignal): Promise<string>;
  manifest(reference: ImageReference, which: string, signal: AbortSignal): Promise<Manifest>;
  blob(reference: ImageReference, digest: string, maxBytes: number, signal: AbortSignal): Promise<Buffer>;
}

const MAX_MANIFEST = 4 * 1024 * 1024;
const MAX_TOKEN = 1024 * 1024;
const ATTEMPT_MS = 30_000;

/** Reads from the registry of a reference, through the mirror that is configured for it; every digest is verified. */
export function registryClient(
  baseUrlOf: (registry: string) => string,
  credentials: (registry: string) => Credentials | undefined,
  clock: Clock,
): RegistryClient {
  const tokens = new Map<string, string>();

  /** One request until its answer begins, within its time on the clock. */
  async function timed<T>(signal: AbortSignal, exchange: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const late = new AbortController();
    const timer = clock.after(ATTEMPT_MS, () => late.abort(new Error('i/o timeout')));
    try {
      return await exchange(AbortSignal.any([signal, late.signal]));
    } finally {
      timer.cancel();
    }
  }

  async function request(
    reference: ImageReference,
    path: string,
    init: { readonly method: 'GET' | 'HEAD'; readonly accept?: string },
    signal: AbortSignal,
  ): Promise<Response> {
    const url = `${baseUrlOf(reference.registry)}/v2/${reference.repository}/${path}`;
    const key = `${reference.registry}/${reference.repository}`;
    const send = (authorization: string | undefined) =>
      timed(signal, (either) =>
        fetch(url, {
          method: init.method,
          headers: {
            ...(init.accept === undefined ? {} : { accept: init.accept }),
            ...(authorization === undefined ? {} : { authorization }),
          },
          signal: either,
        }),
      );
    let response: Response;
    try {
      response = await send(tokens.get(key));
      if (response.status === 401) {
        const authorization = await authorize(
          reference,
          response.headers.get('www-authenticate') ?? '',
          signal,
        );
        if (authorization !== undefined) {
          await response.body?.cancel();
          tokens.set(key, authorization);
          response = await send(authorization);
        }
      }
    } catch (cause) {
      if (signal.aborted) throw cause;
      throw failure(
        reference,
        `failed to do request: ${init.method === 'HEAD' ? 'Head' : 'Get'} "${url}": ${networkReason(cause)}`,
        cause,
      );
    }
    if (response.ok) return response;
    await response.body?.cancel();
    throw statusFailure(reference, init.method, url, response.status, response.statusText);
  }

  async function authorize(
    reference: ImageReference,
    challenge: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const found = credentials(reference.registry);
    const basic =
      found === undefined
        ? undefined
        : `Basic ${Buffer.from(`${found.username}:${found.password}`).toString('base64')}`;
    if (!/^bearer /i.test(challenge)) return basic;
    const fields = Object.fromEntries(
      [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map((match) => [match[1] ?? '', match[2] ?? '']),
    );
    const { realm, service } = fields;
    if (realm === undefined) return undefined;
    const url = new URL(realm);
    if (service !== undefined) url.searchParams.set('service', service);
    url.searchParams.set('scope', fields['scope'] ?? `repository:${reference.repository}:pull`);
    const response = await timed(signal, (either) =>
      fetch(url, { headers: basic === undefined ? {} : { authorization: basic }, signal: either }),
    );
    if (!response.ok) {
      await response.body?.cancel();
      return undefined;
    }
    const answer = JSON.parse((await bounded(response, MAX_TOKEN)).toString('utf8')) as {
      token?: unknown;
      access_token?: unknown;
    };
    const token = answer.token ?? answer.access_token;
    return typeof token === 'string' ? `Bearer ${token}` : undefined;
  }

  return {
    async resolve(reference, signal) {
      if (reference.digest !== undefined) return reference.digest;
      const path = `manifests/${reference.tag ?? 'latest'}`;
      const response = await request(
        reference,
        path,
        { method: 'HEAD', accept: MANIFEST_TYPES.join(', ') },
        signal,
      );
      await response.body?.cancel();
      const digest = response.headers.get('docker-content-digest');
      if (digest !== null && /^sha256:[a-f0-9]{64}$/.test(digest)) return digest;
      return (await this.manifest(reference, reference.tag ?? 'latest', signal)).digest;
    },

    async manifest(reference, which, signal) {
      const response = await request(
        reference,
        `manifests/${which}`,
        { method: 'GET', accept: MANIFEST_TYPES.join(', ') },
        signal,
      );
      const bytes = await bounded(response, MAX_MANIFEST);
      const digest = sha256(bytes);
      if (which.startsWith('sha256:') && digest !== which) {
        throw failure(reference, `the manifest that was answered for ${which} has the digest ${digest}`);
      }
      const mediaType = (response.headers.get('content-type') ?? '').split(';')[0]?.trim() ?? '';
      return { digest, mediaType, bytes };
    },

    async blob(reference, digest, maxBytes, signal) {
      const response = await request(reference, `blobs/${digest}`, { method: 'GET' }, signal);
      const bytes = await bounded(response, maxBytes);
      const found = sha256(bytes);
      if (found !== digest) {
        throw failure(reference, `the blob that was answered for ${digest} has the digest ${found}`);
      }
      return bytes;
    },
  };
}

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

async function bounded(response: Response, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new LandfallError(`${response.url} answered with more than ${maxBytes} bytes.`, {
        kind: 'unavailable',
        code: 'registry-answer-too-large',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What containerd makes of a registry's answer that is no success. */
export function statusFailure(
  reference: ImageReference,
  method: string,
  url: string,
  status: number,
  statusText: string,
): LandfallError {
  if (status === 404) return failure(reference, `${reference.text}: not found`);
  if (status === 401 || status === 403) {
    return failure(
      reference,
      `pull access denied, repository does not exist or may require authorization: authorization failed: ${status} ${status === 401 ? 'Unauthorized' : 'Forbidden'}`,
    );
  }
  return failure(reference, `unexpected status from ${method} request to ${url}: ${status} ${statusText}`);
}

/** What containerd makes of a registry that does not answer. */
export function timeoutFailure(reference: ImageReference, url: string): LandfallError {
  return failure(reference, `failed to do request: Head "${url}": dial tcp: i/o timeout`);
}

function networkReason(cause: unknown): string {
  if (cause instanceof Error && cause.cause !== undefined) return messageOf(cause.cause);
  return messageOf(cause);
}

/** The sentence as containerd's puller and the kubelet above it put it. */
function failure(reference: ImageReference, reason: string, cause?: unknown): LandfallError {
  return new LandfallError(
    `failed to pull and unpack image "${reference.text}": failed to resolve reference "${reference.text}": ${reason}`,
    { kind: 'unavailable', code: 'image-pull', object: reference.text, cause },
  );
}
